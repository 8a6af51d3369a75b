/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter PLAN: what the seccomp filter of a launch plan costs by itself. Loads it in
 * children of its own, which do nothing else, and prints the number of its instructions
 * and the median time of seccomp(2) in microseconds.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/launch/plan.h"

enum { ROUNDS = 101 };

static const struct plan_step *find_filter(const struct plan *plan)
{
	const struct plan_step *step = plan_array(plan, plan->steps);

	for (uint32_t i = 0; i < plan->steps.count; i++)
		if (step[i].op == PLAN_SECCOMP)
			return &step[i];
	return NULL;
}

/* In a child: its time goes into the pipe, a negative one if it was refused. */
static _Noreturn void load(const struct plan *plan, const struct plan_step *step, int out)
{
	struct sock_fprog program = {
		.len = (unsigned short)step->seccomp.filter.count,
		.filter = (struct sock_filter *)(uintptr_t)plan_array(plan, step->seccomp.filter),
	};
	struct timespec from, to;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, step->seccomp.flags, &program);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	double us =
		(double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;

	if (result < 0)
		us = -1;
	_exit(write(out, &us, sizeof(us)) == sizeof(us) ? 0 : 1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double us[ROUNDS];
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, ends[2];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return 1;
	const struct plan *plan = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	const struct plan_step *step = plan == MAP_FAILED ? NULL : find_filter(plan);

	if (!step)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			load(plan, step, ends[1]);
		if (pid < 0 || waitpid(pid, NULL, 0) < 0 ||
		    read(ends[0], &us[i], sizeof(us[i])) != sizeof(us[i]) || us[i] < 0)
			return 1;
	}
	qsort(us, ROUNDS, sizeof(*us), by_value);
	printf("%u %.0f\n", step->seccomp.filter.count, us[ROUNDS / 2]);
	return 0;
}
