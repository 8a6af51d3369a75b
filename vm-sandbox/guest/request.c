/* SPDX-License-Identifier: Apache-2.0 */
/* What the host asks for. Each request is answered once; those that launch, when that is done. */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/sys.h"
#include "vm-sandbox/guest/agent.h"

enum { SIGNAL_LAST = 64 }; /* _NSIG of the kernel */

/* A message, aligned, with what answers it. */
struct request {
	uint32_t number;
	size_t len;
	union {
		struct agent_head head;
		struct agent_clock clock;
		struct agent_launch launch;
		struct agent_signal signal;
		struct agent_resize resize;
		struct agent_ps ps;
		struct agent_change change;
		uint8_t bytes[CHANNEL_PAYLOAD_MAX];
	};
};

/* An answer that comes later: 1. Now, DONE: 0. It was sent: 2. */
enum outcome { ANSWER_DONE, ANSWER_LATER, ANSWER_SENT };

static int container(struct agent *a, const struct request *r, struct process **ret, struct err *e)
{
	*ret = process_find(a, r->head.process);
	if (!*ret)
		return err_set(e, ERR_STATE, "there is no process %u", r->head.process);
	return 0;
}

static int on_launch(struct agent *a, const struct request *r, struct err *e)
{
	struct agent_texts t = agent_texts(r->bytes, r->len);
	struct process *p;

	TRY(process_new(a, &r->launch, agent_text(&t), r->head.type == AGENT_EXEC, &p, e));
	p->request = r->number;
	return ANSWER_LATER;
}

static int on_start(struct agent *a, const struct request *r, struct err *e)
{
	struct agent_texts t = agent_texts(r->bytes, r->len);
	struct process *p;

	TRY(container(a, r, &p, e));
	TRY(process_start(a, p, agent_text(&t), e));
	p->request = r->number;
	return ANSWER_LATER;
}

static int on_signal(struct agent *a, const struct request *r, struct err *e)
{
	struct process *p;

	if (r->signal.signal > SIGNAL_LAST || r->signal.flags > AGENT_SIGNAL_GROUP)
		return err_set(e, ERR_BUG, "signal %u: there is none", r->signal.signal);
	if (r->signal.flags & AGENT_SIGNAL_ALL)
		return group_signal(&a->group, (int)r->signal.signal, e);
	TRY(container(a, r, &p, e));
	return process_signal(p, (int)r->signal.signal, r->signal.flags & AGENT_SIGNAL_GROUP, e);
}

static int on_resize(struct agent *a, const struct request *r, struct err *e)
{
	const struct winsize size = {
		.ws_row = r->resize.rows,
		.ws_col = r->resize.columns,
	};
	struct process *p;

	TRY(container(a, r, &p, e));
	if (!p->terminal || p->out[0] < 0)
		return err_set(e, ERR_STATE, "process %u has no terminal", p->number);
	return sys_ioctl(p->out[0], TIOCSWINSZ, (void *)(uintptr_t)&size) < 0
	               ? err_sys(e, "TIOCSWINSZ")
	               : 0;
}

static int send_all(struct agent *a, const struct request *r, const struct buf *b, struct err *e)
{
	const void *waiting;

	TRY(buf_ok(b, e));
	if (b->len > CHANNEL_PAYLOAD_MAX ||
	    channel_pending(&a->channel, &waiting) + b->len > TALK_DATA_MAX)
		return err_set(e, ERR_STATE, "too much at once: ask for less, or later");
	(void)talk_send(a, r->number, b->data, b->len);
	return ANSWER_SENT;
}

static int on_ps(struct agent *a, const struct request *r, struct err *e)
{
	BUF struct buf list = { 0 };

	TRY(list_processes(&a->group, r->ps.after, &list, e));
	return send_all(a, r, &list, e);
}

static int on_read(struct agent *a, const struct request *r, struct err *e)
{
	const struct agent_head head = { .type = AGENT_FILES };
	BUF struct buf files = { 0 };

	buf_add(&files, &head, sizeof(head));
	TRY(group_read(&a->group, agent_texts(r->bytes, r->len), &files, e));
	return send_all(a, r, &files, e);
}

static int on_change(struct agent *a, const struct request *r, struct err *e)
{
	struct process *p;

	TRY(container(a, r, &p, e));
	return change_container(&a->group, p, &r->change, r->len, e);
}

