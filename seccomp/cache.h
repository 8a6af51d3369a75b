/* SPDX-License-Identifier: Apache-2.0 */
/* Finished filters in files, for this folder alone. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "oci-spec/spec.h"
#include "seccomp/filter.h"

enum { CACHE_FILES_MAX = 256 };

/* All that decides a filter's instructions, spelled out, and a number for it. */
struct cache_key {
	const unsigned char *bytes; /* in an arena */
	size_t len;                 /* a multiple of 8 */
	uint64_t hash;
};

void cache_key(struct arena *a, const struct oci_seccomp *profile, const struct filter_maker *maker,
               struct cache_key *ret);

/* True when the folder had a sound filter for the key; it lives in the arena. */
bool cache_load(struct arena *a, int dir, const struct cache_key *key, struct filter *ret);

/* Keeps the filter. A cache that cannot be written is no error: the next start
 * compiles again. */
void cache_store(int dir, const struct cache_key *key, const struct filter *filter);
