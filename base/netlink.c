/* SPDX-License-Identifier: Apache-2.0 */
#include "base/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/fd.h"
#include "base/scope.h"

enum { REPLY_S = 10, PACKET_MAX = 32768, DUMPS_MAX = 8 };

/* linux/netlink.h's macros work on int and cast away alignment: these do not. */
static size_t align(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

size_t netlink_ip_len(unsigned int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

int netlink_set_ipv6(const char *interface, const char *key, const char *value, struct err *e)
{
	char path[80];
	FD int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, "open %s", path);
	return fd_write_all(fd, value, strlen(value), path, e);
}

/* --- requests ---------------------------------------------------------------------- */

static void *add(struct netlink_message *m, size_t len)
{
	size_t at = align(m->len);

	if (at + align(len) > sizeof(m->bytes)) {
		m->cut = true;
		return NULL;
	}
	m->len = at + len;
	return m->bytes + at;
}

void netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags, const void *header,
                   size_t header_len)
{
	const struct nlmsghdr head = { .nlmsg_type = type,
		                       .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) };

	*m = (struct netlink_message){ .len = 0 };
	memcpy(add(m, sizeof(head)), &head, sizeof(head));
	memcpy(add(m, header_len), header, header_len);
}

void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t len)
{
	const struct nlattr attribute = { .nla_len = (uint16_t)(sizeof(attribute) + len),
		                          .nla_type = type };
	char *place = len < sizeof(m->bytes) ? add(m, sizeof(attribute) + len) : NULL;

	if (!place) {
		m->cut = true;
		return;
	}
	memcpy(place, &attribute, sizeof(attribute));
	memcpy(place + sizeof(attribute), data, len);
}

void netlink_put_u32(struct netlink_message *m, uint16_t type, uint32_t value)
{
	netlink_put(m, type, &value, sizeof(value));
}

size_t netlink_nest(struct netlink_message *m, uint16_t type)
{
	size_t at = align(m->len);

	netlink_put(m, type, "", 0);
	return at;
}

void netlink_nest_end(struct netlink_message *m, size_t nest)
{
	uint16_t len = (uint16_t)(m->len - nest);

	if (!m->cut)
		memcpy(m->bytes + nest, &len, sizeof(len));
}

/* --- replies ------------------------------------------------------------------------- */

const void *netlink_attribute(const void *payload, size_t len, size_t header_len, uint16_t type,
                              size_t want, size_t *ret_len)
{
	const char *at = (const char *)payload + align(header_len);
	size_t left = len < align(header_len) ? 0 : len - align(header_len);
	struct nlattr a;

	while (left >= sizeof(a)) {
		memcpy(&a, at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > left)
			return NULL;
		size_t data = a.nla_len - sizeof(a);
		if ((a.nla_type & NLA_TYPE_MASK) == type && (want == 0 || data == want)) {
			if (ret_len)
				*ret_len = data;
			return at + sizeof(a);
		}
		size_t step = align(a.nla_len);
		if (step >= left)
			return NULL;
		at += step;
		left -= step;
	}
	return NULL;
}

/* An errno, and with NETLINK_EXT_ACK the kernel's own words behind the echoed header. */
static int read_error(const struct nlmsghdr *head, const void *payload, size_t len, struct err *e)
{
	struct nlmsgerr error;
	size_t text_len = 0;

	if (len < sizeof(error))
		return err_set(e, ERR_KERNEL, "rtnetlink: a reply that is too short");
	memcpy(&error, payload, sizeof(error));
	if (error.error == 0)
		return 1;
	errno = -error.error;
	err_sys(e, "rtnetlink");
	const char *text = head->nlmsg_flags & NLM_F_ACK_TLVS && head->nlmsg_flags & NLM_F_CAPPED
	                           ? netlink_attribute(payload, len, sizeof(error),
	                                               NLMSGERR_ATTR_MSG, 0, &text_len)
	                           : NULL;
	if (text && text_len > 0 && memchr(text, '\0', text_len))
		return err_hint(e, "%s", text);
	return -1;
}

int netlink_read(const void *packet, size_t len, uint32_t sequence, netlink_visit *visit,
                 void *context, struct err *e)
{
	const char *at = packet;
	struct nlmsghdr head;

	while (len >= sizeof(head)) {
		memcpy(&head, at, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
			return err_set(e, ERR_KERNEL, "rtnetlink: a message of a wrong length");

		const char *payload = at + sizeof(head);
		size_t payload_len = head.nlmsg_len - sizeof(head);
		size_t step = align(head.nlmsg_len) < len ? align(head.nlmsg_len) : len;
		at += step;
		len -= step;
		if (head.nlmsg_seq != sequence)
			continue; /* not for us */
		if (head.nlmsg_flags & NLM_F_DUMP_INTR) {
			errno = EINTR;
			return err_sys(e, "rtnetlink");
		}
		if (head.nlmsg_type == NLMSG_DONE)
			return 1;
		if (head.nlmsg_type == NLMSG_ERROR)
			return read_error(&head, payload, payload_len, e);
		if (head.nlmsg_type >= NLMSG_MIN_TYPE && visit)
			visit(context, head.nlmsg_type, payload, payload_len);
	}
	return 0;
}

/* --- the talk --------------------------------------------------------------------------- */

int netlink_open(struct err *e)
{
	const struct timeval timeout = { .tv_sec = REPLY_S };
	const int yes = 1;
	FD int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (sock < 0)
		return err_sys(e, "socket of rtnetlink");
	(void)setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* words for errors, without the request that they answer */
	(void)setsockopt(sock, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	(void)setsockopt(sock, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	return fd_give(&sock);
}

static int receive(int sock, uint32_t sequence, netlink_visit *visit, void *context, struct err *e)
{
	static _Alignas(struct nlmsghdr) char packet[PACKET_MAX];
	int done = 0;

	while (done == 0) {
		struct sockaddr_nl from = { .nl_family = AF_NETLINK };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(sock, packet, sizeof(packet), MSG_TRUNC,
		                     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "receive from rtnetlink");
		if ((size_t)n > sizeof(packet))
			return err_set(e, ERR_KERNEL, "rtnetlink: a packet of %zd bytes", n);
		if (from.nl_pid != 0)
			continue; /* anyone may send to us: only the kernel is meant */
		done = netlink_read(packet, (size_t)n, sequence, visit, context, e);
	}
	return done < 0 ? -1 : 0;
}

int netlink_talk(int sock, struct netlink_message *m, netlink_visit *visit, void *context,
                 struct err *e)
{
	static uint32_t sequence;
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *head = (struct nlmsghdr *)(void *)m->bytes;

	if (m->cut)
		return err_set(e, ERR_BUG, "rtnetlink: the request is too long");
	head->nlmsg_len = (uint32_t)m->len;
	for (int i = 0;; i++) {
		head->nlmsg_seq = ++sequence;
		if (sendto(sock, m->bytes, m->len, 0, (const struct sockaddr *)&kernel,
		           sizeof(kernel)) < 0)
			return err_sys(e, "send to rtnetlink");
		if (receive(sock, sequence, visit, context, e) == 0)
			return 0;
		if (e->sys != EINTR || i == DUMPS_MAX)
			return -1;
		*e = (struct err){ 0 };
	}
}
