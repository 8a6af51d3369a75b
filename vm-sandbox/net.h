/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net with one pair of queues, between the guest and a tap device of the host's. A
 * frame is carried with a header that says what is left to do for whoever sends it on the
 * wire (checksum, cutting into segments), in both directions. The guest's is believed in
 * nothing: a header that does not fit its frame, or asks for what was not agreed, takes the
 * frame with it, and reaches no code of the host's kernel.
 *
 * A frame for which the guest has put up no buffer waits here, one of them, and the rest in
 * the tap's queue, which throws away what is too much. The guest may do likewise.
 *
 * Source: virtio 1.2, section 5.1; Documentation/networking/tuntap.rst.
 */
#pragma once

#include "vm-sandbox/virtio.h"

enum {
	NET_MAC = 6,
	NET_HEADER = 12, /* of each frame, on the tap as well */
	NET_MTU_MIN = 68,
	/* the largest that a tap gives: 64 KiB to be cut into segments, behind two VLAN tags */
	NET_FRAME_MAX = 65535 + 14 + 8,
};

struct net_setup {
	int tap; /* not blocking, with headers of NET_HEADER bytes; lent */
	uint8_t mac[NET_MAC];
	uint16_t mtu;
	/* Tells the tap which work the guest takes over (TUN_F_*); false: it cannot. */
	bool (*offload)(int tap, unsigned int flags);
};

struct net {
	struct virtio_device device; /* first */
	struct net_setup setup;
	/* The guest can take frames again, or no more. NULL: nobody wants to know. */
	void (*changed)(void *owner);
	void *owner;
	/* the state beside the queues */
	bool starved; /* `waiting` waits for a buffer */
	bool lost;    /* the tap is gone */
	uint32_t waiting;
	uint8_t frame[NET_HEADER + NET_FRAME_MAX]; /* `waiting` bytes, with its header */
};

void net_init(struct net *n, const struct net_setup *setup, const struct guest_memory *m);

/* Whether frames can be taken from the tap. */
bool net_wants(const struct net *n);

/* Takes some of the frames that the tap has. */
void net_receive(struct net *n);
