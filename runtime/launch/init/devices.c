/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes and links, mostly in /dev. What is already there stays: a node of
 * the same type and number is as good as a new one, anything else of that name is
 * an error. A link is different: whatever has its name, be it another link or a
 * node, is what the image or a bound /dev wants there, and it is left alone;
 * nothing is ever removed here.
 */
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/roots.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/target.h"

enum { BOUND_MODE = 0644 };

/* As the kernel's new_encode_dev() (linux/kdev_t.h) packs them. */
static unsigned int device_number(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

static bool is_device(const struct stat *st, const struct plan_step *step)
{
	if ((st->st_mode & S_IFMT) != (step->device.mode & S_IFMT))
		return false;
	return S_ISFIFO(st->st_mode) ||
	       st->st_rdev == device_number(step->device.major, step->device.minor);
}

/* The host's node, or one of its own that the launcher has made: as a tree. */
static int borrow(const struct plan_step *step, const char *path)
{
	struct stat st;
	int tree;

	if (step->device.how == PLAN_DEVICE_LENT) {
		report_send(FRAME_SOURCE, (int64_t)report_current(), NULL, -1);
		return report_await(FRAME_GO);
	}
	tree = (int)must(root_host_clone(path, 0, 0), CALL_OPEN, path);
	must(sys_fstat(tree, &st), CALL_STAT, path);
	if (!is_device(&st, step))
		fail(CHECK_READ_BACK, 0, path);
	return tree;
}

/* Binds a node that was made elsewhere, where mknod(2) is not allowed. */
static void bind_device(const struct plan_step *step, int folder, const char *name)
{
	const char *path = plan_string(step->device.path);
	long made = sys_mknodat(folder, name, S_IFREG | BOUND_MODE, 0);
	int place, tree;

	if (made != -EEXIST)
		must(made, CALL_MKNOD, path);
	place = (int)must(sys_openat2(folder, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS),
	                  CALL_OPEN, path);
	tree = borrow(step, path);
	mount_set(tree, 0, 0, SYS_MS_PRIVATE, 0, path);
	mount_attach(tree, place, path);
}

void step_device(const struct plan_step *step)
{
	const char *path = plan_string(step->device.path), *name;
	int folder = target_parent(path, &name);
	struct stat st;
	long made;

	if (step->device.how != PLAN_DEVICE_MAKE) {
		bind_device(step, folder, name);
		return;
	}
	made = sys_mknodat(folder, name, step->device.mode,
	                   device_number(step->device.major, step->device.minor));
	if (made == -EEXIST) {
		must(sys_newfstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW), CALL_STAT, path);
		if (!is_device(&st, step))
			fail(CALL_MKNOD, EEXIST, path);
		return;
	}
	must(made, CALL_MKNOD, path);
	if (step->device.uid || step->device.gid)
		must(sys_fchownat(folder, name, step->device.uid, step->device.gid,
		                  AT_SYMLINK_NOFOLLOW),
		     CALL_CHOWN, path);
}

void step_folder(const struct plan_step *step)
{
	static const struct target folder = { .kind = TARGET_FOLDER };

	(void)target_open(plan_string(step->string), &folder);
}

void step_symlink(const struct plan_step *step)
{
	const char *path = plan_string(step->link.path), *name;
	int folder = target_parent(path, &name);
	long made = sys_symlinkat(plan_string(step->link.target), folder, name);

	if (made != -EEXIST)
		must(made, CALL_SYMLINK, path);
}
