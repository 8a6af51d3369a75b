/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process has a place in the table from the request that makes it until it is forgotten,
 * so that a guest can neither invent one nor let one end twice. A request's place says what
 * may answer it.
 */
#include "vm-sandbox/agent_client.h"

#include <string.h>

struct agent_client_process *agent_client_find(struct agent_client *c, uint32_t number)
{
	for (unsigned int i = 0; number && i < AGENT_PROCESSES_MAX; i++) {
		if (c->process[i].number == number)
			return &c->process[i];
	}
	return NULL;
}

void agent_client_drop(struct agent_client *c, struct agent_client_process *p)
{
	for (enum agent_stream which = AGENT_PLAN; which < AGENT_STREAMS; which++)
		channel_close(&c->channel, agent_stream(p->number, which));
	buf_done(&p->plan);
	*p = (struct agent_client_process){ 0 };
}

/* --- what comes ----------------------------------------------------------------------------- */

static void finish(struct agent_client *c, struct agent_client_process *p)
{
	for (int i = 0; i < 2; i++) {
		bool open = p->streams & 1u << (AGENT_STDOUT + i);

		if (open && p->received[i] < p->total[i])
			return;
	}
	if (!p->exited || p->finished)
		return;
	p->finished = true;
	if (c->events->finished)
		c->events->finished(c->owner, p->number);
}

static const char *on_ready(struct agent_client *c, const void *message, size_t len)
{
	const struct agent_ready *m = message;
	struct agent_texts t = agent_texts(message, len);

	if (c->ready)
		return "it was ready before";
	if (m->version != AGENT_VERSION)
		return "an agent of another version";
	c->ready = true;
	if (c->events->ready)
		c->events->ready(c->owner, m, agent_text(&t));
	return NULL;
}

static const char *on_exited(struct agent_client *c, const struct agent_exited *m)
{
	struct agent_client_process *p = agent_client_find(c, m->head.process);

	if (!p || p->exited || !p->started)
		return "the end of a process that does not run";
	if (m->status < 0 || m->status > 255 || m->signal < 0 || m->signal > 64)
		return "an exit status that there is not";
	p->exited = true;
	p->total[0] = m->output;
	p->total[1] = m->errors;
	channel_close(&c->channel, agent_stream(p->number, AGENT_STDIN));
	p->streams &= ~(uint32_t)AGENT_HAS_STDIN;
	if (c->events->exited)
		c->events->exited(c->owner, p->number, m->status, m->signal);
	finish(c, p);
	return NULL;
}

static const char *on_event(struct agent_client *c, const void *message, size_t len)
{
	const struct agent_head *head = message;
	struct agent_texts t = agent_texts(message, len);

	if (head->type == AGENT_READY)
		return on_ready(c, message, len);
	if (!c->ready)
		return "an event before it was ready";
	if (head->type == AGENT_EXITED)
		return on_exited(c, message);
	if (head->type == AGENT_OOM && c->events->oom)
		c->events->oom(c->owner, ((const struct agent_oom *)message)->kills);
	if (head->type == AGENT_WARNING && c->events->warning)
		c->events->warning(c->owner, agent_text(&t));
	return NULL;
}

bool agent_reply_fits(enum agent_type reply, enum agent_type request)
{
	switch (reply) {
	case AGENT_FAILED:
		return true;
	case AGENT_PROCESSES:
		return request == AGENT_PS;
	case AGENT_FILES:
		return request == AGENT_READ;
	default:
		return request != AGENT_PS && request != AGENT_READ;
	}
}

static void read_error(struct agent_texts t, const struct agent_failed *m, struct err *ret)
{
	const struct {
		char *to;
		size_t room;
	} parts[] = {
		{ ret->text, sizeof(ret->text) },
		{ ret->hint, sizeof(ret->hint) },
		{ ret->phase, sizeof(ret->phase) },
		{ ret->pointer, sizeof(ret->pointer) },
	};

	ret->kind = m->kind > ERR_NONE && m->kind <= ERR_BUG ? (enum err_kind)m->kind : ERR_BUG;
	ret->sys = m->sys > 0 && m->sys < 4096 ? m->sys : 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *text = agent_text(&t);
		size_t len = strnlen(text, parts[i].room - 1);

		memcpy(parts[i].to, text, len);
	}
}

void agent_reply_read(const void *message, size_t len, struct agent_reply *ret)
{
	const struct agent_processes *list = message;

	ret->type = ((const struct agent_head *)message)->type;
	ret->message = message;
	ret->len = len;
	if (ret->type == AGENT_DONE)
		ret->value = ((const struct agent_done *)message)->value;
	if (ret->type == AGENT_FAILED)
		read_error(agent_texts(message, len), message, &ret->err);
	if (ret->type == AGENT_FILES)
		ret->files = agent_texts(message, len);
	if (ret->type != AGENT_PROCESSES)
		return;
	ret->process = list->process;
	ret->count = list->count;
	ret->more = list->more;
}

/* What a request has made, or has not. */
static const char *settle(struct agent_client *c, const struct agent_client_request *r,
                          const struct agent_reply *reply)
{
	struct agent_client_process *p = agent_client_find(c, r->process);

	if (!p || (r->type != AGENT_CREATE && r->type != AGENT_EXEC))
		return NULL;
	if (reply->type == AGENT_FAILED) {
		agent_client_drop(c, p);
		return NULL;
	}
	if (!p->plan_ended)
		return "a process was made of half a plan";
	p->started = true;
	buf_done(&p->plan);
	return NULL;
}

