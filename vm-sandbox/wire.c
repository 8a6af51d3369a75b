/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/wire.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/netlink.h"
#include "base/scope.h"
#include "vm-sandbox/protocol.h"

/* What a dump is read into; the first thing that cannot be is told when it is over. */
struct reading {
	struct wires *to;
	const uint32_t *known; /* indexes that are not looked at */
	unsigned int known_count;
	struct err refused;
	uint32_t skipped; /* routes */
};

static void copy(void *to, const void *payload, size_t len, size_t header, uint16_t type,
                 size_t want)
{
	const void *data = netlink_attribute(payload, len, header, type, want, NULL);

	if (data)
		memcpy(to, data, want);
}

/* What a dump that is read again from its beginning, because something has changed, tells
 * twice. */
static void add_once(struct buf *b, const void *data, size_t len)
{
	for (size_t at = 0; at < b->len; at += len) {
		if (memcmp(b->data + at, data, len) == 0)
			return;
	}
	buf_add(b, data, len);
}

static bool has(const void *payload, size_t len, size_t header, uint16_t type)
{
	return netlink_attribute(payload, len, header, type, 0, NULL) != NULL;
}

static struct wire *find(struct wires *w, uint32_t index)
{
	for (unsigned int i = 0; i < w->count; i++) {
		if (w->v[i].index == index)
			return &w->v[i];
	}
	return NULL;
}

static bool is_known(const struct reading *r, uint32_t index)
{
	for (unsigned int i = 0; i < r->known_count; i++) {
		if (r->known[i] == index)
			return true;
	}
	return false;
}

/* --- interfaces ----------------------------------------------------------------------------- */

static void take_link(void *context, uint16_t type, const void *payload, size_t len)
{
	struct reading *r = context;
	struct wire w = { .tap = -1 };
	struct ifinfomsg head;
	const char *name;
	size_t name_len = 0;

	if (type != RTM_NEWLINK || len < sizeof(head))
		return;
	memcpy(&head, payload, sizeof(head));
	/* tunnels that the kernel puts into each namespace are down */
	if (!(head.ifi_flags & IFF_UP) || head.ifi_flags & IFF_LOOPBACK)
		return;
	name = netlink_attribute(payload, len, sizeof(head), IFLA_IFNAME, 0, &name_len);
	if (!name || name_len > WIRE_NAME || strnlen(name, name_len) == name_len)
		return;
	memcpy(w.name, name, name_len);
	w.index = (uint32_t)head.ifi_index;
	copy(w.mac, payload, len, sizeof(head), IFLA_ADDRESS, sizeof(w.mac));
	copy(&w.mtu, payload, len, sizeof(head), IFLA_MTU, sizeof(w.mtu));
	if (r->refused.kind || find(r->to, w.index) || is_known(r, w.index))
		return;
	if (head.ifi_type != ARPHRD_ETHER)
		(void)err_set(&r->refused, ERR_REFUSED,
		              "interface %s: a microVM can have Ethernet alone", w.name);
	else if (w.mtu < NET_MTU_MIN || w.mtu > UINT16_MAX)
		(void)err_set(&r->refused, ERR_REFUSED,
		              "interface %s: a microVM cannot have an MTU of %u", w.name, w.mtu);
	else if (r->to->count == WIRES_MAX)
		(void)err_set(&r->refused, ERR_REFUSED,
		              "a microVM can have no more than %d network interfaces", WIRES_MAX);
	else
		r->to->v[r->to->count++] = w;
}

/* --- addresses ------------------------------------------------------------------------------ */

/* Those that somebody has set, or the kernel for good: not what a router or a lease gives for
 * a time, which the guest gets itself. */
