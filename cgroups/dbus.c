/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to somebody who speaks D-Bus, without a broker between: no Hello, no
 * names, no subscriptions. The identity is what the kernel says of the socket's ends
 * (EXTERNAL); no uid is claimed, for in a user namespace it would be another one.
 *
 * The handshake is written at once and its answer read when something is to be sent, so
 * that the other side's work on it costs no time of ours. Nothing is sent before: the
 * specification lets a server drop what comes with BEGIN.
 */
#include "cgroups/dbus.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/unix.h"
#include "cgroups/files.h"

enum { ANSWER_MAX = 4096 };

void dbus_close(struct dbus *d)
{
	fd_drop(&d->fd);
	buf_done(&d->in);
}

static int write_all(struct dbus *d, const void *data, size_t len, struct err *e)
{
	for (const char *at = data; len > 0;) {
		ssize_t n = send(d->fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "send to systemd");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int check_peer(const struct dbus *d, const char *path, struct err *e)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(d->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return err_sys(e, "ask who listens on %s", path);
	if (peer.uid == 0 || peer.uid == geteuid())
		return 0;
	return err_set(e, ERR_REFUSED, "%s: a process of user %u listens there, not systemd", path,
	               peer.uid);
}

int dbus_open(struct dbus *d, const char *path, int deadline_ms, struct err *e)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

	*d = (struct dbus)DBUS_NONE;
	d->deadline = cgroup_clock_ms() + deadline_ms;
	d->fd = unix_connect(AT_FDCWD, path, SOCK_STREAM, deadline_ms, e);
	if (d->fd >= 0 && check_peer(d, path, e) == 0 &&
	    write_all(d, hello, sizeof(hello) - 1, e) == 0)
		return 0;
	dbus_close(d);
	return -1;
}

/* 1: there is something to read, 0: look again. */
static int wait_once(struct dbus *d, struct err *e)
{
	struct pollfd one = { .fd = d->fd, .events = POLLIN };
	int left = cgroup_clock_left(d->deadline), ready;

	if (left == 0)
		return err_set(e, ERR_STATE, "systemd did not answer in time");
	ready = d->wait ? d->wait(d->context, d->fd, left, e) : poll(&one, 1, left);
	if (ready < 0)
		return d->wait ? -1 : errno == EINTR ? 0 : err_sys(e, "poll");
	return ready > 0; /* else the deadline is looked at again */
}

int dbus_await(struct dbus *d, struct err *e)
{
	int ready = d->in.len > d->used;

	while (ready == 0)
		ready = wait_once(d, e);
	return ready < 0 ? -1 : 0;
}

/* Reads on, `most` bytes and no more: what comes behind them may not be wanted. */
static int read_more(struct dbus *d, size_t most, struct err *e)
{
	int ready = wait_once(d, e);

	if (ready <= 0)
		return ready;
	ssize_t n = recv(d->fd, buf_room(&d->in, most), d->in.failed ? 0 : most, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_sys(e, "read from systemd");
	if (n == 0)
		return err_set(e, ERR_STATE, "systemd closed the connection");
	buf_used(&d->in, (size_t)n);
	return buf_ok(&d->in, e);
}

static void drop_used(struct dbus *d)
{
	if (d->used == 0)
		return;
	d->in.len -= d->used;
	memmove(d->in.data, d->in.data + d->used, d->in.len);
	d->used = 0;
}

/* One line of the handshake, without its end. */
static int read_line(struct dbus *d, char *ret, size_t room, struct err *e)
{
	const char *end;

	drop_used(d);
	while (!(end = d->in.len ? memmem(d->in.data, d->in.len, "\r\n", 2) : NULL)) {
		if (d->in.len > ANSWER_MAX)
			return err_set(e, ERR_KERNEL, "systemd's answer is not D-Bus");
		TRY(read_more(d, ANSWER_MAX, e)); /* what follows it is kept */
	}
	size_t len = (size_t)(end - d->in.data);
	d->used = len + 2;
	if (len >= room)
		len = room - 1;
	memcpy(ret, d->in.data, len);
	ret[len] = '\0';
	return 0;
}

/* It asks for an identity ("DATA"), we gave an empty one, it agrees ("OK guid"). */
static int authenticate(struct dbus *d, struct err *e)
{
	char line[128];

	TRY(read_line(d, line, sizeof(line), e));
	if (strncmp(line, "DATA", 4) == 0)
		TRY(read_line(d, line, sizeof(line), e));
	if (strncmp(line, "OK ", 3) != 0) {
		err_set(e, ERR_REFUSED, "systemd does not let us in (it said \"%.40s\")", line);
		return err_hint(e, "its private socket is for root, or for the user it is of");
	}
	d->authenticated = true;
	return 0;
}

int dbus_send(struct dbus *d, const struct dbus_call *call, struct err *e)
{
	BUF struct buf message = { 0 };

	if (!d->authenticated)
		TRY(authenticate(d, e));
	dbus_put_call(&message, ++d->serial, call);
	TRY(buf_ok(&message, e));
	return write_all(d, message.data, message.len, e);
}

int dbus_receive(struct dbus *d, struct dbus_message *ret, struct err *e)
{
	drop_used(d);
	while (d->in.len < DBUS_HEAD)
		TRY(read_more(d, DBUS_HEAD - d->in.len, e));
	size_t size = dbus_message_size((const uint8_t *)d->in.data);
	if (size == 0)
		return err_set(e, ERR_KERNEL, "systemd sent what is not a D-Bus message");
	while (d->in.len < size)
		TRY(read_more(d, size - d->in.len, e));
	d->used = size;
	return dbus_parse(d->in.data, size, ret, e);
}
