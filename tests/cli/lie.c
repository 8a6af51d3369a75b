/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lie NUMBER[:ERRNO] COMMAND...: runs a command for which one system call does nothing and
 * says that it succeeded, or that it failed with this errno. What was asked for without
 * looking back is missing then.
 */
#include <err.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: lie NUMBER[:ERRNO] COMMAND...");

	char *end;
	unsigned int number = (unsigned int)strtoul(argv[1], &end, 10);
	unsigned int error = *end == ':' ? (unsigned int)strtoul(end + 1, NULL, 10) : 0;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		err(2, "seccomp");
	execvp(argv[2], argv + 2);
	err(2, "execute %s", argv[2]);
}
