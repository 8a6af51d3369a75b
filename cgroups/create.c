/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the container's cgroup. A group that we just made is ours, empty and thawed,
 * so nothing is asked about it: without controllers that is one mkdir and one open.
 * One that was there already is taken only if nobody is in it and it is not frozen,
 * or processes of others would fall under the container's limits and its kill.
 *
 * Controllers are enabled from the top down, each group's for its children, because a
 * group can hand down only what it has got. What a failing call made is removed; what
 * others could have begun to use (enabled controllers) stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

/* Gives the children of `dir` the controllers that they do not have yet. */
static int enable(int dir, unsigned int controllers, const char *name, struct err *e)
{
	char text[1024], words[128];

	TRY(cgroup_file_read(dir, "cgroup.subtree_control", text, sizeof(text), e));
	controllers &= ~cgroup_controllers_parse(text);
	if (!controllers)
		return 0;

	cgroup_controllers_print(controllers, "+", text, sizeof(text));
	if (cgroup_file_write(dir, "cgroup.subtree_control", text, e) == 0)
		return 0;

	cgroup_controllers_print(controllers, "", words, sizeof(words));
	err_in(e, "enable %s below cgroup %s", words, name);
	if (e->sys == EBUSY)
		return err_hint(e, "processes sit in that cgroup itself: move them into a child");
	if (e->sys == ENOENT || e->sys == EINVAL)
		return err_hint(e, "its cgroup.controllers lists what it can hand down");
	return -1;
}

/* Length of the parent's path within the first `end` bytes of path; 0: the root. */
static size_t parent_length(const char *path, size_t end)
{
	while (end > 0 && path[end - 1] != '/')
		end--;
	return end ? end - 1 : 0;
}

/* Removes the groups of path from its first `end` bytes up to `keep` bytes of it. */
static void remove_made(int mount, const char *path, size_t end, size_t keep)
{
	char part[PATH_MAX];

	for (; end > keep; end = parent_length(path, end)) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)end, path);
		(void)unlinkat(mount, part, AT_REMOVEDIR);
	}
}

/* Enables controllers for the group that the first `end` bytes of path name. */
static int enable_above(int mount, const char *path, size_t end, unsigned int controllers,
                        struct err *e)
{
	char part[PATH_MAX];
	size_t above = parent_length(path, end);

	(void)snprintf(part, sizeof(part), "%.*s", (int)above, above ? path : ".");
	FD int parent = cgroup_open_below(mount, above ? part : ".", e);

	TRY(parent);
	return enable(parent, controllers, above ? part : "/", e);
}

/* Makes the group that the first `end` bytes of path name, below one that is there.
 * *ret_kept becomes `end` if it was there already. */
static int make_group(int mount, const char *path, size_t end, unsigned int controllers,
                      size_t *ret_kept, struct err *e)
{
	char part[PATH_MAX];

	if (controllers)
		TRY(enable_above(mount, path, end, controllers, e));
	(void)snprintf(part, sizeof(part), "%.*s", (int)end, path);
	if (mkdirat(mount, part, 0755) == 0)
		return 0;
	if (errno == EEXIST) {
		*ret_kept = end;
		return 0;
	}
	err_sys(e, "mkdir cgroup /%s", part);
	if (e->sys == EACCES || e->sys == EPERM)
		return err_hint(e, "the group above must be delegated to this user");
	return -1;
}

/* Makes all groups of the path that are not there. *ret_kept: how many bytes of the
 * path were there before, which is all of it if the last group was. */
static int make_path(int mount, const char *path, unsigned int controllers, size_t *ret_kept,
                     struct err *e)
{
	size_t len = strlen(path), end = 0;

	*ret_kept = parent_length(path, len);
	if (!controllers && mkdirat(mount, path, 0755) == 0)
		return 0; /* the common case: all groups above are there */

	*ret_kept = 0;
	do {
		end += strcspn(path + end, "/");
		if (make_group(mount, path, end, controllers, ret_kept, e) < 0) {
			remove_made(mount, path, end, *ret_kept);
			return -1;
		}
	} while (end++ < len);
	return 0;
}

int cgroup_check_unused(int cgroup, struct err *e)
{
	struct cgroup_events now;
	FD int events = cgroup_events_open(cgroup, e);

	TRY(events);
	TRY(cgroup_events_read(events, &now, e));
	if (now.populated) {
		ARENA struct arena a;
		pid_t *pids;
		size_t count;

		arena_init(&a, 0);
		TRY(cgroup_pids(&a, cgroup, &pids, &count, e));
		return err_set(e, ERR_STATE,
		               "container's cgroup is not empty: %zu process(es) found", count);
	}
	if (now.frozen)
		return err_set(e, ERR_STATE, "container's cgroup unexpectedly frozen");
	return 0;
}

int cgroup_create(const struct cgroup_facts *facts, const char *path, unsigned int controllers,
                  bool *ret_made, struct err *e)
{
	const char *below = path + 1;
	size_t kept, len = strlen(below);
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	TRY(make_path(mount, below, controllers, &kept, e));

	FD int cgroup = cgroup_open_below(mount, below, e);
	if (cgroup < 0 || (kept == len && cgroup_check_unused(cgroup, e) < 0)) {
		remove_made(mount, below, len, kept);
		return -1;
	}
	*ret_made = kept < len;
	return fd_give(&cgroup);
}

int cgroup_enable(const struct cgroup_facts *facts, const char *path, unsigned int controllers,
                  struct err *e)
{
	const char *below = path + 1;
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	for (size_t end = strcspn(below, "/"); controllers;
	     end += 1 + strcspn(below + end + 1, "/")) {
		TRY(enable_above(mount, below, end, controllers, e));
		if (!below[end])
			break;
	}
	return 0;
}

int cgroup_open(const struct cgroup_facts *facts, const char *path, struct err *e)
{
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	return cgroup_open_below(mount, path + 1, e);
}
