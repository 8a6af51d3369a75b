/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue tells the driver to notify nobody, as the console's: only where a frame
 * has found no buffer does the device want to know of the next.
 */
#include "vm-sandbox/net.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "vm-sandbox/net_header.h"

enum {
	DEVICE_ID = 1,
	CLASS = 0x020000, /* network controller, Ethernet */
	QUEUE_SIZE = 256,
	QUEUE_IN = 0, /* towards the driver */
	QUEUE_OUT = 1,
	AT_ONCE = 64, /* frames, until others have their turn */
};

_Static_assert(sizeof(struct virtio_net_hdr_mrg_rxbuf) == NET_HEADER, "net.h");

#define BIT(f) (1ull << (f))

static struct net *of(struct virtio_device *d)
{
	return (struct net *)(void *)d;
}

static void config(const struct virtio_device *d, uint32_t offset, void *to, uint32_t len)
{
	const struct net *n = (const struct net *)(const void *)d;
	struct virtio_net_config c = {
		.status = VIRTIO_NET_S_LINK_UP,
		.max_virtqueue_pairs = 1,
		.mtu = n->setup.mtu,
	};

	memcpy(c.mac, n->setup.mac, sizeof(c.mac));
	if (offset < sizeof(c))
		memcpy(to, (const uint8_t *)&c + offset,
		       len < sizeof(c) - offset ? len : sizeof(c) - offset);
}

static void tell(const struct net *n)
{
	if (n->changed)
		n->changed(n->owner);
}

/* --- from the guest ------------------------------------------------------------------------- */

/* What was looked at is what is sent: the guest may change its memory meanwhile. */
static void send_frame(struct net *n, const struct virtq_chain *c)
{
	struct net_head head;
	struct iovec out[VIRTQ_SIZE_MAX + 2] = { { &head.header, NET_HEADER } };
	unsigned int parts = 1;
	size_t skip;

	if (c->readable_len < NET_HEADER + NET_ETHERNET ||
	    c->readable_len > NET_HEADER + NET_FRAME_MAX)
		return;
	(void)virtq_read(c, 0, &head.header, NET_HEADER);
	head.total = c->readable_len - NET_HEADER;
	head.len = virtq_read(c, NET_HEADER, head.bytes, sizeof(head.bytes));
	if (!net_header_out(&head, n->device.accepted))
		return;
	out[parts++] = (struct iovec){ head.bytes, head.len };
	skip = NET_HEADER + head.len;
	for (unsigned int i = 0; i < c->readable; i++) {
		const struct iovec *v = &c->iov[i];
		size_t from = skip < v->iov_len ? skip : v->iov_len;

		skip -= from;
		if (from < v->iov_len)
			out[parts++] =
				(struct iovec){ (uint8_t *)v->iov_base + from, v->iov_len - from };
	}
	/* what the host does not take is lost, as on any network */
	(void)!writev(n->setup.tap, out, (int)parts);
}

/* As many frames as the queue has entries; the driver notifies for those that it adds. */
static void send_all(struct virtio_device *d)
{
	struct virtq_chain chain;
	int sent = 0;

	for (; sent < QUEUE_SIZE && virtio_take(d, QUEUE_OUT, &chain); sent++) {
		send_frame(of(d), &chain);
		virtio_give(d, QUEUE_OUT, chain.head, 0);
	}
	if (sent > 0)
		virtio_signal(d, QUEUE_OUT);
}

/* --- to the guest --------------------------------------------------------------------------- */

/* The buffers that one frame is in: given back all at once, since the driver takes the first
 * for the sign that the rest is there. */
struct spread {
	struct virtq_chain first, next;
	uint16_t count, heads[QUEUE_SIZE];
	uint32_t lens[QUEUE_SIZE];
};

static void take_back(struct virtio_device *d, const struct spread *s)
{
	for (uint16_t i = 0; i < s->count; i++)
		virtq_untake(&d->queue[QUEUE_IN]);
}

enum outcome { DELIVERED, NO_BUFFER, TOO_LARGE };

static enum outcome fill(struct net *n, struct spread *s)
{
	struct virtio_device *d = &n->device;
	const bool many = d->accepted & BIT(VIRTIO_NET_F_MRG_RXBUF);
	uint32_t done = 0;

