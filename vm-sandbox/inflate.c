/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compressors' libraries, each asked for one block at once: the whole output is their
 * window, so a broken header cannot make them allocate much. This is the one file that
 * includes their headers.
 */
#include "vm-sandbox/inflate.h"

#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static const struct {
	enum inflate_format format;
	const char *name;
	uint8_t length;
	char magic[7];
} formats[] = {
	{ INFLATE_GZIP, "gzip", 2, "\x1f\x8b" },
	{ INFLATE_XZ, "xz", 6, "\xfd\x37\x7a\x58\x5a" },
	{ INFLATE_ZSTD, "zstd", 4, "\x28\xb5\x2f\xfd" },
	{ INFLATE_LZ4, "lz4", 4, "\x02\x21\x4c\x18" },
};

enum inflate_format inflate_format_of(const void *data, size_t len)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (len >= formats[i].length && !memcmp(data, formats[i].magic, formats[i].length))
			return formats[i].format;
	}
	return INFLATE_NONE;
}

const char *inflate_format_name(enum inflate_format format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].format == format)
			return formats[i].name;
	}
	return "unknown";
}

/* -1: broken, or does not fit. zlib counts in unsigned int. */
static ssize_t gzip(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	bool done;

	if (len > UINT_MAX || room > UINT_MAX || inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return -1;
	z.next_in = (Bytef *)(uintptr_t)in; /* not const without ZLIB_CONST; only read */
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	done = inflate(&z, Z_FINISH) == Z_STREAM_END;
	(void)inflateEnd(&z);
	return done ? (ssize_t)z.total_out : -1;
}

static ssize_t xz(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
	uint64_t memory = 256ull << 20; /* kernels of today are packed with up to 128 MiB */
	size_t from = 0, to = 0;

	if (lzma_stream_buffer_decode(&memory, 0, NULL, in, &from, len, out, &to, room) != LZMA_OK)
		return -1;
	return (ssize_t)to;
}

static ssize_t zstd(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
	size_t frame = ZSTD_findFrameCompressedSize(in, len), got;

	if (ZSTD_isError(frame))
		return -1;
	got = ZSTD_decompress(out, room, in, frame);
	return ZSTD_isError(got) ? -1 : (ssize_t)got;
}

ssize_t inflate_block(enum inflate_format format, const void *in, size_t len, void *out,
                      size_t room, struct err *e)
{
	ssize_t got = -1;

	switch (format) {
	case INFLATE_GZIP:
		got = gzip(in, len, out, room);
		break;
	case INFLATE_XZ:
		got = xz(in, len, out, room);
		break;
	case INFLATE_ZSTD:
		got = zstd(in, len, out, room);
		break;
	case INFLATE_LZ4:
		got = inflate_lz4_frames(in, len, out, room);
		break;
	case INFLATE_NONE:
		return err_set(e, ERR_SPEC, "not compressed by gzip, xz, zstd or lz4");
	}
	if (got < 0)
		return err_set(e, ERR_SPEC, "the %s data is broken, or is more than %zu bytes",
		               inflate_format_name(format), room);
	return got;
}
