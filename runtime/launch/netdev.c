/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request moves a device and renames it. The kernel keeps MTU and hardware address; addresses
 * it forgets, so they are read before and added again: those that somebody has set (permanent) and
 * that mean the same everywhere (global scope). The index is chosen here, because a name with %d in
 * it is only known to the kernel. rtnetlink(7), netdevice(7).
 */
#include "runtime/launch/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/netlink.h"
#include "base/scope.h"

enum { INDEX_TRIES = 32, ADDRESS_MAX = 16 };

struct address {
	unsigned char family, prefix_len, scope;
	uint32_t flags; /* IFA_F_* */
	size_t len;     /* of each that is there */
	bool has_local, has_broadcast;
	unsigned char address[ADDRESS_MAX], local[ADDRESS_MAX], broadcast[ADDRESS_MAX];
};

struct device {
	const char *host_name;        /* in the plan */
	uint32_t index, inside_index; /* inside_index 0: it has not moved */
	bool up;
	struct buf addresses; /* struct address */
};

struct netdev_moves {
	int host, inside;       /* sockets in the namespaces */
	int host_ns, inside_ns; /* the namespaces */
	struct device *v;
	size_t n; /* those that were moved, and the one that is being moved */
};

void netdev_free(struct netdev_moves *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		buf_done(&m->v[i].addresses);
	fd_drop(&m->host);
	fd_drop(&m->inside);
	fd_drop(&m->host_ns);
	fd_drop(&m->inside_ns);
	free(m->v);
	free(m);
}

/* --- reading ---------------------------------------------------------------------------- */

static void take_link(void *context, uint16_t type, const void *payload, size_t len)
{
	struct device *d = context;
	struct ifinfomsg link;

	if (type != RTM_NEWLINK || len < sizeof(link))
		return;
	memcpy(&link, payload, sizeof(link));
	d->index = (uint32_t)link.ifi_index;
	d->up = link.ifi_flags & IFF_UP;
}

static bool take_bytes(unsigned char *ret, const struct address *a, const void *payload, size_t len,
                       uint16_t type)
{
	const void *data =
		netlink_attribute(payload, len, sizeof(struct ifaddrmsg), type, a->len, NULL);

	if (data)
		memcpy(ret, data, a->len);
	return data != NULL;
}

static void take_address(void *context, uint16_t type, const void *payload, size_t len)
{
	struct device *d = context;
	struct ifaddrmsg head;
	struct address a = { .family = 0 };
	const void *flags;

	if (type != RTM_NEWADDR || len < sizeof(head))
		return;
	memcpy(&head, payload, sizeof(head));
	if (head.ifa_index != d->index ||
	    (head.ifa_family != AF_INET && head.ifa_family != AF_INET6))
		return;
	a.family = head.ifa_family;
	a.prefix_len = head.ifa_prefixlen;
	a.scope = head.ifa_scope;
	a.len = head.ifa_family == AF_INET ? 4 : 16;
	flags = netlink_attribute(payload, len, sizeof(head), IFA_FLAGS, sizeof(a.flags), NULL);
	if (flags)
		memcpy(&a.flags, flags, sizeof(a.flags));
	else
		a.flags = head.ifa_flags;
	if (!take_bytes(a.address, &a, payload, len, IFA_ADDRESS))
		return;
	a.has_local = take_bytes(a.local, &a, payload, len, IFA_LOCAL);
	a.has_broadcast = take_bytes(a.broadcast, &a, payload, len, IFA_BROADCAST);
	if (a.flags & IFA_F_PERMANENT)
		buf_add(&d->addresses, &a, sizeof(a));
}

static int read_device(int host, struct device *d, struct err *e)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	const struct ifaddrmsg address = { .ifa_family = AF_UNSPEC };
	struct netlink_message m;

	netlink_begin(&m, RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	netlink_put(&m, IFLA_IFNAME, d->host_name, strlen(d->host_name) + 1);
	TRY(netlink_talk(host, &m, take_link, d, e));
	if (d->index == 0)
		return err_set(e, ERR_KERNEL, "the kernel does not say its index");

	netlink_begin(&m, RTM_GETADDR, NLM_F_DUMP, &address, sizeof(address));
	TRY(netlink_talk(host, &m, take_address, d, e));
	return buf_ok(&d->addresses, e);
}

/* --- changing --------------------------------------------------------------------------- */

static int send_move(int from, uint32_t index, int to_ns, uint32_t new_index, const char *name,
                     struct err *e)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	netlink_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)to_ns);
	netlink_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	netlink_put_u32(&m, IFLA_NEW_IFINDEX, new_index);
	return netlink_talk(from, &m, NULL, NULL, e);
}

/* Its index there, the same if nobody has it yet. */
static int move_device(int from, uint32_t index, int to_ns, const char *name, uint32_t *ret_index,
                       struct err *e)
{
	for (uint32_t i = 0;; i++) {
		*e = (struct err){ 0 };
		*ret_index = index + i * 1000;
		if (send_move(from, index, to_ns, *ret_index, name, e) == 0)
			return 0;
		if (e->sys != EBUSY || i == INDEX_TRIES)
			return -1;
	}
}