static void take_address(void *context, uint16_t type, const void *payload, size_t len)
{
	struct reading *r = context;
	struct agent_address a = { 0 };
	struct ifaddrmsg head;
	struct wire *w;
	uint32_t flags;
	size_t size;

	if (type != RTM_NEWADDR || len < sizeof(head))
		return;
	memcpy(&head, payload, sizeof(head));
	w = find(r->to, head.ifa_index);
	size = netlink_ip_len(head.ifa_family);
	flags = head.ifa_flags;
	copy(&flags, payload, len, sizeof(head), IFA_FLAGS, sizeof(flags));
	if (!w || size == 0)
		return;
	w->ipv6 |= head.ifa_family == AF_INET6;
	if (!(flags & IFA_F_PERMANENT))
		return;
	a.family = head.ifa_family;
	a.prefix_len = head.ifa_prefixlen;
	a.scope = head.ifa_scope;
	a.flags = flags & IFA_F_NOPREFIXROUTE ? AGENT_NO_PREFIX_ROUTE : 0;
	copy(a.peer, payload, len, sizeof(head), IFA_ADDRESS, size);
	memcpy(a.local, a.peer, sizeof(a.local));
	copy(a.local, payload, len, sizeof(head), IFA_LOCAL, size);
	copy(a.broadcast, payload, len, sizeof(head), IFA_BROADCAST, size);
	if (memcmp(a.local, a.peer, sizeof(a.local)) != 0)
		a.flags |= AGENT_HAS_PEER;
	if (has(payload, len, sizeof(head), IFA_BROADCAST))
		a.flags |= AGENT_HAS_BROADCAST;
	add_once(&w->addresses, &a, sizeof(a));
}

/* --- routes --------------------------------------------------------------------------------- */

/* Those that the kernel makes of addresses, and routers make, the guest makes as well. */
static bool is_set_by_somebody(const struct rtmsg *head, uint32_t table)
{
	return table == RT_TABLE_MAIN && netlink_ip_len(head->rtm_family) > 0 &&
	       head->rtm_type != RTN_MULTICAST && head->rtm_type != RTN_LOCAL &&
	       head->rtm_type != RTN_BROADCAST && head->rtm_type != RTN_ANYCAST &&
	       !(head->rtm_flags & RTM_F_CLONED) && head->rtm_protocol != RTPROT_KERNEL &&
	       head->rtm_protocol != RTPROT_RA && head->rtm_protocol != RTPROT_REDIRECT;
}

static void take_route(void *context, uint16_t type, const void *payload, size_t len)
{
	struct reading *r = context;
	struct agent_route to = { 0 };
	struct rtmsg head;
	struct wire *w;
	const void *metrics;
	size_t metrics_len = 0, size;
	uint32_t table, index = 0;

	if (type != RTM_NEWROUTE || len < sizeof(head))
		return;
	memcpy(&head, payload, sizeof(head));
	table = head.rtm_table;
	copy(&table, payload, len, sizeof(head), RTA_TABLE, sizeof(table));
	if (!is_set_by_somebody(&head, table))
		return;
	copy(&index, payload, len, sizeof(head), RTA_OIF, sizeof(index));
	w = find(r->to, index);
	if (!w || head.rtm_type != RTN_UNICAST || head.rtm_src_len > 0 || head.rtm_tos ||
	    has(payload, len, sizeof(head), RTA_MULTIPATH) ||
	    has(payload, len, sizeof(head), RTA_VIA) ||
	    has(payload, len, sizeof(head), RTA_ENCAP)) {
		r->skipped++;
		return;
	}
	size = netlink_ip_len(head.rtm_family);
	to.family = head.rtm_family;
	to.prefix_len = head.rtm_dst_len;
	to.scope = head.rtm_scope;
	to.flags = (has(payload, len, sizeof(head), RTA_GATEWAY) ? AGENT_HAS_GATEWAY : 0) |
	           (has(payload, len, sizeof(head), RTA_PREFSRC) ? AGENT_HAS_SOURCE : 0) |
	           (head.rtm_flags & RTNH_F_ONLINK ? AGENT_ON_LINK : 0);
	copy(to.destination, payload, len, sizeof(head), RTA_DST, size);
	copy(to.gateway, payload, len, sizeof(head), RTA_GATEWAY, size);
	copy(to.source, payload, len, sizeof(head), RTA_PREFSRC, size);
	copy(&to.metric, payload, len, sizeof(head), RTA_PRIORITY, sizeof(to.metric));
	metrics = netlink_attribute(payload, len, sizeof(head), RTA_METRICS, 0, &metrics_len);
	if (metrics)
		copy(&to.mtu, metrics, metrics_len, 0, RTAX_MTU, sizeof(to.mtu));
	add_once(&w->routes, &to, sizeof(to));
}

