/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lifetime for many small allocations: a config and everything in it, or
 * what one command needs until it ends. Nothing in an arena is freed alone.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes handed out in all */
	size_t limit;               /* at most this many; 0: no end */
};

#define ARENA __attribute__((cleanup(arena_done)))

void arena_init(struct arena *a, size_t limit);
void arena_done(struct arena *a);

/* Zeroed memory, aligned for any type. Ends the process with a clear line when
 * memory or the limit is used up: nothing sensible could be done by a caller. */
void *arena_new(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
void *arena_array(struct arena *a, size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));

char *arena_string(struct arena *a, const char *text, size_t len) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3)
	__attribute__((returns_nonnull));

/* Says that memory has run out, and ends the process: for allocators of others. */
_Noreturn void arena_exhausted(void);
