/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of the agent's messages: each type as it should be, then cut and bent. */
#include <string.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/protocol.h"

enum { ROOM = 20000 };

static uint8_t message[ROOM];
static size_t message_len;

static void make(uint16_t type, size_t size, const char *texts, size_t texts_len)
{
	const struct agent_head head = { .type = type, .process = 3 };

	memset(message, 0, sizeof(message));
	memcpy(message, &head, sizeof(head));
	memcpy(message + size, texts, texts_len);
	message_len = size + texts_len;
}

static const char *check(enum agent_sender sender, uint32_t request, size_t len)
{
	return agent_check(sender, request, message, len);
}

static void put_u32(size_t at, uint32_t value)
{
	memcpy(message + at, &value, sizeof(value));
}

static const struct {
	enum agent_sender sender;
	uint16_t type;
	size_t size;
	const char *texts;
	size_t texts_len;
} all[] = {
	{ AGENT_HOST, AGENT_CLOCK, sizeof(struct agent_clock), "", 0 },
	{ AGENT_HOST, AGENT_SETUP, sizeof(struct agent_setup), "", 0 },
	{ AGENT_HOST, AGENT_CREATE, sizeof(struct agent_launch), "", 1 },
	{ AGENT_HOST, AGENT_START, sizeof(struct agent_head), "{}", 3 },
	{ AGENT_HOST, AGENT_EXEC, sizeof(struct agent_launch), "a", 2 },
	{ AGENT_HOST, AGENT_SIGNAL, sizeof(struct agent_signal), "", 0 },
	{ AGENT_HOST, AGENT_RESIZE, sizeof(struct agent_resize), "", 0 },
	{ AGENT_HOST, AGENT_PS, sizeof(struct agent_ps), "", 0 },
	{ AGENT_HOST, AGENT_READ, sizeof(struct agent_head), "cpu.stat\0memory.max", 20 },
	{ AGENT_HOST, AGENT_UPDATE, sizeof(struct agent_head),
	  "memory.max\0"
	  "1",
	  13 },
	{ AGENT_HOST, AGENT_PAUSE, sizeof(struct agent_head), "", 0 },
	{ AGENT_HOST, AGENT_RESUME, sizeof(struct agent_head), "", 0 },
	{ AGENT_HOST, AGENT_SHUTDOWN, sizeof(struct agent_head), "", 0 },
	{ AGENT_HOST, AGENT_NETCFG, sizeof(struct agent_link), "", 0 },
	{ AGENT_HOST, AGENT_CHANGE, sizeof(struct agent_change), "memory.max\0\0", 12 },
	{ AGENT_GUEST, AGENT_DONE, sizeof(struct agent_done), "", 0 },
	{ AGENT_GUEST, AGENT_FAILED, sizeof(struct agent_failed), "text\0hint\0\0", 12 },
	{ AGENT_GUEST, AGENT_PROCESSES, sizeof(struct agent_processes), "", 0 },
	{ AGENT_GUEST, AGENT_FILES, sizeof(struct agent_head), "x\0y\0z\0", 7 },
	{ AGENT_GUEST, AGENT_READY, sizeof(struct agent_ready), "6.12", 5 },
	{ AGENT_GUEST, AGENT_EXITED, sizeof(struct agent_exited), "", 0 },
	{ AGENT_GUEST, AGENT_OOM, sizeof(struct agent_oom), "", 0 },
	{ AGENT_GUEST, AGENT_WARNING, sizeof(struct agent_head), "!", 2 },
};

/* The number under which the Nth goes, and one under which it does not. */
static uint32_t request_of(size_t i, bool right)
{
	bool event = all[i].type >= AGENT_READY;

	return event == right ? 0 : 7;
}

static void each_type_has_one_shape(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		enum agent_sender sender = all[i].sender;
		uint32_t request = request_of(i, true);

		make(all[i].type, all[i].size, all[i].texts, all[i].texts_len);
		assert_null(check(sender, request, message_len));
		/* one text or byte more; the room behind is full of zeros */
		if (all[i].type != AGENT_READ)
			assert_non_null(check(sender, request, message_len + 1));
		for (size_t len = 0; len < message_len; len++) {
			const char *rule = check(sender, request, len);

			if (len < all[i].size)
				assert_non_null(rule);
		}
		assert_non_null(check(!sender, request, message_len));
		assert_non_null(check(sender, request_of(i, false), message_len));
		message[2] = 1;
		assert_string_equal(check(sender, request, message_len),
		                    "a reserved field is used");
	}
}

