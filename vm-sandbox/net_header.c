/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/net_header.h"

#include <string.h>

enum {
	TYPE_AT = 12, /* in the frame */
	TYPE_VLAN = 0x8100,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	VLAN = 4,
	IPV4 = 20,
	IPV6 = 40,
	TCP = 20,
	PROTOCOL_TCP = 6,
	TCP_CHECKSUM_AT = 16,
	TCP_OFFSET_AT = 12,
	SEGMENT_MIN = 8, /* what Linux's TCP makes at the least (TCP_MIN_GSO_SIZE) */
};

static bool has(uint64_t features, unsigned int feature)
{
	return features >> feature & 1;
}

static unsigned int be16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

/* Where the TCP header begins that the header's type promises; 0: there is none. An IPv6
 * header may have others behind it: then the header says where, and that much is there. */
static size_t tcp_at(const struct net_head *h, unsigned int type)
{
	size_t ip = NET_ETHERNET, start = h->header.hdr.csum_start;
	unsigned int protocol = be16(h->bytes + TYPE_AT);

	if (protocol == TYPE_VLAN && h->len >= NET_ETHERNET + VLAN) {
		protocol = be16(h->bytes + TYPE_AT + VLAN);
		ip += VLAN;
	}
	if (type == VIRTIO_NET_HDR_GSO_TCPV6)
		return protocol == TYPE_IPV6 && start >= ip + IPV6 ? start : 0;
	if (protocol != TYPE_IPV4 || h->len < ip + IPV4 || h->bytes[ip + 9] != PROTOCOL_TCP)
		return 0;
	ip += (size_t)(h->bytes[ip] & 0xf) * 4;
	return ip >= NET_ETHERNET + IPV4 && start == ip ? start : 0;
}

static bool fits_segments(const struct net_head *h, unsigned int type)
{
	size_t tcp = tcp_at(h, type), end;

	if (!tcp || tcp + TCP > h->len || h->header.hdr.csum_offset != TCP_CHECKSUM_AT ||
	    h->header.hdr.gso_size < SEGMENT_MIN)
		return false;
	end = tcp + (size_t)(h->bytes[tcp + TCP_OFFSET_AT] >> 4) * 4;
	return end >= tcp + TCP && end <= h->len && end < h->total;
}

bool net_header_out(struct net_head *h, uint64_t features)
{
	struct virtio_net_hdr *v = &h->header.hdr;
	const bool sums = v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	const unsigned int type = v->gso_type;

	h->header.num_buffers = 0;
	v->flags = sums ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
	v->hdr_len = 0; /* a hint, that the kernel knows better */
	if (sums && (!has(features, VIRTIO_NET_F_CSUM) || v->csum_start < NET_ETHERNET ||
	             (size_t)v->csum_start + v->csum_offset + sizeof(uint16_t) > h->total))
		return false;
	if (!sums)
		v->csum_start = v->csum_offset = 0;
	switch (type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		v->gso_size = 0;
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return sums && has(features, VIRTIO_NET_F_HOST_TSO4) && fits_segments(h, type);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return sums && has(features, VIRTIO_NET_F_HOST_TSO6) && fits_segments(h, type);
	default:
		return false;
	}
}

/* The host's kernel is no liar, but what was agreed may have changed since it queued this. */
bool net_header_in(void *frame, size_t len, uint64_t features)
{
	struct virtio_net_hdr_mrg_rxbuf header;
	struct virtio_net_hdr *v = &header.hdr;

	if (len < sizeof(header) + NET_ETHERNET)
		return false;
	memcpy(&header, frame, sizeof(header));
	len -= sizeof(header);
	if (!has(features, VIRTIO_NET_F_GUEST_CSUM)) {
		if (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			return false;
		v->flags = 0;
	}
	if (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    (size_t)v->csum_start + v->csum_offset + sizeof(uint16_t) > len)
		return false;
	header.num_buffers = 1;
	memcpy(frame, &header, sizeof(header));
	switch (v->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return has(features, VIRTIO_NET_F_GUEST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return has(features, VIRTIO_NET_F_GUEST_TSO6);
	default:
		return false;
	}
}
