/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network interface of the guest's becomes what the one of the host's is that it stands
 * for: name, MTU, addresses, routes. The kernel adds nothing of its own: no link-local
 * address, where the host's may be another, and no duplicate is looked for, since the host
 * has done that.
 *
 * A container with a user namespace has a network namespace of its own, which is not there
 * before it. Interfaces forget addresses and routes on their way to it, so there each is
 * configured once more.
 *
 * Source: rtnetlink(7), Documentation/networking/ip-sysctl.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/netlink.h"
#include "base/scope.h"
#include "vm-sandbox/guest/agent.h"

enum { LINKS_MAX = 64 };

/* Which have been somebody's. */
static struct {
	struct {
		uint32_t index;
		void *message;
		size_t len;
	} v[LINKS_MAX];
	unsigned int n;
} done;

struct search {
	const struct agent_link *link;
	uint32_t found;  /* 0: none; the lowest index */
	uint32_t holder; /* of the name that is wanted; 0: nobody */
};

static bool is_done(uint32_t index)
{
	for (unsigned int i = 0; i < done.n; i++) {
		if (done.v[i].index == index)
			return true;
	}
	return false;
}

static void look(void *context, uint16_t type, const void *payload, size_t len)
{
	struct search *s = context;
	struct ifinfomsg head;
	const void *mac;
	const char *name;
	size_t name_len = 0;
	uint32_t index;

	if (type != RTM_NEWLINK || len < sizeof(head))
		return;
	memcpy(&head, payload, sizeof(head));
	index = (uint32_t)head.ifi_index;
	name = netlink_attribute(payload, len, sizeof(head), IFLA_IFNAME, 0, &name_len);
	if (name && strnlen(name, name_len) < name_len && strcmp(name, s->link->name) == 0)
		s->holder = index;
	mac = netlink_attribute(payload, len, sizeof(head), IFLA_ADDRESS, sizeof(s->link->mac),
	                        NULL);
	if (head.ifi_type == ARPHRD_ETHER && mac &&
	    memcmp(mac, s->link->mac, sizeof(s->link->mac)) == 0 && !is_done(index) &&
	    (s->found == 0 || index < s->found))
		s->found = index;
}

static void begin_change(struct netlink_message *m, uint32_t index, unsigned int up)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC,
		                        .ifi_index = (int)index,
		                        .ifi_flags = up,
		                        .ifi_change = IFF_UP };

	netlink_begin(m, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
}

static int rename_link(int sock, uint32_t index, const char *name, struct err *e)
{
	struct netlink_message m;

	begin_change(&m, index, 0);
	netlink_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	return netlink_talk(sock, &m, NULL, NULL, e);
}

/* A name that another one has by the order in which the kernel found them is made free. */
static int take_name(int sock, const struct search *s, struct err *e)
{
	char other[IFNAMSIZ];

	if (s->holder == s->found)
		return 0;
	if (s->holder) {
		(void)snprintf(other, sizeof(other), "link%u", s->holder);
		TRY(rename_link(sock, s->holder, other, e));
	}
	return rename_link(sock, s->found, s->link->name, e);
}

static int bring_up(int sock, uint32_t index, const struct agent_link *link, struct err *e)
{
	struct netlink_message m;

	TRY(netlink_set_ipv6(link->name, "disable_ipv6", link->flags & AGENT_LINK_IPV6 ? "0" : "1",
	                     e));
	TRY(netlink_set_ipv6(link->name, "addr_gen_mode", "1", e));
	begin_change(&m, index, IFF_UP);
	netlink_put_u32(&m, IFLA_MTU, link->mtu);
	return netlink_talk(sock, &m, NULL, NULL, e);
}

/* --- addresses and routes ------------------------------------------------------------------- */

static int add_address(int sock, uint32_t index, const struct agent_address *a, struct err *e)
{
	const struct ifaddrmsg head = { .ifa_family = a->family,
		                        .ifa_prefixlen = a->prefix_len,
		                        .ifa_scope = a->scope,
		                        .ifa_index = index };
	uint32_t flags = a->flags & AGENT_NO_PREFIX_ROUTE ? IFA_F_NOPREFIXROUTE : 0;
	struct netlink_message m;
	size_t len = netlink_ip_len(a->family);

	if (len == 0)
		return err_set(e, ERR_BUG, "an address of family %u", a->family);
	if (a->family == AF_INET6)
		flags |= IFA_F_NODAD;
	netlink_begin(&m, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &head,
	              sizeof(head));
	netlink_put(&m, IFA_LOCAL, a->local, len);
	netlink_put(&m, IFA_ADDRESS, a->flags & AGENT_HAS_PEER ? a->peer : a->local, len);
	if (a->flags & AGENT_HAS_BROADCAST)
		netlink_put(&m, IFA_BROADCAST, a->broadcast, len);
	netlink_put_u32(&m, IFA_FLAGS, flags);
	return netlink_talk(sock, &m, NULL, NULL, e);
}

