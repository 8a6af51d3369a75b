/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames in and out. A last part of the room for what is to be sent is kept for CREDIT and
 * END: they are what lets the peer go on, and so must not wait behind messages.
 */
#include "vm-sandbox/channel.h"

#include <string.h>

enum {
	HEAD = sizeof(struct channel_head),
	/* one CREDIT and one END of each stream */
	KEPT = CHANNEL_STREAMS * (HEAD + HEAD + sizeof(uint32_t)),
	TELL_AT = CHANNEL_WINDOW / 2, /* credit is given back in halves */
};

static int index_of(const struct channel *c, uint32_t id)
{
	for (int i = 0; i < CHANNEL_STREAMS; i++) {
		if (c->stream[i].open && c->stream[i].id == id)
			return i;
	}
	return -1;
}

static struct channel_stream *find(struct channel *c, uint32_t id)
{
	int i = index_of(c, id);

	return i < 0 ? NULL : &c->stream[i];
}

/* For a payload, when `kept` bytes are to stay free behind its frame. */
static size_t room(const struct channel *c, size_t kept)
{
	size_t free = CHANNEL_OUT_MAX - c->out_len;

	return free > HEAD + kept ? free - HEAD - kept : 0;
}

static bool put(struct channel *c, enum channel_type type, uint32_t stream, const void *data,
                size_t len, size_t kept)
{
	struct channel_head h = {
		.len = (uint32_t)len,
		.type = (uint16_t)type,
		.stream = stream,
		.sequence = c->sequence_out,
	};

	if (HEAD + len + kept > CHANNEL_OUT_MAX - c->out_len || len > CHANNEL_PAYLOAD_MAX ||
	    c->broken)
		return false;
	memmove(c->out, c->out + c->out_start, c->out_len);
	c->out_start = 0;
	memcpy(c->out + c->out_len, &h, HEAD);
	if (len > 0)
		memcpy(c->out + c->out_len + HEAD, data, len);
	c->out_len += HEAD + len;
	c->sequence_out++;
	return true;
}

void channel_init(struct channel *c, const struct channel_events *events, void *owner)
{
	const uint32_t version = CHANNEL_VERSION;

	memset(c, 0, sizeof(*c));
	c->events = events;
	c->owner = owner;
	(void)put(c, CHANNEL_HELLO, 0, &version, sizeof(version), KEPT);
}

bool channel_open(struct channel *c, uint32_t stream)
{
	if (index_of(c, stream) >= 0)
		return false;
	for (unsigned int i = 0; i < CHANNEL_STREAMS; i++) {
		if (c->stream[i].open)
			continue;
		c->stream[i] = (struct channel_stream){
			.open = true,
			.id = stream,
			.may_send = CHANNEL_WINDOW,
			.may_receive = CHANNEL_WINDOW,
		};
		return true;
	}
	return false;
}

void channel_close(struct channel *c, uint32_t stream)
{
	struct channel_stream *s = find(c, stream);

	if (s)
		*s = (struct channel_stream){ 0 };
}

/* Returns NULL, or the rule that was broken. A stream that is closed here may have data
 * under way: they are dropped. */
static const char *on_data(struct channel *c, uint32_t stream, const uint8_t *data, uint32_t len)
{
	struct channel_stream *s = find(c, stream);

	if (!s)
		return NULL;
	if (s->ended_in)
		return "data after their end";
	if (len > s->may_receive)
		return "more data than there was credit for";
	s->may_receive -= len;
	c->events->data(c->owner, stream, data, len);
	return NULL;
}

static const char *on_credit(struct channel *c, uint32_t stream, const uint8_t *data, uint32_t len)
{
	struct channel_stream *s = find(c, stream);
	uint32_t more;

	if (len != sizeof(more))
		return "a credit of another size";
	if (!s)
		return NULL;
	memcpy(&more, data, sizeof(more));
	if (more > CHANNEL_WINDOW - s->may_send)
		return "more credit than a window";
	s->may_send += more;
	c->events->writable(c->owner, stream);
	return NULL;
}

static const char *on_end(struct channel *c, uint32_t stream, uint32_t len)
{
	struct channel_stream *s = find(c, stream);

	if (len != 0)
		return "an end with data";
	if (!s)
		return NULL;
	if (s->ended_in)
		return "a second end";
	s->ended_in = true;
	c->events->ended(c->owner, stream);
	return NULL;
}