static void types_that_do_not_exist_are_refused(void **unused)
{
	(void)unused;
	for (unsigned int type = 0; type < 300; type++) {
		bool known = false;

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			known |= all[i].type == type;
		make((uint16_t)type, sizeof(struct agent_head), "", 0);
		for (int sender = 0; sender < 2 && !known; sender++) {
			assert_non_null(check(sender, 0, message_len));
			assert_non_null(check(sender, 1, message_len));
		}
	}
	make(AGENT_PAUSE, sizeof(struct agent_head), "", 0);
	put_u32(4, AGENT_PROCESS_LAST);
	assert_null(check(AGENT_HOST, 1, message_len));
	put_u32(4, AGENT_PROCESS_LAST + 1);
	assert_non_null(check(AGENT_HOST, 1, message_len));
}

static void texts_are_counted_and_read(void **unused)
{
	struct agent_texts t;

	(void)unused;
	make(AGENT_SETUP, sizeof(struct agent_setup), "virtiofs\0caisson\0/s\0", 21);
	assert_string_equal(check(AGENT_HOST, 1, message_len), "another number of texts");
	put_u32(8, 1);
	assert_null(check(AGENT_HOST, 1, message_len));
	t = agent_texts(message, message_len);
	assert_string_equal(agent_text(&t), "virtiofs");
	assert_string_equal(agent_text(&t), "caisson");
	assert_string_equal(agent_text(&t), "/s");
	assert_string_equal(agent_text(&t), "");
	assert_null(agent_text(&t));
	put_u32(8, UINT32_MAX);
	assert_non_null(check(AGENT_HOST, 1, message_len));
	message[message_len - 1] = 'x';
	assert_string_equal(check(AGENT_HOST, 1, message_len), "a text without an end");

	make(AGENT_UPDATE, sizeof(struct agent_head),
	     "memory.max\0"
	     "1\0cpu.max",
	     21);
	assert_string_equal(check(AGENT_HOST, 1, message_len), "another number of texts");
	make(AGENT_READ, sizeof(struct agent_head), "", 0);
	assert_non_null(check(AGENT_HOST, 1, message_len));
	make(AGENT_READ, sizeof(struct agent_head), (char[AGENT_FILES_MAX + 1]){ 0 },
	     AGENT_FILES_MAX);
	assert_null(check(AGENT_HOST, 1, message_len));
	assert_non_null(check(AGENT_HOST, 1, message_len + 1));
}

static void a_list_is_as_long_as_it_says(void **unused)
{
	const size_t one = sizeof(struct agent_process), head = sizeof(struct agent_processes);

	(void)unused;
	make(AGENT_PROCESSES, head, "", 0);
	put_u32(8, 2);
	assert_non_null(check(AGENT_GUEST, 1, head + one));
	assert_null(check(AGENT_GUEST, 1, head + 2 * one));
	assert_non_null(check(AGENT_GUEST, 1, head + 2 * one + 1));
	message[head + 2 * one - 1] = 'x';
	assert_non_null(check(AGENT_GUEST, 1, head + 2 * one));
	make(AGENT_PROCESSES, head, "", 0);
	put_u32(12, 2);
	assert_non_null(check(AGENT_GUEST, 1, head));
	put_u32(12, 0);
	put_u32(8, UINT32_MAX);
	assert_non_null(check(AGENT_GUEST, 1, head));
}

