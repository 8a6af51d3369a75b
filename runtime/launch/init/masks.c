/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden and read-only paths. A file is covered by the host's /dev/null, cloned and
 * checked before the root was entered, so nothing that an image calls /dev/null
 * takes part; a folder by one empty read-only tmpfs. Each of the two is attached at
 * its first place and cloned from there for the others (a detached mount cannot be
 * cloned before Linux 6.15).
 *
 * No link is followed on the way to such a path: one in the way is an error that
 * names it, because a mask in the wrong place is a mask that is missing. A path
 * that does not exist needs none.
 */
#include "runtime/launch/init/masks.h"

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/target.h"

enum { NULL_DEVICE = 1 << 8 | 3 }; /* 1:3 */

static const uint32_t cover_attributes =
	MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

struct cover {
	int tree;      /* -1: not made yet */
	bool attached; /* then it is cloned */
};

static struct cover file = { .tree = -1 }, folder = { .tree = -1 };

/* From /dev/null of whatever root we are in. */
static void take_null(void)
{
	struct stat st;
	int tree =
		(int)must(sys_open_tree(AT_FDCWD, "/dev/null",
	                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW),
	                  CALL_OPEN_TREE, "/dev/null");

	must(sys_fstat(tree, &st), CALL_STAT, "/dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != NULL_DEVICE)
		fail(CHECK_NULL, 0, "/dev/null");
	mount_set(tree, 0, 0, SYS_MS_PRIVATE, 0, "/dev/null");
	file.tree = fd_keep(tree);
}

void mask_prepare(void)
{
	if (plan_has(PLAN_MASK))
		take_null();
}

static void put(struct cover *cover, int place, const char *path)
{
	int tree = cover->attached ? mount_clone(cover->tree, 0, path) : cover->tree;

	mount_attach(tree, place, path);
	cover->attached = true;
}

void step_mask(const struct plan_step *step)
{
	const char *path = plan_string(step->string);
	int place = target_find(path);
	struct stat st;

	if (place < 0)
		return;
	must(sys_fstat(place, &st), CALL_STAT, path);
	if (!S_ISDIR(st.st_mode)) {
		put(&file, place, path);
		return;
	}
	if (folder.tree < 0) {
		folder.tree = fd_keep(mount_new("tmpfs", NULL, cover_attributes));
		place = target_find(path); /* keeping ended it */
		if (place < 0)
			return;
	}
	put(&folder, place, path);
}

void step_readonly(const struct plan_step *step)
{
	const char *path = plan_string(step->string);
	int place = target_find(path), tree;

	if (place < 0)
		return;
	tree = mount_clone(place, 1, path);
	mount_set(tree, MOUNT_ATTR_RDONLY, 0, 0, 1, path);
	mount_attach(tree, place, path);
}
