/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of rtnetlink(7) as moving a network device takes: requests with attributes,
 * replies taken apart. Lengths that the peer names are compared with what was
 * received before anything is followed, though the peer is the kernel.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { NETLINK_MESSAGE_MAX = 1024 };

struct netlink_message {
	_Alignas(struct nlmsghdr) char bytes[NETLINK_MESSAGE_MAX];
	size_t len;
	bool cut; /* something did not fit; sending it is an error */
};

/* Begins a request; header: the structure of this type ("struct ifinfomsg"). */
void netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags, const void *header,
                   size_t header_len);
void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t len);
void netlink_put_u32(struct netlink_message *m, uint16_t type, uint32_t value);

/* An attribute of attributes: what is put between is in it. */
size_t netlink_nest(struct netlink_message *m, uint16_t type);
void netlink_nest_end(struct netlink_message *m, size_t nest);

/* Bytes of an address of a family; 0: it is neither of IPv4 nor of IPv6. */
size_t netlink_ip_len(unsigned int family);

/* Writes to /proc/sys/net/ipv6/conf/INTERFACE/KEY. Where the kernel has no IPv6, there is
 * nothing to be set. */
MUST_CHECK int netlink_set_ipv6(const char *interface, const char *key, const char *value,
                                struct err *e);

/* A socket in the network namespace that we are in. */
MUST_CHECK int netlink_open(struct err *e);

/* One message of a reply: the structure, at least header_len bytes, and its attributes. */
typedef void netlink_visit(void *context, uint16_t type, const void *payload, size_t len);

/* Sends the request and reads its reply to the end. ERR_KERNEL with e->sys: what the
 * kernel answered. NLM_F_DUMP: again where it changed meanwhile. */
MUST_CHECK int netlink_talk(int sock, struct netlink_message *m, netlink_visit *visit,
                            void *context, struct err *e);

/* Goes through one packet: 1: the reply is complete, 0: there is more, -1: an error. */
MUST_CHECK int netlink_read(const void *packet, size_t len, uint32_t sequence, netlink_visit *visit,
                            void *context, struct err *e);

/* The data of an attribute behind a structure of header_len bytes, exactly `want` bytes
 * of it (0: any number); NULL when there is none. */
const void *netlink_attribute(const void *payload, size_t len, size_t header_len, uint16_t type,
                              size_t want, size_t *ret_len);
