/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/protocol.h"

#include <string.h>

enum {
	TEXTS_NONE = 0,
	TEXTS_PAIRS = -1,  /* at most AGENT_FILES_MAX pairs */
	TEXTS_FILES = -2,  /* 1 to AGENT_FILES_MAX */
	TEXTS_MOUNTS = -3, /* four for each mount */
	TEXTS_LIST = -4,   /* none, but structures */
	TEXTS_LINK = -5,   /* likewise */
	TEXTS_CHANGE = -6, /* pairs behind structures */
	INSTRUCTION = 8,   /* struct bpf_insn */

	GROUP = AGENT_DONE, /* requests, replies and events begin at multiples of it */
};

_Static_assert(AGENT_READY % GROUP == 0, "protocol.h");

/* What a message of a type looks like. */
struct shape {
	size_t size; /* of its structure; 0: there is no such type */
	int texts;
	size_t reserved_at; /* a u32 that is 0; 0: none */
};

#define SHAPE(type, texts)                    \
	{                                     \
		sizeof(struct type), texts, 0 \
	}
#define SHAPE_RESERVED(type, texts)                                         \
	{                                                                   \
		sizeof(struct type), texts, offsetof(struct type, reserved) \
	}

static const struct shape requests[] = {
	[AGENT_CLOCK] = SHAPE_RESERVED(agent_clock, TEXTS_NONE),
	[AGENT_SETUP] = SHAPE_RESERVED(agent_setup, TEXTS_MOUNTS),
	[AGENT_CREATE] = SHAPE(agent_launch, 1),
	[AGENT_START] = SHAPE(agent_head, 1),
	[AGENT_EXEC] = SHAPE(agent_launch, 1),
	[AGENT_SIGNAL] = SHAPE(agent_signal, TEXTS_NONE),
	[AGENT_RESIZE] = SHAPE_RESERVED(agent_resize, TEXTS_NONE),
	[AGENT_PS] = SHAPE_RESERVED(agent_ps, TEXTS_NONE),
	[AGENT_READ] = SHAPE(agent_head, TEXTS_FILES),
	[AGENT_UPDATE] = SHAPE(agent_head, TEXTS_PAIRS),
	[AGENT_PAUSE] = SHAPE(agent_head, TEXTS_NONE),
	[AGENT_RESUME] = SHAPE(agent_head, TEXTS_NONE),
	[AGENT_SHUTDOWN] = SHAPE(agent_head, TEXTS_NONE),
	[AGENT_NETCFG] = SHAPE_RESERVED(agent_link, TEXTS_LINK),
	[AGENT_CHANGE] = SHAPE(agent_change, TEXTS_CHANGE),
};

static const struct shape replies[] = {
	[AGENT_DONE % GROUP] = SHAPE(agent_done, TEXTS_NONE),
	[AGENT_FAILED % GROUP] = SHAPE(agent_failed, 4),
	[AGENT_PROCESSES % GROUP] = SHAPE(agent_processes, TEXTS_LIST),
	[AGENT_FILES % GROUP] = SHAPE(agent_head, TEXTS_PAIRS),
};

static const struct shape events[] = {
	[AGENT_READY % GROUP] = SHAPE(agent_ready, 1),
	[AGENT_EXITED % GROUP] = SHAPE(agent_exited, TEXTS_NONE),
	[AGENT_OOM % GROUP] = SHAPE(agent_oom, TEXTS_NONE),
	[AGENT_WARNING % GROUP] = SHAPE(agent_head, 1),
};

static const struct shape *shape_in(const struct shape *shapes, unsigned int first,
                                    unsigned int end, unsigned int type)
{
	if (type < first || type >= end || shapes[type - first].size == 0)
		return NULL;
	return &shapes[type - first];
}

/* Events have no request, all else has one. */
static const struct shape *shape_of(enum agent_sender sender, uint32_t request, unsigned int type)
{
	if (sender == AGENT_HOST)
		return request ? shape_in(requests, 0, AGENT_REQUEST_END, type) : NULL;
	if (request)
		return shape_in(replies, AGENT_DONE, AGENT_REPLY_END, type);
	return shape_in(events, AGENT_READY, AGENT_EVENT_END, type);
}

static const struct shape *shape_of_type(unsigned int type)
{
	const struct shape *s = shape_in(requests, 0, AGENT_REQUEST_END, type);

	if (!s)
		s = shape_in(replies, AGENT_DONE, AGENT_REPLY_END, type);
	return s ? s : shape_in(events, AGENT_READY, AGENT_EVENT_END, type);
}

static uint32_t u32_at(const uint8_t *data, size_t at)
{
	uint32_t value;

	memcpy(&value, data + at, sizeof(value));
	return value;
}

static size_t count_texts(const uint8_t *at, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += at[i] == '\0';
	return count;
}

