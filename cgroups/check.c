/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether cgroup_create would succeed: the same walk down the path, that only looks.
 * What nobody can know without trying (limits on the number of groups) is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

/* 1: there are processes in the group itself, and it is not the root of the tree, which
 * alone may have both them and controllers below. */
static int has_processes(int dir, struct err *e)
{
	char text[64];

	if (faccessat(dir, "cgroup.type", F_OK, 0) < 0)
		return 0;
	TRY(cgroup_file_read(dir, "cgroup.procs", text, sizeof(text), e));
	return text[0] != '\0';
}

/* Whether the group can hand these controllers to its children. */
static int check_controllers(int dir, unsigned int wanted, const char *name, struct err *e)
{
	char text[1024], words[128];

	TRY(cgroup_file_read(dir, "cgroup.controllers", text, sizeof(text), e));
	unsigned int missing = wanted & ~cgroup_controllers_parse(text);

	if (missing) {
		cgroup_controllers_print(missing, "", words, sizeof(words));
		(void)err_set(e, ERR_REFUSED, "cgroup %s does not have the controllers %s", name,
		              words);
		return err_hint(e, "the group above it has to enable them for it");
	}
	TRY(cgroup_file_read(dir, "cgroup.subtree_control", text, sizeof(text), e));
	if (!(wanted & ~cgroup_controllers_parse(text)))
		return 0;

	int busy = has_processes(dir, e);
	TRY(busy);
	if (busy) {
		(void)err_set(e, ERR_STATE,
		              "cgroup %s cannot enable controllers: device or "
		              "resource busy",
		              name);
		return err_hint(e, "processes sit in that cgroup itself: move them into a child");
	}
	if (faccessat(dir, "cgroup.subtree_control", W_OK, AT_EACCESS) < 0)
		return err_sys(e, "enable controllers below cgroup %s", name);
	return 0;
}

static int check_may_make(int dir, const char *name, struct err *e)
{
	char words[PATH_MAX + 16];

	(void)snprintf(words, sizeof(words), "cgroup %s", name);
	TRY(cgroup_check_domain(dir, words, e));
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	(void)err_sys(e, "make a cgroup below %s", name);
	return err_hint(e, "the group must be delegated to this user");
}

int cgroup_check(const struct cgroup_facts *facts, const char *path, unsigned int controllers,
                 struct err *e)
{
	FD int dir = cgroup_open_mount(facts, e);
	char name[PATH_MAX] = "/";

	TRY(dir);
	for (const char *rest = path + 1;; rest += rest[strcspn(rest, "/")] == '/') {
		char part[NAME_MAX + 1];
		size_t len = strcspn(rest, "/");

		if (len == 0)
			return cgroup_check_unused(dir, e);
		if (controllers)
			TRY(check_controllers(dir, controllers, name, e));
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, rest);

		int below = cgroup_open_below(dir, part, e);
		if (below < 0 && e->sys == ENOENT)
			return check_may_make(dir, name, e);
		TRY(below);
		fd_drop(&dir);
		dir = below;
		rest += len;
		(void)snprintf(name, sizeof(name), "%.*s", (int)(rest - path), path);
	}
}
