/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where somebody without rights over the cgroup tree may make groups: below one whose
 * folder and cgroup.procs were given to him ("Delegation" in cgroup-v2.rst). The latter
 * is needed because a process moves only where the nearest group above both its old and
 * its new place lets it.
 *
 * The group above our own is tried first. A group that hands controllers to its children
 * may hold no processes, and in our own there is at least one: we.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

enum { OWN_GROUPS_MAX = 64 * 1024 }; /* bytes of /proc/self/cgroup: a line a hierarchy */

/* Our group below the mount, "" for the root; NULL where the mount does not show it,
 * or it was removed. */
static const char *own_group(struct arena *a)
{
	BUF struct buf text = { 0 };
	struct err ignored = { 0 };

	if (fd_read_file(AT_FDCWD, "/proc/self/cgroup", OWN_GROUPS_MAX, &text, &ignored) < 0)
		return NULL;
	for (const char *line = text.data; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (strncmp(line, "0::/", 4) == 0) {
			const char *path = arena_string(a, line + 3, len - 3);

			if (strncmp(path, "/..", 3) == 0) /* outside of our cgroup namespace */
				return NULL;
			return strcmp(path, "/") == 0 ? "" : path;
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

/* An fd of the group if we may make others below it, or -1. */
static int open_delegated(int mount, const char *group)
{
	struct err ignored = { 0 };
	FD int dir = cgroup_open_below(mount, *group ? group + 1 : ".", &ignored);

	if (dir < 0 || faccessat(dir, ".", W_OK | X_OK, 0) < 0 ||
	    faccessat(dir, "cgroup.procs", W_OK, 0) < 0)
		return -1;
	return fd_give(&dir);
}

int cgroup_probe_delegated(struct arena *a, struct cgroup_facts *f, struct err *e)
{
	char text[1024];

	f->limited = true;
	f->controllers = 0;
	if (f->mode == CGROUP_NONE)
		return 0;
	f->own = own_group(a);
	if (!f->own)
		return 0;

	FD int mount = cgroup_open_mount(f, e);
	TRY(mount);
	const char *slash = strrchr(f->own, '/');
	const char *above = arena_string(a, f->own, slash ? (size_t)(slash - f->own) : 0);
	FD int parent = open_delegated(mount, above);
	FD int own = parent < 0 ? open_delegated(mount, f->own) : -1;
	if (parent < 0 && own < 0)
		return 0;
	f->base = parent < 0 ? f->own : above;
	TRY(cgroup_file_read(parent < 0 ? own : parent, "cgroup.controllers", text, sizeof(text),
	                     e));
	f->controllers = cgroup_controllers_parse(text);
	return 0;
}