static const char *on_reply(struct agent_client *c, uint32_t number, const void *message,
                            size_t len)
{
	struct agent_reply reply = { 0 };
	struct agent_client_request r = { 0 };
	const char *rule;

	for (unsigned int i = 0; i < AGENT_REQUESTS_MAX; i++) {
		if (c->request[i].number != number)
			continue;
		r = c->request[i];
		c->request[i].number = 0;
	}
	agent_reply_read(message, len, &reply);
	if (!r.number || !agent_reply_fits(reply.type, r.type))
		return "an answer that was not asked for";
	rule = settle(c, &r, &reply);
	if (!rule && c->events->replied)
		c->events->replied(c->owner, number, &reply);
	return rule;
}

static void on_message(void *owner, uint32_t request, const uint8_t *data, size_t len)
{
	struct agent_client *c = owner;
	const char *rule = agent_check(AGENT_GUEST, request, data, len);

	if (!rule) {
		memcpy(c->message, data, len); /* aligned */
		rule = request ? on_reply(c, request, c->message, len)
		               : on_event(c, c->message, len);
	}
	if (rule)
		c->channel.broken = rule;
}

static void on_data(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	struct agent_client *c = owner;
	struct agent_client_process *p = agent_client_find(c, stream / AGENT_STREAMS);
	enum agent_stream which = stream % AGENT_STREAMS;

	if (!p || (which != AGENT_STDOUT && which != AGENT_STDERR)) {
		c->channel.broken = "data on a stream that goes the other way";
		return;
	}
	p->received[which - AGENT_STDOUT] += len;
	if (c->events->output)
		c->events->output(c->owner, p->number, which, data, len);
	finish(c, p);
}

static void on_ended(void *owner, uint32_t stream)
{
	struct agent_client *c = owner;
	struct agent_client_process *p = agent_client_find(c, stream / AGENT_STREAMS);
	enum agent_stream which = stream % AGENT_STREAMS;

	channel_close(&c->channel, stream);
	if (!p || which == AGENT_PLAN)
		return;
	p->streams &= ~(1u << which);
	if (which == AGENT_STDIN) {
		if (c->events->input_closed)
			c->events->input_closed(c->owner, p->number);
		return;
	}
	if (c->events->output_ended)
		c->events->output_ended(c->owner, p->number, which);
	finish(c, p);
}

/* --- plans ---------------------------------------------------------------------------------- */

static void send_plan(struct agent_client *c, struct agent_client_process *p)
{
	uint32_t stream = agent_stream(p->number, AGENT_PLAN);
	size_t n = 1;

	while (p->plan_sent < p->plan.len && n > 0) {
		n = channel_write(&c->channel, stream, p->plan.data + p->plan_sent,
		                  p->plan.len - p->plan_sent);
		p->plan_sent += n;
	}
	if (p->plan_sent < p->plan.len || p->plan_ended || !channel_end(&c->channel, stream))
		return;
	p->plan_ended = true;
	channel_close(&c->channel, stream);
}

static void on_writable(void *owner, uint32_t stream)
{
	struct agent_client *c = owner;
	struct agent_client_process *p = agent_client_find(c, stream / AGENT_STREAMS);

	if (p && stream % AGENT_STREAMS == AGENT_STDIN && c->events->input_writable)
		c->events->input_writable(c->owner, p->number);
}

void agent_client_flush(struct agent_client *c)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		if (c->process[i].number && !c->process[i].plan_ended)
			send_plan(c, &c->process[i]);
	}
}

/* --- life ----------------------------------------------------------------------------------- */

void agent_client_init(struct agent_client *c, const struct agent_client_events *events,
                       void *owner)
{
	static const struct channel_events own = {
		.message = on_message,
		.data = on_data,
		.ended = on_ended,
		.writable = on_writable,
	};

	memset(c, 0, sizeof(*c));
	c->events = events;
	c->owner = owner;
	channel_init(&c->channel, &own, c);
}

void agent_client_done(struct agent_client *c)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++)
		buf_done(&c->process[i].plan);
}

int agent_client_receive(struct agent_client *c, const void *data, size_t len, struct err *e)
{
	if (channel_receive(&c->channel, data, len) == 0) {
		agent_client_flush(c);
		return 0;
	}
	return err_set(e, ERR_STATE, "the guest's agent broke a rule: %s", c->channel.broken);
}

size_t agent_client_input(struct agent_client *c, uint32_t process, const void *data, size_t len)
{
	size_t sent = 0, n = 1;

	while (sent < len && n > 0) {
		n = channel_write(&c->channel, agent_stream(process, AGENT_STDIN),
		                  (const uint8_t *)data + sent, len - sent);
		sent += n;
	}
	return sent;
}

void agent_client_input_end(struct agent_client *c, uint32_t process)
{
	(void)channel_end(&c->channel, agent_stream(process, AGENT_STDIN));
}

void agent_client_consumed(struct agent_client *c, uint32_t process, enum agent_stream which,
                           uint32_t len)
{
	channel_consumed(&c->channel, agent_stream(process, which), len);
}

void agent_client_output_end(struct agent_client *c, uint32_t process, enum agent_stream which)
{
	struct agent_client_process *p = agent_client_find(c, process);

	if (!p || !(p->streams & 1u << which))
		return;
	(void)channel_end(&c->channel, agent_stream(process, which));
	channel_close(&c->channel, agent_stream(process, which));
	p->streams &= ~(1u << which);
	finish(c, p);
}

void agent_client_forget(struct agent_client *c, uint32_t process)
{
	struct agent_client_process *p = agent_client_find(c, process);

	for (enum agent_stream which = AGENT_STDIN; p && which < AGENT_STREAMS; which++) {
		if (p->streams & 1u << which)
			(void)channel_end(&c->channel, agent_stream(process, which));
	}
	if (p)
		agent_client_drop(c, p);
}
