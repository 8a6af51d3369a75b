/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the host's root to the container's: enter first, pivot last. The rootfs is
 * cloned, made private, attached at its own path and entered by chroot before
 * anything in it is touched; the old root stays behind a descriptor for the sources
 * of binds and for hooks, until pivot_root(2) makes the new one real and the old one
 * is detached. (In a mount namespace of others there is no pivot: it would move them all.)
 * What must be taken from the host's view (a procfs that a user
 * namespace may no longer mount later, the host's /dev/null) is taken while entering.
 */
#include "runtime/launch/init/roots.h"

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/masks.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/proc_handle.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/sys.h"
#include "runtime/launch/init/target.h"

static int tree = -1; /* the rootfs, attached */
static int old = -1;  /* the host's root */

static long look(const char *path, uint64_t flags)
{
	return sys_openat2(old, path, O_PATH | flags, RESOLVE_IN_ROOT);
}

/* The path's own descriptor leads to the host, so it ends here and not in a sweep. */
long root_host_clone(const char *path, int recursive, uint64_t flags)
{
	long fd = look(path, flags), clone;

	if (fd < 0)
		return fd;
	clone = mount_clone((int)fd, recursive, path);
	(void)sys_close((int)fd);
	return clone;
}

long root_host_link(const char *path, char *ret, uint64_t room)
{
	long fd = look(path, O_NOFOLLOW), result;
	struct stat st;

	if (fd < 0)
		return fd;
	result = sys_fstat((int)fd, &st);
	if (result == 0 && !S_ISLNK(st.st_mode))
		result = -EINVAL;
	if (result == 0)
		result = sys_readlinkat((int)fd, "", ret, room - 1);
	if (result >= 0)
		ret[result] = '\0';
	(void)sys_close((int)fd);
	return result;
}

long root_leave(void)
{
	long result = sys_fchdir(old);

	if (result == 0)
		result = sys_chroot(".");
	if (result == 0)
		result = sys_fchdir(tree);
	return result;
}

/* Of "/" and, with MS_REC, of everything below. */
void step_propagation(const struct plan_step *step)
{
	must(sys_mount(NULL, "/", NULL, step->propagation), CALL_MOUNT, "/");
}

static uint64_t mount_id(int fd, const char *what)
{
	struct statx st;

	must(sys_statx(fd, "", AT_EMPTY_PATH, PLAN_MOUNT_ID, &st), CALL_STAT, what);
	return st.stx_mnt_id;
}

static void refuse_host_root(const char *path)
{
	struct stat root, here;

	must(sys_newfstatat(AT_FDCWD, "/", &root, 0), CALL_STAT, "/");
	must(sys_fstat(tree, &here), CALL_STAT, path);
	if (root.st_dev == here.st_dev && root.st_ino == here.st_ino)
		fail(CHECK_HOST_ROOT, 0, path);
}

/* Into a mount namespace that others are in: nothing there becomes a slave, so the clone
 * leaves its peers by itself. Attached below something shared it becomes shared, and
 * would hand all mounts that follow to who knows whom: so it is made a slave again. */
static void attach_lasting(int clone, const struct plan_step *step)
{
	const char *path = plan_string(step->rootfs.path);

	tree = fd_keep(clone);
	refuse_host_root(path);
	mount_set(tree, 0, 0, step->rootfs.propagation, 1, path);
	report_send(FRAME_MOUNT, (int64_t)mount_id(tree, path), NULL, -1);
	(void)report_await(FRAME_GO);
	must(sys_fchdir(tree), CALL_CHDIR, path);
	must(sys_move_mount_to(tree, path), CALL_MOVE_MOUNT, path);
	mount_set(tree, 0, 0, step->rootfs.propagation, 1, path);
}

