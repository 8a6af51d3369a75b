/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what another process sent. Every length is held against what is left before
 * it is used; strings end where their length says, and nowhere before; the depth of
 * types is bounded. Whoever sends in the other byte order is no process of this machine.
 */
#include <string.h>

#include "cgroups/dbus.h"

enum {
	ARRAY_MAX = 64 << 20, /* the specification's */
	DEPTH_MAX = 64,       /* 32 arrays and 32 structs, as the specification has it */
	FIELD_PATH = 1,
	FIELD_INTERFACE,
	FIELD_MEMBER,
	FIELD_ERROR,
	FIELD_REPLY,
	FIELD_SIGNATURE = 8,
};

/* `len` bytes, or NULL. */
static const uint8_t *take(struct dbus_reader *r, size_t len)
{
	const uint8_t *at = r->data + r->at;

	if (r->failed || len > r->len - r->at) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	return at;
}

static void align(struct dbus_reader *r, size_t to)
{
	const uint8_t *padding = take(r, -r->at & (to - 1));

	for (; padding && padding < r->data + r->at; padding++)
		r->failed = r->failed || *padding != 0;
}

uint8_t dbus_get_u8(struct dbus_reader *r)
{
	const uint8_t *at = take(r, 1);

	return at ? *at : 0;
}

