/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc for the program that is linked against musl; otherwise this file is empty.
 * musl's own serves programs that live long: it takes pages for each size and gives
 * them back as soon as they are free, and every one of these is a system call and a
 * page fault more. That was a tenth of a container's start. This program lives for
 * milliseconds, or waits and allocates nothing.
 *
 * - Every block is a power of two, with a head in front of it.
 * - New blocks are cut from the pool, one after the other; freed ones wait in a list
 *   of their size. Blocks that the pool has no room for are mapped, and unmapped.
 * - A head names its block's size, mixed with its address. One that does not fit (freed
 *   twice, never ours, written over) ends the program.
 *
 * No locks: the program has no threads.
 */
#include <features.h>

#if !defined(__GLIBC__) || defined(HEAP_TEST)

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	CLASS_MIN = 5, /* log2 of a block's size, its head included */
	CLASS_MAX = 47,
	POOL_BYTES = 2 << 20, /* only what is used of it takes memory */
};

struct head {
	uint64_t mark;
	struct head *next; /* while it is free */
};

static _Alignas(4096) unsigned char pool[POOL_BYTES];
static size_t pool_used;
static struct head *spare[CLASS_MAX + 1];

static uint64_t mark_of(const struct head *h, unsigned int class)
{
	return ((uint64_t)(uintptr_t)h ^ UINT64_C(0xca1550bca1550b00)) << 6 | class;
}

static bool in_pool(const struct head *h)
{
	return (uintptr_t)h - (uintptr_t)pool < POOL_BYTES;
}

static struct head *head_of(void *memory, unsigned int *class)
{
	struct head *h = (struct head *)memory - 1;

	*class = h->mark & 63;
	if (h->mark != mark_of(h, *class))
		abort();
	return h;
}

static void *take(size_t wanted)
{
	unsigned int class = CLASS_MIN;
	struct head *h;

	while (class <= CLASS_MAX && ((size_t)1 << class) - sizeof(*h) < wanted)
		class ++;
	if (class > CLASS_MAX) {
		errno = ENOMEM;
		return NULL;
	}

	size_t size = (size_t)1 << class;
	if (spare[class]) {
		h = spare[class];
		spare[class] = h->next;
	} else if (size <= POOL_BYTES - pool_used) {
		h = (struct head *)(void *)(pool + pool_used);
		pool_used += size;
	} else {
		h = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (h == MAP_FAILED)
			return NULL;
	}
	h->mark = mark_of(h, class);
	return h + 1;
}

void *malloc(size_t size)
{
	return take(size);
}

void free(void *memory)
{
	unsigned int class;

	if (!memory)
		return;
	struct head *h = head_of(memory, &class);
	h->mark = 0;
	if (in_pool(h)) {
		h->next = spare[class];
		spare[class] = h;
	} else {
		int saved = errno;

		(void)munmap(h, (size_t)1 << class);
		errno = saved;
	}
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	void *memory = take(bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}

void *realloc(void *memory, size_t size)
{
	unsigned int class;

	if (!memory)
		return take(size);
	(void)head_of(memory, &class);

	size_t room = ((size_t)1 << class) - sizeof(struct head);
	if (size <= room)
		return memory;
	void *moved = take(size);
	if (!moved)
		return NULL;
	memcpy(moved, memory, room);
	free(memory);
	return moved;
}

#endif
