/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

/* user.* attributes of cgroup2: since 5.7 (fs/kernfs/inode.c) */
static const char mark_name[] = "user.caisson";

enum { MARK_MAX = 512 };

/* The end of a long --root tells containers apart as well as the whole. */
static size_t mark_text(char *text, const char *root, const char *id)
{
	size_t len = strlen(root);
	const char *tail = len > MARK_MAX / 4 ? root + len - MARK_MAX / 4 : root;
	int n = snprintf(text, MARK_MAX, "%.256s %s", id, tail);

	return (size_t)n < MARK_MAX ? (size_t)n : MARK_MAX - 1;
}

int owner_mark(int cgroup, const char *root, const char *id, struct err *e)
{
	char text[MARK_MAX];
	size_t len = mark_text(text, root, id);

	return fsetxattr(cgroup, mark_name, text, len, 0) < 0 ? err_sys(e, "mark the cgroup") : 0;
}

int owner_is(int cgroup, const char *root, const char *id, struct err *e)
{
	char text[MARK_MAX], there[MARK_MAX];
	size_t len = mark_text(text, root, id);
	ssize_t n = fgetxattr(cgroup, mark_name, there, sizeof(there));

	if (n < 0)
		return errno == ENODATA || errno == ERANGE ? 0
		                                           : err_sys(e, "read the cgroup's mark");
	return (size_t)n == len && memcmp(text, there, len) == 0;
}
