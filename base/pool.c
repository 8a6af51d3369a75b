/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks are a static array, of which only what is written to takes memory. */
#include "base/pool.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCKS = 32 };

#ifdef __SANITIZE_ADDRESS__
static const bool pooled = false;
#else
static const bool pooled = true;
#endif

union block {
	union block *next; /* while it is spare */
	alignas(max_align_t) unsigned char bytes[POOL_BLOCK];
};

static union block blocks[BLOCKS];
static size_t taken; /* from the front, ever */
static union block *spare;

void *pool_take(void)
{
	union block *block = spare;

	if (block)
		spare = block->next;
	else if (pooled && taken < BLOCKS)
		block = &blocks[taken++];
	return block;
}

bool pool_give(void *memory)
{
	union block *block = memory;

	if ((uintptr_t)memory - (uintptr_t)blocks >= sizeof(blocks))
		return false;
	block->next = spare;
	spare = block;
	return true;
}