	s->count = 0;
	while (done < n->waiting) {
		struct virtq_chain *c = s->count == 0 ? &s->first : &s->next;

		if (s->count == (many ? d->queue[QUEUE_IN].size : 1))
			return TOO_LARGE;
		if (!virtio_take_buffer(d, QUEUE_IN, c))
			return NO_BUFFER;
		s->heads[s->count] = c->head;
		s->lens[s->count] = (uint32_t)virtq_write(c, 0, n->frame + done, n->waiting - done);
		done += s->lens[s->count++];
	}
	return DELIVERED;
}

/* The frame that waits, into as many buffers as it takes; one where that was not agreed. False:
 * it goes on waiting. */
static bool deliver(struct net *n)
{
	struct virtio_device *d = &n->device;
	struct virtq *q = &d->queue[QUEUE_IN];
	struct spread s;

	switch (fill(n, &s)) {
	case NO_BUFFER:
		take_back(d, &s);
		return false;
	case TOO_LARGE: /* and would be for ever */
		take_back(d, &s);
		break;
	case DELIVERED:
		(void)virtq_write(&s.first, offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers),
		                  &s.count, sizeof(s.count));
		for (uint16_t i = 0; i < s.count; i++)
			virtq_put(q, d->memory, i, s.heads[i], s.lens[i]);
		virtq_publish(q, d->memory, s.count);
		break;
	}
	n->waiting = 0;
	return true;
}

/* False: there is none. */
static bool read_frame(struct net *n)
{
	ssize_t got = read(n->setup.tap, n->frame, sizeof(n->frame));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) { /* somebody has removed the device */
		n->lost = true;
		return false;
	}
	n->waiting = net_header_in(n->frame, (size_t)got, n->device.accepted) ? (uint32_t)got : 0;
	return true;
}

bool net_wants(const struct net *n)
{
	return virtio_runs(&n->device) && !n->starved && !n->lost;
}

void net_receive(struct net *n)
{
	const uint16_t before = n->device.queue[QUEUE_IN].next_used;

	for (int i = 0; i < AT_ONCE && net_wants(n); i++) {
		if (n->waiting == 0 && !read_frame(n))
			break;
		n->starved = n->waiting > 0 && !deliver(n);
	}
	if (n->device.queue[QUEUE_IN].next_used != before)
		virtio_signal(&n->device, QUEUE_IN);
}

/* --- the device ----------------------------------------------------------------------------- */

static void notify(struct virtio_device *d, unsigned int queue)
{
	struct net *n = of(d);

	if (queue == QUEUE_OUT) {
		send_all(d);
	} else if (n->starved) {
		n->starved = false;
		net_receive(n); /* what waits here is not in the tap any more */
		tell(n);
	}
}

static void start(struct virtio_device *d)
{
	struct net *n = of(d);
	unsigned int flags = 0;

	if (d->accepted & BIT(VIRTIO_NET_F_GUEST_CSUM))
		flags |= TUN_F_CSUM;
	if (flags && d->accepted & BIT(VIRTIO_NET_F_GUEST_TSO4))
		flags |= TUN_F_TSO4;
	if (flags && d->accepted & BIT(VIRTIO_NET_F_GUEST_TSO6))
		flags |= TUN_F_TSO6;
	if (!n->setup.offload(n->setup.tap, flags)) {
		virtio_break(d);
		return;
	}
	virtq_notifications(&d->queue[QUEUE_IN], d->memory, false);
	tell(n);
}

static void reset(struct virtio_device *d)
{
	of(d)->waiting = 0;
	of(d)->starved = false;
	tell(of(d));
}

static const struct virtio_kind net_kind = {
	.id = DEVICE_ID,
	.features = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_STATUS) |
	            BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
	            BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
	            BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
	            BIT(VIRTIO_NET_F_MRG_RXBUF),
	.pci_class = CLASS,
	.queues = 2,
	.queue_size = { QUEUE_SIZE, QUEUE_SIZE },
	.config = config,
	.start = start,
	.reset = reset,
	.notify = notify,
};

void net_init(struct net *n, const struct net_setup *setup, const struct guest_memory *m)
{
	n->setup = *setup;
	n->starved = n->lost = false;
	n->waiting = 0;
	virtio_init(&n->device, &net_kind, m);
}