static const char *on_hello(struct channel *c, const uint8_t *data, uint32_t len)
{
	uint32_t version;

	if (len != sizeof(version))
		return "a greeting of another size";
	memcpy(&version, data, sizeof(version));
	if (version != CHANNEL_VERSION)
		return "another version of the protocol";
	c->greeted = true;
	return NULL;
}

static const char *on_frame(struct channel *c, const struct channel_head *h, const uint8_t *data)
{
	if (h->sequence != c->sequence_in++)
		return "a frame is missing";
	if (h->reserved != 0)
		return "a reserved field is used";
	if ((h->type == CHANNEL_HELLO) == c->greeted)
		return c->greeted ? "a second greeting" : "no greeting";
	switch (h->type) {
	case CHANNEL_HELLO:
		return on_hello(c, data, h->len);
	case CHANNEL_MESSAGE:
		c->events->message(c->owner, h->stream, data, h->len);
		return NULL;
	case CHANNEL_DATA:
		return on_data(c, h->stream, data, h->len);
	case CHANNEL_CREDIT:
		return on_credit(c, h->stream, data, h->len);
	case CHANNEL_END:
		return on_end(c, h->stream, h->len);
	default:
		return "a frame of an unknown kind";
	}
}

/* How many bytes the frame wants that begins in c->in: its head first. */
static size_t wanted(const struct channel *c)
{
	struct channel_head h;

	if (c->in_len < HEAD)
		return HEAD;
	memcpy(&h, c->in, HEAD);
	return HEAD + (size_t)h.len;
}

static const char *take(struct channel *c)
{
	struct channel_head h;

	memcpy(&h, c->in, HEAD);
	if (h.len > CHANNEL_PAYLOAD_MAX)
		return "a frame is too long";
	if (c->in_len < HEAD + h.len)
		return NULL;
	c->in_len = 0;
	return on_frame(c, &h, c->in + HEAD);
}

int channel_receive(struct channel *c, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (!c->broken && len > 0) {
		size_t n = wanted(c) - c->in_len;

		if (n > len)
			n = len;
		memcpy(c->in + c->in_len, at, n);
		c->in_len += n;
		at += n;
		len -= n;
		if (c->in_len >= HEAD) {
			const char *rule = take(c);

			if (rule)
				c->broken = rule; /* or the layer above has set it */
		}
	}
	return c->broken ? -1 : 0;
}

bool channel_send(struct channel *c, uint32_t stream, const void *data, size_t len)
{
	return put(c, CHANNEL_MESSAGE, stream, data, len, KEPT);
}

size_t channel_writable(const struct channel *c, uint32_t stream)
{
	int i = index_of(c, stream);
	size_t len = room(c, KEPT);

	if (i < 0 || c->stream[i].ended_out || c->broken)
		return 0;
	if (len > c->stream[i].may_send)
		len = c->stream[i].may_send;
	return len < CHANNEL_PAYLOAD_MAX ? len : CHANNEL_PAYLOAD_MAX;
}

size_t channel_write(struct channel *c, uint32_t stream, const void *data, size_t len)
{
	size_t most = channel_writable(c, stream);

	if (len > most)
		len = most;
	if (len == 0 || !put(c, CHANNEL_DATA, stream, data, len, KEPT))
		return 0;
	find(c, stream)->may_send -= (uint32_t)len;
	return len;
}

bool channel_end(struct channel *c, uint32_t stream)
{
	struct channel_stream *s = find(c, stream);

	if (!s || s->ended_out || !put(c, CHANNEL_END, stream, NULL, 0, 0))
		return false;
	s->ended_out = true;
	return true;
}

/* Where there is no room now, channel_sent comes back to it. */
static void tell(struct channel *c, struct channel_stream *s)
{
	if (s->consumed < TELL_AT || s->ended_in ||
	    !put(c, CHANNEL_CREDIT, s->id, &s->consumed, sizeof(s->consumed), 0))
		return;
	s->may_receive += s->consumed;
	s->consumed = 0;
}

void channel_consumed(struct channel *c, uint32_t stream, uint32_t len)
{
	struct channel_stream *s = find(c, stream);

	if (!s)
		return;
	s->consumed += len;
	tell(c, s);
}

size_t channel_pending(const struct channel *c, const void **ret)
{
	*ret = c->out + c->out_start;
	return c->out_len;
}

void channel_sent(struct channel *c, size_t len)
{
	c->out_start += len;
	c->out_len -= len;
	for (unsigned int i = 0; i < CHANNEL_STREAMS; i++) {
		if (c->stream[i].open)
			tell(c, &c->stream[i]);
	}
}
