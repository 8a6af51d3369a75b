/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup [ROUNDS]: what making, limiting and removing a container's group costs beside the
 * bare system calls: mkdir, then open, write and close of each limit, then rmdir. Both do
 * the same to groups of their own below one parent, in turns; of each are printed the median
 * and the tenth that was least disturbed by others, in microseconds, and the ratios. Limits are
 * those of an engine's ordinary container, as far as the tree has the controllers.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"

enum { ROUNDS = 501, WRITES_MAX = 8 };

#define PARENT "/caisson-bench"

static const struct cgroup_write limits[] = {
	{ .file = "memory.max", .value = "67108864" },
	{ .file = "memory.low", .value = "33554432" },
	{ .file = "cpu.weight", .value = "50" },
	{ .file = "cpu.max", .value = "50000 100000" },
	{ .file = "pids.max", .value = "100" },
	{ .file = "cgroup.max.depth", .value = "9" },
};

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Those whose controller the tree has. */
static size_t choose(const struct cgroup_facts *facts, struct cgroup_write *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < LEN(limits); i++) {
		unsigned int needs = cgroup_file_controller(limits[i].file);

		if ((needs & facts->controllers) == needs)
			ret[n++] = limits[i];
	}
	return n;
}

static double bare(const char *path, const struct cgroup_write *writes, size_t n)
{
	double begin = now_us();

	if (mkdir(path, 0755) < 0)
		fail(path);
	int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < n; i++) {
		int fd = openat(group, writes[i].file, O_WRONLY | O_CLOEXEC);

		if (write(fd, writes[i].value, strlen(writes[i].value)) < 0)
			fail(writes[i].file);
		(void)close(fd);
	}
	(void)close(group);
	if (rmdir(path) < 0)
		fail(path);
	return now_us() - begin;
}

static double ours(const struct cgroup_facts *facts, const char *path,
                   const struct cgroup_write *writes, size_t n)
{
	struct err e = { 0 };
	unsigned int needed = 0;
	bool made = false;
	double begin = now_us();

	for (size_t i = 0; i < n; i++)
		needed |= cgroup_file_controller(writes[i].file);
	FD int group = cgroup_create(facts, path, needed, &made, &e);
	if (group < 0 || cgroup_apply(group, writes, n, &e) < 0 ||
	    cgroup_destroy(facts, path, 1000, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	return now_us() - begin;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *what, double *own, double *least, size_t at)
{
	printf("%s: caisson %.0f us, bare calls %.0f us, x %.2f\n", what, own[at], least[at],
	       own[at] / least[at]);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cgroup_facts facts;
	struct cgroup_write writes[WRITES_MAX];
	char parent[256], path[sizeof(parent) + 8];
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;
	double *mine = calloc(rounds, sizeof(*mine)), *least = calloc(rounds, sizeof(*least));

	if (rounds == 0 || !mine || !least || cgroup_probe(true, &facts, &e) < 0 ||
	    facts.mode == CGROUP_NONE) {
		(void)fprintf(stderr, "usage: cgroup [ROUNDS], where cgroup2 is mounted %s\n",
		              e.text);
		return 2;
	}
	size_t n = choose(&facts, writes);
	(void)snprintf(parent, sizeof(parent), "%s" PARENT, facts.mount);
	(void)snprintf(path, sizeof(path), "%s/bare", parent);
	(void)ours(&facts, PARENT "/warm", writes, n); /* makes the parent, too */
	for (size_t i = 0; i < rounds; i++) {
		mine[i] = ours(&facts, PARENT "/ours", writes, n);
		least[i] = bare(path, writes, n);
	}
	qsort(mine, rounds, sizeof(*mine), by_value);
	qsort(least, rounds, sizeof(*least), by_value);
	printf("cgroup with %zu limits, %zu rounds\n", n, rounds);
	print("median    ", mine, least, rounds / 2);
	print("best tenth", mine, least, rounds / 10);
	free(mine);
	free(least);
	return rmdir(parent) < 0;
}
