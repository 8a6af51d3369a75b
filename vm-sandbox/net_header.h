/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header before each frame of virtio-net, and whether it fits. What it says decides where
 * the host's kernel looks into a frame and writes, and how often it cuts it: kernels have had
 * their faults there, with frames that are too short, checksums that begin behind the frame,
 * segments of a byte, or of a protocol that the frame is not of.
 *
 * Source: virtio 1.2, sections 5.1.6.2.1 and 5.1.6.4.2.
 */
#pragma once

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NET_ETHERNET = 14, /* the least that a frame has */
	NET_HEAD = 256,    /* what is looked at of a frame that is to be cut */
};

/* A frame's header, and its beginning. */
struct net_head {
	struct virtio_net_hdr_mrg_rxbuf header;
	size_t total, len; /* of the frame; of what is in `bytes` */
	uint8_t bytes[NET_HEAD];
};

/* From the guest: the header is left with what the host's kernel may believe, with features of
 * these (of a driver that has agreed to them). False: the frame is to be thrown away. */
bool net_header_out(struct net_head *h, uint64_t features);

/* From a tap: header and frame, `len` bytes. False: as above. */
bool net_header_in(void *frame, size_t len, uint64_t features);
