/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/aml.h"

#include <stdbool.h>
#include <string.h>

enum {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_QWORD = 0x0e,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	OP_EXTENDED = 0x5b,
	OP_DEVICE = 0x82,
	OP_ARG0 = 0x68,
	OP_NOTIFY = 0x86,
	OP_EQUAL = 0x93,
	OP_IF = 0xa0,

	NAME_SIZE = 4,
	DUAL_NAMES = 0x2e,
};

static void byte(struct buf *b, unsigned int value)
{
	uint8_t v = (uint8_t)value;

	buf_add(b, &v, 1);
}

static void word(struct buf *b, uint16_t value)
{
	buf_add(b, &value, sizeof(value));
}

static void dword(struct buf *b, uint32_t value)
{
	buf_add(b, &value, sizeof(value));
}

/* A path of names with dots, as "\_SB_.VGEN" */
static void path_bytes(struct buf *b, const char *path)
{
	size_t names;

	if (*path == '\\')
		byte(b, (uint8_t)*path++);
	names = (strlen(path) + 1) / (NAME_SIZE + 1);
	if (names == 2)
		byte(b, DUAL_NAMES);
	for (size_t i = 0; i < names; i++)
		buf_add(b, path + i * (NAME_SIZE + 1), NAME_SIZE);
}

/* Puts the length of what was added since `open` before it. It counts itself: one byte
 * holds up to 63; else the first byte's low half holds four bits and its high bits say how
 * many bytes follow. */
void aml_close(struct buf *b, size_t open)
{
	uint8_t field[4];
	size_t body, size, total;

	if (b->failed)
		return;
	body = b->len - open;
	size = body + 1 < 64 ? 1 : body + 2 < 1 << 12 ? 2 : body + 3 < 1 << 20 ? 3 : 4;
	total = body + size;
	if (size == 1) {
		field[0] = (uint8_t)total;
	} else {
		field[0] = (uint8_t)((size - 1) << 6 | (total & 0xf));
		for (size_t i = 1; i < size; i++)
			field[i] = (uint8_t)(total >> (4 + 8 * (i - 1)));
	}
	buf_add(b, field, size); /* room; then all moves up */
	if (b->failed)
		return;
	memmove(b->data + open + size, b->data + open, body);
	memcpy(b->data + open, field, size);
}

size_t aml_scope(struct buf *b, const char *path)
{
	size_t open;

	byte(b, OP_SCOPE);
	open = b->len;
	path_bytes(b, path);
	return open;
}

size_t aml_device(struct buf *b, const char *name)
{
	size_t open;

	byte(b, OP_EXTENDED);
	byte(b, OP_DEVICE);
	open = b->len;
	path_bytes(b, name);
	return open;
}

size_t aml_method(struct buf *b, const char *name, unsigned int arguments)
{
	size_t open;

	byte(b, OP_METHOD);
	open = b->len;
	path_bytes(b, name);
	byte(b, arguments);
	return open;
}

size_t aml_if_argument0_is(struct buf *b, uint8_t value)
{
	size_t open;

	byte(b, OP_IF);
	open = b->len;
	byte(b, OP_EQUAL);
	byte(b, OP_ARG0);
	byte(b, OP_BYTE);
	byte(b, value);
	return open;
}

void aml_notify(struct buf *b, const char *path, uint8_t value)
{
	byte(b, OP_NOTIFY);
	path_bytes(b, path);
	byte(b, OP_BYTE);
	byte(b, value);
}

static void integer(struct buf *b, uint64_t value)
{
	if (value <= 1) {
		byte(b, value ? OP_ONE : OP_ZERO);
	} else if (value <= UINT8_MAX) {
		byte(b, OP_BYTE);
		byte(b, (unsigned int)value);
	} else if (value <= UINT16_MAX) {
		byte(b, OP_WORD);
		word(b, (uint16_t)value);
	} else if (value <= UINT32_MAX) {
		byte(b, OP_DWORD);
		dword(b, (uint32_t)value);
	} else {
		byte(b, OP_QWORD);
		buf_add(b, &value, sizeof(value));
	}
}

