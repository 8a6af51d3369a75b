/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a container's cgroup to the user that runs in it. Only the folder and the
 * files that the kernel lists for this change hands: with them an init system inside
 * can make groups of its own and spread its processes over them. The files with the
 * container's limits stay the host's.
 *
 * Source: cgroups(7) "Cgroups v2 delegation"; config-linux.md "Cgroup ownership";
 * /sys/kernel/cgroup/delegate (kernel/cgroup/cgroup.c, since 4.15).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "cgroups/cgroup.h"

enum { DELEGATE_MAX = 4096 };

/* A file of the list may belong to a controller that this group does not have. */
static int give_file(int cgroup, const char *name, uint32_t owner, struct err *e)
{
	if (fchownat(cgroup, name, owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, "chown %s of the container's cgroup", name);
}

int cgroup_delegate(int cgroup, uint32_t owner, struct err *e)
{
	static const char always[] = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n";
	BUF struct buf list = { 0 };
	struct err ignored = { 0 };

	if (fd_read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate", DELEGATE_MAX, &list, &ignored) <
	    0)
		buf_text(&list, always);
	TRY(buf_ok(&list, e));
	TRY(give_file(cgroup, ".", owner, e));
	for (char *name = list.data; *name;) {
		size_t len = strcspn(name, "\n");
		bool last = !name[len];

		name[len] = '\0';
		/* names of files in the folder, and nothing else */
		if (len > 0 && !strchr(name, '/'))
			TRY(give_file(cgroup, name, owner, e));
		name += len + !last;
	}
	return 0;
}
