/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: a place in the table, then the message, so that no answer finds none. */
#include <string.h>

#include "runtime/launch/plan.h"
#include "vm-sandbox/agent_client.h"

static struct agent_client_request *free_place(struct agent_client *c)
{
	for (unsigned int i = 0; i < AGENT_REQUESTS_MAX; i++) {
		if (!c->request[i].number)
			return &c->request[i];
	}
	return NULL;
}

/* A number that no unanswered request has: they are far fewer than numbers. 0 is for events. */
static uint32_t next_number(struct agent_client *c)
{
	for (;;) {
		bool used = ++c->last_request == 0;

		for (unsigned int i = 0; i < AGENT_REQUESTS_MAX; i++)
			used |= c->request[i].number == c->last_request;
		if (!used)
			return c->last_request;
	}
}

static uint32_t ask(struct agent_client *c, const void *message, size_t len)
{
	const struct agent_head *head = message;
	struct agent_client_request *r = free_place(c);
	uint32_t number;

	if (!r || !c->ready)
		return 0;
	number = next_number(c);
	if (agent_check(AGENT_HOST, number, message, len) ||
	    !channel_send(&c->channel, number, message, len))
		return 0;
	*r = (struct agent_client_request){
		.number = number,
		.type = head->type,
		.process = head->process,
	};
	return number;
}

/* With texts behind it. */
static uint32_t ask_with(struct agent_client *c, const void *message, size_t len,
                         const char *const *texts, size_t count)
{
	BUF struct buf all = { 0 };

	buf_add(&all, message, len);
	for (size_t i = 0; i < count; i++)
		buf_add(&all, texts[i], strlen(texts[i]) + 1);
	return all.failed ? 0 : ask(c, all.data, all.len);
}

uint32_t agent_client_clock(struct agent_client *c, int64_t seconds, uint32_t nanoseconds,
                            const uint8_t entropy[AGENT_ENTROPY])
{
	struct agent_clock m = {
		.head.type = AGENT_CLOCK,
		.seconds = seconds,
		.nanoseconds = nanoseconds,
	};

	memcpy(m.entropy, entropy, sizeof(m.entropy));
	return ask(c, &m, sizeof(m));
}

uint32_t agent_client_setup(struct agent_client *c, const struct agent_mount *mounts,
                            uint32_t count)
{
	const struct agent_setup m = { .head.type = AGENT_SETUP, .mounts = count };
	const char *texts[AGENT_MOUNTS_MAX * 4];

	if (count > AGENT_MOUNTS_MAX)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		const char **four = texts + (size_t)i * 4;

		four[0] = mounts[i].type;
		four[1] = mounts[i].source;
		four[2] = mounts[i].target;
		four[3] = mounts[i].options;
	}
	return ask_with(c, &m, sizeof(m), texts, (size_t)count * 4);
}

uint32_t agent_client_netcfg(struct agent_client *c, const void *link, size_t len)
{
	return ask(c, link, len);
}

/* The streams are there before the agent knows of them, so nothing of them is lost. */
static bool open_streams(struct agent_client *c, struct agent_client_process *p)
{
	bool ok = channel_open(&c->channel, agent_stream(p->number, AGENT_PLAN));

	for (enum agent_stream which = AGENT_STDIN; which < AGENT_STREAMS; which++) {
		if (p->streams & 1u << which)
			ok &= channel_open(&c->channel, agent_stream(p->number, which));
	}
	return ok;
}

static struct agent_client_process *new_process(struct agent_client *c, uint32_t number)
{
	if (!number || number > AGENT_PROCESS_LAST || agent_client_find(c, number))
		return NULL;
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		if (c->process[i].number)
			continue;
		c->process[i] = (struct agent_client_process){ .number = number };
		return &c->process[i];
	}
	return NULL;
}

uint32_t agent_client_launch(struct agent_client *c, enum agent_type type, uint32_t process,
                             const void *plan, size_t plan_len, uint32_t stdio, const char *group)
{
	const struct agent_launch m = {
		.head = { .type = (uint16_t)type, .process = process },
		.plan_len = (uint32_t)plan_len,
		.stdio = stdio,
	};
	struct agent_client_process *p = plan_len <= PLAN_SIZE_MAX ? new_process(c, process) : NULL;
	uint32_t request = 0;

	if (!p)
		return 0;
	p->streams = stdio & AGENT_HAS_ALL;
	buf_add(&p->plan, plan, plan_len);
	if (!p->plan.failed && open_streams(c, p))
		request = ask_with(c, &m, sizeof(m), &group, 1);
	if (!request) {
		p->plan_ended = true;
		agent_client_drop(c, p);
		return 0;
	}
	agent_client_flush(c);
	return request;
}

uint32_t agent_client_start(struct agent_client *c, const char *state)
{
	const struct agent_head m = { .type = AGENT_START, .process = AGENT_CONTAINER };

	return ask_with(c, &m, sizeof(m), &state, 1);
}

uint32_t agent_client_signal(struct agent_client *c, uint32_t process, int signal, uint32_t flags)
{
	const struct agent_signal m = {
		.head = { .type = AGENT_SIGNAL, .process = process },
		.signal = (uint32_t)signal,
		.flags = flags,
	};

	return ask(c, &m, sizeof(m));
}

uint32_t agent_client_resize(struct agent_client *c, uint32_t process, uint16_t rows,
                             uint16_t columns)
{
	const struct agent_resize m = {
		.head = { .type = AGENT_RESIZE, .process = process },
		.rows = rows,
		.columns = columns,
	};

	return ask(c, &m, sizeof(m));
}

uint32_t agent_client_ps(struct agent_client *c, uint32_t after)
{
	const struct agent_ps m = { .head.type = AGENT_PS, .after = after };

	return ask(c, &m, sizeof(m));
}

uint32_t agent_client_files(struct agent_client *c, enum agent_type type, const char *const *texts,
                            size_t count)
{
	const struct agent_head m = { .type = (uint16_t)type };

	return ask_with(c, &m, sizeof(m), texts, count);
}

uint32_t agent_client_plain(struct agent_client *c, enum agent_type type)
{
	const struct agent_head m = { .type = (uint16_t)type };

	return ask(c, &m, sizeof(m));
}

uint32_t agent_client_pass(struct agent_client *c, const void *message, size_t len)
{
	struct agent_head head;

	if (agent_check(AGENT_HOST, 1, message, len))
		return 0;
	memcpy(&head, message, sizeof(head));
	if (head.type == AGENT_CREATE || head.type == AGENT_EXEC)
		return 0;
	return ask(c, message, len);
}
