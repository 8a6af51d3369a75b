/* SPDX-License-Identifier: Apache-2.0 */
/* Finished filters in files, for this folder alone. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "oci-spec/spec.h"
#include "seccomp/filter.h"

enum { CACHE_FILES_MAX = 256 };

/* The key of a filter: a hash over all that decides its instructions. */
void cache_key(const struct oci_seccomp *profile, const struct filter_maker *maker,
               uint8_t ret[SHA256_BYTES]);

/* True when the folder had a sound filter for the key; it lives in the arena. */
bool cache_load(struct arena *a, int dir, const uint8_t key[SHA256_BYTES], struct filter *ret);

/* Keeps the filter. A cache that cannot be written is no error: the next start
 * compiles again. */
void cache_store(int dir, const uint8_t key[SHA256_BYTES], const struct filter *filter);
