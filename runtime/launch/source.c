/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init has no rights over: the rootfs or a source below a folder that the ids of its user
 * namespace may not enter, id-mapped mounts, which only the owner of the filesystem's superblock
 * can make, and device nodes, which no user namespace can. Init asks for them one by one, in the
 * order of the config, so that a source may lie in what was mounted before it.
 *
 * The clone is made by a child of ours that has entered init's mount namespace: what
 * it clones there carries the flags that a user namespace locks, which a clone of the
 * host's own mount would not, and no mount of the host is ever a peer of it.
 *
 * A user namespace that only carries a map lives as long as this call: the mount keeps
 * what it needs of it.
 */
#include "runtime/launch/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/launch/idmap.h"
#include "runtime/launch/plan_check.h"
#include "runtime/launch/report.h"

/* --- the user namespace of a map --------------------------------------------------------- */

/* A child in a new user namespace that ends when the other end of the pipe is closed,
 * by us or by our death. */
static int hold_namespace(pid_t *ret_pid, int *ret_pidfd, int *ret_end, struct err *e)
{
	int ends[2];
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	*ret_pid = sys_clone3(&args);
	if (*ret_pid == 0) {
		char byte;

		(void)close(ends[1]);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	(void)close(ends[0]);
	*ret_end = ends[1];
	return *ret_pid < 0 ? err_sys(e, "clone3 of a user namespace") : 0;
}

static int open_namespace_of(pid_t pid, struct err *e)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

static int make_namespace(const struct plan *plan, const struct plan_id_maps *maps, struct err *e)
{
	FD int pidfd = -1;
	FD int end = -1;
	pid_t pid = -1;

	TRY(hold_namespace(&pid, &pidfd, &end, e));
	int result = idmap_write_lists(plan, pid, maps->uid, maps->gid, e);
	FD int fd = result < 0 ? -1 : open_namespace_of(pid, e);
	fd_drop(&end);
	if (fd >= 0)
		TRY(proc_reap(pidfd, e));
	else
		(void)!proc_reap(pidfd, &(struct err){ 0 });
	return fd_give(&fd);
}

/* --- the clone ---------------------------------------------------------------------------- */

enum reply_call {
	REPLY_OK,
	REPLY_SETNS,
	REPLY_OPEN_TREE,
	REPLY_MOUNT_SETATTR,
	REPLY_MOVE_MOUNT,
	REPLY_IDMAP,
	REPLY_NODE
};

struct reply {
	uint32_t call; /* the one that failed */
	int32_t error;
	int64_t filesystem; /* REPLY_IDMAP: statfs(2) f_type */
};

static struct reply failed(enum reply_call call)
{
	return (struct reply){ .call = call, .error = errno };
}

static struct reply clone_here(const char *path, const struct plan_bind *b, int pidfd,
                               int user_namespace, int *ret)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	unsigned int below = b->flags & PLAN_BIND_IDMAP_ALL ? AT_RECURSIVE : 0;
	struct mount_attr map = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)(unsigned int)user_namespace,
	};
	struct statfs fs = { 0 };

	if (setns(pidfd, CLONE_NEWNS) < 0)
		return failed(REPLY_SETNS);
	if (b->flags & PLAN_BIND_RECURSIVE)
		flags |= AT_RECURSIVE;
	if (b->flags & PLAN_SOURCE_NOFOLLOW)
		flags |= AT_SYMLINK_NOFOLLOW;
	*ret = sys_open_tree(AT_FDCWD, path, flags);
	if (*ret < 0)
		return failed(REPLY_OPEN_TREE);
	if (user_namespace < 0 || sys_mount_setattr(*ret, "", AT_EMPTY_PATH | below, &map) == 0)
		return (struct reply){ .call = REPLY_OK };

	struct reply reply = failed(REPLY_IDMAP);
	if (fstatfs(*ret, &fs) == 0)
		reply.filesystem = (int64_t)fs.f_type;
	(void)close(*ret);
	*ret = -1;
	return reply;
}