static int carry_out(struct agent *a, const struct request *r, struct err *e)
{
	switch (r->head.type) {
	case AGENT_CLOCK:
		return clock_set(&r->clock, e);
	case AGENT_SETUP:
		return mounts_make(agent_texts(r->bytes, r->len), e);
	case AGENT_CREATE:
	case AGENT_EXEC:
		return on_launch(a, r, e);
	case AGENT_START:
		return on_start(a, r, e);
	case AGENT_SIGNAL:
		return on_signal(a, r, e);
	case AGENT_RESIZE:
		return on_resize(a, r, e);
	case AGENT_PS:
		return on_ps(a, r, e);
	case AGENT_READ:
		return on_read(a, r, e);
	case AGENT_UPDATE:
		return group_update(&a->group, agent_texts(r->bytes, r->len),
		                    &(struct cgroup_steps){ 0 }, e);
	case AGENT_CHANGE:
		return on_change(a, r, e);
	case AGENT_PAUSE:
	case AGENT_RESUME:
		return group_freeze(&a->group, r->head.type == AGENT_PAUSE, e);
	case AGENT_NETCFG:
		return net_configure(r->bytes, r->len, e);
	case AGENT_SHUTDOWN:
		mounts_settle();
		a->ends = true;
		return 0;
	default:
		return err_set(e, ERR_BUG, "a request that is not known");
	}
}

static void on_message(void *owner, uint32_t number, const uint8_t *data, size_t len)
{
	static struct request r;
	struct agent *a = owner;
	struct err e = { 0 };
	const char *rule = agent_check(AGENT_HOST, number, data, len);
	int outcome;

	if (rule) {
		a->channel.broken = rule;
		return;
	}
	r.number = number;
	r.len = len;
	memcpy(r.bytes, data, len);
	outcome = carry_out(a, &r, &e);
	if (outcome < 0)
		(void)talk_failed(a, number, r.head.process, &e);
	else if (outcome == ANSWER_DONE)
		(void)talk_done(a, number, r.head.process, 0);
}

/* --- streams -------------------------------------------------------------------------------- */

static void on_plan(struct agent *a, struct process *p, const uint8_t *data, size_t len)
{
	struct err e = { 0 };

	buf_add(&p->plan, data, len);
	channel_consumed(&a->channel, agent_stream(p->number, AGENT_PLAN), (uint32_t)len);
	if (p->plan.len <= p->plan_len && !p->plan.failed)
		return;
	(void)err_set(&e, ERR_BUG, "a plan that is longer than it was to be");
	process_fail(a, p, &e);
}

static void on_plan_end(struct agent *a, struct process *p)
{
	struct err e = { 0 };

	channel_close(&a->channel, agent_stream(p->number, AGENT_PLAN));
	if (p->plan.len != p->plan_len)
		(void)err_set(&e, ERR_BUG, "a plan that is shorter than it was to be");
	else if (process_launch(a, p, &e) == 0)
		return;
	process_fail(a, p, &e);
}

static void on_data(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	struct agent *a = owner;
	struct process *p = process_find(a, stream / AGENT_STREAMS);

	if (!p)
		return;
	switch (stream % AGENT_STREAMS) {
	case AGENT_PLAN:
		on_plan(a, p, data, len);
		break;
	case AGENT_STDIN:
		stdio_input(a, p, data, len);
		break;
	default:
		a->channel.broken = "data on a stream that goes the other way";
	}
}

static void on_ended(void *owner, uint32_t stream)
{
	struct agent *a = owner;
	struct process *p = process_find(a, stream / AGENT_STREAMS);

	if (!p)
		return;
	switch (stream % AGENT_STREAMS) {
	case AGENT_PLAN:
		on_plan_end(a, p);
		break;
	case AGENT_STDIN:
		stdio_input_end(p);
		stdio_write(a, p);
		break;
	default: /* nobody reads it any more */
		if (p->terminal)
			stdio_hang_up(a, p);
		else
			stdio_close_output(a, p, stream % AGENT_STREAMS == AGENT_STDERR);
	}
}

/* The loop asks again what can be read. */
static void on_writable(void *owner, uint32_t stream)
{
	(void)owner;
	(void)stream;
}

const struct channel_events request_events = {
	.message = on_message,
	.data = on_data,
	.ended = on_ended,
	.writable = on_writable,
};
