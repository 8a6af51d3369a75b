/* SPDX-License-Identifier: Apache-2.0 */
/* A talk over a stream socket. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "vm-sandbox/agent_client.h"

enum { PART = 16 << 10 };

short agent_client_wants(const struct agent_client *c)
{
	const void *data;

	return channel_pending(&c->channel, &data) > 0 ? POLLIN | POLLOUT : POLLIN;
}

static int closed(struct err *e)
{
	return err_set(e, ERR_STATE, "the guest is gone");
}

/* 1: more may wait, 0: not now */
static int take(struct agent_client *c, int socket, struct err *e)
{
	uint8_t part[PART];
	ssize_t n = recv(socket, part, sizeof(part), MSG_DONTWAIT);

	if (n > 0) {
		TRY(agent_client_receive(c, part, (size_t)n, e));
		return n == sizeof(part);
	}
	if (n == 0 || errno == ECONNRESET)
		return closed(e);
	if (errno != EAGAIN && errno != EINTR)
		return err_sys(e, "read from the guest's agent");
	return 0;
}

static int give(struct agent_client *c, int socket, struct err *e)
{
	const void *data;
	size_t len;

	while ((len = channel_pending(&c->channel, &data)) > 0) {
		ssize_t n = send(socket, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			channel_sent(&c->channel, (size_t)n);
			agent_client_flush(c);
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 0; /* what it has said is read first, up to the end */
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, "write to the guest's agent");
		break;
	}
	return 0;
}

int agent_client_io(struct agent_client *c, int socket, struct err *e)
{
	int more;

	do {
		TRY(give(c, socket, e));
		more = take(c, socket, e);
		TRY(more);
	} while (more);
	return give(c, socket, e);
}

static bool answered(const struct agent_client *c, uint32_t request)
{
	for (unsigned int i = 0; request && i < AGENT_REQUESTS_MAX; i++) {
		if (c->request[i].number == request)
			return false;
	}
	return c->ready;
}

int agent_client_wait(struct agent_client *c, int socket, uint32_t request, int timeout_ms,
                      struct err *e)
{
	int64_t deadline = timeout_ms < 0 ? -1 : clock_ms() + timeout_ms;

	while (!answered(c, request)) {
		struct pollfd p = { .fd = socket, .events = agent_client_wants(c) };
		int64_t left = deadline < 0 ? -1 : deadline - clock_ms();

		if (deadline >= 0 && left <= 0)
			return err_set(e, ERR_STATE, "the guest's agent does not answer");
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		TRY(agent_client_io(c, socket, e));
	}
	return 0;
}