static bool right_number(int rule, size_t count, const uint8_t *data)
{
	switch (rule) {
	case TEXTS_PAIRS:
		return count % 2 == 0 && count / 2 <= AGENT_FILES_MAX;
	case TEXTS_FILES:
		return count > 0 && count <= AGENT_FILES_MAX;
	case TEXTS_MOUNTS: {
		uint32_t mounts = u32_at(data, offsetof(struct agent_setup, mounts));

		return mounts <= AGENT_MOUNTS_MAX && count == (size_t)mounts * 4;
	}
	default:
		return count == (size_t)rule;
	}
}

static const char *check_list(const uint8_t *data, size_t len)
{
	uint32_t count = u32_at(data, offsetof(struct agent_processes, count));
	uint32_t more = u32_at(data, offsetof(struct agent_processes, more));

	if (more > 1 || count > AGENT_PROCESSES_A_REPLY ||
	    len != sizeof(struct agent_processes) + count * sizeof(struct agent_process))
		return "a list of another length";
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *p =
			data + sizeof(struct agent_processes) + i * sizeof(struct agent_process);

		if (p[sizeof(struct agent_process) - 1] != '\0')
			return "a text without an end";
	}
	return NULL;
}

static const char *check_link(const uint8_t *data, size_t len)
{
	uint32_t addresses = u32_at(data, offsetof(struct agent_link, addresses));
	uint32_t routes = u32_at(data, offsetof(struct agent_link, routes));
	const uint8_t *name = data + offsetof(struct agent_link, name);

	if (addresses > AGENT_ADDRESSES_MAX || routes > AGENT_ROUTES_MAX ||
	    len != sizeof(struct agent_link) + addresses * sizeof(struct agent_address) +
	                    routes * sizeof(struct agent_route))
		return "a list of another length";
	if (!memchr(name, '\0', sizeof(((struct agent_link *)0)->name)))
		return "a text without an end";
	return NULL;
}

/* Of what lies between a CHANGE and its texts. */
static size_t size_of_change(const uint8_t *data)
{
	return u32_at(data, offsetof(struct agent_change, limits)) * sizeof(struct agent_limit) +
	       (size_t)u32_at(data, offsetof(struct agent_change, instructions)) * INSTRUCTION;
}

static const char *check_change(const uint8_t *data, size_t len)
{
	uint32_t limits = u32_at(data, offsetof(struct agent_change, limits));
	const uint8_t *limit = data + sizeof(struct agent_change);
	size_t head;

	if (limits > AGENT_LIMITS_MAX ||
	    u32_at(data, offsetof(struct agent_change, instructions)) > AGENT_INSTRUCTIONS_MAX)
		return "a list of another length";
	head = sizeof(struct agent_change) + size_of_change(data);
	if (len < head)
		return "a list of another length";
	for (; limits > 0; limits--, limit += sizeof(struct agent_limit)) {
		if (limit[sizeof(struct agent_limit) - 1] != '\0')
			return "a text without an end";
	}
	if (len > head && data[len - 1] != '\0')
		return "a text without an end";
	if (!right_number(TEXTS_PAIRS, count_texts(data + head, len - head), data))
		return "another number of texts";
	return NULL;
}

static const char *check_texts(const struct shape *s, const uint8_t *data, size_t len)
{
	size_t rest = len - s->size;

	if (s->texts == TEXTS_LIST)
		return check_list(data, len);
	if (s->texts == TEXTS_LINK)
		return check_link(data, len);
	if (s->texts == TEXTS_CHANGE)
		return check_change(data, len);
	if (rest > 0 && s->texts == TEXTS_NONE)
		return "a message of another length";
	if (rest > 0 && data[len - 1] != '\0')
		return "a text without an end";
	if (!right_number(s->texts, count_texts(data + s->size, rest), data))
		return "another number of texts";
	return NULL;
}

const char *agent_check(enum agent_sender sender, uint32_t request, const void *data, size_t len)
{
	const struct shape *s;
	struct agent_head head;

	if (len < sizeof(head))
		return "a message without a head";
	memcpy(&head, data, sizeof(head));
	s = shape_of(sender, request, head.type);
	if (!s)
		return "a message of a type that does not belong there";
	if (head.process > AGENT_PROCESS_LAST)
		return "a process with a number that is too large";
	if (len < s->size)
		return "a message of another length";
	if (head.reserved || (s->reserved_at && u32_at(data, s->reserved_at)))
		return "a reserved field is used";
	return check_texts(s, data, len);
}

struct agent_texts agent_texts(const void *message, size_t len)
{
	const struct shape *s;
	struct agent_head head;
	size_t more = 0;

	memcpy(&head, message, sizeof(head));
	s = shape_of_type(head.type);
	if (head.type == AGENT_CHANGE)
		more = size_of_change(message);
	return (struct agent_texts){
		.at = (const char *)message + (s ? s->size + more : len),
		.end = (const char *)message + len,
	};
}

const char *agent_text(struct agent_texts *t)
{
	const char *text = t->at;

	if (t->at >= t->end)
		return NULL;
	t->at += strlen(text) + 1;
	return text;
}
