/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What update changes of a container's first process: resource limits and the OOM score.
 * In two halves, so that the cgroup's values can be changed between them and all is undone
 * if something is refused: what the kernel may refuse comes first (limits that grow, the
 * score), what it cannot refuse, and may not let us take back, last (limits that shrink).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"

enum { PROCESS_LIMITS_MAX = 16 }; /* as many kinds as there are */

struct process_limit {
	int resource;
	const char *name; /* for messages */
	uint64_t soft, hard;
};

struct process_change {
	struct process_limit limits[PROCESS_LIMITS_MAX]; /* each kind at most once */
	size_t limit_count;
	bool score_set;
	int score; /* -1000 to 1000 */
};

struct process_update {
	pid_t pid;
	int pidfd; /* of it; the caller's */
	const struct process_change *wanted;
	struct rlimit before[PROCESS_LIMITS_MAX];
	bool changed[PROCESS_LIMITS_MAX];
	int score_before;
	bool score_changed;
};

/* Reads what is there, and makes the first half. A failed call has changed nothing. */
MUST_CHECK int process_update_begin(struct process_update *u, pid_t pid, int pidfd,
                                    const struct process_change *wanted, struct err *e);
/* The second half; failing, it undoes both. */
MUST_CHECK int process_update_end(struct process_update *u, struct err *e);
void process_update_undo(struct process_update *u);
