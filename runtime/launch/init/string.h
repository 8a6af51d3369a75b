/* SPDX-License-Identifier: Apache-2.0 */
/* What init needs of <string.h>, and numbers as text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The compiler calls these four by name. */
void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);

size_t text_length(const char *text);
bool text_equal(const char *a, const char *b);
bool text_begins(const char *text, const char *prefix);
/* The last '/' in text, or NULL. */
const char *text_last_slash(const char *text);

/* Text that is put together in a buffer of fixed size. What does not fit is cut
 * and `cut` says so; the text always ends in NUL. */
struct text {
	char *start;
	size_t length, room; /* room: with the NUL */
	bool cut;
};

struct text text_in(char *buffer, size_t room);
void text_add(struct text *t, const char *more);
void text_add_bytes(struct text *t, const char *more, size_t length);
/* Back to its first `length` bytes. */
void text_cut(struct text *t, size_t length);
void text_add_number(struct text *t, unsigned long number);

/* Digits only, all of text, at most `limit`; -1 otherwise. */
long text_number(const char *text, long limit);