static int add_route(int sock, uint32_t index, const struct agent_route *r, struct err *e)
{
	const struct rtmsg head = {
		.rtm_family = r->family,
		.rtm_dst_len = r->prefix_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = r->scope,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = r->flags & AGENT_ON_LINK ? RTNH_F_ONLINK : 0,
	};
	size_t len = netlink_ip_len(r->family), nest;
	struct netlink_message m;

	if (len == 0)
		return err_set(e, ERR_BUG, "a route of family %u", r->family);
	netlink_begin(&m, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &head,
	              sizeof(head));
	if (r->prefix_len > 0)
		netlink_put(&m, RTA_DST, r->destination, len);
	netlink_put_u32(&m, RTA_OIF, index);
	if (r->flags & AGENT_HAS_GATEWAY)
		netlink_put(&m, RTA_GATEWAY, r->gateway, len);
	if (r->flags & AGENT_HAS_SOURCE)
		netlink_put(&m, RTA_PREFSRC, r->source, len);
	if (r->metric)
		netlink_put_u32(&m, RTA_PRIORITY, r->metric);
	if (r->mtu) {
		nest = netlink_nest(&m, RTA_METRICS);
		netlink_put_u32(&m, RTAX_MTU, r->mtu);
		netlink_nest_end(&m, nest);
	}
	return netlink_talk(sock, &m, NULL, NULL, e);
}

/* Those by a gateway last: what leads to it is there then. */
static int add_routes(int sock, uint32_t index, const struct agent_route *r, uint32_t count,
                      bool by_gateway, struct err *e)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!(r[i].flags & AGENT_HAS_GATEWAY) == by_gateway)
			continue;
		if (add_route(sock, index, &r[i], e) < 0)
			return err_in(e, "route %u", i);
	}
	return 0;
}

static int configure(int sock, uint32_t index, const struct agent_link *link, struct err *e)
{
	const struct agent_address *a = (const void *)(link + 1);
	const struct agent_route *r = (const void *)(a + link->addresses);

	TRY(bring_up(sock, index, link, e));
	for (uint32_t i = 0; i < link->addresses; i++) {
		if (add_address(sock, index, &a[i], e) < 0)
			return err_in(e, "address %u", i);
	}
	TRY(add_routes(sock, index, r, link->routes, false, e));
	return add_routes(sock, index, r, link->routes, true, e);
}

/* The kernel has looked for devices when it booted. A driver is loaded already, so the interface
 * is there when this comes back. */
static int look_for_devices(struct err *e)
{
	static const char rescan[] = "/sys/bus/pci/rescan";
	FD int fd = open(rescan, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open %s", rescan);
	return fd_write_all(fd, "1", 1, rescan, e);
}

static bool is_name(const char *name)
{
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strpbrk(name, "/: \t\n");
}

/* Of whom the message is. */
static int take(int sock, const struct agent_link *link, uint32_t *ret_index, struct err *e)
{
	const struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	struct search s = { .link = link };
	struct netlink_message m;

	netlink_begin(&m, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	TRY(netlink_talk(sock, &m, look, &s, e));
	if (s.found == 0 || done.n == LINKS_MAX)
		return err_set(e, ERR_KERNEL, "the guest has no interface for %s", link->name);
	*ret_index = s.found;
	return take_name(sock, &s, e);
}

static int remember(uint32_t index, const void *message, size_t len, struct err *e)
{
	void *copy = malloc(len);

	if (!copy)
		return err_set(e, ERR_KERNEL, "out of memory");
	memcpy(copy, message, len);
	done.v[done.n].index = index;
	done.v[done.n].message = copy;
	done.v[done.n++].len = len;
	return 0;
}

int net_configure(const void *message, size_t len, struct err *e)
{
	const struct agent_link *link = message;
	uint32_t index;
	FD int sock = netlink_open(e);

	if (sock < 0)
		return -1;
	if (!is_name(link->name))
		return err_set(e, ERR_BUG, "an interface without a name");
	if (link->flags & AGENT_LINK_NEW)
		TRY(look_for_devices(e));
	if (take(sock, link, &index, e) < 0 || configure(sock, index, link, e) < 0)
		return err_in(e, "the guest's interface %s", link->name);
	return remember(index, message, len, e);
}

/* --- another namespace ---------------------------------------------------------------------- */

static int send_to(int namespace, struct err *e)
{
	FD int sock = netlink_open(e);

	TRY(sock);
	for (unsigned int i = 0; i < done.n; i++) {
		const struct ifinfomsg head = { .ifi_family = AF_UNSPEC,
			                        .ifi_index = (int)done.v[i].index };
		struct netlink_message m;

		netlink_begin(&m, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
		netlink_put_u32(&m, IFLA_NET_NS_FD, (uint32_t) namespace);
		TRY(netlink_talk(sock, &m, NULL, NULL, e));
	}
	return 0;
}

/* The container's process ends too early, if at all: then there is no such file. */
static int open_namespace(pid_t pid, struct err *e)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

int net_move(pid_t pid, struct err *e)
{
	unsigned int count = done.n;
	FD int namespace = open_namespace(pid, e);

	TRY(namespace);
	if (send_to(namespace, e) < 0 || setns(namespace, CLONE_NEWNET) < 0)
		return e->kind ? err_in(e, "bring the guest's interfaces to the container")
		               : err_sys(e, "setns into the container's network");
	done.n = 0; /* each is somebody's again, in the same order */
	for (unsigned int i = 0; i < count; i++)
		TRY(net_configure(done.v[i].message, done.v[i].len, e));
	return 0;
}
