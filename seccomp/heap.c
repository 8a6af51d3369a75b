/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling a profile takes and returns small blocks by the thousand. musl's malloc gives
 * their pages back to the kernel each time that a few of one size are free, and fetches
 * them again: 200 system calls and 300 page faults, a third of all the time that it took.
 *
 * Here a block comes from a region that is mapped once and only grows: from the list of
 * its size where one was returned, else from the region's end. Large blocks, and all when
 * the region is full, are malloc's. A block is preceded by a word with its size; whether
 * it is ours tells its address, since libseccomp also frees what strdup(3) made.
 *
 * Nothing returns to the kernel: who compiles a profile is a short program. One thread.
 */
#include "seccomp/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	GRAIN = alignof(max_align_t),
	SMALL_MAX = 1024, /* payload bytes; larger ones are malloc's */
	SIZES = SMALL_MAX / GRAIN + 2,
	REGION = 8 << 20, /* of addresses; memory is taken as it is used */
};

/* The payload is aligned, so the word before it ends at a multiple of GRAIN. */
struct block {
	size_t grains; /* with this word */
	union {
		struct block *next; /* while it is free */
		unsigned char bytes[8];
	} payload;
};

static_assert(offsetof(struct block, payload) == sizeof(size_t), "a word, then the payload");
static_assert(2 * sizeof(size_t) == GRAIN, "the smallest block is a grain");

static unsigned char *region, *untouched;
static struct block *spare[SIZES]; /* by grains */

static bool is_ours(const void *memory)
{
	return region && (uintptr_t)memory - (uintptr_t)region < REGION;
}

static struct block *block_of(void *memory)
{
	return (struct block *)(void *)((unsigned char *)memory - sizeof(size_t));
}

static size_t room_of(const struct block *b)
{
	return b->grains * GRAIN - sizeof(size_t);
}

static bool map_region(void)
{
	void *mapped = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mapped == MAP_FAILED)
		return false;
	/* a hundred page faults less, where the host has large pages to give */
	(void)madvise(mapped, REGION, MADV_HUGEPAGE);
	region = mapped;
	untouched = region + GRAIN - sizeof(size_t); /* so that payloads are aligned */
	return true;
}

void *heap_malloc(size_t size)
{
	size_t grains = (size + sizeof(size_t) + GRAIN - 1) / GRAIN;
	struct block *b;

	if (size == 0)
		size = 1;
	if (size > SMALL_MAX || (!region && !map_region()))
		return malloc(size);
	b = spare[grains];
	if (b) {
		spare[grains] = b->payload.next;
		return b->payload.bytes;
	}
	if ((size_t)(region + REGION - untouched) < grains * GRAIN)
		return malloc(size);
	b = (struct block *)(void *)untouched;
	untouched += grains * GRAIN;
	b->grains = grains;
	return b->payload.bytes;
}

void *heap_calloc(size_t count, size_t size)
{
	size_t bytes;
	void *memory;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	memory = heap_malloc(bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}

void heap_free(void *memory)
{
	struct block *b;

	if (!is_ours(memory)) {
		free(memory);
		return;
	}
	b = block_of(memory);
	/* heap_malloc() wrote it. NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
	size_t grains = b->grains;
	if (grains == 0 || grains >= SIZES)
		abort(); /* somebody wrote before the block */
	b->payload.next = spare[grains];
	spare[grains] = b;
}

void *heap_realloc(void *memory, size_t size)
{
	void *larger;

	if (!memory)
		return heap_malloc(size);
	if (!is_ours(memory))
		return realloc(memory, size);
	if (size <= room_of(block_of(memory)))
		return memory;
	larger = heap_malloc(size);
	if (!larger)
		return NULL;
	memcpy(larger, memory, room_of(block_of(memory)));
	heap_free(memory);
	return larger;
}
