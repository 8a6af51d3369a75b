/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZ4's legacy frame: a magic number, then blocks, each with its compressed length in four
 * bytes; the kernel's build writes one such frame and its size behind it. liblz4's frame
 * functions do not know this form, and a block is two loops, so they are here.
 *
 * Every length is compared with what is left of input and output before a byte is moved.
 * Source: lz4_Block_format.md and lz4_Frame_format.md of LZ4; lib/decompress_unlz4.c.
 */
#include <stdbool.h>
#include <string.h>

#include "vm-sandbox/inflate.h"

enum {
	MIN_MATCH = 4,
	LONG = 15, /* a length of this in the token goes on in the next bytes */
	MAGIC_SIZE = 4,
};

/* What is left of the input and how far the output is. */
struct lz4 {
	const uint8_t *in, *in_end;
	uint8_t *out_start, *out, *out_end;
};

static bool extend(struct lz4 *z, size_t *length)
{
	uint8_t byte;

	if (*length != LONG)
		return true;
	do {
		if (z->in == z->in_end)
			return false;
		byte = *z->in++;
		*length += byte;
	} while (byte == 255);
	return true;
}

static bool literals(struct lz4 *z, size_t length)
{
	if (!extend(z, &length) || length > (size_t)(z->in_end - z->in) ||
	    length > (size_t)(z->out_end - z->out))
		return false;
	if (length > 0)
		memcpy(z->out, z->in, length);
	z->in += length;
	z->out += length;
	return true;
}

/* A match may reach into what it makes itself, so bytes go one by one when it does. */
static bool match(struct lz4 *z, size_t length)
{
	size_t distance;

	if (z->in_end - z->in < 2)
		return false;
	distance = (size_t)(z->in[0] | z->in[1] << 8);
	z->in += 2;
	if (!extend(z, &length))
		return false;
	length += MIN_MATCH;
	if (distance == 0 || distance > (size_t)(z->out - z->out_start) ||
	    length > (size_t)(z->out_end - z->out))
		return false;
	if (distance >= length) {
		memcpy(z->out, z->out - distance, length);
		z->out += length;
		return true;
	}
	for (size_t i = 0; i < length; i++, z->out++)
		*z->out = *(z->out - distance);
	return true;
}

/* A block's last sequence has literals alone. */
static bool block(struct lz4 *z)
{
	while (z->in < z->in_end) {
		uint8_t token = *z->in++;

		if (!literals(z, token >> 4))
			return false;
		if (z->in == z->in_end)
			return true;
		if (!match(z, token & 0xf))
			return false;
	}
	return false;
}

ssize_t inflate_lz4_frames(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
	const uint8_t *end = in + len;
	struct lz4 z = { .out_start = out, .out = out, .out_end = out + room };

	if (len < MAGIC_SIZE)
		return -1;
	in += MAGIC_SIZE;
	while (end - in > 4 && z.out < z.out_end) {
		uint32_t size = (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
		                (uint32_t)in[3] << 24;

		in += 4;
		if (size == 0 || size > (size_t)(end - in))
			return -1;
		z.in = in;
		z.in_end = in + size;
		z.out_start = z.out; /* a block refers to nothing before it */
		if (!block(&z))
			return -1;
		in += size;
	}
	return z.out - out;
}
