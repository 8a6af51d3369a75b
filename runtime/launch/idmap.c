/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launch/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"

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
		if (e->sys == EPERM)
			err_hint(e, "an unprivileged user may map only the own id; "
			            "more needs newuidmap and /etc/subuid");
		return -1;
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
	TRY(write_map(plan, pid, "uid_map", plan->uid_map, e));
	if (plan->setgroups_deny)
		TRY(write_file(pid, "setgroups", "deny", strlen("deny"), e));
	return write_map(plan, pid, "gid_map", plan->gid_map, e);
}