uint32_t dbus_get_u32(struct dbus_reader *r)
{
	uint32_t value = 0;

	align(r, sizeof(value));
	const uint8_t *at = take(r, sizeof(value));
	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

/* Text of a known length, with the NUL behind it and none in it. */
static const char *get_text(struct dbus_reader *r, size_t len)
{
	const uint8_t *at = take(r, len);
	const uint8_t *end = take(r, 1);

	if (!at || !end || *end != 0 || memchr(at, 0, len)) {
		r->failed = true;
		return "";
	}
	return (const char *)at;
}

const char *dbus_get_string(struct dbus_reader *r)
{
	uint32_t len = dbus_get_u32(r);

	return get_text(r, len);
}

const char *dbus_get_signature(struct dbus_reader *r)
{
	uint8_t len = dbus_get_u8(r);

	return get_text(r, len);
}

size_t dbus_enter_array(struct dbus_reader *r, size_t to)
{
	uint32_t len = dbus_get_u32(r);

	align(r, to);
	if (len > ARRAY_MAX || len > r->len - r->at)
		r->failed = true;
	return r->failed ? r->at : r->at + len;
}

/* --- values that nobody wants ------------------------------------------------------------ */

static size_t alignment(char type)
{
	switch (type) {
	case 'y':
	case 'g':
	case 'v':
		return 1;
	case 'n':
	case 'q':
		return 2;
	case 'x':
	case 't':
	case 'd':
	case '(':
	case '{':
		return 8;
	default:
		return 4;
	}
}

/* Where the complete type ends that `signature` begins with; NULL: there is none. */
static const char *type_end(const char *signature, int depth)
{
	if (depth > DEPTH_MAX)
		return NULL;
	if (*signature == 'a')
		return type_end(signature + 1, depth + 1);
	if (*signature == '(' || *signature == '{') {
		char close = *signature == '(' ? ')' : '}';

		for (signature++; signature && *signature && *signature != close;)
			signature = type_end(signature, depth + 1);
		return signature && *signature ? signature + 1 : NULL;
	}
	return *signature && strchr("ybnqiuxtdsogvh", *signature) ? signature + 1 : NULL;
}

static void skip(struct dbus_reader *r, const char *type, int depth);

static void skip_array(struct dbus_reader *r, const char *element, int depth)
{
	size_t end = dbus_enter_array(r, alignment(*element));

	while (!r->failed && r->at < end) {
		size_t before = r->at;

		skip(r, element, depth + 1);
		if (r->at == before) /* an empty struct: it would never end */
			r->failed = true;
	}
	if (r->at != end)
		r->failed = true;
}

static void skip_members(struct dbus_reader *r, const char *type, int depth)
{
	align(r, 8);
	while (!r->failed && *type != ')' && *type != '}') {
		skip(r, type, depth + 1);
		type = type_end(type, depth);
	}
}

/* `type` is complete: type_end has been asked. */
static void skip(struct dbus_reader *r, const char *type, int depth)
{
	if (depth > DEPTH_MAX) {
		r->failed = true;
		return;
	}
	switch (*type) {
	case 's':
	case 'o':
		(void)dbus_get_string(r);
		return;
	case 'g':
		(void)dbus_get_signature(r);
		return;
	case 'v':
		type = dbus_get_signature(r);
		if (r->failed || !type_end(type, depth) || *type_end(type, depth))
			r->failed = true;
		else
			skip(r, type, depth + 1);
		return;
	case 'a':
		skip_array(r, type + 1, depth);
		return;
	case '(':
	case '{':
		skip_members(r, type + 1, depth);
		return;
	default:
		align(r, alignment(*type));
		(void)take(r, alignment(*type));
	}
}

void dbus_skip(struct dbus_reader *r, const char *signature)
{
	if (!type_end(signature, 0))
		r->failed = true;
	if (!r->failed)
		skip(r, signature, 0);
}

/* --- messages ------------------------------------------------------------------------------ */

static uint32_t number_at(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Byte order, type, flags, version; length of the body, serial, length of the fields. */
size_t dbus_message_size(const uint8_t head[DBUS_HEAD])
{
	size_t body = number_at(head + 4), fields = number_at(head + 12);

	if (head[0] != 'l' || head[3] != 1 || body > DBUS_MESSAGE_MAX || fields > DBUS_MESSAGE_MAX)
		return 0;
	size_t size = DBUS_HEAD + ((fields + 7) & ~(size_t)7) + body;
	return size > DBUS_MESSAGE_MAX ? 0 : size;
}

static void read_field(struct dbus_reader *r, struct dbus_message *m)
{
	uint8_t code = dbus_get_u8(r);
	const char *signature = dbus_get_signature(r);
	const char **text = code == FIELD_PATH        ? &m->path
	                    : code == FIELD_INTERFACE ? &m->interface
	                    : code == FIELD_MEMBER    ? &m->member
	                    : code == FIELD_ERROR     ? &m->error
	                                              : NULL;

	if (text && strcmp(signature, code == FIELD_PATH ? "o" : "s") == 0)
		*text = dbus_get_string(r);
	else if (code == FIELD_SIGNATURE && strcmp(signature, "g") == 0)
		m->signature = dbus_get_signature(r);
	else if (code == FIELD_REPLY && strcmp(signature, "u") == 0)
		m->reply_to = dbus_get_u32(r);
	else if (text || code == FIELD_SIGNATURE || code == FIELD_REPLY)
		r->failed = true;
	else
		dbus_skip(r, signature);
}

int dbus_parse(const void *data, size_t len, struct dbus_message *ret, struct err *e)
{
	struct dbus_reader r = { .data = data, .len = len };
	struct dbus_message m = {
		.path = "", .interface = "", .member = "", .error = "", .signature = ""
	};

	if (len < DBUS_HEAD || dbus_message_size(data) != len)
		return err_set(e, ERR_KERNEL, "not a D-Bus message");
	m.type = (enum dbus_type)r.data[1];
	m.serial = number_at(r.data + 8);
	r.at = DBUS_HEAD - sizeof(uint32_t);
	size_t end = dbus_enter_array(&r, 8);
	while (!r.failed && r.at < end) {
		align(&r, 8);
		read_field(&r, &m);
	}
	if (r.at != end)
		r.failed = true;
	align(&r, 8);
	if (r.failed)
		return err_set(e, ERR_KERNEL, "a D-Bus message with a damaged header");
	m.body = (struct dbus_reader){ .data = r.data + r.at, .len = len - r.at };
	*ret = m;
	return 0;
}
