/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libseccomp FILE: what a profile costs with libseccomp alone, as other runtimes use it.
 * Each line of FILE is an architecture beside x86-64, "arch NAME", or a system call to
 * allow (ERRNO 0) or refuse, perhaps with one condition on an argument: "NAME ERRNO" or
 * "NAME ERRNO INDEX OP VALUE VALUETWO", OP as a number of enum scmp_compare; all else is
 * EPERM. Prints the number of instructions, and the median times of compiling and of
 * seccomp(2) in microseconds, each measured in children that do nothing else.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 51, RULES_MAX = 1024, INSTRUCTIONS_MAX = 4096 };

struct rule {
	char name[64];
	int fields; /* 2: without a condition */
	unsigned int errno_value, index, op;
	unsigned long long value, second;
};

struct cost {
	double compile_us, load_us; /* negative: refused */
	size_t instructions;
};

static struct rule rules[RULES_MAX];
static size_t rule_count;
static uint32_t architectures[8];
static size_t architecture_count;

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int read_rules(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	if (!file)
		return -1;
	while (rule_count < RULES_MAX && fgets(line, sizeof(line), file)) {
		struct rule *r = &rules[rule_count];

		/* our own script wrote it */
		if (sscanf(line, "arch %63s", r->name) == 1 && architecture_count < 8)
			architectures[architecture_count++] = seccomp_arch_resolve_name(r->name);
		/* NOLINTNEXTLINE(cert-err34-c) */
		r->fields = sscanf(line, "%63s %u %u %u %llu %llu", r->name, &r->errno_value,
		                   &r->index, &r->op, &r->value, &r->second);
		if (r->fields == 2 || r->fields == 6)
			rule_count++;
	}
	return fclose(file);
}

static scmp_filter_ctx compile(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!ctx || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		return NULL;
	for (size_t i = 0; i < architecture_count; i++)
		(void)seccomp_arch_add(ctx, architectures[i]);
	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *r = &rules[i];
		uint32_t action = r->errno_value ? SCMP_ACT_ERRNO(r->errno_value) : SCMP_ACT_ALLOW;
		int number = seccomp_syscall_resolve_name(r->name);
		struct scmp_arg_cmp when = { r->index, (enum scmp_compare)r->op, r->value,
			                     r->second };

		if (number != __NR_SCMP_ERROR)
			(void)seccomp_rule_add_array(ctx, action, number, r->fields > 2, &when);
	}
	return ctx;
}

static struct cost measure(void)
{
	static struct sock_filter code[INSTRUCTIONS_MAX];
	struct sock_fprog program = { .filter = code };
	struct cost cost = { .load_us = -1 };
	int fd = memfd_create("filter", MFD_CLOEXEC);
	double from = now_us();
	scmp_filter_ctx ctx = compile();

	if (fd < 0 || !ctx || seccomp_export_bpf(ctx, fd) < 0)
		return cost;
	cost.compile_us = now_us() - from;

	ssize_t bytes = pread(fd, code, sizeof(code), 0);
	if (bytes <= 0)
		return cost;
	cost.instructions = (size_t)bytes / sizeof(*code);
	program.len = (unsigned short)cost.instructions;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	from = now_us();
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	            &program) == 0)
		cost.load_us = now_us() - from;
	return cost;
}

/* In a child, for a filter stays; the memory that it writes the cost to is shared. */
static int measure_in_child(struct cost *ret)
{
	struct cost *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = shared == MAP_FAILED ? -1 : fork();

	if (pid == 0) {
		*shared = measure();
		_exit(0);
	}
	int result = pid < 0 || waitpid(pid, NULL, 0) < 0 ? -1 : 0;

	if (result == 0)
		*ret = *shared;
	if (shared != MAP_FAILED)
		(void)munmap(shared, sizeof(*shared));
	return result;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double compile_us[ROUNDS], load_us[ROUNDS];
	struct cost cost = { 0 };

	if (argc != 2 || read_rules(argv[1]) < 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		if (measure_in_child(&cost) < 0 || cost.load_us < 0)
			return 1;
		compile_us[i] = cost.compile_us;
		load_us[i] = cost.load_us;
	}
	qsort(compile_us, ROUNDS, sizeof(*compile_us), by_value);
	qsort(load_us, ROUNDS, sizeof(*load_us), by_value);
	printf("%zu %.0f %.0f\n", cost.instructions, compile_us[ROUNDS / 2], load_us[ROUNDS / 2]);
	return 0;
}
