/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What launcher and init say to each other over a SOCK_SEQPACKET pair: packets of
 * one fixed size, some with descriptors. Each has a name; this is the whole talk:
 *
 *   launcher -> init   HELLO     fds: the plan's memfd, then every slot in order;
 *                                value: the signals that init finds ignored, a mask;
 *                                step: the plan's size in bytes
 *   init -> launcher   MAPS      stage 1 is in its new user namespace
 *   launcher -> init   GO        maps are written
 *   init -> launcher   CHILD     fd: pidfd of stage 2; value: its pid. Stage 1 ends
 *   launcher -> init   NETWORK   fd: the network namespace, if the launcher makes it; it may
 *                                come before init wants it
 *   launcher -> init   CGROUP    init is in its cgroup, where somebody else puts it there; it
 *                                may come before init wants to know
 *   init -> launcher   SOURCE    value: the step of a bind or of the rootfs whose source
 *                                init cannot clone, or of a device that it cannot make
 *   launcher -> init   GO        fd: a detached tree; that of the rootfs is attached
 *   init -> launcher   MOUNT     value: the id of the rootfs's mount, which goes into a mount
 *                                namespace that others are in, too
 *   launcher -> init   GO        that is noted; now it may be attached
 *   init -> launcher   HOOKS     namespaces and mounts are there
 *   launcher -> init   GO        fd: the hooks' state (a sealed memfd), if any hook
 *                                of the container wants it
 *   init -> launcher   CONSOLE   fd: the pty's master; text: the slave's name
 *   init -> launcher   WARNING   text; the start goes on
 *   init -> launcher   READY     all that can fail has been done; init is parked
 *   launcher -> init   GO        only for create: init may outlive the launcher and
 *                                hears the listener from now on
 *   starter  -> init   START     fd: state for startContainer hooks, if there are any
 *   init -> starter    LISTENER  value: the fd's number of the seccomp listener in
 *                                init; the starter takes it with pidfd_getfd(2)
 *   starter  -> init   GO        it has it
 *   init -> either     ERROR     the step that failed; init ends
 *   (end of file)                after START: execve succeeded
 *
 * The starter is the launcher itself (run, exec) or whoever connects to the
 * listener slot (start). Packets from init are hostile input: the size must be
 * exact and text is cut at its last byte.
 */
#pragma once

#include <stdint.h>

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_MAPS,
	FRAME_GO,
	FRAME_CHILD,
	FRAME_SOURCE,
	FRAME_NETWORK,
	FRAME_MOUNT,
	FRAME_CGROUP,
	FRAME_HOOKS,
	FRAME_CONSOLE,
	FRAME_WARNING,
	FRAME_READY,
	FRAME_START,
	FRAME_LISTENER,
	FRAME_ERROR,
};

enum { FRAME_TEXT_MAX = 480 };

struct frame {
	uint32_t type; /* enum frame_type */
	uint32_t step; /* ERROR, WARNING: index into the plan's steps; UINT32_MAX before
	                * the first. HELLO: the plan's size */
	int32_t error; /* ERROR: errno, 0 if there is none */
	uint32_t call; /* ERROR: what failed, an enum frame_call */
	int64_t value;
	char text[FRAME_TEXT_MAX]; /* ERROR: the path or name it failed on */
};

/* The system call, or our own check, that failed in init: chosen for messages, so
 * that init carries no prose. The launcher turns it into words. */
enum frame_call {
	CALL_NONE,
	CALL_OPEN,
	CALL_MKDIR,
	CALL_MKNOD,
	CALL_CHOWN,
	CALL_SYMLINK,
	CALL_READ,
	CALL_WRITE,
	CALL_STAT,
	CALL_FSOPEN,
	CALL_FSCONFIG, /* text: "key=value: the kernel's own message" */
	CALL_FSMOUNT,
	CALL_OPEN_TREE,
	CALL_MOVE_MOUNT,
	CALL_MOUNT_SETATTR,
	CALL_MOUNT,
	CALL_UMOUNT,
	CALL_PIVOT_ROOT,
	CALL_CHROOT,
	CALL_CHDIR,
	CALL_GETCWD,
	CALL_SETNS,
	CALL_UNSHARE,
	CALL_CLONE,
	CALL_SETSID,
	CALL_IOCTL,
	CALL_SETRLIMIT,
	CALL_PRCTL,
	CALL_CAPSET,
	CALL_SETGROUPS,
	CALL_SETRESGID,
	CALL_SETRESUID,
	CALL_KEYCTL,
	CALL_SETHOSTNAME,
	CALL_SETDOMAINNAME,
	CALL_SECCOMP,
	CALL_DUP,
	CALL_POLL,
	CALL_EXECVE, /* text: the path; then, where the file tells what is missing,
	              * " (interpreter PATH)" or " (e_machine N)" */
	CALL_SOCKET,
	CALL_MMAP,
	CALL_CLOSE_RANGE,
	CALL_SCHED_SETAFFINITY,
	CALL_COPY, /* any call of a copy; text: the path in the container */
	CALL_IOPRIO_SET,
	CALL_PERSONALITY,
	CALL_SET_MEMPOLICY,
	CALL_LANDLOCK_CREATE_RULESET,
	CALL_LANDLOCK_ADD_RULE,
	CALL_LANDLOCK_RESTRICT_SELF,
	/* our own checks */
	CHECK_PLAN,       /* the plan is not well-formed */
	CHECK_NOT_FOLDER, /* a target must be an ordinary folder */
	CHECK_FILESYSTEM, /* not the filesystem that it must be */
	CHECK_NULL,       /* /dev/null is not the device 1:3 */
	CHECK_READ_BACK,  /* what was set is not what is there */
	CHECK_CWD,        /* the working folder lies outside of the root */
	CHECK_LOOKUP,     /* executable not found in $PATH */
	CHECK_DIRECTORY,  /* the executable is a folder */
	CHECK_HOOK,       /* value: exit status; text: the end of its output */
	CHECK_HOOK_TIME,  /* a hook took longer than its timeout */
	CHECK_PROTOCOL,   /* a packet that is not due now */
	CHECK_HOST_ROOT,  /* the rootfs is the root of a mount namespace of others */
	CHECK_MOUNT,      /* what is mounted there is not what was noted */
};