/* --- the whole ------------------------------------------------------------------------------ */

static int dump(int sock, uint16_t type, netlink_visit *visit, struct reading *r, struct err *e)
{
	/* the kernel reads the family of each of the three from its first byte */
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	const struct rtmsg route = { .rtm_family = AF_UNSPEC };
	struct netlink_message m;

	if (type == RTM_GETROUTE)
		netlink_begin(&m, type, NLM_F_DUMP, &route, sizeof(route));
	else
		netlink_begin(&m, type, NLM_F_DUMP, &any, sizeof(any));
	return netlink_talk(sock, &m, visit, r, e);
}

static int read_all(const uint32_t *known, unsigned int count, struct wires *ret, struct err *e)
{
	struct reading r = { .to = ret, .known = known, .known_count = count };
	FD int sock = netlink_open(e);

	TRY(sock);
	TRY(dump(sock, RTM_GETLINK, take_link, &r, e));
	if (r.refused.kind) {
		*e = r.refused;
		return -1;
	}
	TRY(dump(sock, RTM_GETADDR, take_address, &r, e));
	TRY(dump(sock, RTM_GETROUTE, take_route, &r, e));
	if (r.skipped > 0 && ret->count > 0)
		log_warn("network: %u routes of a kind that a microVM does not take over",
		         r.skipped);
	return 0;
}

int wires_read_more(const uint32_t *known, unsigned int count, struct wires *ret, struct err *e)
{
	*ret = (struct wires){ .count = 0 };
	if (read_all(known, count, ret, e) == 0)
		return 0;
	wires_done(ret);
	return -1;
}

int wires_read(struct wires *ret, struct err *e)
{
	return wires_read_more(NULL, 0, ret, e);
}

void wires_done(struct wires *w)
{
	for (unsigned int i = 0; i < w->count; i++) {
		buf_done(&w->v[i].addresses);
		buf_done(&w->v[i].routes);
		fd_drop(&w->v[i].tap);
	}
	w->count = 0;
}

int wire_message(const struct wire *w, struct buf *ret, struct err *e)
{
	struct agent_link m = {
		.head.type = AGENT_NETCFG,
		.flags = w->ipv6 ? AGENT_LINK_IPV6 : 0,
		.mtu = w->mtu,
		.addresses = (uint32_t)(w->addresses.len / sizeof(struct agent_address)),
		.routes = (uint32_t)(w->routes.len / sizeof(struct agent_route)),
	};

	_Static_assert(sizeof(m.name) == WIRE_NAME, "IFNAMSIZ");
	if (m.addresses > AGENT_ADDRESSES_MAX || m.routes > AGENT_ROUTES_MAX)
		return err_set(e, ERR_REFUSED, "interface %s: more than %d addresses or %d routes",
		               w->name, AGENT_ADDRESSES_MAX, AGENT_ROUTES_MAX);
	memcpy(m.mac, w->mac, sizeof(m.mac));
	memcpy(m.name, w->name, sizeof(m.name));
	buf_add(ret, &m, sizeof(m));
	buf_add(ret, w->addresses.data, w->addresses.len);
	buf_add(ret, w->routes.data, w->routes.len);
	return buf_ok(ret, e);
}
