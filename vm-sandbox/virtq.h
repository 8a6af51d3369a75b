/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A split virtqueue, as the device sees it. Everything in the rings was written by the
 * guest and may change while it is read: each value is loaded once, checked, and what is
 * handed out are ranges of guest RAM, never more of them than the queue has entries.
 *
 * A queue that the guest has filled with what cannot be (a loop, an address outside of
 * RAM...) is broken, and gives nothing more until the device is reset.
 *
 * A queue is numbers alone, so it can be saved and restored.
 * Source: virtio 1.2, section 2.7.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vm-sandbox/memory.h"

enum { VIRTQ_SIZE_MAX = 256 };

struct virtq {
	/* what the driver sets before it starts the device */
	uint16_t size; /* a power of two up to size_max */
	uint16_t vector;
	bool enabled;
	uint64_t desc, avail, used; /* guest physical */
	/* the device's own */
	uint16_t size_max;
	uint16_t next_avail; /* counts all that was taken, modulo 2^16 */
	uint16_t next_used;
	bool broken;
};

/* A chain of buffers: first what the device reads, then what it writes. */
struct virtq_chain {
	uint16_t head;
	uint16_t readable, writable; /* how many of iov */
	uint32_t readable_len, writable_len;
	struct iovec iov[VIRTQ_SIZE_MAX];
};

/* Whether the rings lie in RAM, aligned, with a size that is allowed. */
bool virtq_valid(const struct virtq *q, const struct guest_memory *m);

/* Takes the next chain: 1; 0 when there is none; -1 when the queue is broken. */
MUST_CHECK int virtq_take(struct virtq *q, const struct guest_memory *m, struct virtq_chain *ret);

/* Puts the chain that was taken last back, to be taken again. */
void virtq_untake(struct virtq *q);

/* Gives a chain back to the driver, `written` bytes of its writable part filled. */
void virtq_give(struct virtq *q, const struct guest_memory *m, uint16_t head, uint32_t written);

/* The same for many that belong together: each with its number among them, then all of them
 * become the driver's at once. */
void virtq_put(const struct virtq *q, const struct guest_memory *m, uint16_t nr, uint16_t head,
               uint32_t written);
void virtq_publish(struct virtq *q, const struct guest_memory *m, uint16_t count);

/* Whether the driver wants to be told about what was given. */
bool virtq_wants_interrupt(const struct virtq *q, const struct guest_memory *m);

/* Asks the driver for notifications, or for none: none are needed where the device looks
 * when it has something to write. After asking for them, look once more. */
void virtq_notifications(const struct virtq *q, const struct guest_memory *m, bool wanted);

/* Copies between a chain's parts and memory, from `offset` on: the number of bytes that
 * there were. */
size_t virtq_read(const struct virtq_chain *c, size_t offset, void *to, size_t len);
size_t virtq_write(const struct virtq_chain *c, size_t offset, const void *from, size_t len);
