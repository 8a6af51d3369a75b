/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launch/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "runtime/launch/idmap_helper.h"

/* user_namespaces(7), "Defining user and group ID mappings" */
static int explain_write(struct err *e)
{
	if (e->sys != EPERM)
		return -1;
	if (geteuid() == 0)
		return err_hint(e, "a user namespace can map only ids that the one around it has: "
		                   "see /proc/self/uid_map and gid_map");
	return err_hint(e, "without privileges the kernel takes only the own id");
}

static int write_file(pid_t pid, const char *name, const char *text, size_t len, struct err *e)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	/* one write(2): the kernel takes a map only whole */
	if (write(fd, text, len) != (ssize_t)len) {
		err_sys(e, "write %s", name);
		return explain_write(e);
	}
	return 0;
}

static int write_map(const struct plan *plan, pid_t pid, const char *name, struct plan_list list,
                     struct err *e)
{
	const struct plan_idmap *maps = plan_array(plan, list);
	BUF struct buf text = { 0 };

	if (list.count == 0)
		return 0;
	for (uint32_t i = 0; i < list.count; i++)
		buf_printf(&text, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);
	TRY(buf_ok(&text, e));
	return write_file(pid, name, text.data, text.len, e);
}

int idmap_write(const struct plan *plan, pid_t pid, struct err *e)
{
	if (plan->uid_helper)
		TRY(idmap_helper_run("newuidmap", pid, plan_array(plan, plan->uid_map),
		                     plan->uid_map.count, e));
	else
		TRY(write_map(plan, pid, "uid_map", plan->uid_map, e));
	if (plan->setgroups_deny)
		TRY(write_file(pid, "setgroups", "deny", strlen("deny"), e));
	if (plan->gid_helper)
		return idmap_helper_run("newgidmap", pid, plan_array(plan, plan->gid_map),
		                        plan->gid_map.count, e);
	return write_map(plan, pid, "gid_map", plan->gid_map, e);
}

int idmap_write_lists(const struct plan *plan, pid_t pid, struct plan_list uid_map,
                      struct plan_list gid_map, struct err *e)
{
	TRY(write_map(plan, pid, "uid_map", uid_map, e));
	return write_map(plan, pid, "gid_map", gid_map, e);
}