void step_rootfs(const struct plan_step *step)
{
	const char *path = plan_string(step->rootfs.path);
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->rootfs.recursive ? AT_RECURSIVE : 0);
	long clone = sys_open_tree(AT_FDCWD, path, flags);

	if (step->rootfs.lasting) {
		attach_lasting((int)must(clone, CALL_OPEN_TREE, path), step);
		return;
	}
	/* a folder above it that the ids of our user namespace may not enter */
	if (clone == -EACCES) {
		report_send(FRAME_SOURCE, (int64_t)report_current(), NULL, -1);
		tree = fd_keep(report_await(FRAME_GO));
		must(sys_fchdir(tree), CALL_CHDIR, path);
		return;
	}
	tree = fd_keep((int)must(clone, CALL_OPEN_TREE, path));
	/* a clone of what PLAN_PROPAGATION made a slave is one already */
	if (step->rootfs.propagation && !(step->rootfs.propagation & SYS_MS_SLAVE))
		mount_set(tree, 0, 0, step->rootfs.propagation, 1, path);
	must(sys_fchdir(tree), CALL_CHDIR, path); /* a folder, that is */
	/* by its path: a descriptor of the place would lead to the host */
	must(sys_move_mount_to(tree, path), CALL_MOVE_MOUNT, path);
}

/* Nothing below what was the root until now is to be found any more. */
void root_replace(int fd)
{
	must(sys_fchdir(fd), CALL_CHDIR, "/");
	must(sys_chroot("."), CALL_CHROOT, "/");
	tree = fd_keep(fd);
	target_forget();
}

void step_enter_root(const struct plan_step *step)
{
	(void)step;
	old = fd_keep(
		(int)must(sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0), CALL_OPEN, "/"));
	proc_prepare();
	mask_prepare();
	must(sys_chroot("."), CALL_CHROOT, NULL); /* where step_rootfs has gone */
}

/* The path may be anybody's to change: only the mount that was noted is the root. */
void step_find_root(const struct plan_step *step)
{
	const char *path = plan_string(step->find.path);
	int fd = (int)must(sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0), CALL_OPEN, path);

	if (mount_id(fd, path) != step->find.mount)
		fail(CHECK_MOUNT, 0, path);
	must(sys_fchdir(fd), CALL_CHDIR, path);
	must(sys_chroot("."), CALL_CHROOT, path);
}

/* pivot_root(2), "pivot_root(".", ".")": the old root lies on top of the new one,
 * is made a slave again (a hook may have changed it) and detached. */
void step_pivot(const struct plan_step *step)
{
	(void)step;
	must(sys_fchdir(old), CALL_CHDIR, NULL);
	must(sys_chroot("."), CALL_CHROOT, NULL);
	must(sys_fchdir(tree), CALL_CHDIR, NULL);
	must(sys_pivot_root(".", "."), CALL_PIVOT_ROOT, NULL);
	/* "." is the new root still: only the old one becomes a slave and goes, or the
	 * container's shared mounts would lose their peers */
	must(sys_fchdir(old), CALL_CHDIR, NULL);
	must(sys_mount(NULL, ".", NULL, SYS_MS_REC | SYS_MS_SLAVE), CALL_MOUNT, ".");
	must(sys_umount2(".", SYS_MNT_DETACH), CALL_UMOUNT, ".");
	must(sys_chdir("/"), CALL_CHDIR, "/");
	(void)sys_close(old);
	old = -1;
	target_forget();
}

/* What a user namespace may not take away it may still cover (umount(2): EINVAL). The
 * working folder is the old root, whatever our root is. */
void step_hide(const struct plan_step *step)
{
	const char *path = plan_string(step->string);
	long result, place;

	must(sys_fchdir(old), CALL_CHDIR, NULL);
	while (*path == '/')
		path++;
	result = sys_umount2(path, SYS_MNT_DETACH | SYS_UMOUNT_NOFOLLOW);
	if (result == -EINVAL || result == -EPERM) {
		place = look(path, O_NOFOLLOW);
		if (place != -ENOENT)
			mount_attach(mount_new("tmpfs", NULL, MOUNT_ATTR_RDONLY),
			             (int)must(place, CALL_OPEN, path), path);
	} else if (result != -ENOENT) { /* it was below one that went before */
		must(result, CALL_UMOUNT, path);
	}
	must(sys_fchdir(tree), CALL_CHDIR, NULL);
}

void step_move_root(const struct plan_step *step)
{
	(void)step;
	mount_attach(tree, old, "/");
	must(sys_fchdir(tree), CALL_CHDIR, NULL);
	must(sys_chroot("."), CALL_CHROOT, NULL);
	must(sys_chdir("/"), CALL_CHDIR, "/");
	(void)sys_close(old);
	old = -1;
	target_forget();
}

void step_root_readonly(const struct plan_step *step)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };

	(void)step;
	must(sys_mount_setattr(AT_FDCWD, "/", 0, &attributes), CALL_MOUNT_SETATTR, "/");
}
