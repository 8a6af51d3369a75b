/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first [PROGRAM]: marks a moment in a virtual machine so that its host sees it, by a byte
 * written to a port that no machine has; then executes PROGRAM. As the first process of a
 * container or of a machine its end is that one's.
 */
#include <stdio.h>
#include <sys/io.h>
#include <unistd.h>

enum { PORT = 0xf4 };

int main(int argc, char *argv[])
{
	if (ioperm(PORT, 1, 1) < 0) {
		perror("first: ioperm");
		return 1;
	}
	outb(1, PORT);
	if (argc > 1) {
		(void)execv(argv[1], argv + 1);
		perror("first: exec");
		return 1;
	}
	return 0;
}
