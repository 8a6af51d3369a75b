/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both directions have a buffer that is filled when it is empty or has room at its end, and
 * drained as far as the other side takes it.
 */
#include "vm-sandbox/agent_port.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"

void agent_port_wake(const struct agent_port *p)
{
	const uint64_t one = 1;

	(void)!write(p->wake, &one, sizeof(one));
}

/* To the socket, as much as it takes now. An error of the socket is seen by its reader, too. */
static void drain_to_socket(struct agent_port *p)
{
	while (p->to_socket_len > 0) {
		ssize_t n = send(p->socket, p->to_socket + p->to_socket_start, p->to_socket_len,
		                 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p->to_socket_start += (size_t)n;
		p->to_socket_len -= (size_t)n;
	}
	p->to_socket_start = 0;
}

static bool on_receive(void *owner, const struct iovec *iov, unsigned int count, size_t len)
{
	struct agent_port *p = owner;

	if (!p->heard) {
		p->heard = true;
		p->first(p->owner);
		agent_port_wake(p);
	}
	if (p->socket < 0)
		return true;
	if (len > AGENT_PORT_ROOM) { /* no driver does that, and it would never fit */
		virtio_break(&p->console->device);
		return false;
	}
	if (len > AGENT_PORT_ROOM - p->to_socket_start - p->to_socket_len) {
		p->refused = true;
		return false;
	}
	for (unsigned int i = 0; i < count; i++) {
		memcpy(p->to_socket + p->to_socket_start + p->to_socket_len, iov[i].iov_base,
		       iov[i].iov_len);
		p->to_socket_len += iov[i].iov_len;
	}
	drain_to_socket(p);
	if (p->to_socket_len > 0)
		agent_port_wake(p);
	return true;
}

static void on_change(void *owner)
{
	agent_port_wake(owner);
}

int agent_port_init(struct agent_port *p, struct console *c, int socket, struct err *e)
{
	p->console = c;
	p->socket = socket;
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake < 0)
		return err_sys(e, "make an eventfd");
	c->receive = on_receive;
	c->changed = on_change;
	c->owner = p;
	return 0;
}

void agent_port_done(struct agent_port *p)
{
	fd_drop(&p->wake);
}

short agent_port_events(const struct agent_port *p)
{
	short events = 0;

	if (p->to_guest_len == 0 && p->console->open)
		events |= POLLIN;
	if (p->to_socket_len > 0)
		events |= POLLOUT;
	return events;
}

static void drain_to_guest(struct agent_port *p)
{
	size_t n = p->to_guest_len == 0 ? 0
	                                : console_send(p->console, p->to_guest + p->to_guest_start,
	                                               p->to_guest_len);

	p->to_guest_start += n;
	p->to_guest_len -= n;
}

/* False at the end of the socket's file, or when it fails. */
static bool fill_from_socket(struct agent_port *p)
{
	ssize_t n;

	if (p->to_guest_len > 0 || !p->console->open)
		return true;
	n = recv(p->socket, p->to_guest, sizeof(p->to_guest), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	p->to_guest_start = 0;
	p->to_guest_len = (size_t)n;
	if (n > 0 && p->taken)
		p->taken(p->owner);
	return n > 0;
}

bool agent_port_move(struct agent_port *p)
{
	uint64_t ignored;

	(void)!read(p->wake, &ignored, sizeof(ignored));
	if (p->socket < 0)
		return true;
	drain_to_socket(p);
	if (p->refused && p->to_socket_len == 0) {
		p->refused = false;
		console_resume(p->console);
	}
	drain_to_guest(p);
	if (!fill_from_socket(p))
		return false;
	drain_to_guest(p);
	return true;
}
