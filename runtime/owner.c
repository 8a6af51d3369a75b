/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* A group may be delegated to the container, who can then change its user.* attributes
 * (of cgroup2 since 5.7, fs/kernfs/inode.c) but never a trusted one; for the latter we
 * need CAP_SYS_ADMIN over the host: xattr(7). */
static const char trusted_name[] = "trusted.caisson", user_name[] = "user.caisson";

enum { MARK_MAX = 512 };

static int mark_text(char text[MARK_MAX], const struct stat *folder, const char *id)
{
	return snprintf(text, MARK_MAX, "%llx:%llx %.256s", (unsigned long long)folder->st_dev,
	                (unsigned long long)folder->st_ino, id);
}

int owner_mark(int cgroup, const struct stat *folder, const char *id, struct err *e)
{
	char text[MARK_MAX];
	int len = mark_text(text, folder, id);

	if (fsetxattr(cgroup, trusted_name, text, (size_t)len, 0) == 0 ||
	    (errno == EPERM && fsetxattr(cgroup, user_name, text, (size_t)len, 0) == 0))
		return 0;
	return err_sys(e, "mark the cgroup");
}

int owner_is(int cgroup, int folder, const char *id, struct err *e)
{
	char text[MARK_MAX], there[MARK_MAX];
	struct stat st;

	if (fstat(folder, &st) < 0)
		return err_sys(e, "fstat the folder of container %s", id);
	int len = mark_text(text, &st, id);
	ssize_t n = fgetxattr(cgroup, trusted_name, there, sizeof(there));
	if (n < 0 && errno == ENODATA)
		n = fgetxattr(cgroup, user_name, there, sizeof(there));
	if (n < 0)
		return errno == ENODATA || errno == ERANGE ? 0
		                                           : err_sys(e, "read the cgroup's mark");
	return n == len && memcmp(text, there, (size_t)len) == 0;
}
