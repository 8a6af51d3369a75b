/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: what system calls cost where it runs, in nanoseconds each: cheap ones that every
 * profile allows, one that engines allow by its argument, so that the kernel has to run
 * the filter, and one that they refuse.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 20000, BATCHES = 9 };

static uint32_t word;

static void call_getpid(void)
{
	(void)syscall(SYS_getpid);
}

static void call_openat(void)
{
	(void)syscall(SYS_openat, AT_FDCWD, "/nowhere", O_RDONLY, 0);
}

static void call_futex(void)
{
	(void)syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void call_personality(void)
{
	(void)syscall(SYS_personality, 0xffffffffUL);
}

static void call_swapoff(void)
{
	(void)syscall(SYS_swapoff, NULL);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{ "getpid", call_getpid },
	{ "openat", call_openat },
	{ "futex", call_futex },
	{ "personality", call_personality },
	{ "swapoff(refused)", call_swapoff },
};

static double measure(void (*call)(void))
{
	struct timespec from, to;
	double least = 1e9;

	for (int b = 0; b < BATCHES; b++) {
		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		for (int i = 0; i < CALLS; i++)
			call();
		(void)clock_gettime(CLOCK_MONOTONIC, &to);

		double ns = ((double)(to.tv_sec - from.tv_sec) * 1e9 +
		             (double)(to.tv_nsec - from.tv_nsec)) /
		            CALLS;
		least = ns < least ? ns : least;
	}
	return least;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		printf("%s %.0f\n", calls[i].name, measure(calls[i].call));
	return 0;
}
