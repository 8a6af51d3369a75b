/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: prints serial number and name of the session keyring, session-keyring(7).
 * session offer NAME: takes one of that name for its session's, opens it to everybody, prints it,
 *	and keeps it until somebody ends it.
 * session take SERIAL: links that keyring into its own, so that it has what its owner has.
 */
#include <err.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long keyctl(int what, long a, long b)
{
	return syscall(SYS_keyctl, what, a, b);
}

static void print_session(void)
{
	char text[256] = ""; /* type;uid;gid;permissions;name */
	long serial = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	if (serial < 0 || syscall(SYS_keyctl, KEYCTL_DESCRIBE, serial, text, sizeof(text) - 1) < 0)
		err(1, "keyctl");
	const char *name = strrchr(text, ';');

	printf("%ld %s\n", serial, name ? name + 1 : text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "take") == 0) {
		if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0) < 0)
			err(2, "join");
		if (keyctl(KEYCTL_LINK, atol(argv[2]), KEY_SPEC_SESSION_KEYRING) < 0)
			err(1, "link");
		return 0;
	}
	if (argc == 3) {
		long serial = keyctl(KEYCTL_JOIN_SESSION_KEYRING, (long)argv[2], 0);

		if (serial < 0 || keyctl(KEYCTL_SETPERM, serial, 0x3f3f3f3f) < 0)
			err(1, "offer");
		print_session();
		pause();
	}
	print_session();
	return 0;
}