static void name_is(struct buf *b, const char *name)
{
	byte(b, OP_NAME);
	path_bytes(b, name);
}

void aml_name_integer(struct buf *b, const char *name, uint64_t value)
{
	name_is(b, name);
	integer(b, value);
}

void aml_name_string(struct buf *b, const char *name, const char *value)
{
	name_is(b, name);
	byte(b, OP_STRING);
	buf_add(b, value, strlen(value) + 1);
}

static unsigned int hex(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of five bits and four hexadecimal digits, the highest byte first
 * (section 19.3.4, EISAID). */
void aml_name_eisa(struct buf *b, const char *name, const char *id)
{
	unsigned int letters =
		(unsigned int)((id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@'));

	name_is(b, name);
	byte(b, OP_DWORD);
	byte(b, letters >> 8);
	byte(b, letters);
	byte(b, hex(id[3]) << 4 | hex(id[4]));
	byte(b, hex(id[5]) << 4 | hex(id[6]));
}

void aml_name_package(struct buf *b, const char *name, const uint64_t *values, size_t count)
{
	size_t open;

	name_is(b, name);
	byte(b, OP_PACKAGE);
	open = b->len;
	byte(b, (unsigned int)count);
	for (size_t i = 0; i < count; i++)
		integer(b, values[i]);
	aml_close(b, open);
}

/* A buffer: its length twice, as a package's and as an integer. All of ours have less
 * than 256 bytes, so the integer is one byte, set at the end. */
size_t aml_resources(struct buf *b, const char *name)
{
	size_t open;

	name_is(b, name);
	byte(b, OP_BUFFER);
	open = b->len;
	byte(b, OP_BYTE);
	byte(b, 0);
	return open;
}

void aml_resources_close(struct buf *b, size_t open)
{
	enum { END_TAG = 0x79 };

	byte(b, END_TAG);
	byte(b, 0); /* a checksum of 0 is always right */
	if (b->failed)
		return;
	b->data[open + 1] = (char)(b->len - open - 2);
	aml_close(b, open);
}

void aml_resource_bus(struct buf *b, uint16_t first, uint16_t last)
{
	enum { WORD_ADDRESS = 0x88, TYPE_BUS = 2, FIXED = 0x0c };

	byte(b, WORD_ADDRESS);
	word(b, 13);
	byte(b, TYPE_BUS);
	byte(b, FIXED);
	byte(b, 0);
	word(b, 0); /* granularity */
	word(b, first);
	word(b, last);
	word(b, 0); /* translation */
	word(b, (uint16_t)(last - first + 1));
}

void aml_resource_window(struct buf *b, uint32_t first, uint32_t size)
{
	enum { DWORD_ADDRESS = 0x87, TYPE_MEMORY = 0, FIXED = 0x0c, WRITABLE = 1 };

	byte(b, DWORD_ADDRESS);
	word(b, 23);
	byte(b, TYPE_MEMORY);
	byte(b, FIXED);
	byte(b, WRITABLE);
	dword(b, 0);
	dword(b, first);
	dword(b, first + size - 1);
	dword(b, 0);
	dword(b, size);
}

void aml_resource_fixed_memory(struct buf *b, uint32_t addr, uint32_t size)
{
	enum { FIXED_MEMORY = 0x86, WRITABLE = 1 };

	byte(b, FIXED_MEMORY);
	word(b, 9);
	byte(b, WRITABLE);
	dword(b, addr);
	dword(b, size);
}

void aml_resource_interrupt(struct buf *b, uint32_t gsi)
{
	enum { EXTENDED_INTERRUPT = 0x89, CONSUMER_EDGE_HIGH = 0x03 };

	byte(b, EXTENDED_INTERRUPT);
	word(b, 6);
	byte(b, CONSUMER_EDGE_HIGH);
	byte(b, 1);
	dword(b, gsi);
}
