/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap A B: exchanges two names, over and over, until SIGTERM; then each is what it was.
 * A line on standard output says that it has begun. It runs on the last processor, so
 * that there is another for whom it races with.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t over;

static void end(int signo)
{
	(void)signo;
	over = 1;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = end };
	bool swapped = false, begun = false;
	cpu_set_t last;

	if (argc != 3)
		errx(2, "usage: swap A B");
	CPU_ZERO(&last);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	(void)sched_setaffinity(0, sizeof(last), &last);
	(void)sigaction(SIGTERM, &action, NULL);
	while (!over || swapped) {
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
			err(1, "exchange %s and %s", argv[1], argv[2]);
		swapped = !swapped;
		if (!begun && (begun = true, write(STDOUT_FILENO, "\n", 1) < 0))
			err(1, "standard output");
	}
	return 0;
}