static void a_change_has_what_it_counts(void **unused)
{
	const size_t head = sizeof(struct agent_change), one = sizeof(struct agent_limit);
	const size_t limits = offsetof(struct agent_change, limits);
	const size_t instructions = offsetof(struct agent_change, instructions);
	struct agent_texts t;

	(void)unused;
	make(AGENT_CHANGE, head, "", 0);
	put_u32(limits, 2);
	put_u32(instructions, 3);
	assert_null(check(AGENT_HOST, 1, head + 2 * one + 24));
	assert_non_null(check(AGENT_HOST, 1, head + 2 * one + 23));
	/* a name and a value behind that */
	assert_null(check(AGENT_HOST, 1, head + 2 * one + 26));
	t = agent_texts(message, head + 2 * one + 26);
	assert_ptr_equal(t.at, message + head + 2 * one + 24);
	assert_string_equal(agent_text(&t), "");
	assert_string_equal(agent_text(&t), "");
	assert_null(agent_text(&t));
	assert_string_equal(check(AGENT_HOST, 1, head + 2 * one + 25), "another number of texts");
	message[head + 2 * one + 25] = 'x';
	assert_string_equal(check(AGENT_HOST, 1, head + 2 * one + 26), "a text without an end");
	message[head + 2 * one - 1] = 'x';
	assert_string_equal(check(AGENT_HOST, 1, head + 2 * one + 24), "a text without an end");
	make(AGENT_CHANGE, head, "", 0);
	put_u32(limits, AGENT_LIMITS_MAX + 1);
	assert_non_null(check(AGENT_HOST, 1, head + (AGENT_LIMITS_MAX + 1) * one));
	put_u32(limits, 0);
	put_u32(instructions, UINT32_MAX);
	assert_non_null(check(AGENT_HOST, 1, head));
}

static void an_interface_has_what_it_counts(void **unused)
{
	const size_t head = sizeof(struct agent_link),
		     addresses = offsetof(struct agent_link, addresses);
	const size_t routes = offsetof(struct agent_link, routes);
	const size_t name = offsetof(struct agent_link, name);
	const size_t all_of = head + 2 * sizeof(struct agent_address) + sizeof(struct agent_route);

	(void)unused;
	make(AGENT_NETCFG, head, "", 0);
	put_u32(addresses, 2);
	put_u32(routes, 1);
	assert_null(check(AGENT_HOST, 1, all_of));
	assert_non_null(check(AGENT_HOST, 1, all_of - 1));
	assert_non_null(check(AGENT_HOST, 1, all_of + 1));
	assert_non_null(check(AGENT_HOST, 1, head));
	memset(message + name, 'x', 16);
	assert_string_equal(check(AGENT_HOST, 1, all_of), "a text without an end");
	message[name + 15] = '\0';
	assert_null(check(AGENT_HOST, 1, all_of));
	/* too many, and they are there */
	put_u32(addresses, 0);
	put_u32(routes, AGENT_ROUTES_MAX + 1);
	assert_non_null(
		check(AGENT_HOST, 1, head + (AGENT_ROUTES_MAX + 1) * sizeof(struct agent_route)));
	put_u32(routes, 0);
	put_u32(addresses, AGENT_ADDRESSES_MAX + 1);
	assert_non_null(check(AGENT_HOST, 1,
	                      head + (AGENT_ADDRESSES_MAX + 1) * sizeof(struct agent_address)));
	put_u32(addresses, UINT32_MAX);
	assert_non_null(check(AGENT_HOST, 1, head));
}

static void what_is_reserved_is_zero(void **unused)
{
	static const struct {
		uint16_t type;
		size_t size, at;
	} fields[] = {
		{ AGENT_CLOCK, sizeof(struct agent_clock), offsetof(struct agent_clock, reserved) },
		{ AGENT_SETUP, sizeof(struct agent_setup), offsetof(struct agent_setup, reserved) },
		{ AGENT_RESIZE, sizeof(struct agent_resize),
		  offsetof(struct agent_resize, reserved) },
		{ AGENT_PS, sizeof(struct agent_ps), offsetof(struct agent_ps, reserved) },
		{ AGENT_NETCFG, sizeof(struct agent_link), offsetof(struct agent_link, reserved) },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		make(fields[i].type, fields[i].size, "", 0);
		put_u32(fields[i].at, 1);
		assert_string_equal(check(AGENT_HOST, 1, message_len), "a reserved field is used");
	}
}

static void streams_of_processes_do_not_meet(void **unused)
{
	(void)unused;
	assert_int_equal(agent_stream(1, AGENT_STDERR) + 1, agent_stream(2, AGENT_PLAN));
	assert_true(agent_stream(AGENT_PROCESS_LAST, AGENT_STDERR) > agent_stream(1, AGENT_PLAN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_one_shape),
		cmocka_unit_test(types_that_do_not_exist_are_refused),
		cmocka_unit_test(texts_are_counted_and_read),
		cmocka_unit_test(a_list_is_as_long_as_it_says),
		cmocka_unit_test(a_change_has_what_it_counts),
		cmocka_unit_test(an_interface_has_what_it_counts),
		cmocka_unit_test(what_is_reserved_is_zero),
		cmocka_unit_test(streams_of_processes_do_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