/* A device on a tmpfs that no user namespace owns, so that it works in one; visible
 * nowhere but here. */
static struct reply make_here(const struct plan_step *s, int *ret)
{
	static const char place[] = "/proc", node[] = "/proc/node";
	dev_t number = makedev(s->device.major, s->device.minor);

	(void)umask(0);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", place, "tmpfs", 0, "size=4k,mode=700") < 0 ||
	    mknod(node, s->device.mode, number) < 0 ||
	    lchown(node, s->device.uid, s->device.gid) < 0)
		return failed(REPLY_NODE);
	*ret = sys_open_tree(AT_FDCWD, node, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return *ret < 0 ? failed(REPLY_NODE) : (struct reply){ .call = REPLY_OK };
}

static const char *filesystem_name(int64_t type)
{
	static const struct {
		int64_t type;
		const char *name;
	} names[] = {
		{ 0x01021997, "9p" },
		{ 0x00c36400, "ceph" },
		{ CGROUP2_SUPER_MAGIC, "cgroup2" },
		{ 0xff534d42, "cifs" },
		{ DEVPTS_SUPER_MAGIC, "devpts" },
		{ 0x65735546, "fuse" },
		{ 0x19800202, "mqueue" },
		{ NFS_SUPER_MAGIC, "nfs" },
		{ NSFS_MAGIC, "nsfs" },
		{ OVERLAYFS_SUPER_MAGIC, "overlay" },
		{ PROC_SUPER_MAGIC, "proc" },
		{ RAMFS_MAGIC, "ramfs" },
		{ SYSFS_MAGIC, "sysfs" },
		{ TMPFS_MAGIC, "tmpfs" },
		{ 0x2fc12fc1, "zfs" },
	};

	for (size_t i = 0; i < LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

static int reply_error(const struct reply *reply, const char *path, struct err *e)
{
	const char *name = filesystem_name(reply->filesystem);

	errno = reply->error;
	switch (reply->call) {
	case REPLY_SETNS:
		return err_sys(e, "setns into the container's mount namespace");
	case REPLY_OPEN_TREE:
		return err_sys(e, "open_tree %s", path);
	case REPLY_MOUNT_SETATTR:
		return err_sys(e, "mount_setattr %s", path);
	case REPLY_MOVE_MOUNT:
		return err_sys(e, "move_mount %s", path);
	case REPLY_NODE:
		return err_sys(e, "make the node");
	case REPLY_IDMAP:
		break;
	default:
		return err_set(e, ERR_BUG, "the clone of %s: no answer", path);
	}
	(void)err_sys(e, "mount_setattr idmap of %s", path);
	if (reply->error == EPERM)
		return err_hint(e, "a mount is id-mapped only once, and by root of the user "
		                   "namespace that its filesystem was mounted in");
	if (reply->error != EINVAL)
		return -1;
	if (name)
		return err_hint(e,
		                "its filesystem (%s), or one below it, cannot be id-mapped by "
		                "this kernel",
		                name);
	return err_hint(e,
	                "its filesystem (of type 0x%llx), or one below it, cannot be "
	                "id-mapped by this kernel",
	                (unsigned long long)reply->filesystem);
}

/* What is asked for, by the step at whose turn it is. */
struct order {
	const struct plan_step *step;
	const char *path;   /* of the source, or of the device in the container */
	int pidfd;          /* init */
	int user_namespace; /* with the map of a bind; -1: none */
};

/* The rootfs is attached at its own path, as init would have done. */
static struct reply attach_root_here(const struct order *o, int *ret)
{
	const struct plan_step *s = o->step;
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	struct mount_attr kind = { .propagation = s->rootfs.propagation & ~(uint64_t)MS_REC };

	if (setns(o->pidfd, CLONE_NEWNS) < 0)
		return failed(REPLY_SETNS);
	*ret = sys_open_tree(AT_FDCWD, o->path, flags | (s->rootfs.recursive ? AT_RECURSIVE : 0U));
	if (*ret < 0)
		return failed(REPLY_OPEN_TREE);
	if (kind.propagation &&
	    sys_mount_setattr(*ret, "", AT_EMPTY_PATH | AT_RECURSIVE, &kind) < 0)
		return failed(REPLY_MOUNT_SETATTR);
	if (sys_move_mount(*ret, o->path, MOVE_MOUNT_T_SYMLINKS) < 0)
		return failed(REPLY_MOVE_MOUNT);
	return (struct reply){ .call = REPLY_OK };
}

static struct reply carry_out(const struct order *o, int *ret)
{
	if (o->step->op == PLAN_ROOTFS) {
		struct reply reply = attach_root_here(o, ret);

		if (reply.call != REPLY_OK)
			fd_drop(ret); /* only what is whole is sent */
		return reply;
	}
	if (o->step->op == PLAN_DEVICE)
		return make_here(o->step, ret);
	return clone_here(o->path, &o->step->bind, o->pidfd, o->user_namespace, ret);
}

/* A child, since whoever enters a mount namespace loses its own root and folder. */
static int send_child(const struct order *o, struct err *e)
{
	struct reply reply = { .call = UINT32_MAX };
	struct err ignored = { 0 };
	FD int child = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&child,
		.exit_signal = SIGCHLD,
	};
	size_t count = 1;
	int pair[2], tree = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	FD int ours = pair[0];
	FD int theirs = pair[1];
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "clone3");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		reply = carry_out(o, &tree);
		_exit(fd_send(theirs, &reply, sizeof(reply), &tree, tree >= 0, e) < 0 ? 1 : 0);
	}
	fd_drop(&theirs);
	ssize_t got = fd_receive(ours, &reply, sizeof(reply), &tree, &count, e);
	(void)!proc_reap(child, &ignored);
	if (got < 0)
		return -1;
	if (got == sizeof(reply) && reply.call == REPLY_OK && count == 1)
		return tree;
	return reply_error(&reply, o->path, e);
}

