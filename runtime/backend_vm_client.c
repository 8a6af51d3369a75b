/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/unix.h"
#include "runtime/backend_vm.h"

int vm_client_connect(struct vm_client *c, int folder, struct err *e)
{
	c->kills = 0;
	c->socket = unix_connect(folder, VM_COMMANDS_SOCKET, SOCK_SEQPACKET, VM_ANSWER_MS, e);
	if (c->socket >= 0)
		return 0;
	if (e->sys != ECONNREFUSED && e->sys != ENOENT)
		return -1;
	*e = (struct err){ 0 };
	return err_set(e, ERR_STATE, "container not running");
}

int vm_client_open(struct vm_client *c, const struct found *f, struct err *e)
{
	if (f->status == STATUS_PAUSED)
		return err_set(e, ERR_STATE, "container paused: its microVM stands still");
	if (f->pidfd < 0)
		return err_set(e, ERR_STATE, "container not running");
	return vm_client_connect(c, f->dir.fd, e);
}

void vm_client_close(struct vm_client *c)
{
	fd_drop(&c->socket);
}

/* --- what comes ----------------------------------------------------------------------------- */

static int ended(struct err *e)
{
	err_set(e, ERR_STATE, "the microVM has ended");
	e->sys = EPIPE;
	return -1;
}

static int take_event(struct vm_client *c, const void *message, size_t len, struct err *e)
{
	const struct agent_oom *m = message;

	if (agent_check(AGENT_GUEST, 0, message, len))
		return err_set(e, ERR_STATE, "the microVM sent a message without its shape");
	if (m->head.type == AGENT_OOM)
		c->kills = m->kills;
	return 0;
}

/* 1: *ret is a reply, 0: something else came, or nothing. */
static int take_packet(struct vm_client *c, struct agent_reply *ret, struct err *e)
{
	ssize_t n = recv(c->socket, c->packet, sizeof(c->packet), MSG_DONTWAIT | MSG_TRUNC);
	const void *message = c->packet + sizeof(struct vm_packet_head);
	size_t len = (size_t)n - sizeof(struct vm_packet_head);
	struct vm_packet_head head;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return ended(e);
	if (n < 0)
		return err_sys(e, "receive from the microVM");
	if (n < (ssize_t)(sizeof(head) + sizeof(struct agent_head)) ||
	    n > (ssize_t)sizeof(c->packet))
		return err_set(e, ERR_STATE, "the microVM sent a packet of %zd bytes", n);
	memcpy(&head, c->packet, sizeof(head));
	if (head.kind != VM_MESSAGE)
		return err_set(e, ERR_STATE, "the microVM sent a packet that is not due");
	if (((const struct agent_head *)message)->type >= AGENT_READY)
		return take_event(c, message, len, e);
	if (agent_check(AGENT_GUEST, 1, message, len))
		return err_set(e, ERR_STATE, "the microVM sent a message without its shape");
	*ret = (struct agent_reply){ 0 };
	agent_reply_read(message, len, ret);
	return 1;
}

static int await_reply(struct vm_client *c, struct agent_reply *ret, struct err *e)
{
	int64_t deadline = clock_ms() + VM_ANSWER_MS;
	int got;

	while ((got = take_packet(c, ret, e)) == 0) {
		struct pollfd p = { .fd = c->socket, .events = POLLIN };
		int64_t left = deadline - clock_ms();

		if (left <= 0) {
			err_set(e, ERR_STATE, "the microVM does not answer within %d seconds",
			        VM_ANSWER_MS / 1000);
			return err_hint(e, "delete --force ends it");
		}
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return err_sys(e, "poll");
	}
	return got;
}

/* --- what goes ------------------------------------------------------------------------------ */

static int send_packet(const struct vm_client *c, enum vm_packet kind, const void *data, size_t len,
                       struct err *e)
{
	const struct vm_packet_head head = { .kind = (uint16_t)kind };
	BUF struct buf packet = { 0 };

	buf_add(&packet, &head, sizeof(head));
	if (len > 0)
		buf_add(&packet, data, len);
	TRY(buf_ok(&packet, e));
	if (send(c->socket, packet.data, packet.len, MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return ended(e);
	if (errno == EAGAIN)
		return err_set(e, ERR_STATE, "the microVM takes no request");
	return err_sys(e, "send to the microVM");
}

int vm_client_ask(struct vm_client *c, const void *request, size_t len, struct agent_reply *ret,
                  struct err *e)
{
	struct agent_head head;

	memcpy(&head, request, sizeof(head));
	TRY(send_packet(c, VM_MESSAGE, request, len, e));
	TRY(await_reply(c, ret, e));
	if (!agent_reply_fits(ret->type, head.type))
		return err_set(e, ERR_STATE, "the microVM answers what was not asked");
	if (ret->type != AGENT_FAILED)
		return 0;
	*e = ret->err;
	return -1;
}

int vm_client_ask_texts(struct vm_client *c, enum agent_type type, const char *const *texts,
                        size_t count, struct agent_reply *ret, struct err *e)
{
	const struct agent_head head = { .type = (uint16_t)type };
	BUF struct buf message = { 0 };

	buf_add(&message, &head, sizeof(head));
	for (size_t i = 0; i < count; i++)
		buf_add(&message, texts[i], strlen(texts[i]) + 1);
	TRY(buf_ok(&message, e));
	return vm_client_ask(c, message.data, message.len, ret, e);
}

int vm_client_watch(const struct vm_client *c, struct err *e)
{
	return send_packet(c, VM_WATCH, NULL, 0, e);
}

int vm_client_hear(struct vm_client *c)
{
	enum { AT_ONCE = 64 }; /* of a flood that somebody else makes */
	struct agent_reply unasked;
	struct err ignored = { 0 };

	for (int i = 0; i < AT_ONCE; i++) {
		struct pollfd p = { .fd = c->socket, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			return 1;
		if (take_packet(c, &unasked, &ignored) < 0)
			return 0;
	}
	return 1;
}
