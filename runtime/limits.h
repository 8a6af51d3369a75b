/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits that a container has run into, by its group's own counters: processes
 * killed because memory was used up, forks refused, CPU time withheld. The counters live
 * as long as the group, so they also tell of a container that has ended.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroups/stats.h"
#include "oci-spec/json.h"

enum limit_kind { LIMIT_MEMORY, LIMIT_PIDS, LIMIT_CPU, LIMIT_KINDS };

struct limit_hit {
	enum limit_kind kind;
	uint64_t count;                 /* processes killed, forks refused, periods throttled */
	struct opt_u64 limit, peak;     /* bytes, processes; limit: not set where there is none */
	uint64_t periods, throttled_us; /* cpu: periods in all, time withheld */
	uint64_t period_us;             /* cpu: the limit is the quota in such a period */
	const char *text;               /* one sentence for people */
};

struct limit_hits {
	struct limit_hit v[LIMIT_KINDS];
	size_t n;
};

/* The files that limits_find needs in a reading; limits_watched: those whose numbers
 * tell whether there is anything to be found. */
uint32_t limits_files(void);
uint32_t limits_watched(void);

/* What a reading tells; texts are in the arena. */
void limits_find(struct arena *a, const struct meter_reading *r, struct limit_hits *ret);

/* Reads a group's files. One that has been removed has no hits. */
MUST_CHECK int limits_read(struct arena *a, int cgroup, struct limit_hits *ret, struct err *e);

/* CPU time was withheld in most periods, which is worth a word unasked. */
bool limits_remarkable(const struct limit_hit *hit);

void limits_json(struct json_writer *w, const struct limit_hit *hit);
