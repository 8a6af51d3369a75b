/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of what is read and written is the whole of this file's care:
 *
 *	take    avail.idx, then (acquire) the ring's entry, then descriptors
 *	give    the used entry, then (release) used.idx, then (full fence) avail.flags
 *
 * The fence matters on x86, too: a store may pass a later load, and both sides would
 * then believe that the other was told.
 */
#include "vm-sandbox/virtq.h"

#include <linux/virtio_ring.h>
#include <string.h>

enum {
	RING_HEAD = 4, /* flags and idx */
	USED_ELEMENT = sizeof(struct vring_used_elem),
	DESCRIPTOR = sizeof(struct vring_desc),
};

/* A descriptor, loaded once. */
struct descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* Descriptors in a row: the queue's own or those of an indirect one. */
struct table {
	const uint8_t *at;
	uint32_t count;
	bool indirect;
};

static uint8_t *avail_ring(const struct virtq *q, const struct guest_memory *m)
{
	return guest_at(m, q->avail, RING_HEAD + q->size * sizeof(uint16_t));
}

static uint8_t *used_ring(const struct virtq *q, const struct guest_memory *m)
{
	return guest_at(m, q->used, RING_HEAD + (uint64_t)q->size * USED_ELEMENT);
}

static const uint8_t *descriptors(const struct virtq *q, const struct guest_memory *m)
{
	return guest_at(m, q->desc, (uint64_t)q->size * DESCRIPTOR);
}

bool virtq_valid(const struct virtq *q, const struct guest_memory *m)
{
	bool size_ok = q->size > 0 && q->size <= q->size_max && q->size <= VIRTQ_SIZE_MAX &&
	               (q->size & (q->size - 1)) == 0;

	return size_ok && q->desc % DESCRIPTOR == 0 && q->avail % 2 == 0 && q->used % 4 == 0 &&
	       descriptors(q, m) && avail_ring(q, m) && used_ring(q, m);
}

static struct descriptor load(const struct table *t, uint32_t index)
{
	const uint8_t *at = t->at + (size_t)index * DESCRIPTOR;
	uint64_t rest = guest_load64(at + offsetof(struct vring_desc, len));

	return (struct descriptor){
		.addr = guest_load64(at),
		.len = (uint32_t)rest,
		.flags = (uint16_t)(rest >> 32),
		.next = (uint16_t)(rest >> 48),
	};
}

/* Follows an indirect descriptor: the table behind it becomes the one that is walked. It
 * is the last of its chain, and its table has no further one (section 2.7.5.3.1). */
static bool enter(struct table *t, const struct descriptor *d, const struct guest_memory *m)
{
	if (t->indirect || (d->flags & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE)) ||
	    d->len % DESCRIPTOR || d->addr % sizeof(uint64_t))
		return false;
	*t = (struct table){
		.at = guest_at(m, d->addr, d->len),
		.count = d->len / DESCRIPTOR,
		.indirect = true,
	};
	return t->at != NULL;
}

static bool add(struct virtq_chain *c, const struct descriptor *d, const struct guest_memory *m)
{
	uint32_t *total = d->flags & VRING_DESC_F_WRITE ? &c->writable_len : &c->readable_len;
	void *at = guest_at(m, d->addr, d->len);

	if (!at || __builtin_add_overflow(*total, d->len, total))
		return false;
	if (d->flags & VRING_DESC_F_WRITE) {
		c->iov[c->readable + c->writable++] = (struct iovec){ at, d->len };
		return true;
	}
	if (c->writable > 0) /* all that is read comes first, section 2.7.4.2 */
		return false;
	c->iov[c->readable++] = (struct iovec){ at, d->len };
	return true;
}

