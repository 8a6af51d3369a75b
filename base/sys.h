/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that glibc 2.36 or musl 1.2.3 has no function for, and names that their
 * headers lack. Each returns as the man page of the call says: -1 and errno.
 */
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* linux/memfd.h, since 6.3 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* ioctl_pidfd(2): struct pidfd_info as far as 6.15 has it; <linux/pidfd.h> here is older. */
struct sys_pidfd_info {
	uint64_t mask, cgroup;
	uint32_t ids[11]; /* pid, tgid, ppid and eight of the user and the group */
	int32_t exit_code;
};

enum { SYS_PIDFD_INFO_EXIT = 1 << 3 };

/* PIDFD_GET_INFO; musl's ioctl(2) takes an int, glibc's a long */
static inline int sys_pidfd_info(int pidfd, struct sys_pidfd_info *ret)
{
	return (int)syscall(SYS_ioctl, pidfd, _IOWR(0xFF, 11, struct sys_pidfd_info), ret);
}

/* openat2(2) */
static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
                              uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* open_tree(2); OPEN_TREE_* are in <linux/mount.h> */
static inline int sys_open_tree(int dir, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dir, path, flags);
}

/* mount_setattr(2); struct mount_attr is in <linux/mount.h> */
struct mount_attr;
static inline int sys_mount_setattr(int dir, const char *path, unsigned int flags,
                                    struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, dir, path, flags, attributes,
	                    32 /* MOUNT_ATTR_SIZE_VER0 */);
}

/* move_mount(2) of the tree at fd to a path */
static inline int sys_move_mount(int fd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_move_mount, fd, "", -100 /* AT_FDCWD */, path,
	                    flags | 4U /* MOVE_MOUNT_F_EMPTY_PATH */);
}

/* pidfd_open(2) */
static inline int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

/* ioctl(2), by a request of any size: musl's function takes an int */
static inline int sys_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* pidfd_getfd(2) */
static inline int sys_pidfd_getfd(int pidfd, int fd)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/* pidfd_send_signal(2) */
static inline int sys_pidfd_send_signal(int pidfd, int signo)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

/* kill(2) of a whole process group, whose leader is a child of ours that is not reaped:
 * until then its number is nobody else's. */
static inline int sys_kill_group(pid_t leader, int signo)
{
	return (int)syscall(SYS_kill, -leader, signo);
}

/* close_range(2) */
static inline int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* execveat(2) of the program that is open as fd */
static inline int sys_fexecve(int fd, const char *const *argv, const char *const *envp)
{
	return (int)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
}

/* getrlimit(2), by a number: glibc's function takes an enum, musl's an int */
static inline int sys_getrlimit(int resource, struct rlimit *ret)
{
	return (int)syscall(SYS_prlimit64, 0, resource, NULL, ret);
}

/* clone3(2) without a shared address space: fork(2) with flags. */
static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

/*
 * clone3(2) whose child shares our memory and runs run(arg) on the stack that
 * args->stack and args->stack_size give, and never returns from it. With
 * CLONE_VFORK the caller sleeps until the child executes or ends. This is
 * assembly (base/clone_x86_64.S), because a child that shares memory must not
 * return through its parent's frame. Returns the pid, or -errno.
 */
long sys_clone3_run(struct clone_args *args, size_t size, void (*run)(void *), void *arg);
