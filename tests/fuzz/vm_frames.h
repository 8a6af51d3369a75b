/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzers' bytes as frames of a channel: after a right greeting, records of a kind, a stream,
 * a length and a payload each, which get heads with the right sequence, so that what lies
 * behind the channel's own rules is reached.
 *
 *	kind     bits 0 and 1: MESSAGE, DATA, CREDIT, END; bit 7: the receiver may send meanwhile
 *	stream   its number, or that of a request
 *	length   two bytes, the lower first: of the payload, which ends in zeros
 *	given    how many bytes of it follow
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "vm-sandbox/channel.h"

enum { VM_FRAME_RECORD = 5 };

struct vm_frames {
	const uint8_t *data;
	size_t size;
	uint32_t sequence;
};

/* The next frame, in `ret`; its length, 0: that was all. *ret_flag: bit 7 of its kind. */
static inline size_t vm_frames_next(struct vm_frames *f, uint8_t *ret, int *ret_flag)
{
	static const uint16_t types[] = { CHANNEL_MESSAGE, CHANNEL_DATA, CHANNEL_CREDIT,
		                          CHANNEL_END };
	const uint8_t *r = f->data;
	struct channel_head h = { .sequence = f->sequence };
	size_t given;

	if (f->sequence == 0) {
		const uint32_t version = CHANNEL_VERSION;

		h.len = sizeof(version);
		h.type = CHANNEL_HELLO;
		memcpy(ret, &h, sizeof(h));
		memcpy(ret + sizeof(h), &version, sizeof(version));
		f->sequence++;
		*ret_flag = 0;
		return sizeof(h) + sizeof(version);
	}
	if (f->size < VM_FRAME_RECORD)
		return 0;
	h.type = types[r[0] & 3];
	h.stream = r[1];
	h.len = (r[2] | (uint32_t)r[3] << 8) % (CHANNEL_PAYLOAD_MAX + 1);
	given = r[4] < f->size - VM_FRAME_RECORD ? r[4] : f->size - VM_FRAME_RECORD;
	if (given > h.len)
		given = h.len;
	memcpy(ret, &h, sizeof(h));
	memset(ret + sizeof(h), 0, h.len);
	memcpy(ret + sizeof(h), r + VM_FRAME_RECORD, given);
	*ret_flag = r[0] >> 7;
	f->data += VM_FRAME_RECORD + given;
	f->size -= VM_FRAME_RECORD + given;
	f->sequence++;
	return sizeof(h) + h.len;
}
