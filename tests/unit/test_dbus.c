/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of D-Bus: as the specification has them, and as nobody should send them. */
#include <string.h>

#include "base/scope.h"
#include "cgroups/dbus.h"
#include "unit.h"

/* Laid out by hand after "Marshaling (Wire Format)". */
static void test_call(void **state)
{
	static const uint8_t bytes[] = {
		'l', 1, 0,   1, 10,  0,   0,   0,   7,   0,   0,   0, 55, 0, 0, 0, /* head */
		1,   1, 'o', 0, 2,   0,   0,   0,   '/', 'p', 0,   0, 0,  0, 0, 0, /* path */
		2,   1, 's', 0, 3,   0,   0,   0,   'i', '.', 'f', 0, 0,  0, 0, 0, /* interface */
		3,   1, 's', 0, 1,   0,   0,   0,   'M', 0,   0,   0, 0,  0, 0, 0, /* member */
		8,   1, 'g', 0, 1,   's', 0,   0,           /* signature, with its padding */
		5,   0, 0,   0, 'h', 'e', 'l', 'l', 'o', 0, /* body */
	};
	BUF struct buf body = { 0 };
	BUF struct buf message = { 0 };
	struct dbus_message m;
	struct err e = { 0 };

	(void)state;
	dbus_put_string(&body, "hello");
	dbus_put_call(&message, 7, &(struct dbus_call){ "/p", "i.f", "M", "s", &body });
	assert_int_equal(message.len, sizeof(bytes));
	assert_memory_equal(message.data, bytes, sizeof(bytes));

	assert_int_equal(dbus_message_size((const uint8_t *)message.data), sizeof(bytes));
	assert_int_equal(dbus_parse(message.data, message.len, &m, &e), 0);
	assert_int_equal(m.type, DBUS_CALL);
	assert_int_equal(m.serial, 7);
	assert_int_equal(m.reply_to, 0);
	assert_string_equal(m.path, "/p");
	assert_string_equal(m.interface, "i.f");
	assert_string_equal(m.member, "M");
	assert_string_equal(m.error, "");
	assert_string_equal(m.signature, "s");
	assert_string_equal(dbus_get_string(&m.body), "hello");
	assert_false(m.body.failed);
	assert_string_equal(dbus_get_string(&m.body), "");
	assert_true(m.body.failed);
}

/* Every beginning of a message is none, and no changed byte leads out of it. */
static void test_damaged(void **state)
{
	BUF struct buf body = { 0 };
	BUF struct buf message = { 0 };

	(void)state;
	dbus_put_string(&body, "x");
	dbus_put_call(&message, 1, &(struct dbus_call){ "/path", "a.b", "M", "s", &body });
	for (size_t len = 0; len < message.len; len++) {
		FREE uint8_t *copy = malloc(len ? len : 1);
		struct dbus_message m;
		struct err e = { 0 };

		memcpy(copy, message.data, len);
		assert_int_equal(dbus_parse(copy, len, &m, &e), -1);
	}
	for (size_t i = 0; i < message.len * 256; i++) {
		FREE uint8_t *copy = malloc(message.len);
		struct dbus_message m;
		struct err e = { 0 };

		memcpy(copy, message.data, message.len);
		copy[i / 256] = (uint8_t)i;
		if (dbus_parse(copy, message.len, &m, &e) == 0)
			dbus_skip(&m.body, m.signature[0] ? m.signature : "y");
		else
			assert_int_equal(e.kind, ERR_KERNEL);
	}
}

static bool skips(const char *signature, const void *data, size_t len)
{
	struct dbus_reader r = { .data = data, .len = len };

	dbus_skip(&r, signature);
	return !r.failed && r.at == len;
}

static void test_skip(void **state)
{
	BUF struct buf b = { 0 };
	char deep[300];

	(void)state;
	assert_true(skips("y", "x", 1));
	assert_true(skips("s", "\2\0\0\0ab", 7));
	assert_true(skips("v", "\1u\0\0\1\0\0\0", 8));
	assert_true(skips("ay", "\3\0\0\0abc", 7));
	assert_true(skips("a(st)", "\0\0\0\0\0\0\0\0", 8));
	struct dbus_array array = dbus_open_array(&b, 8);
	for (int i = 0; i < 3; i++) {
		buf_align(&b, 8);
		dbus_put_string(&b, "key");
		dbus_put_signature(&b, "t");
		dbus_put_u64(&b, 7);
	}
	dbus_close_array(&b, array);
	assert_true(skips("a{sv}", b.data, b.len));
	assert_true(skips("a(sv)", b.data, b.len));

	assert_false(skips("", "x", 1));
	assert_false(skips("w", "x", 1));
	assert_false(skips("(s", "\0\0\0\0\0\0\0\0", 8));
	assert_false(skips("a()", "\x8\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)); /* for ever */
	assert_false(skips("s", "\xff\xff\xff\xff", 4));
	assert_false(skips("s", "\1\0\0\0\0\0", 6)); /* a NUL in it */
	assert_false(skips("s", "\1\0\0\0ab", 6));   /* none behind it */
	assert_false(skips("ay", "\xff\xff\xff\x7f", 4));
	assert_false(skips("au", "\3\0\0\0\1\0\0\0", 8)); /* half an element */
	assert_false(skips("yu", "", 0));
	assert_false(skips("v", "\2uu\0\1\0\0\0", 8)); /* two types */
	memset(deep, 'a', 255);
	memcpy(deep + 254, "y", 2);
	assert_false(skips(deep, "\0\0\0\0", 4));
	memset(deep, 1, sizeof(deep));
	for (size_t i = 0; i + 3 < sizeof(deep); i += 3)
		memcpy(deep + i, "\1v", 3);
	assert_false(skips("v", deep, 297));
}

/* A length that another byte order, or a liar, would give. */
static void test_sizes(void **state)
{
	static const struct {
		uint8_t head[DBUS_HEAD + 1];
		size_t size;
	} cases[] = {
		{ "l\2\0\1\0\0\0\0\1\0\0\0\0\0\0\0", 16 },
		{ "l\2\0\1\1\0\0\0\1\0\0\0\1\0\0\0", 25 },
		{ "B\2\0\1\0\0\0\0\1\0\0\0\0\0\0\0", 0 },
		{ "l\2\0\2\0\0\0\0\1\0\0\0\0\0\0\0", 0 },
		{ "l\2\0\1\xff\xff\xff\xff\1\0\0\0\0\0\0\0", 0 },
		{ "l\2\0\1\0\0\0\0\1\0\0\0\xff\xff\xff\xff", 0 },
		{ "l\2\0\1\0\0\x40\0\1\0\0\0\0\0\x40\0", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		assert_int_equal(dbus_message_size(cases[i].head), cases[i].size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
