/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

static void give_back(char *data)
{
	if (!pool_give(data))
		free(data);
}

void buf_done(struct buf *b)
{
	give_back(b->data);
	*b = (struct buf){ 0 };
}

/* The first block is the pool's where that is large enough. */
static char *grow(const struct buf *b, size_t *room)
{
	char *data = NULL;

	if (*room <= POOL_BLOCK) {
		data = pool_take();
		if (data)
			*room = POOL_BLOCK;
	}
	if (!data)
		data = malloc(*room);
	if (data && b->data) {
		memcpy(data, b->data, b->len);
		data[b->len] = '\0';
		give_back(b->data);
	}
	return data;
}

static bool reserve_more(struct buf *b, size_t more)
{
	size_t room = b->room ? b->room : 256;
	while (room - b->len <= more) {
		if (__builtin_mul_overflow(room, (size_t)2, &room)) {
			b->failed = true;
			return false;
		}
	}
	char *data = grow(b, &room);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

/* Makes room for `more` bytes and a NUL; false when that failed. */
static inline bool reserve(struct buf *b, size_t more)
{
	return !b->failed && (b->room - b->len > more || reserve_more(b, more));
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_plain(struct buf *b, const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned int)(unsigned char)*c);
		else
			buf_add(b, c, 1);
	}
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		b->failed = true;
	else if (reserve(b, (size_t)len))
		b->len += (size_t)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
	va_end(again);
}

void buf_align(struct buf *b, size_t align)
{
	static const char zeros[64];
	size_t pad = (align - b->len % align) % align;

	buf_add(b, zeros, pad);
}

char *buf_room(struct buf *b, size_t len)
{
	return reserve(b, len) ? b->data + b->len : NULL;
}

void buf_used(struct buf *b, size_t len)
{
	b->len += len;
	b->data[b->len] = '\0';
}

int buf_ok(const struct buf *b, struct err *e)
{
	return b->failed ? err_set(e, ERR_KERNEL, "out of memory") : 0;
}
