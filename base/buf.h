/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer. Running out of memory is remembered in `failed`, so
 * that a sequence of appends is checked once, at its end (buf_ok).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
	char *data; /* always NUL-terminated once something was added */
	size_t len, room;
	bool failed;
};

#define BUF __attribute__((cleanup(buf_done)))

void buf_done(struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_text(struct buf *b, const char *text);
/* Text of others, for a terminal: control characters as \u001b. */
void buf_plain(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Appends zeros until len is a multiple of `align` (a power of two). */
void buf_align(struct buf *b, size_t align);

/* Room for `len` more bytes, to be filled by the caller and counted by buf_used();
 * valid until the next append. */
char *buf_room(struct buf *b, size_t len);
void buf_used(struct buf *b, size_t len);

MUST_CHECK int buf_ok(const struct buf *b, struct err *e);
