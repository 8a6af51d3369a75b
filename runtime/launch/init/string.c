/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, strings, numbers, without libc. The loops are plain: the longest thing
 * that init copies is a path. The empty assembly in them keeps the compiler from
 * turning a loop of memcpy into a call of memcpy.
 */
#include "runtime/launch/init/string.h"

#define KEEP_LOOP() __asm__ volatile("")

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	char *t = to;
	const char *f = from;

	while (length--) {
		*t++ = *f++;
		KEEP_LOOP();
	}
	return to;
}

void *memmove(void *to, const void *from, size_t length)
{
	char *t = to;
	const char *f = from;

	if (t <= f)
		return memcpy(to, from, length);
	while (length--) {
		t[length] = f[length];
		KEEP_LOOP();
	}
	return to;
}

void *memset(void *to, int byte, size_t length)
{
	char *t = to;

	while (length--) {
		*t++ = (char)byte;
		KEEP_LOOP();
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const unsigned char *x = a, *y = b;

	for (; length; length--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t text_length(const char *text)
{
	size_t length = 0;

	while (text[length]) {
		length++;
		KEEP_LOOP();
	}
	return length;
}

bool text_equal(const char *a, const char *b)
{
	for (; *a == *b; a++, b++) {
		if (!*a)
			return true;
	}
	return false;
}

bool text_begins(const char *text, const char *prefix)
{
	while (*prefix) {
		if (*text++ != *prefix++)
			return false;
	}
	return true;
}

const char *text_last_slash(const char *text)
{
	const char *last = NULL;

	for (; *text; text++) {
		if (*text == '/')
			last = text;
	}
	return last;
}

struct text text_in(char *buffer, size_t room)
{
	buffer[0] = '\0';
	return (struct text){ .start = buffer, .room = room };
}

void text_add_bytes(struct text *t, const char *more, size_t length)
{
	size_t left = t->room - 1 - t->length;

	if (length > left) {
		length = left;
		t->cut = true;
	}
	memcpy(t->start + t->length, more, length);
	t->length += length;
	t->start[t->length] = '\0';
}

void text_add(struct text *t, const char *more)
{
	text_add_bytes(t, more, text_length(more));
}

void text_cut(struct text *t, size_t length)
{
	t->length = length;
	t->start[length] = '\0';
}

void text_add_number(struct text *t, unsigned long number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	text_add_bytes(t, digits + at, sizeof(digits) - at);
}

long text_number(const char *text, long limit)
{
	long number = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		number = number * 10 + (*text - '0');
		if (number > limit)
			return -1;
	}
	return number;
}
