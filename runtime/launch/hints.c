/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an errno means: its words were chosen for read(2), and say of a mount that an
 * argument is invalid. One table, first match first: a row for one kind of step stands
 * before the row of the call alone, and rows for the errno alone come last.
 *
 * Sources: the ERRORS of fsopen(2), fsconfig(2), open_tree(2), move_mount(2),
 * mount_setattr(2), clone(2), setns(2), execve(2) …, and fs/namespace.c,
 * fs/fs_context.c of the kernel.
 */
#include "runtime/launch/hints.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { ANY = 0 };

static const struct {
	uint32_t op, call; /* ANY: whatever it is */
	int error;
	const char *hint;
} hints[] = {
	/* what only one kind of step can mean */
	{ PLAN_DEVICE, CALL_OPEN, ENOENT,
	  "a user namespace makes no devices (mknod(2)), so the host's of the same path is bound: "
	  "there must be one" },
	{ PLAN_DEVICE, CHECK_READ_BACK, 0,
	  "a user namespace makes no devices (mknod(2)), so the host's of the same path is bound, "
	  "but that is another one" },
	{ PLAN_OOM_SCORE_ADJ, CALL_WRITE, EACCES,
	  "only CAP_SYS_RESOURCE over the host lowers it: leave it out, or do not go below "
	  "/proc/self/oom_score_adj" },
	{ PLAN_ENTER_ROOT, CALL_CHDIR, EACCES,
	  "every folder on the way to root.path must let the container's root pass, whose rights "
	  "are those of the id that it is mapped to" },
	{ PLAN_DEVICE, CALL_MKNOD, EPERM, "making device nodes needs CAP_MKNOD" },
	{ PLAN_SYSCTL, CALL_OPEN, ENOENT, "this kernel has no such sysctl" },
	{ PLAN_SYSCTL, CALL_OPEN, EACCES, "this sysctl cannot be set in a namespace" },
	{ PLAN_SYSCTL, CALL_WRITE, EINVAL, "the sysctl does not take this value" },
	{ PLAN_ROOTFS, CALL_OPEN_TREE, ENOENT, "root.path must lead to the container's root" },
	{ PLAN_REMOUNT, CALL_MOUNT_SETATTR, EINVAL, "nothing is mounted at that path" },
	{ PLAN_LABEL, CALL_WRITE, ENOENT, "the profile is not loaded on this host" },
	{ PLAN_LABEL, CALL_WRITE, EINVAL, "the policy of this host does not know the label" },

	/* filesystems */
	{ ANY, CALL_FSOPEN, ENODEV, "this kernel does not have that filesystem" },
	{ ANY, CALL_FSOPEN, EPERM,
	  "the namespace that it shows is not of this user namespace: let the container have a "
	  "new one, or bind the host's" },
	{ ANY, CALL_FSCONFIG, EINVAL, "the filesystem does not know this option or its value" },
	{ ANY, CALL_FSCONFIG, ENOENT, "the device or a folder that its options name is missing" },
	{ ANY, CALL_FSCONFIG, ENOTDIR, "what its options name is not a folder" },
	{ ANY, CALL_FSCONFIG, ENOTBLK, "the source is not a block device" },
	{ ANY, CALL_FSCONFIG, ENXIO, "no driver of this host has that device" },
	{ ANY, CALL_FSCONFIG, EACCES, "the device can only be read, or may not be opened: ro?" },
	{ ANY, CALL_FSCONFIG, EBUSY, "the device or folder is in use by another mount" },
	{ ANY, CALL_FSCONFIG, ESTALE, "upperdir and workdir belong to another overlay" },
	{ ANY, CALL_FSCONFIG, ELOOP, "too many links in a path of its options" },
	{ ANY, CALL_FSCONFIG, EUCLEAN, "the filesystem is damaged" },
	{ ANY, CALL_FSCONFIG, EPERM,
	  "the namespace that it shows is not of this user namespace: let the container have a "
	  "new one, or bind the host's" },
	{ ANY, CALL_FSMOUNT, EPERM,
	  "a user namespace may have a new one only where the whole of one is visible, with no "
	  "mounts over its parts (mount_too_revealing in fs/namespace.c): start the container "
	  "around with unmask=ALL or systempaths=unconfined, or bind its /proc" },
	{ ANY, CALL_FSMOUNT, EBUSY, "it is mounted with other flags already" },

	/* binds and attributes */
	{ ANY, CALL_OPEN_TREE, EINVAL,
	  "the source cannot be cloned: it is unbindable, or has mounts below it that a user "
	  "namespace may not uncover; use rbind" },
	{ ANY, CALL_OPEN_TREE, ENOENT, "the source of a bind must exist on the host" },
	{ ANY, CALL_OPEN_TREE, EPERM, "binding needs CAP_SYS_ADMIN" },
	{ ANY, CALL_MOVE_MOUNT, ENOENT,
	  "the source was removed: what has no name any more cannot be mounted" },
	{ ANY, CALL_MOVE_MOUNT, ELOOP, "the target lies inside of the source" },
	{ ANY, CALL_MOVE_MOUNT, EINVAL,
	  "one of source and target is a folder and the other a file, or below the source is "
	  "something unbindable and the target is shared" },
	{ ANY, CALL_COPY, ENOSPC, "the tmpfs is too small for what the folder holds" },
	{ ANY, CALL_MOVE_MOUNT, ENOSPC, "too many mounts in one namespace (fs.mount-max)" },
	{ ANY, CALL_MOUNT_SETATTR, EPERM,
	  "a flag of the source mount is locked in a user namespace" },
	{ ANY, CALL_MOUNT_SETATTR, EINVAL,
	  "this mount cannot have these attributes or this propagation" },
	{ ANY, CALL_MOUNT_SETATTR, EBUSY, "files on it are open for writing: it cannot be ro" },
	{ ANY, CALL_MOUNT, EPERM, "changing mounts needs CAP_SYS_ADMIN" },
	{ ANY, CALL_MOUNT, EACCES,
	  "a security module forbids it; AppArmor does where "
	  "kernel.apparmor_restrict_unprivileged_userns is 1 and caisson has no profile that says "
	  "userns" },
	{ ANY, CALL_PIVOT_ROOT, EINVAL, "the root of the host may be a ramdisk" },

	/* targets, inside of the rootfs */
	{ ANY, CALL_MKDIR, EROFS, "the mount's target is missing and the rootfs is read-only" },
	{ ANY, CALL_MKDIR, ENOTDIR, "a part of the path is a file in the rootfs" },
	{ ANY, CALL_MKDIR, EACCES, "the missing folder may not be made by this user" },
	{ ANY, CALL_OPEN, EROFS, "the target is missing and the rootfs is read-only" },
	{ ANY, CALL_OPEN, ELOOP, "too many links, or a magic link, in this path" },
	{ ANY, CALL_OPEN, ENOTDIR, "a part of the path is no folder" },
	{ ANY, CALL_OPEN, EACCES, "a folder of the path may not be searched by this user" },

	/* namespaces */
	{ ANY, CALL_CLONE, EAGAIN, "a limit on processes was reached" },
	{ ANY, CALL_CLONE, EPERM, "making namespaces needs CAP_SYS_ADMIN" },
	{ ANY, CALL_CLONE, ENOSPC,
	  "the user may have no more namespaces of a kind (sysctl user.max_*)" },
	{ ANY, CALL_CLONE, EINVAL, "this kernel lacks one of the kinds of namespaces" },
	{ ANY, CALL_UNSHARE, EPERM,
	  "this system lets users make no user namespaces (see sysctl "
	  "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns), or "
	  "caisson runs in a chroot, where the kernel never does" },
	{ ANY, CALL_UNSHARE, ENOSPC,
	  "the user may have no more user namespaces (sysctl user.max_user_namespaces), or 32 of "
	  "them are nested already" },
	{ ANY, CALL_UNSHARE, EINVAL, "this kernel lacks that kind of namespace" },
	{ ANY, CALL_SETNS, EPERM,
	  "the namespace belongs to a user namespace in which we have no rights: one of our own "
	  "must be joined with it" },
	{ ANY, CALL_SETNS, EINVAL, "it is a namespace of ours already, or of another kind" },
	{ ANY, CALL_SETNS, ESRCH, "the process whose namespaces they are has ended" },

	/* becoming the process */
	{ ANY, CALL_SETRLIMIT, EPERM, "raising a hard limit needs CAP_SYS_RESOURCE" },
	{ ANY, CALL_SETGROUPS, EPERM, "setgroups is denied in this user namespace" },
	{ ANY, CALL_SETRESUID, EINVAL, "the id is not mapped in the user namespace" },
	{ ANY, CALL_SETRESGID, EINVAL, "the id is not mapped in the user namespace" },
	{ ANY, CALL_SETRESUID, EAGAIN, "that user's limit on processes was reached" },
	{ ANY, CALL_CAPSET, EPERM, "a capability that the caller does not have was asked for" },
	{ ANY, CALL_KEYCTL, EDQUOT, "the user has too many keys (kernel.keys.maxkeys)" },
	{ ANY, CALL_SCHED_SETAFFINITY, EINVAL,
	  "none of these CPUs is online and in the container's cpuset" },
	{ ANY, CALL_IOPRIO_SET, EPERM, "the class IOPRIO_CLASS_RT needs CAP_SYS_NICE" },
	{ ANY, CALL_SET_MEMPOLICY, EINVAL,
	  "this kernel does not know the mode, or none of the nodes is there and in the "
	  "container's cpuset" },
	{ ANY, CALL_SET_MEMPOLICY, ENOSYS, "this kernel is built without NUMA" },
	{ ANY, CALL_SECCOMP, EINVAL,
	  "this kernel does not know a flag or an action of the filter" },
	{ ANY, CALL_SECCOMP, EACCES, "without noNewPrivileges it needs CAP_SYS_ADMIN" },
	{ ANY, CALL_SECCOMP, EBUSY, "one filter only may notify" },
	{ ANY, CALL_LANDLOCK_RESTRICT_SELF, E2BIG, "sixteen of them are the most for a process" },
	{ ANY, CALL_EXECVE, ENOEXEC,
	  "not a program for this machine, or a script without a #! line" },
	{ ANY, CALL_EXECVE, EACCES, "the file or its mount (noexec) does not allow it" },
	{ ANY, CALL_EXECVE, E2BIG, "arguments and environment are too long together" },
	{ ANY, CALL_EXECVE, ETXTBSY, "somebody has the file open for writing" },
	{ ANY, CALL_EXECVE, EINVAL, "the program is damaged" },

	/* whatever it was */
	{ ANY, ANY, EMFILE, "RLIMIT_NOFILE is too low to start" },
	{ ANY, ANY, ENFILE, "the host has too many open files (fs.file-max)" },
	{ ANY, ANY, ENOSPC, "the disk is full, or a limit was reached" },
	{ ANY, ANY, EDQUOT, "the user's quota is used up" },
	{ ANY, ANY, ENOMEM, "the host is out of memory, or the container's limit is too low" },
	{ ANY, ANY, ENOSYS, "this kernel, or a seccomp filter around us, lacks the system call" },
};

/* The source of a bind is opened on the host, all other paths inside. */
static bool is_source(const struct plan *plan, const struct plan_step *step, const struct frame *f)
{
	const char *source = step->op == PLAN_BIND ? plan_text(plan, step->bind.source) : NULL;

	return source && f->call == CALL_OPEN && strcmp(source, f->text) == 0;
}

void hint_step(const struct plan *plan, const struct plan_step *step, const struct frame *f,
               struct err *e)
{
	if (is_source(plan, step, f) && f->error == ENOENT) {
		(void)err_hint(e, "the source of a bind must exist on the host");
		return;
	}
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		if (hints[i].error != f->error || (hints[i].op != ANY && hints[i].op != step->op) ||
		    (hints[i].call != ANY && hints[i].call != f->call))
			continue;
		(void)err_hint(e, "%s", hints[i].hint);
		return;
	}
}
