/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's channel on arbitrary frames and on arbitrary bytes: it touches nothing
 * outside of itself (the sanitizers watch), hands over no more of a stream than there was
 * credit for, and what it has to send stays within its bounds.
 *
 * The first byte says whether the rest is bytes as they come, or records of a type, a
 * stream, a length and what the payload begins with, which get heads with the right
 * sequence.
 */
#include <stdlib.h>
#include <string.h>

#include "vm-sandbox/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAMS = 4, RECORD = 5 };

static struct channel channel;
static size_t received[STREAMS], consumed[STREAMS];

static void on_message(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	(void)owner;
	if (len > CHANNEL_PAYLOAD_MAX)
		abort();
	(void)channel_send(&channel, stream, data, len);
}

static void on_data(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	(void)owner;
	if (stream >= STREAMS)
		abort();
	received[stream] += len;
	if (received[stream] - consumed[stream] > CHANNEL_WINDOW)
		abort();
	(void)channel_write(&channel, stream, data, len);
	if (len % 3)
		return;
	consumed[stream] += len;
	channel_consumed(&channel, stream, (uint32_t)len);
}

static void on_ended(void *owner, uint32_t stream)
{
	(void)owner;
	(void)channel_end(&channel, stream);
}

static void on_writable(void *owner, uint32_t stream)
{
	(void)owner;
	(void)channel_write(&channel, stream, "caisson", 7);
}

static const struct channel_events events = {
	.message = on_message,
	.data = on_data,
	.ended = on_ended,
	.writable = on_writable,
};

static void feed(const void *data, size_t len, size_t part)
{
	const uint8_t *at = data;

	for (size_t n; len > 0; at += n, len -= n) {
		const void *out;

		n = part < len ? part : len;
		if (channel_receive(&channel, at, n) < 0)
			return;
		if (channel_pending(&channel, &out) > CHANNEL_OUT_MAX)
			abort();
	}
}

static size_t record(const uint8_t *data, size_t size, uint32_t sequence)
{
	static uint8_t payload[1 << 16];
	struct channel_head h = {
		.len = data[2] | (uint32_t)data[3] << 8,
		.type = data[0] & 7,
		.stream = data[1],
		.sequence = sequence,
	};
	size_t given = data[4] < size - RECORD ? data[4] : size - RECORD;
	const void *out;

	memset(payload, 0, h.len);
	memcpy(payload, data + RECORD, given);
	feed(&h, sizeof(h), 1 + (data[0] >> 3));
	feed(payload, h.len, 4000);
	if (data[0] & 0x80)
		channel_sent(&channel, channel_pending(&channel, &out) / 2);
	return RECORD + given;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct {
		struct channel_head head;
		uint32_t version;
	} hello = { { .len = 4, .type = CHANNEL_HELLO }, CHANNEL_VERSION };

	channel_init(&channel, &events, NULL);
	memset(received, 0, sizeof(received));
	memset(consumed, 0, sizeof(consumed));
	for (uint32_t i = 0; i < STREAMS; i++)
		(void)channel_open(&channel, i);
	if (size > 0 && data[0] & 1) {
		feed(data + 1, size - 1, 1 + (data[0] >> 1));
		return 0;
	}
	feed(&hello, sizeof(hello), sizeof(hello));
	for (uint32_t n = 1; size >= 1 + RECORD; n++) {
		size_t used = record(data + 1, size - 1, n);

		data += used;
		size -= used;
	}
	return 0;
}
