/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile of AppArmor that a container is to have, entered by the monitor: it executes
 * nothing any more, so it changes its own. Its thread's attribute is opened while there is a
 * /proc, and written by the same process without one.
 *
 * Source: aa_change_profile(2), Documentation/admin-guide/LSM/apparmor.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "vm-sandbox/jail.h"

#define ATTRIBUTE "/proc/thread-self/attr/apparmor/current"

enum { PROFILE_ROOM = 4096 }; /* with its namespace and mode: the kernel takes a page */

int jail_profile_open(struct err *e)
{
	FD int fd = open(ATTRIBUTE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_REFUSED, "AppArmor is not in use on this host");
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(e, "open " ATTRIBUTE);
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(e, ERR_REFUSED, ATTRIBUTE " is not in a procfs");
	return fd_give(&fd);
}

/* "NAME (mode)\n" is the answer. */
static bool is_profile(const char *found, const char *profile)
{
	size_t len = strlen(profile);

	return strncmp(found, profile, len) == 0 &&
	       (found[len] == '\0' || found[len] == '\n' || strncmp(found + len, " (", 2) == 0);
}

int jail_profile(int attribute, const char *profile, struct err *e)
{
	char text[PROFILE_ROOM];
	int len = snprintf(text, sizeof(text), "changeprofile %s", profile);
	ssize_t got;

	if (len < 0 || (size_t)len >= sizeof(text))
		return err_set(e, ERR_SPEC, "a name of more than %zu bytes", sizeof(text));
	if (write(attribute, text, (size_t)len) != len) {
		(void)err_sys(e, "enter %s", profile);
		if (e->sys == ENOENT)
			err_hint(e, "the profile is not loaded on this host");
		return -1;
	}
	got = pread(attribute, text, sizeof(text) - 1, 0);
	if (got < 0)
		return err_sys(e, "read " ATTRIBUTE);
	text[got] = '\0';
	if (!is_profile(text, profile))
		return err_set(e, ERR_REFUSED, "%s was entered, and is not there", profile);
	return 0;
}
