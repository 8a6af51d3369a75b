/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tap has to be silent itself: it has no addresses, and no IPv6, whose link-local one
 * would talk to the guest. It comes up last, when nothing on it goes anywhere else any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/netlink.h"
#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/wire.h"

#define INGRESS_HANDLE 0xffff0000u

enum { BIG_ENDIAN_ALL = 0x0300 /* htons(ETH_P_ALL) */ };

/* --- redirection ---------------------------------------------------------------------------- */

static void begin(struct netlink_message *m, uint16_t type, uint16_t flags, uint32_t index,
                  const struct tcmsg *about)
{
	struct tcmsg head = *about;

	head.tcm_family = AF_UNSPEC;
	head.tcm_ifindex = (int)index;
	netlink_begin(m, type, flags, &head, sizeof(head));
}

static void put_text(struct netlink_message *m, uint16_t type, const char *text)
{
	netlink_put(m, type, text, strlen(text) + 1);
}

static int change_qdisc(int sock, uint32_t index, bool add, struct err *e)
{
	const struct tcmsg about = { .tcm_parent = TC_H_INGRESS, .tcm_handle = INGRESS_HANDLE };
	struct netlink_message m;

	begin(&m, add ? RTM_NEWQDISC : RTM_DELQDISC,
	      add ? NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL : NLM_F_ACK, index, &about);
	put_text(&m, TCA_KIND, "ingress");
	return netlink_talk(sock, &m, NULL, NULL, e);
}

/* All frames that come in on one, of whatever protocol, go out on the other: a filter whose one
 * key has an empty mask. */
static int redirect(int sock, uint32_t from, uint32_t to, struct err *e)
{
	const struct tcmsg about = { .tcm_parent = INGRESS_HANDLE,
		                     .tcm_info = TC_H_MAKE(1u << 16, BIG_ENDIAN_ALL) };
	const struct tc_mirred mirred = { .action = TC_ACT_STOLEN,
		                          .eaction = TCA_EGRESS_REDIR,
		                          .ifindex = to };
	const struct tc_u32_sel head = { .flags = TC_U32_TERMINAL, .nkeys = 1 };
	uint8_t select[sizeof(head) + sizeof(struct tc_u32_key)] = { 0 };
	size_t options, actions, action, parameters;
	struct netlink_message m;

	memcpy(select, &head, sizeof(head));
	begin(&m, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, from, &about);
	put_text(&m, TCA_KIND, "u32");
	options = netlink_nest(&m, TCA_OPTIONS);
	netlink_put(&m, TCA_U32_SEL, select, sizeof(select));
	actions = netlink_nest(&m, TCA_U32_ACT);
	action = netlink_nest(&m, 1);
	put_text(&m, TCA_ACT_KIND, "mirred");
	parameters = netlink_nest(&m, TCA_ACT_OPTIONS);
	netlink_put(&m, TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
	netlink_nest_end(&m, parameters);
	netlink_nest_end(&m, action);
	netlink_nest_end(&m, actions);
	netlink_nest_end(&m, options);
	return netlink_talk(sock, &m, NULL, NULL, e);
}

/* --- what another has left ------------------------------------------------------------------ */

/* The filters of an interface, as far as they are one of ours whose tap has ended. */
struct leftover {
	unsigned int ours, others;
};

static const void *inside(const void *data, size_t *len, uint16_t type)
{
	return data ? netlink_attribute(data, *len, 0, type, 0, len) : NULL;
}

/* The kernel tells of a filter's hash table as well, which has no action. */
static void look_at_filter(void *context, uint16_t type, const void *payload, size_t len)
{
	struct leftover *l = context;
	size_t n = 0;
	const void *at;
	struct tc_mirred mirred;

	if (type != RTM_NEWTFILTER)
		return;
	at = netlink_attribute(payload, len, sizeof(struct tcmsg), TCA_OPTIONS, 0, &n);
	at = inside(at, &n, TCA_U32_ACT);
	if (!at)
		return;
	at = inside(at, &n, 1);
	at = inside(at, &n, TCA_ACT_OPTIONS);
	at = inside(at, &n, TCA_MIRRED_PARMS);
	if (at && n == sizeof(mirred)) {
		memcpy(&mirred, at, sizeof(mirred));
		if (mirred.eaction == TCA_EGRESS_REDIR && mirred.ifindex == 0) {
			l->ours++;
			return;
		}
	}
	l->others++;
}

/* 1: all that is redirected there goes to a tap that has ended; 0: it is not so. */
static int is_left_over(int sock, uint32_t index, struct err *e)
{
	const struct tcmsg about = { .tcm_parent = INGRESS_HANDLE };
	struct leftover l = { 0 };
	struct netlink_message m;

	begin(&m, RTM_GETTFILTER, NLM_F_DUMP, index, &about);
	TRY(netlink_talk(sock, &m, look_at_filter, &l, e));
	return l.ours == 1 && l.others == 0;
}

static int take_over(int sock, const struct wire *w, struct err *e)
{
	int left = is_left_over(sock, w->index, e);

	TRY(left);
	if (!left)
		return err_set(e, ERR_REFUSED,
		               "its traffic is redirected already: by another microVM, or by "
		               "somebody's traffic control");
	TRY(change_qdisc(sock, w->index, false, e));
	return change_qdisc(sock, w->index, true, e);
}

static int make_qdisc(int sock, const struct wire *w, struct err *e)
{
	if (change_qdisc(sock, w->index, true, e) == 0)
		return 0;
	if (e->sys != EEXIST)
		return err_in(e, "queue what comes in");
	*e = (struct err){ 0 };
	return take_over(sock, w, e);
}

/* --- the tap -------------------------------------------------------------------------------- */

int wire_tun(struct err *e)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open /dev/net/tun") : fd;
}

