/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the monitor lives from before the guest's first instruction on. Whoever takes over
 * the monitor from inside the guest has the guest's files and nothing else:
 *
 *	user namespace  every id stands for itself, no capability reaches beyond it
 *	mounts          an empty, read-only root; the shares are descriptors
 *	Landlock        files below the shares, no TCP, no signals to others (where there is one)
 *	AppArmor        the profile that the container is to have
 *	capabilities    those of a file server that acts for many owners
 *	seccomp         for each kind of thread the calls that it makes; any other kills
 *
 * The network namespace stays the container's: no thread may make a socket. The user's
 * number 0 in the namespace is the host's, so a file of /proc or a device would open for
 * it: shares have to be mounts without devices, and /proc/self/fd a mount of its own.
 *
 * Source: user_namespaces(7), pivot_root(2), landlock(7), seccomp(2).
 */
#pragma once

#include "base/err.h"
#include "vm-sandbox/fs.h"

/* What a thread does. */
enum jail_role {
	JAIL_START, /* all below, and starting threads */
	JAIL_MAIN,  /* waits, passes the agent's bytes on */
	JAIL_VCPU,  /* runs the guest and answers it */
	JAIL_TALK,  /* the owner's: speaks with the agent and with commands */
	JAIL_ROLES,
};

/* /proc/self/fd as a mount of its own, from which no ".." leads to the rest of /proc. For
 * fs_setup.proc_fds; the caller closes it. */
MUST_CHECK int jail_proc_fds(struct err *e);

/* The whole of it, for a process with one thread and with a role of JAIL_START afterwards.
 * `profile`: of AppArmor; NULL: none. After an error the process is in no state to go on. */
MUST_CHECK int jail_enter(const struct fs_share *shares, unsigned int count, const char *profile,
                          struct err *e);

/* The calling thread makes only the calls of this role from now on. */
MUST_CHECK int jail_thread(enum jail_role role, struct err *e);

/* --- its parts, in this order ------------------------------------------------------------ */

MUST_CHECK int jail_namespaces(struct err *e); /* jail_root.c */
MUST_CHECK int jail_root(struct err *e);
MUST_CHECK int jail_profile_open(struct err *e); /* jail_profile.c; for jail_profile() */
MUST_CHECK int jail_profile(int attribute, const char *profile, struct err *e);
MUST_CHECK int jail_landlock(const struct fs_share *shares, unsigned int count, struct err *e);
MUST_CHECK int jail_capabilities(struct err *e);
