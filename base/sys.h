/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that glibc 2.36 has no function for, and names that its headers
 * lack. Each returns as the man page of the call says: -1 and errno.
 */
#pragma once

#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* linux/memfd.h, since 6.3 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* openat2(2) */
static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
                              uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
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