/* A step that init may ask about, since it comes from init. */
static int take_order(const struct plan *plan, int64_t index, struct order *ret, struct err *e)
{
	const struct plan_step *s = plan_array(plan, plan->steps);
	bool known = index >= 0 && index < plan->steps.count;
	bool bind = known && s[index].op == PLAN_BIND && s[index].bind.slot == PLAN_NO_SLOT;
	bool device =
		known && s[index].op == PLAN_DEVICE && s[index].device.how == PLAN_DEVICE_LENT;

	if (known && s[index].op == PLAN_ROOTFS) {
		ret->step = &s[index];
		ret->path = plan_text(plan, s[index].rootfs.path);
		return 0;
	}
	if (!bind && !device)
		return err_set(e, ERR_BUG, "caisson-init: asked for a source that is none");
	ret->step = &s[index];
	ret->path = plan_text(plan, bind ? s[index].bind.source : s[index].device.path);
	return 0;
}

static int fill_order(const struct plan *plan, struct order *o, pid_t pid, struct err *e)
{
	const struct plan_bind *b = &o->step->bind;
	const struct plan_id_maps *maps;
	bool mapped =
		o->step->op == PLAN_BIND && b->flags & (PLAN_BIND_IDMAP | PLAN_BIND_IDMAP_ALL);
	FD int map = -1;

	if (mapped) {
		maps = plan_maps(plan, b->id_maps);
		map = maps ? make_namespace(plan, maps, e) : open_namespace_of(pid, e);
		if (map < 0)
			return err_in(e, "id map");
	}
	o->user_namespace = map;
	return send_child(o, e);
}

int source_clone(const struct plan *plan, int64_t step, pid_t pid, int pidfd, struct err *e)
{
	struct order o = { .pidfd = pidfd, .user_namespace = -1 };

	TRY(take_order(plan, step, &o, e));
	int tree = fill_order(plan, &o, pid, e);
	if (tree < 0)
		return report_in_step(plan, o.step, e);
	return tree;
}
