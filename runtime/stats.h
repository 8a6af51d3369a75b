/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A board with the numbers of all containers, or of some, refreshed again and again. The
 * files of each are opened once, so a refresh is eleven system calls a container, and a
 * few for the list of them.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "runtime/container.h"

struct stats_board {
	const struct container_context *context;
	bool chosen;      /* only those that were named */
	struct buf items; /* of what stats.c watches */
};

#define STATS_BOARD __attribute__((cleanup(stats_close)))

/* One container that lives. */
struct stats_row {
	const char *id;
	bool paused;
	bool counted; /* it has a group of its own; else there are no numbers */
	bool rated;   /* there was an earlier refresh */
	uint64_t cpu; /* hundredths of a per cent of one CPU, since then */
	struct meter_reading now;
};

/* ids NULL: all that live, now or later. One that is named has to live, or it is ERR_STATE.
 * Raises our own soft limit of open files. */
MUST_CHECK int stats_open(const struct container_context *c, const struct oci_strings *ids,
                          struct stats_board *ret, struct err *e);
void stats_close(struct stats_board *b);

/* What is true now, sorted by id, in the arena. Of named ones that have all ended: none. */
MUST_CHECK int stats_refresh(struct stats_board *b, struct arena *a, struct stats_row **ret,
                             size_t *ret_count, struct err *e);
