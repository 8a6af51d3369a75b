/* SPDX-License-Identifier: Apache-2.0 */
/* What was probably meant by a word that is not in a list. */
#pragma once

#include <stddef.h>

/* The number of letters to insert, delete, replace or swap with a neighbour to make
 * one word of the other; words longer than 63 bytes are as far away as SIZE_MAX. */
size_t suggest_distance(const char *a, const char *b);

/* The nearest of n candidates, or NULL when none is near: at most one mistake in
 * three letters, or the word is the beginning of the candidate. */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t n);
