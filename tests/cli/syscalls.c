/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls: what the seccomp filters above it say to every system call, for a container
 * with a profile. Prints a line for each number: the architecture, the number, and what
 * each pattern of arguments was answered: "." allowed, or the errno.
 *
 * Nothing of it is executed. A thread loads a filter of its own, which asks for every
 * call; an answer of a profile that refuses is stronger and comes at once, and what it
 * allows comes to the other thread, which answers with an errno that the kernel does not
 * use (seccomp(2): of several filters the strongest answer counts; SECCOMP_RET_USER_NOTIF
 * is weaker than SECCOMP_RET_ERRNO).
 */
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ALLOWED = 3333, /* no errno of the kernel */
	NUMBERS = 512,
	X32 = 0x40000000,
};

/* The first argument is what profiles look at; the third is seen to be passed on. */
static const uint64_t patterns[] = { 0,           1,          2,          8,          16,
	                             40,          0x20000,    0x20008,    0x02000000, 0x04000000,
	                             0x08000000,  0x10000000, 0x20000000, 0x40000000, 0x7e020000,
	                             0x80000000,  0x01200011, 0xfffffffe, 0xffffffff, 0x100000000,
	                             0x100000008, UINT64_MAX, 0x1ffffffff };
enum { PATTERNS = sizeof(patterns) / sizeof(*patterns) };

static const struct {
	const char *name;
	uint32_t first;
	int i386;
} tables[] = { { "x86_64", 0, 0 }, { "x32", X32, 0 }, { "i386", 0, 1 } };
enum { TABLES = sizeof(tables) / sizeof(*tables) };

static long answers[TABLES][NUMBERS][PATTERNS];
static atomic_int listener = -1;
static atomic_bool done;

/* uretprobe and uprobe: the kernel calls them by itself, and asks no filter about them
 * (kernel/seccomp.c, seccomp_uprobe_exception). */
static bool is_unfiltered(uint32_t number)
{
	return number == 335 || number == 336;
}

static long call_i386(uint32_t number, uint64_t arg)
{
	long result;

	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "a"((long)number), "b"(arg), "c"(1L), "d"(2L), "S"(3L), "D"(4L)
	                 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static long call(uint32_t number, uint64_t arg)
{
	register long r10 __asm__("r10") = 3;
	register long r8 __asm__("r8") = 4;
	register long r9 __asm__("r9") = 5;
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"((long)number), "D"(arg), "S"(1L), "d"(2L), "r"(r10), "r"(r8), "r"(r9)
	                 : "memory", "rcx", "r11");
	return result;
}

static void *ask_all(void *unused)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
	struct sock_fprog program = { .len = 1, .filter = code };
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
	                  &program);

	atomic_store(&listener, fd < 0 ? -2 : (int)fd);
	for (int t = 0; t < TABLES; t++) {
		for (uint32_t n = 0; n < NUMBERS; n++) {
			for (int p = 0; p < PATTERNS && !is_unfiltered(n); p++)
				answers[t][n][p] = tables[t].i386
				                           ? call_i386(n, patterns[p])
				                           : call(tables[t].first + n, patterns[p]);
		}
	}
	atomic_store(&done, true);
	(void)call(SYS_getpid, 0); /* wakes the other */
	return unused;
}

static void print_all(void)
{
	for (int t = 0; t < TABLES; t++) {
		for (uint32_t n = 0; n < NUMBERS; n++) {
			printf("%s %u", tables[t].name, n);
			for (int p = 0; p < PATTERNS; p++) {
				if (answers[t][n][p] == -ALLOWED)
					printf(" .");
				else
					printf(" %ld", -answers[t][n][p]);
			}
			printf("\n");
		}
	}
}

int main(void)
{
	pthread_t thread;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    pthread_create(&thread, NULL, ask_all, NULL) != 0)
		err(1, "a thread");
	while (atomic_load(&listener) == -1)
		(void)sched_yield();
	if (listener < 0)
		errx(1, "no listener");
	for (;;) {
		struct seccomp_notif call_in = { 0 };
		struct seccomp_notif_resp response = { .error = -ALLOWED };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call_in) < 0)
			err(1, "receive");
		if (atomic_load(&done))
			break;
		response.id = call_in.id;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0)
			err(1, "send");
	}
	print_all();
	fflush(stdout);
	_exit(0);
}
