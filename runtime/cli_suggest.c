/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distance is Damerau's and Levenshtein's in its restricted form (optimal string
 * alignment): two neighbours that changed places are one mistake, as they are the
 * most common slip of a typist. Three rows of the table are enough for it.
 */
#include "runtime/cli_suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *older = rows[0], *old = rows[1], *now = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		old[j] = older[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replace = old[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = least(replace, least(old[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], older[j - 2] + 1);
		}
		size_t *spare = older;

		older = old;
		old = now;
		now = spare;
	}
	return old[b_len];
}

static bool is_beginning(const char *word, size_t len, const char *candidate)
{
	return len >= 2 && strncmp(word, candidate, len) == 0;
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word);
	size_t best_distance = len < 3 ? 1 : len / 3;
	const char *best = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t distance = is_beginning(word, len, candidates[i])
		                          ? 1
		                          : suggest_distance(word, candidates[i]);

		if (distance < best_distance || (distance == best_distance && !best)) {
			best = candidates[i];
			best_distance = distance;
		}
	}
	return best;
}
