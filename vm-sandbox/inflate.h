/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking one compressed block into memory whose size is known before: a kernel's
 * payload, a module. The block comes from a file that may be broken or made to harm.
 * No code of the running monitor needs this; it belongs to the step that prepares.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum inflate_format {
	INFLATE_NONE, /* not compressed, or with something that we do not know */
	INFLATE_GZIP,
	INFLATE_XZ,
	INFLATE_ZSTD,
	INFLATE_LZ4, /* the legacy frame, as `lz4 -l` writes it and the kernel uses it */
};

/* By the first bytes. */
enum inflate_format inflate_format_of(const void *data, size_t len);
const char *inflate_format_name(enum inflate_format format);

/* Unpacks all of `in` to `out`: how many bytes that were. ERR_SPEC when the data is broken
 * or is more than `room`. What follows the end of the compressed data is ignored: the
 * kernel puts a size there. */
MUST_CHECK ssize_t inflate_block(enum inflate_format format, const void *in, size_t len, void *out,
                                 size_t room, struct err *e);

/* The LZ4 format, in inflate_lz4.c: the number of bytes, or -1 when it is broken. */
ssize_t inflate_lz4_frames(const uint8_t *in, size_t len, uint8_t *out, size_t room);