static int make_tap(int fd, char name[IFNAMSIZ], struct err *e)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
		                 .ifr_name = "caisson%d" };
	int header = NET_HEADER;

	if (sys_ioctl(fd, TUNSETIFF, &request) < 0)
		return err_sys(e, "make a tap");
	if (sys_ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || !wire_offload(fd, 0))
		return err_sys(e, "set the tap up");
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return 0;
}

bool wire_offload(int tap, unsigned int flags)
{
	return sys_ioctl(tap, TUNSETOFFLOAD, (void *)(uintptr_t)flags) == 0;
}

static int bring_up(int sock, uint32_t index, uint32_t mtu, struct err *e)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC,
		                        .ifi_index = (int)index,
		                        .ifi_flags = IFF_UP,
		                        .ifi_change = IFF_UP };
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
	netlink_put_u32(&m, IFLA_MTU, mtu);
	return netlink_talk(sock, &m, NULL, NULL, e);
}

static int connect_one(int sock, struct wire *w, struct err *e)
{
	char name[IFNAMSIZ];
	unsigned int tap;

	TRY(make_qdisc(sock, w, e));
	w->redirected = true;
	if (w->tap < 0)
		w->tap = wire_tun(e);
	TRY(w->tap);
	TRY(make_tap(w->tap, name, e));
	tap = if_nametoindex(name);
	if (tap == 0)
		return err_sys(e, "find %s", name);
	w->tap_index = tap;
	TRY(netlink_set_ipv6(name, "disable_ipv6", "1", e));
	TRY(change_qdisc(sock, tap, true, e));
	TRY(redirect(sock, tap, w->index, e));
	TRY(redirect(sock, w->index, tap, e));
	return bring_up(sock, tap, w->mtu, e);
}

static int connect_all(int sock, struct wires *w, struct err *e)
{
	TRY(sock);
	for (unsigned int i = 0; i < w->count; i++) {
		if (connect_one(sock, &w->v[i], e) < 0)
			return err_in(e, "interface %s", w->v[i].name);
	}
	return 0;
}

int wires_probe(struct err *e)
{
	unsigned int loopback = if_nametoindex("lo");
	FD int sock = netlink_open(e);

	TRY(sock);
	if (loopback == 0)
		return err_sys(e, "find the loopback");
	if (change_qdisc(sock, loopback, true, e) < 0)
		return err_in(e, "queue what comes in (sch_ingress)");
	if (redirect(sock, loopback, loopback, e) < 0)
		return err_in(e, "redirect it (cls_u32, act_mirred)");
	return 0;
}

int wires_clear(struct err *e)
{
	FD int sock = netlink_open(e);
	struct if_nameindex *all;
	int left = 0;

	TRY(sock);
	all = if_nameindex();
	if (!all)
		return err_sys(e, "list the interfaces");
	for (const struct if_nameindex *i = all; left >= 0 && i->if_index; i++) {
		left = is_left_over(sock, i->if_index, e);
		if (left == 1)
			left = change_qdisc(sock, i->if_index, false, e);
	}
	if_freenameindex(all);
	return left < 0 ? -1 : 0;
}

int wires_connect(struct wires *w, struct err *e)
{
	FD int sock = netlink_open(e);
	struct err ignored = { 0 };

	if (connect_all(sock, w, e) == 0)
		return 0;
	for (unsigned int i = 0; i < w->count; i++) {
		if (w->v[i].redirected)
			(void)!change_qdisc(sock, w->v[i].index, false, &ignored);
		w->v[i].redirected = false;
	}
	return -1;
}
