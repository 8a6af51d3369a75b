/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_net.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/backend_vm.h"

_Static_assert((int)WIRES_MAX == (int)MONITOR_NETS_MAX, "one device for each interface");

static void set_up(struct vm_net *n, unsigned int place, int tap, const uint8_t mac[NET_MAC],
                   uint32_t mtu)
{
	struct net_setup *s = &n->setup[place];

	*s = (struct net_setup){ .tap = tap, .mtu = (uint16_t)mtu, .offload = wire_offload };
	memcpy(s->mac, mac, NET_MAC);
}

/* The jail lets nobody open one. A host without taps has none for those that come, either, which
 * is told when one does. */
static void open_for_others(struct vm_net *n)
{
	struct err e = { 0 };

	for (unsigned int i = n->count; i < WIRES_MAX; i++, n->room++) {
		n->setup[i].tap = wire_tun(&e);
		if (n->setup[i].tap < 0) {
			log_debug("network: no interface can come later: %s", e.text);
			return;
		}
	}
}

int vm_net_connect(struct vm_net *n, bool open, struct err *e)
{
	TRY(wires_read(&n->wires, e));
	/* what may be refused comes before what changes anything */
	for (unsigned int i = 0; i < n->wires.count; i++)
		TRY(wire_message(&n->wires.v[i], &n->message[i], e));
	if (n->wires.count > 0)
		TRY(wires_connect(&n->wires, e));
	for (unsigned int i = 0; i < n->wires.count; i++) {
		const struct wire *w = &n->wires.v[i];

		set_up(n, i, w->tap, w->mac, w->mtu);
	}
	n->count = n->wires.count;
	if (open)
		open_for_others(n);
	return 0;
}

/* --- those that come later: the monitor's side ---------------------------------------------- */

void vm_net_tell(const struct vm_net *n, struct frame *ret)
{
	struct vm_places p = { .free_count = n->room };

	_Static_assert(sizeof(p) <= sizeof(ret->text), "the text has room for it");
	*ret = (struct frame){ .type = FRAME_NETWORK };
	for (unsigned int i = 0; i < n->wires.count; i++) {
		p.known[p.known_count++] = n->wires.v[i].index;
		p.known[p.known_count++] = n->wires.v[i].tap_index;
	}
	for (unsigned int i = 0; i < n->room; i++)
		p.free[i] = n->setup[n->count + i].tap;
	memcpy(ret->text, &p, sizeof(p));
}

int vm_net_add(struct vm_net *n, const struct vm_newcomer *c, size_t len, size_t *ret_len,
               struct err *e)
{
	const size_t head = offsetof(struct vm_newcomer, link);
	unsigned int place = n->count;

	if (len <= head || agent_check(AGENT_HOST, 1, &c->link, len - head) ||
	    c->link.head.type != AGENT_NETCFG)
		return err_set(e, ERR_BUG, "an interface that is told of in another shape");
	if (n->room == 0)
		return err_set(e, ERR_REFUSED,
		               "a microVM can have no more than %d network interfaces", WIRES_MAX);
	set_up(n, place, n->setup[place].tap, c->link.mac, c->link.mtu);
	n->wires.v[place] =
		(struct wire){ .index = c->index, .tap_index = c->tap, .tap = n->setup[place].tap };
	n->wires.count = place + 1;
	n->room--;
	n->count++; /* from here on the setup is the monitor's */
	*ret_len = len - head;
	return 0;
}

/* --- … and the command's -------------------------------------------------------------------- */

/* The descriptor is the monitor's, whoever that is by now: making a tap of it tells what it is. */
static int take_tun(int pidfd, int number, struct err *e)
{
	int fd = sys_pidfd_getfd(pidfd, number);

	return fd < 0 ? err_sys(e, "take what a tap is made of: pidfd_getfd") : fd;
}

static int send_newcomer(const struct launch_start *s, const struct wire *w, struct err *e)
{
	struct vm_newcomer packet = {
		.frame.type = FRAME_NETWORK,
		.index = w->index,
		.tap = w->tap_index,
	};
	BUF struct buf message = { 0 };
	struct frame answer;

	TRY(wire_message(w, &message, e));
	memcpy(&packet.link, message.data, message.len);
	packet.link.flags |= AGENT_LINK_NEW;
	TRY(fd_send(s->socket, &packet, offsetof(struct vm_newcomer, link) + message.len, NULL, 0,
	            e));
	return vm_await(s->socket, s->events, FRAME_GO, &answer, e);
}

static int carry(const struct launch_start *s, struct wires *w, const struct vm_places *p,
                 struct err *e)
{
	if (w->count > p->free_count)
		return err_set(
			e, ERR_REFUSED,
			"interface %s: there is room for %u in this microVM (at most %d, and "
			"none that come later without /dev/net/tun at create)",
			w->v[p->free_count].name, p->known_count / 2 + p->free_count, WIRES_MAX);
	for (unsigned int i = 0; i < w->count; i++) {
		w->v[i].tap = take_tun(s->pidfd, p->free[i], e);
		TRY(w->v[i].tap);
	}
	TRY(wires_connect(w, e));
	for (unsigned int i = 0; i < w->count; i++)
		TRY(send_newcomer(s, &w->v[i], e));
	return 0;
}

/* In a child, for the namespace. */
static int complete(void *context, struct err *e)
{
	const struct launch_start *s = context;
	const struct frame question = { .type = FRAME_NETWORK };
	struct vm_places p;
	struct frame answer;
	struct wires w;
	int result;

	if (setns(s->pidfd, CLONE_NEWNET) < 0)
		return err_sys(e, "setns");
	TRY(fd_send(s->socket, &question, sizeof(question), NULL, 0, e));
	TRY(vm_await(s->socket, s->events, FRAME_NETWORK, &answer, e));
	memcpy(&p, answer.text, sizeof(p));
	if (p.known_count > LEN(p.known) || p.free_count > LEN(p.free))
		return err_set(e, ERR_BUG, "the monitor has more interfaces than there can be");
	TRY(wires_read_more(p.known, p.known_count, &w, e));
	result = w.count > 0 ? carry(s, &w, &p, e) : 0;
	wires_done(&w);
	return result;
}

int vm_net_complete(const struct launch_start *s, struct err *e)
{
	struct launch_start theirs = *s;

	return proc_in_child(complete, &theirs, e) < 0 ? err_in(e, "network") : 0;
}

/* --- the end -------------------------------------------------------------------------------- */

/* In a child. The path may lead elsewhere by now: where a microVM lives nothing is cleared, nor
 * in what is no network namespace. */
static int clear_in(void *context, struct err *e)
{
	const int *namespace = context;

	if (setns(*namespace, CLONE_NEWNET) < 0)
		return errno == EINVAL ? 0 : err_sys(e, "setns");
	return wires_clear(e);
}

void backend_vm_clear(const struct oci_config *config)
{
	const char *path = config->linux_->namespaces[OCI_NS_NETWORK].path;
	struct err e = { 0 };
	FD int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

	/* one that is no more has taken it along */
	if (fd >= 0 && proc_in_child(clear_in, &fd, &e) < 0)
		log_warn("network: %s: end the redirection to a microVM that is gone: %s", path,
		         e.text);
}
