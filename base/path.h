/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text. What is walked is walked by openat2(2), where the root is known: in
 * cgroups/files.c and, for all that an image can touch, in init's target.c. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

/* Joins and cleans a path by its text alone: no "//", ".", or "..", always
 * absolute; ".." at the root stays there. */
char *path_clean(struct arena *a, const char *base, const char *path);

bool path_is_below(const char *path, const char *folder); /* both cleaned */
