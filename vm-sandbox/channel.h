/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol between the monitor and the guest's agent, over any stream of bytes: frames
 * of a fixed head and a payload. Beside messages, which are requests, replies and events,
 * it carries streams (standard input and output of programs), each with credit: a sender
 * sends no more than the receiver has room for, so that one program whose output nobody
 * reads holds up nothing else.
 *
 *	HELLO    version; the first frame of each side
 *	MESSAGE  for the layer above; `stream` is a number of its own
 *	DATA     bytes of a stream, at most as many as there is credit for
 *	CREDIT   how many bytes more (u32)
 *	END      nothing more comes on this stream
 *
 * Both sides run this code, and each takes the other for hostile: what breaks a rule ends
 * the channel, for good. A channel has a fixed size and no pointers but the owner's, so it
 * can be saved.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_PAYLOAD_MAX = 60 << 10,
	CHANNEL_WINDOW = 64 << 10, /* of each stream */
	CHANNEL_STREAMS = 256,
	CHANNEL_OUT_MAX = 256 << 10, /* waiting to be sent */
};

enum channel_type {
	CHANNEL_HELLO = 1,
	CHANNEL_MESSAGE,
	CHANNEL_DATA,
	CHANNEL_CREDIT,
	CHANNEL_END,
};

struct channel_head {
	uint32_t len; /* of the payload */
	uint16_t type;
	uint16_t reserved; /* 0 */
	uint32_t stream;
	uint32_t sequence; /* counts each side's frames, from 0 on */
};

struct channel_stream {
	bool open;
	bool ended_in, ended_out;
	uint32_t id;
	uint32_t may_send;    /* the peer's credit for us */
	uint32_t may_receive; /* ours for the peer */
	uint32_t consumed;    /* that the peer was not told of yet */
};

/* What arrives; `data` is valid until the function returns. */
struct channel_events {
	void (*message)(void *owner, uint32_t stream, const uint8_t *data, size_t len);
	void (*data)(void *owner, uint32_t stream, const uint8_t *data, size_t len);
	void (*ended)(void *owner, uint32_t stream);
	void (*writable)(void *owner, uint32_t stream); /* there is credit again */
};

struct channel {
	const struct channel_events *events;
	void *owner;
	const char *broken; /* the rule that the peer broke; NULL: none. An event may set it */
	bool greeted;
	uint32_t sequence_in, sequence_out;
	struct channel_stream stream[CHANNEL_STREAMS];
	size_t in_len, out_start, out_len;
	uint8_t in[sizeof(struct channel_head) + CHANNEL_PAYLOAD_MAX];
	uint8_t out[CHANNEL_OUT_MAX];
};

/* Begins with a HELLO to be sent. */
void channel_init(struct channel *c, const struct channel_events *events, void *owner);

/* Opens a stream on this side; the other side opens the same number by what the layer above
 * agrees on. False when there are too many or it is open. */
bool channel_open(struct channel *c, uint32_t stream);
void channel_close(struct channel *c, uint32_t stream);

/* Takes bytes that came; -1 when the peer has broken a rule (c->broken). */
int channel_receive(struct channel *c, const void *data, size_t len);

/* Queues a message: false when there is no room until some has been sent. */
bool channel_send(struct channel *c, uint32_t stream, const void *data, size_t len);

/* How many bytes of a stream channel_write would take now: whoever has to read them first
 * reads no more. */
size_t channel_writable(const struct channel *c, uint32_t stream);

/* Queues bytes of a stream: how many there was credit and room for. */
size_t channel_write(struct channel *c, uint32_t stream, const void *data, size_t len);
bool channel_end(struct channel *c, uint32_t stream);

/* Says that so many received bytes of a stream have found their place. */
void channel_consumed(struct channel *c, uint32_t stream, uint32_t len);

/* What waits to be sent, in one piece; then how much of it was. */
size_t channel_pending(const struct channel *c, const void **ret);
void channel_sent(struct channel *c, size_t len);
