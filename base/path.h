/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths below a root that is not ours. Everything goes through openat2(2); there
 * is no fallback, because a string check before a plain open can be raced.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* Opens path as if `root` were /: links, also absolute ones and "..", stay below
 * it, and magic links (/proc/PID/fd/N) are refused. flags and mode as open(2).
 * Returns an fd, or -1 with ERR_KERNEL. Source: openat2(2), RESOLVE_IN_ROOT. */
MUST_CHECK int path_open_in(int root, const char *path, int flags, mode_t mode, struct err *e);

/* Joins and cleans a path by its text alone: no "//", ".", or "..", always
 * absolute; ".." at the root stays there. */
char *path_clean(struct arena *a, const char *base, const char *path);

bool path_is_below(const char *path, const char *folder); /* both cleaned */
