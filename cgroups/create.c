/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the container's cgroup. A group that we just made is ours, empty and thawed,
 * so nothing is asked about it: without controllers that is one mkdir and one open.
 * One that was there already is taken only if nobody is in it and it is not frozen,
 * or processes of others would fall under the container's limits and its kill.
 *
 * Controllers are enabled from the top down, each group's for its children, because a
 * group can hand down only what it has got. The container gets all that the tree has,
 * not only those with a limit, since a controller is also what counts: without memory
 * there is no memory.current. Those that no limit needs are had where they can be, and
 * never a reason to fail. What a failing call made is removed; what others could have
 * begun to use (enabled controllers) stays.
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

static int write_controllers(int dir, unsigned int controllers, struct err *e)
{
	char text[1024];

	cgroup_controllers_print(controllers, "+", text, sizeof(text));
	return cgroup_file_write(dir, "cgroup.subtree_control", text, e);
}

/* Enables each of those that the kernel takes alone (cpu is refused while realtime
 * processes live, say): which these are. Not where it was the group that was refused. */
static unsigned int enable_each(int dir, unsigned int controllers, const struct err *why)
{
	unsigned int enabled = 0;

	if (why->sys != EINVAL && why->sys != ENOENT)
		return 0;
	for (unsigned int one = 1; one <= controllers; one <<= 1) {
		struct err ignored = { 0 };

		if ((controllers & one) && write_controllers(dir, one, &ignored) == 0)
			enabled |= one;
	}
	return enabled;
}

/* Gives the children of `dir` the controllers that they do not have yet: those that are
 * needed or fail, and of the others what is to be had, which is left in *others. */
static int enable(int dir, const char *name, unsigned int needed, unsigned int *others,
                  struct err *e)
{
	char text[1024], words[128];

	TRY(cgroup_file_read(dir, "cgroup.subtree_control", text, sizeof(text), e));
	unsigned int have = cgroup_controllers_parse(text);
	unsigned int missing = (needed | *others) & ~have;
	if (!missing || write_controllers(dir, missing, e) == 0)
		return 0;

	have |= enable_each(dir, missing, e);
	*others &= have;
	needed &= ~have;
	*e = (struct err){ 0 };
	if (!needed || write_controllers(dir, needed, e) == 0)
		return 0;

	cgroup_controllers_print(needed, "", words, sizeof(words));
	err_in(e, "enable %s below cgroup %s", words, name);
	if (e->sys == EBUSY)
		return err_hint(e, "processes sit in that cgroup itself: move them into a child");
	if (e->sys == ENOENT || e->sys == EINVAL)
		return err_hint(e, "its cgroup.controllers lists what it can hand down");
	if (e->sys == EOPNOTSUPP)
		return err_hint(e, "a threaded group hands down only what counts threads");
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
static int enable_above(int mount, const char *path, size_t end, unsigned int needed,
                        unsigned int *others, struct err *e)
{
	char part[PATH_MAX];
	size_t above = parent_length(path, end);

	(void)snprintf(part, sizeof(part), "%.*s", (int)above, above ? path : ".");
	FD int parent = cgroup_open_below(mount, above ? part : ".", e);

	TRY(parent);
	return enable(parent, above ? part : "/", needed, others, e);
}

/* From the top down, for the group that is open as `cgroup` too: mostly it has them. */
static int enable_path(int mount, int cgroup, const char *path, unsigned int needed,
                       unsigned int others, struct err *e)
{
	char text[1024];

	if (!(needed | others))
		return 0;
	TRY(cgroup_file_read(cgroup, "cgroup.controllers", text, sizeof(text), e));
	if (!((needed | others) & ~cgroup_controllers_parse(text)))
		return 0;
	for (size_t end = strcspn(path, "/"); needed | others;
	     end += 1 + strcspn(path + end + 1, "/")) {
		TRY(enable_above(mount, path, end, needed, &others, e));
		if (!path[end])
			break;
	}
	return 0;
}

/* Makes the group that the first `end` bytes of path name, below one that is there.
 * *ret_kept becomes `end` if it was there already. */
static int make_group(int mount, const char *path, size_t end, size_t *ret_kept, struct err *e)
{
	char part[PATH_MAX];

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
static int make_path(int mount, const char *path, size_t *ret_kept, struct err *e)
{
	size_t len = strlen(path), end = 0;

	*ret_kept = parent_length(path, len);
	if (mkdirat(mount, path, 0755) == 0)
		return 0; /* the common case: all groups above are there */

	*ret_kept = 0;
	do {
		end += strcspn(path + end, "/");
		if (make_group(mount, path, end, ret_kept, e) < 0) {
			remove_made(mount, path, end, *ret_kept);
			return -1;
		}
	} while (end++ < len);
	return 0;
}

int cgroup_check_domain(int cgroup, const char *name, struct err *e)
{
	char type[64];

	if (cgroup_file_read(cgroup, "cgroup.type", type, sizeof(type), e) < 0) {
		if (e->sys != ENOENT)
			return -1;
		*e = (struct err){ 0 }; /* the root of the tree has none */
		return 0;
	}
	type[strcspn(type, "\n")] = '\0';
	if (strcmp(type, "domain") == 0)
		return 0;
	err_set(e, ERR_STATE, "%s is not an ordinary one: its cgroup.type is \"%s\"", name, type);
	return err_hint(e, "whole processes with limits of their own are in domains, which no "
	                   "group below a threaded one can be");
}

int cgroup_check_unused(int cgroup, struct err *e)
{
	struct cgroup_events now;
	FD int events = cgroup_events_open(cgroup, e);

	TRY(events);
	TRY(cgroup_check_domain(cgroup, "container's cgroup", e));
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
	TRY(make_path(mount, below, &kept, e));

	FD int cgroup = cgroup_open_below(mount, below, e);
	if (cgroup < 0 || (kept == len && cgroup_check_unused(cgroup, e) < 0) ||
	    enable_path(mount, cgroup, below, controllers, facts->controllers, e) < 0) {
		remove_made(mount, below, len, kept);
		return -1;
	}
	*ret_made = kept < len;
	return fd_give(&cgroup);
}

int cgroup_enable(const struct cgroup_facts *facts, const char *path, unsigned int controllers,
                  struct err *e)
{
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	FD int cgroup = cgroup_open_below(mount, path + 1, e);
	TRY(cgroup);
	return enable_path(mount, cgroup, path + 1, controllers, 0, e);
}

int cgroup_open(const struct cgroup_facts *facts, const char *path, struct err *e)
{
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	return cgroup_open_below(mount, path + 1, e);
}
