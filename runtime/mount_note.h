/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note of a container's root in a mount namespace that others are in, the host's or
 * a joined one. Mounts there do not end with the container's processes, so where its
 * root is mounted is noted before it is: the file "mount" in the container's folder. All
 * that the container mounts lies below that one mount and goes with it.
 *
 * The note names the mount by its id, and the namespace by its inode: what somebody else
 * has mounted at the same path is left alone.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/state.h"

struct mount_note {
	uint64_t id;           /* PLAN_MOUNT_ID */
	uint64_t namespace;    /* inode of its file in nsfs */
	const char *join_path; /* where the config joins it; "" for the caller's */
	const char *rootfs;    /* where the mount is, in that namespace */
};

/* pid: a process in the namespace, which cannot end meanwhile. The note is also given back, for
 * whoever made the mount and sees its end: the file may be taken away. It keeps the texts. */
MUST_CHECK int mount_note_write(const struct state_dir *d, pid_t pid, uint64_t id,
                                const char *join_path, const char *rootfs, struct mount_note *ret,
                                struct err *e);

/* 1: read, into the arena; 0: there is none that could still mean a mount. */
MUST_CHECK int mount_note_read(const struct state_dir *d, struct arena *a, struct mount_note *ret,
                               struct err *e);

/* Detaches the mount with all that is below, if it is there. Nobody may be about to
 * attach it: the container's processes are gone. */
MUST_CHECK int mount_note_undo(const struct state_dir *d, struct err *e);

/* The same without the file. */
MUST_CHECK int mount_note_detach(const struct mount_note *n, struct err *e);
