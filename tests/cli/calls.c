/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls [-h] [-t] [-i] NUMBER [ARGUMENT...]: makes one system call and prints what came
 * back: "ok", "errno N", or, with -h, "SIGSYS N" where the kernel sent that with si_errno
 * N. -t: in a second thread; the first prints "still here" when that has gone. -i: as a
 * 32-bit program does. "ok" of a call that returns something is all that is said of it.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long args[7]; /* the number first */
static bool i386;

static void say(const char *what, int number)
{
	char line[64];
	int n = number < 0 ? snprintf(line, sizeof(line), "%s\n", what)
	                   : snprintf(line, sizeof(line), "%s %d\n", what, number);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(2);
}

static void on_sigsys(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	say("SIGSYS", info->si_errno);
}

static long call(void)
{
	register long r10 __asm__("r10") = args[4];
	register long r8 __asm__("r8") = args[5];
	register long r9 __asm__("r9") = args[6];
	long result;

	if (i386)
		__asm__ volatile("int $0x80"
		                 : "=a"(result), "+r"(r10), "+r"(r8), "+r"(r9)
		                 : "a"(args[0]), "b"(args[1]), "c"(args[2]), "d"(args[3])
		                 : "memory", "r11");
	else
		__asm__ volatile("syscall"
		                 : "=a"(result)
		                 : "a"(args[0]), "D"(args[1]), "S"(args[2]), "d"(args[3]), "r"(r10),
		                   "r"(r8), "r"(r9)
		                 : "memory", "rcx", "r11");
	return result;
}

static void *call_and_say(void *unused)
{
	long result = call();

	if (result < 0 && result > -4096)
		say("errno", (int)-result);
	else
		say("ok", -1);
	return unused;
}

int main(int argc, char **argv)
{
	struct sigaction trap = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	const struct timespec while_it_dies = { .tv_nsec = 300000000 };
	bool thread = false;
	pthread_t other;
	int option;

	while ((option = getopt(argc, argv, "+hti")) != -1) {
		i386 |= option == 'i';
		thread |= option == 't';
		if (option == 'h' && sigaction(SIGSYS, &trap, NULL) < 0)
			err(2, "sigaction");
	}
	for (int i = 0; i < 7 && optind + i < argc; i++)
		args[i] = (long)strtoull(argv[optind + i], NULL, 0);
	if (!thread) {
		(void)call_and_say(NULL);
		return 0;
	}
	if (pthread_create(&other, NULL, call_and_say, NULL) != 0)
		errx(2, "no thread");
	(void)nanosleep(&while_it_dies, NULL); /* one that is killed cannot be joined */
	say("still here", -1);
	_exit(0);
}