/* At most as many buffers as the queue has entries: so a loop ends, too. */
static bool walk(struct virtq_chain *c, struct table t, uint16_t limit,
                 const struct guest_memory *m)
{
	uint32_t index = c->head;

	while (c->readable + c->writable < limit) {
		struct descriptor d;

		if (index >= t.count)
			return false;
		d = load(&t, index);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!enter(&t, &d, m)) /* which is possible once */
				return false;
			index = 0;
			continue;
		}
		if (!add(c, &d, m))
			return false;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return true;
		index = d.next;
	}
	return false;
}

static int broken(struct virtq *q)
{
	q->broken = true;
	return -1;
}

int virtq_take(struct virtq *q, const struct guest_memory *m, struct virtq_chain *ret)
{
	struct table t = { .at = descriptors(q, m), .count = q->size };
	const uint8_t *avail = avail_ring(q, m);
	uint16_t waiting;

	if (q->broken || !q->enabled)
		return q->broken ? -1 : 0;
	if (!t.at || !avail)
		return broken(q);
	waiting = (uint16_t)(guest_load16(avail + 2) - q->next_avail);
	if (waiting == 0)
		return 0;
	if (waiting > q->size)
		return broken(q);
	ret->head = guest_load16(avail + RING_HEAD + (size_t)(q->next_avail & (q->size - 1)) * 2);
	ret->readable = ret->writable = 0;
	ret->readable_len = ret->writable_len = 0;
	if (!walk(ret, t, q->size, m))
		return broken(q);
	q->next_avail++;
	return 1;
}

void virtq_untake(struct virtq *q)
{
	q->next_avail--;
}

void virtq_put(const struct virtq *q, const struct guest_memory *m, uint16_t nr, uint16_t head,
               uint32_t written)
{
	uint8_t *used = used_ring(q, m), *element;

	if (!used)
		return;
	element = used + RING_HEAD + (size_t)((q->next_used + nr) & (q->size - 1)) * USED_ELEMENT;
	guest_store32(element, head);
	guest_store32(element + sizeof(uint32_t), written);
}

void virtq_publish(struct virtq *q, const struct guest_memory *m, uint16_t count)
{
	uint8_t *used = used_ring(q, m);

	if (!used)
		return;
	q->next_used = (uint16_t)(q->next_used + count);
	guest_store16(used + 2, q->next_used);
}

void virtq_give(struct virtq *q, const struct guest_memory *m, uint16_t head, uint32_t written)
{
	virtq_put(q, m, 0, head, written);
	virtq_publish(q, m, 1);
}

bool virtq_wants_interrupt(const struct virtq *q, const struct guest_memory *m)
{
	const uint8_t *avail = q->enabled ? avail_ring(q, m) : NULL;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return avail && !(guest_load16(avail) & VRING_AVAIL_F_NO_INTERRUPT);
}

void virtq_notifications(const struct virtq *q, const struct guest_memory *m, bool wanted)
{
	uint8_t *used = q->enabled ? used_ring(q, m) : NULL;

	if (used)
		guest_store16(used, wanted ? 0 : VRING_USED_F_NO_NOTIFY);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Copies `len` bytes from `offset` of some of a chain's buffers on. */
static size_t copy(const struct iovec *iov, unsigned int count, size_t offset, uint8_t *data,
                   size_t len, bool write)
{
	size_t done = 0;

	for (unsigned int i = 0; i < count && done < len; i++) {
		uint8_t *at = iov[i].iov_base;
		size_t n = iov[i].iov_len;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		at += offset;
		n -= offset;
		offset = 0;
		if (n > len - done)
			n = len - done;
		memcpy(write ? at : data + done, write ? data + done : at, n);
		done += n;
	}
	return done;
}

size_t virtq_read(const struct virtq_chain *c, size_t offset, void *to, size_t len)
{
	return copy(c->iov, c->readable, offset, to, len, false);
}

size_t virtq_write(const struct virtq_chain *c, size_t offset, const void *from, size_t len)
{
	/* only read where `write` is true */
	return copy(c->iov + c->readable, c->writable, offset, (uint8_t *)(uintptr_t)from, len,
	            true);
}