static int add_address(int sock, uint32_t index, const struct address *a, struct err *e)
{
	const struct ifaddrmsg head = { .ifa_family = a->family,
		                        .ifa_prefixlen = a->prefix_len,
		                        .ifa_scope = a->scope,
		                        .ifa_index = index };
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	netlink_put(&m, IFA_ADDRESS, a->address, a->len);
	if (a->has_local)
		netlink_put(&m, IFA_LOCAL, a->local, a->len);
	if (a->has_broadcast)
		netlink_put(&m, IFA_BROADCAST, a->broadcast, a->len);
	netlink_put_u32(&m, IFA_FLAGS, a->flags & (IFA_F_NODAD | IFA_F_NOPREFIXROUTE));
	if (netlink_talk(sock, &m, NULL, NULL, e) == 0)
		return 0;
	if (e->sys != EEXIST) /* the kernel may have made it itself */
		return err_in(e, "add an address");
	*e = (struct err){ 0 };
	return 0;
}

static int add_addresses(int sock, uint32_t index, const struct device *d, bool global_only,
                         struct err *e)
{
	const struct address *a = (const struct address *)(const void *)d->addresses.data;

	for (size_t i = 0; i < d->addresses.len / sizeof(*a); i++) {
		if (!global_only || a[i].scope == RT_SCOPE_UNIVERSE)
			TRY(add_address(sock, index, &a[i], e));
	}
	return 0;
}

static int set_up(int sock, uint32_t index, struct err *e)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC,
		                        .ifi_index = (int)index,
		                        .ifi_flags = IFF_UP,
		                        .ifi_change = IFF_UP };
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	if (netlink_talk(sock, &m, NULL, NULL, e) < 0)
		return err_in(e, "bring it up");
	return 0;
}

/* --- namespaces ----------------------------------------------------------------------------- */

/* Back again in any case, or we end: nothing else may happen in the container's. */
static int open_inside(const struct netdev_moves *m, struct err *e)
{
	int sock;

	if (setns(m->inside_ns, CLONE_NEWNET) < 0)
		return err_sys(e, "setns into the container's network namespace");
	sock = netlink_open(e);
	if (setns(m->host_ns, CLONE_NEWNET) < 0) {
		log_warn("setns back into the host's network namespace: %s", err_words(errno));
		_Exit(1);
	}
	return sock;
}

static int open_namespaces(struct netdev_moves *m, pid_t pid, struct err *e)
{
	struct stat host, inside;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	m->host_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	m->inside_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (m->host_ns < 0 || m->inside_ns < 0 || fstat(m->host_ns, &host) < 0 ||
	    fstat(m->inside_ns, &inside) < 0)
		return err_sys(e, "open %s", path);
	if (host.st_ino == inside.st_ino && host.st_dev == inside.st_dev)
		return err_set(e, ERR_SPEC,
		               "the container's network namespace is the one that they are in");
	m->host = netlink_open(e);
	TRY(m->host);
	m->inside = open_inside(m, e);
	return m->inside < 0 ? -1 : 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* A move may fail half-way: the kernel renames after it has moved. */
static bool has_left(int host, const struct device *d)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int)d->index };
	struct netlink_message m;
	struct err e = { 0 };

	netlink_begin(&m, RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	return netlink_talk(host, &m, NULL, NULL, &e) < 0 && e.sys == ENODEV;
}

static int move_one(struct netdev_moves *m, const char *host_name, const char *name, struct err *e)
{
	struct device *d = &m->v[m->n++];
	uint32_t index;

	d->host_name = host_name;
	TRY(read_device(m->host, d, e));
	int result = move_device(m->host, d->index, m->inside_ns, name, &index, e);
	if (result == 0 || has_left(m->host, d))
		d->inside_index = index;
	TRY(result);
	TRY(add_addresses(m->inside, d->inside_index, d, true, e));
	return set_up(m->inside, d->inside_index, e);
}

static int move_all(struct netdev_moves *m, const struct plan *plan, pid_t pid, struct err *e)
{
	const struct plan_net_device *devices = plan_array(plan, plan->net_devices);

	if (!m->v)
		return err_set(e, ERR_KERNEL, "out of memory");
	TRY(open_namespaces(m, pid, e));
	for (uint32_t i = 0; i < plan->net_devices.count; i++) {
		const char *host_name = plan_text(plan, devices[i].host_name);

		if (move_one(m, host_name, plan_text(plan, devices[i].name), e) < 0) {
			netdev_restore(m);
			return err_in(e, "%s", host_name);
		}
	}
	return 0;
}

int netdev_move(const struct plan *plan, pid_t pid, struct netdev_moves **ret, struct err *e)
{
	struct netdev_moves *m;

	*ret = NULL;
	if (plan->net_devices.count == 0)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ERR_KERNEL, "out of memory");
	*m = (struct netdev_moves){ .host = -1, .inside = -1, .host_ns = -1, .inside_ns = -1 };
	m->v = calloc(plan->net_devices.count, sizeof(*m->v));
	if (move_all(m, plan, pid, e) < 0) {
		netdev_free(m);
		return err_in(e, "linux.netDevices");
	}
	*ret = m;
	return 0;
}

static int restore_one(const struct netdev_moves *m, const struct device *d, struct err *e)
{
	uint32_t index;

	TRY(move_device(m->inside, d->inside_index, m->host_ns, d->host_name, &index, e));
	TRY(add_addresses(m->host, index, d, false, e));
	return d->up ? set_up(m->host, index, e) : 0;
}

void netdev_restore(struct netdev_moves *m)
{
	struct err e = { 0 };

	for (size_t i = m ? m->n : 0; i > 0; i--) {
		const struct device *d = &m->v[i - 1];

		if (d->inside_index == 0)
			continue;
		e = (struct err){ 0 };
		if (restore_one(m, d, &e) < 0 && e.sys != ENODEV)
			log_warn("undo: network device %s: %s", d->host_name, e.text);
	}
}
