/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: prints serial number and name of the session keyring, session-keyring(7).
 */
#include <err.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	char text[256] = ""; /* type;uid;gid;permissions;name */
	long serial = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	if (serial < 0 || syscall(SYS_keyctl, KEYCTL_DESCRIBE, serial, text, sizeof(text) - 1) < 0)
		err(1, "keyctl");
	const char *name = strrchr(text, ';');

	printf("%ld %s\n", serial, name ? name + 1 : text);
	return 0;
}
