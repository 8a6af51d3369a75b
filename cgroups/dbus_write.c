/* SPDX-License-Identifier: Apache-2.0 */
/* Values and calls as D-Bus has them on the wire, in the byte order of this machine. */
#include <string.h>

#include "cgroups/dbus.h"

enum { LITTLE_ENDIAN_MARK = 'l', PROTOCOL = 1 };

/* Codes of header fields (D-Bus Specification, "Header Fields"). */
enum { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_SIGNATURE = 8 };

void dbus_put_u32(struct buf *b, uint32_t value)
{
	buf_align(b, sizeof(value));
	buf_add(b, &value, sizeof(value));
}

void dbus_put_u64(struct buf *b, uint64_t value)
{
	buf_align(b, sizeof(value));
	buf_add(b, &value, sizeof(value));
}

void dbus_put_bool(struct buf *b, bool value)
{
	dbus_put_u32(b, value);
}

void dbus_put_string(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	dbus_put_u32(b, (uint32_t)len);
	buf_add(b, text, len + 1);
}

void dbus_put_signature(struct buf *b, const char *signature)
{
	uint8_t len = (uint8_t)strlen(signature);

	buf_add(b, &len, 1);
	buf_add(b, signature, len + 1U);
}

struct dbus_array dbus_open_array(struct buf *b, size_t align)
{
	struct dbus_array array;

	dbus_put_u32(b, 0);
	array.length_at = b->len - sizeof(uint32_t);
	buf_align(b, align); /* the length does not count these */
	array.start = b->len;
	return array;
}

void dbus_close_array(struct buf *b, struct dbus_array array)
{
	uint32_t len = (uint32_t)(b->len - array.start);

	if (!b->failed)
		memcpy(b->data + array.length_at, &len, sizeof(len));
}

static void put_field(struct buf *b, uint8_t code, const char *signature, const char *value)
{
	buf_align(b, 8);
	buf_add(b, &code, 1);
	dbus_put_signature(b, signature);
	if (*signature == 'g')
		dbus_put_signature(b, value);
	else
		dbus_put_string(b, value);
}

void dbus_put_call(struct buf *b, uint32_t serial, const struct dbus_call *call)
{
	const uint8_t start[] = { LITTLE_ENDIAN_MARK, DBUS_CALL, 0, PROTOCOL };
	size_t body = call->body ? call->body->len : 0;

	buf_add(b, start, sizeof(start));
	dbus_put_u32(b, (uint32_t)body);
	dbus_put_u32(b, serial);

	struct dbus_array fields = dbus_open_array(b, 8);
	put_field(b, FIELD_PATH, "o", call->path);
	put_field(b, FIELD_INTERFACE, "s", call->interface);
	put_field(b, FIELD_MEMBER, "s", call->member);
	if (call->signature[0])
		put_field(b, FIELD_SIGNATURE, "g", call->signature);
	dbus_close_array(b, fields);
	buf_align(b, 8);
	if (body)
		buf_add(b, call->body->data, body);
	if (call->body && call->body->failed)
		b->failed = true;
}
