/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network interfaces of the namespace that a monitor is in, carried into its guest. Each
 * that is up, but the loopback, gets a tap device beside it; what comes in on one goes out on
 * the other, by traffic control, before any of the host's network code has seen it:
 *
 *	bridge -- veth -- interface  <- redirect ->  tap -- monitor -- guest
 *
 * So the interface keeps its addresses, where engines look for them, and answers for none of
 * them: it is the guest that does, with the same addresses, routes, MTU and hardware address.
 *
 * Taps end with their descriptors. The redirection of an interface stays until it ends, somebody
 * clears it, or the next microVM in this namespace takes it over; until then what comes in is
 * lost, as it is with any process that is no more.
 *
 * Source: tc-mirred(8), tc-u32(8), Documentation/networking/tuntap.rst.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vm-sandbox/net.h"

enum { WIRES_MAX = 8, WIRE_NAME = 16 };

struct wire {
	char name[WIRE_NAME];
	uint32_t index;
	uint8_t mac[NET_MAC];
	uint32_t mtu;
	bool ipv6, redirected;
	struct buf addresses, routes; /* struct agent_address, struct agent_route */
	int tap;                      /* -1: not made yet; or wire_tun() for it */
	uint32_t tap_index;           /* 0: not made yet */
};

struct wires {
	unsigned int count;
	struct wire v[WIRES_MAX];
};

/* Looks at the interfaces of this namespace. ERR_REFUSED names one that a guest cannot have;
 * what a route asks for beyond a gateway is warned of, and left out. */
MUST_CHECK int wires_read(struct wires *ret, struct err *e);

/* Those that have none of these indexes: interfaces that a guest has already, and their taps. */
MUST_CHECK int wires_read_more(const uint32_t *known, unsigned int count, struct wires *ret,
                               struct err *e);

/* What a tap is made of, wherever that is done, in the namespace that we are in now. */
MUST_CHECK int wire_tun(struct err *e);

/* Makes the taps, and the redirections; none of them after an error. ERR_REFUSED when somebody
 * else's are there. */
MUST_CHECK int wires_connect(struct wires *w, struct err *e);

/* Whether this kernel can redirect what comes in, tried on the loopback of this namespace, which
 * is the caller's alone and has nothing like it yet. */
MUST_CHECK int wires_probe(struct err *e);

/* Ends the redirections of this namespace to taps that have ended, and no others. */
MUST_CHECK int wires_clear(struct err *e);

void wires_done(struct wires *w);

/* A message for the guest's agent: struct agent_link and what belongs behind it. */
MUST_CHECK int wire_message(const struct wire *w, struct buf *ret, struct err *e);

/* net_setup.offload of a tap. */
bool wire_offload(int tap, unsigned int flags);
