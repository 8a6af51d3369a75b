/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's proc, sysfs or mqueue where a user namespace may not have a new one. It is
 * tried first, since nobody but the kernel knows all that is visible.
 */
#include "runtime/launch/init/instead.h"

#include <linux/magic.h>

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/roots.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum { MQUEUE_MAGIC = 0x19800202 }; /* ipc/mqueue.c */

/* Whether we may have a new filesystem. The kernel says no with EPERM where the
 * namespace that it shows is not of our user namespace (fsopen, or its creation), and
 * where no other instance is visible as a whole (fsmount; mount_too_revealing in
 * fs/namespace.c). */
static bool may_mount(const char *fstype, uint32_t attributes)
{
	long fs = sys_fsopen(fstype, FSOPEN_CLOEXEC), tree;
	long result = fs;

	if (fs >= 0)
		result = sys_fsconfig((int)fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (result >= 0) {
		result = tree = sys_fsmount((int)fs, FSMOUNT_CLOEXEC, attributes);
		if (tree >= 0)
			(void)sys_close((int)tree);
	}
	if (fs >= 0)
		(void)sys_close((int)fs);
	return result != -EPERM;
}

/* Where the host has none, there is a folder at most, which is not what was asked for. */
static void check_filesystem(int fd, const char *fstype, const char *path)
{
	const int magic = text_equal(fstype, "proc")    ? PROC_SUPER_MAGIC
	                  : text_equal(fstype, "sysfs") ? SYSFS_MAGIC
	                                                : MQUEUE_MAGIC;
	struct statfs fs;

	must(sys_fstatfs(fd, &fs), CALL_STAT, path);
	if (fs.f_type != magic)
		fail(CHECK_FILESYSTEM, 0, path);
}

bool bind_instead(const struct plan_mount *m, int place, const char *name)
{
	const char *path = plan_string(m->instead), *fstype = plan_string(m->fstype);
	int tree;

	if (may_mount(fstype, m->attr))
		return false;
	tree = (int)must(root_host_clone(path, 1, 0), CALL_OPEN, path);
	check_filesystem(tree, fstype, path);
	mount_set(tree, m->attr | m->instead_attr, 0, SYS_MS_PRIVATE, 1, name);
	mount_attach(tree, place, name);
	if (m->propagation)
		mount_set(tree, 0, 0, m->propagation, !!(m->propagation & SYS_MS_REC), name);
	return true;
}
