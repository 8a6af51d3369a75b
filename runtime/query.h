/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of a container now: its record held against the kernel. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/state.h"

/* An existing container, opened by its id. */
struct found {
	struct state_dir dir;
	struct state state;
	struct cgroup_facts cgroup;
	enum container_status status;
	int pidfd; /* of its first process; -1 when that is gone */
};

#define FOUND __attribute__((cleanup(found_close)))
#define FOUND_NONE                                 \
	{                                          \
		.dir = STATE_DIR_NONE, .pidfd = -1 \
	}

void found_close(struct found *f);

/* Opens a container and finds out its status. `lock`: keep others out until it is
 * closed. Strings are in the arena. ERR_STATE "container does not exist". */
MUST_CHECK int found_open(const struct container_context *c, struct arena *a, const char *id,
                          bool lock, struct found *ret, struct err *e);

/* The second half of found_open: fills the rest of one whose folder is open. */
MUST_CHECK int found_read(struct found *f, struct arena *a, bool locked, struct err *e);

/* Instead, where there is no record to be read: only the note of the cgroup. */
MUST_CHECK int found_read_note(struct found *f, struct arena *a, struct err *e);

/* What `list` tells of one. */
struct container_info found_info(const struct found *f);

/* 1: what lives in the cgroup is this container's, 0: it may be another's. A first
 * process that lives vouches for the group that it was born in; else its mark does. */
MUST_CHECK int found_owns(const struct found *f, int cgroup, struct err *e);
