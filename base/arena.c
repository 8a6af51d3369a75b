/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of the usual size are the pool's; what is larger is malloc's. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

enum { BLOCK_SIZE = POOL_BLOCK - sizeof(struct arena_block) };

void arena_exhausted(void)
{
	static const char text[] = "caisson: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

void arena_done(struct arena *a)
{
	struct arena_block *block = a->blocks;

	while (block) {
		struct arena_block *next = block->next;

		if (!pool_give(block))
			free(block);
		block = next;
	}
	a->blocks = NULL;
}

static struct arena_block *new_block(struct arena *a, size_t size)
{
	size_t bytes = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *block = bytes == BLOCK_SIZE ? pool_take() : NULL;

	if (!block)
		block = malloc(sizeof(*block) + bytes);
	if (!block)
		arena_exhausted();
	*block = (struct arena_block){ .next = a->blocks, .size = bytes };
	a->blocks = block;
	return block;
}

void *arena_new(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);

	if (size > SIZE_MAX / 2 || (a->limit > 0 && a->used + size > a->limit))
		arena_exhausted();
	size = (size + align - 1) & ~(align - 1);

	struct arena_block *block = a->blocks;
	if (!block || block->size - block->used < size)
		block = new_block(a, size);

	void *memory = block->bytes + block->used;
	block->used += size;
	a->used += size;
	return memset(memory, 0, size);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		arena_exhausted();
	return arena_new(a, bytes);
}

char *arena_string(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_new(a, len + 1);

	memcpy(copy, text, len);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	char most[256]; /* formatted once, then, if it is longer, once more */
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(most, sizeof(most), fmt, ap);
	va_end(ap);
	if (len < 0)
		arena_exhausted();

	char *text = arena_new(a, (size_t)len + 1);
	if ((size_t)len < sizeof(most))
		memcpy(text, most, (size_t)len);
	else
		(void)vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}
