/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_exec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/scope.h"
#include "runtime/backend_vm_commands.h"

static const enum agent_stream stream_of[] = { AGENT_STDOUT, AGENT_STDERR };

void vm_execs_init(struct vm_execs *all, struct agent_client *agent)
{
	*all = (struct vm_execs){ .agent = agent, .last = AGENT_CONTAINER };
}

static void release(struct vm_exec **place)
{
	buf_done(&(*place)->plan);
	free((*place)->group);
	free(*place);
	*place = NULL;
}

void vm_execs_done(struct vm_execs *all)
{
	for (size_t i = 0; i < LEN(all->v); i++) {
		if (all->v[i])
			release(&all->v[i]);
	}
}

static struct vm_exec *find(const struct vm_execs *all, uint32_t process)
{
	for (size_t i = 0; i < LEN(all->v); i++) {
		if (process && all->v[i] && all->v[i]->number == process)
			return all->v[i];
	}
	return NULL;
}

/* --- to the connection ---------------------------------------------------------------------- */

/* False: there is no room now. One that is gone takes everything; its end is heard of. */
static bool put(const struct vm_exec *x, enum vm_packet kind, uint32_t stream, uint32_t count,
                const void *data, size_t len)
{
	uint8_t packet[sizeof(struct vm_packet_head) + VM_EXEC_PART];

	if (x->socket < 0)
		return true;
	size_t size = vm_packet_make(packet, kind, stream, count, data, len);
	return send(x->socket, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

/* False: some is left. */
static bool put_output(struct vm_exec *x, int i)
{
	while (x->out_len[i] > 0) {
		size_t n = x->out_len[i] < VM_EXEC_PART ? x->out_len[i] : VM_EXEC_PART;

		if (!put(x, VM_DATA, stream_of[i], 0, x->out_data[i] + x->out_start[i], n))
			return false;
		x->out_start[i] += n;
		x->out_len[i] -= n;
		x->out_sent[i] += (uint32_t)n;
	}
	if (x->out_ends[i] && !put(x, VM_END, stream_of[i], 0, NULL, 0))
		return false;
	x->out_ends[i] = false;
	return true;
}

static void flush(struct vm_exec *x)
{
	const struct agent_exited m = {
		.head = { .type = AGENT_EXITED, .process = x->number },
		.status = x->status,
		.signal = x->signal,
	};

	if (!x->started) /* its answer is the first that is said */
		return;
	if (x->taken > 0 && !put(x, VM_TAKEN, AGENT_STDIN, x->taken, NULL, 0))
		return;
	x->taken = 0;
	if (!put_output(x, 0) || !put_output(x, 1) || !x->finished || x->told)
		return;
	x->told = put(x, VM_MESSAGE, 0, 0, &m, sizeof(m));
}

bool vm_exec_owes(const struct vm_exec *x)
{
	return x->started && (x->taken > 0 || x->out_len[0] > 0 || x->out_len[1] > 0 ||
	                      x->out_ends[0] || x->out_ends[1] || (x->finished && !x->told));
}

/* --- from the connection -------------------------------------------------------------------- */

struct vm_exec *vm_exec_begin(struct vm_execs *all, int socket, const void *message, size_t len)
{
	struct agent_launch m;
	struct agent_texts t;
	struct vm_exec *x = NULL;
	size_t i = 0;

	if (agent_check(AGENT_HOST, 1, message, len))
		return NULL;
	memcpy(&m, message, sizeof(m.head));
	while (i < LEN(all->v) && all->v[i])
		i++;
	if (m.head.type != AGENT_EXEC || i == LEN(all->v))
		return NULL;
	memcpy(&m, message, sizeof(m));
	t = agent_texts(message, len);
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->group = strdup(agent_text(&t));
	if (!x->group) {
		free(x);
		return NULL;
	}
	x->socket = socket;
	x->stdio = m.stdio;
	x->plan_len = m.plan_len;
	all->v[i] = x;
	return x;
}

static bool launch(struct vm_execs *all, struct vm_exec *x)
{
	if (x->number || x->plan.failed || x->plan.len != x->plan_len)
		return false;
	do {
		all->last = all->last < AGENT_PROCESS_LAST ? all->last + 1 : AGENT_CONTAINER + 1;
	} while (agent_client_find(all->agent, all->last));
	x->request = agent_client_launch(all->agent, AGENT_EXEC, all->last, x->plan.data,
	                                 x->plan.len, x->stdio, x->group);
	if (x->request == 0)
		return false;
	x->number = all->last;
	buf_done(&x->plan);
	return true;
}

static void give_input(struct vm_execs *all, struct vm_exec *x)
{
	size_t n = agent_client_input(all->agent, x->number, x->in_data, x->in_len);

	memmove(x->in_data, x->in_data + n, x->in_len - n);
	x->in_len -= n;
	x->taken += (uint32_t)n;
	if (!x->in_ends || x->in_len > 0)
		return;
	agent_client_input_end(all->agent, x->number);
	x->in_ends = false;
}

static bool take_data(struct vm_execs *all, struct vm_exec *x, unsigned int stream,
                      const void *data, size_t len)
{
	if (stream == AGENT_PLAN && !x->number) {
		buf_add(&x->plan, data, len);
		return x->plan.len <= x->plan_len;
	}
	if (stream != AGENT_STDIN || !x->started || len > sizeof(x->in_data) - x->in_len)
		return false;
	memcpy(x->in_data + x->in_len, data, len);
	x->in_len += len;
	give_input(all, x);
	return true;
}

static bool take_end(struct vm_execs *all, struct vm_exec *x, unsigned int stream)
{
	if (stream == AGENT_PLAN)
		return launch(all, x);
	if (!x->started)
		return false;
	if (stream == AGENT_STDIN) {
		x->in_ends = true;
		give_input(all, x);
	} else if (stream < AGENT_STREAMS) { /* nobody reads it any more */
		x->out_len[stream == AGENT_STDERR] = 0;
		agent_client_output_end(all->agent, x->number, stream);
	}
	return stream < AGENT_STREAMS;
}

static bool take_message(struct vm_exec *x, const void *data, size_t len)
{
	union {
		struct agent_head head;
		struct agent_signal signal;
		struct agent_resize resize;
	} m;

	if (agent_check(AGENT_HOST, 1, data, len) || len > sizeof(m))
		return false;
	memcpy(&m, data, len);
	if (m.head.type == AGENT_SIGNAL && m.signal.flags & AGENT_SIGNAL_GROUP) {
		x->whole_group = true;
		return false; /* which ends it */
	}
	if (!x->started)
		return false;
	if (m.head.type == AGENT_SIGNAL && m.signal.signal >= 1 && m.signal.signal <= 64) {
		x->signals |= UINT64_C(1) << (m.signal.signal - 1);
		return true;
	}
	if (m.head.type != AGENT_RESIZE)
		return false;
	x->resized = true;
	x->rows = m.resize.rows;
	x->columns = m.resize.columns;
	return true;
}

static bool take_credit(struct vm_execs *all, struct vm_exec *x, unsigned int stream,
                        uint32_t count)
{
	int i = stream == AGENT_STDERR;

	if ((stream != AGENT_STDOUT && stream != AGENT_STDERR) || count > x->out_sent[i])
		return false;
	x->out_sent[i] -= count;
	agent_client_consumed(all->agent, x->number, stream, count);
	return true;
}

bool vm_exec_packet(struct vm_execs *all, struct vm_exec *x, const struct vm_packet_head *head,
                    const void *data, size_t len)
{
	switch (head->kind) {
	case VM_MESSAGE:
		return take_message(x, data, len);
	case VM_DATA:
		return take_data(all, x, head->stream, data, len);
	case VM_END:
		return take_end(all, x, head->stream);
	case VM_TAKEN:
		return take_credit(all, x, head->stream, head->count);
	default:
		return false;
	}
}

void vm_exec_gone(struct vm_exec *x)
{
	x->socket = -1;
	x->signals = UINT64_C(1) << (SIGKILL - 1);
	x->out_len[0] = x->out_len[1] = 0;
}

/* --- from the agent ------------------------------------------------------------------------- */

bool vm_execs_replied(struct vm_execs *all, uint32_t request, const struct agent_reply *reply)
{
	for (size_t i = 0; i < LEN(all->v); i++) {
		struct vm_exec *x = all->v[i];

		if (!x || x->request != request)
			continue;
		x->request = 0;
		(void)put(x, VM_MESSAGE, 0, 0, reply->message, reply->len);
		x->started = reply->type == AGENT_DONE;
		x->finished = x->told = !x->started;
		if (x->socket < 0) /* before, there was nobody to be signalled */
			x->signals = UINT64_C(1) << (SIGKILL - 1);
		return true;
	}
	return false;
}

bool vm_execs_output(struct vm_execs *all, uint32_t process, enum agent_stream which,
                     const uint8_t *data, size_t len)
{
	struct vm_exec *x = find(all, process);
	int i = which == AGENT_STDERR;

	if (!x)
		return false;
	if (x->socket < 0) {
		agent_client_consumed(all->agent, process, which, (uint32_t)len);
		return true;
	}
	memmove(x->out_data[i], x->out_data[i] + x->out_start[i], x->out_len[i]);
	x->out_start[i] = 0;
	if (len > sizeof(x->out_data[i]) - x->out_len[i])
		return true; /* never, but for credit that nobody should have given */
	memcpy(x->out_data[i] + x->out_len[i], data, len);
	x->out_len[i] += len;
	return true;
}

bool vm_execs_output_ended(struct vm_execs *all, uint32_t process, enum agent_stream which)
{
	struct vm_exec *x = find(all, process);

	if (x)
		x->out_ends[which == AGENT_STDERR] = true;
	return x;
}

bool vm_execs_input_writable(struct vm_execs *all, uint32_t process)
{
	struct vm_exec *x = find(all, process);

	if (x)
		give_input(all, x);
	return x;
}

/* What is on its way goes nowhere, and no more comes without an answer to it. */
bool vm_execs_input_closed(struct vm_execs *all, uint32_t process)
{
	struct vm_exec *x = find(all, process);

	if (x)
		x->in_len = 0;
	return x;
}

bool vm_execs_exited(struct vm_execs *all, uint32_t process, int status, int signal)
{
	struct vm_exec *x = find(all, process);

	if (x) {
		x->status = status;
		x->signal = signal;
	}
	return x;
}

bool vm_execs_finished(struct vm_execs *all, uint32_t process)
{
	struct vm_exec *x = find(all, process);

	if (x)
		x->finished = true;
	return x;
}

/* --- the loop's ----------------------------------------------------------------------------- */

/* The agent takes only so many requests at once. */
static void pass_on(struct vm_execs *all, struct vm_exec *x)
{
	uint32_t flags = x->whole_group ? AGENT_SIGNAL_GROUP : 0;

	for (int signo = 1; x->signals && signo <= 64; signo++) {
		uint64_t bit = UINT64_C(1) << (signo - 1);

		if (x->signals & bit && agent_client_signal(all->agent, x->number, signo, flags))
			x->signals &= ~bit;
	}
	if (x->resized && agent_client_resize(all->agent, x->number, x->rows, x->columns))
		x->resized = false;
}

void vm_execs_tend(struct vm_execs *all)
{
	for (size_t i = 0; i < LEN(all->v); i++) {
		struct vm_exec *x = all->v[i];

		if (!x)
			continue;
		if (x->number && !x->finished)
			pass_on(all, x);
		flush(x);
		if (x->socket >= 0 || (x->number && !x->finished))
			continue;
		if (x->number)
			agent_client_forget(all->agent, x->number);
		release(&all->v[i]);
	}
}
