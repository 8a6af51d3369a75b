/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side of a virtqueue: what a guest's kernel would do, on a memory of a few
 * pages. Rings lie at fixed places; buffers wherever a test says.
 */
#pragma once

#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "vm-sandbox/memory.h"
#include "vm-sandbox/virtq.h"

enum {
	RING_MEMORY = 1 << 20,
	RING_DESC = 0x1000,
	RING_AVAIL = 0x3000,
	RING_USED = 0x4000,
	RING_STEP = 0x8000, /* from one queue's rings to the next one's */
	RING_BUFFERS = 0x80000,
};

struct ring {
	struct guest_memory *m;
	uint64_t base;
	uint16_t size, free; /* the next free descriptor */
	uint16_t seen;       /* of the used ring */
};

/* Guest memory over a block of exactly its size, so that a sanitizer sees its end. */
static inline struct guest_memory ring_memory(void)
{
	struct guest_memory m = { .count = 1 };

	m.region[0].size = RING_MEMORY;
	m.region[0].host = aligned_alloc(4096, RING_MEMORY);
	if (!m.region[0].host)
		abort();
	memset(m.region[0].host, 0, RING_MEMORY);
	return m;
}

static inline void ring_memory_free(struct guest_memory *m)
{
	free(m->region[0].host);
	m->count = 0;
}

static inline struct ring ring_new(struct guest_memory *m, unsigned int nr, uint16_t size)
{
	struct ring r = { .m = m, .base = (uint64_t)nr * RING_STEP, .size = size };

	return r;
}

static inline struct vring_desc *ring_desc(struct ring *r, uint16_t i)
{
	return (struct vring_desc *)guest_at(r->m, r->base + RING_DESC, 16 * 256) + i;
}

static inline uint16_t *ring_avail(struct ring *r)
{
	return guest_at(r->m, r->base + RING_AVAIL, 4);
}

static inline uint16_t *ring_used(struct ring *r)
{
	return guest_at(r->m, r->base + RING_USED, 4);
}

/* Adds a descriptor and says where it is. */
static inline uint16_t ring_add(struct ring *r, uint64_t addr, uint32_t len, uint16_t flags,
                                uint16_t next)
{
	uint16_t i = r->free++ % r->size;

	struct vring_desc d = { addr, len, flags, next };

	*ring_desc(r, i) = d;
	return i;
}

/* Makes a chain available. */
static inline void ring_offer(struct ring *r, uint16_t head)
{
	uint16_t *avail = ring_avail(r);

	avail[2 + avail[1] % r->size] = head;
	avail[1]++;
}

/* The next used element: its length, or -1 when there is none. */
static inline int64_t ring_take(struct ring *r)
{
	uint16_t *used = ring_used(r);
	const struct vring_used_elem *element = (const void *)(used + 2);

	if (used[1] == r->seen)
		return -1;
	return element[r->seen++ % r->size].len;
}

static inline struct virtq ring_queue(const struct ring *r)
{
	return (struct virtq){
		.size = r->size,
		.size_max = r->size,
		.enabled = true,
		.desc = r->base + RING_DESC,
		.avail = r->base + RING_AVAIL,
		.used = r->base + RING_USED,
	};
}
