/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of the channel that speak with each other, and one that is lied to. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/channel.h"

enum { LOTS = 1 << 20 };

struct end {
	struct channel c;
	uint8_t got[LOTS];
	size_t got_len;
	unsigned int messages, ends, writable;
	uint32_t last_stream;
	bool greedy; /* takes what comes at once */
};

static struct end *a, *b;

static void keep(struct end *e, uint32_t stream, const uint8_t *data, size_t len)
{
	assert_true(e->got_len + len <= LOTS);
	if (len)
		memcpy(e->got + e->got_len, data, len);
	e->got_len += len;
	e->last_stream = stream;
}

static void on_message(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	struct end *e = owner;

	e->messages++;
	keep(e, stream, data, len);
}

static void on_data(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	struct end *e = owner;

	keep(e, stream, data, len);
	if (e->greedy)
		channel_consumed(&e->c, stream, (uint32_t)len);
}

static void on_ended(void *owner, uint32_t stream)
{
	(void)stream;
	((struct end *)owner)->ends++;
}

static void on_writable(void *owner, uint32_t stream)
{
	(void)stream;
	((struct end *)owner)->writable++;
}

static const struct channel_events events = {
	.message = on_message,
	.data = on_data,
	.ended = on_ended,
	.writable = on_writable,
};

/* Carries what waits on one side to the other, in parts of `part` bytes. */
static int carry(struct end *from, struct end *to, size_t part)
{
	const void *data;
	size_t len;
	int result = 0;

	while ((len = channel_pending(&from->c, &data)) > 0 && result == 0) {
		if (len > part)
			len = part;
		result = channel_receive(&to->c, data, len);
		channel_sent(&from->c, len);
	}
	return result;
}

static int make(void **unused)
{
	(void)unused;
	a = calloc(1, sizeof(*a));
	b = calloc(1, sizeof(*b));
	channel_init(&a->c, &events, a);
	channel_init(&b->c, &events, b);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	free(a);
	free(b);
	return 0;
}

static void messages_arrive_in_any_parts(void **unused)
{
	static const size_t parts[] = { 1, 3, 16, 17, LOTS };

	(void)unused;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		b->got_len = 0;
		assert_true(channel_send(&a->c, 7, "create", 6));
		assert_true(channel_send(&a->c, 8, "", 0));
		assert_int_equal(carry(a, b, parts[i]), 0);
		assert_memory_equal(b->got, "create", 6);
		assert_int_equal(b->got_len, 6);
		assert_int_equal(b->messages, 2 * (i + 1));
		assert_int_equal(b->last_stream, 8);
	}
}

static void a_stream_has_no_more_than_its_credit(void **unused)
{
	static uint8_t data[LOTS];

	(void)unused;
	assert_true(channel_open(&a->c, 1) && channel_open(&b->c, 1));
	assert_false(channel_open(&a->c, 1));
	size_t sent = 0;
	for (size_t n = 1, most; n > 0; sent += n) {
		most = channel_writable(&a->c, 1);
		n = channel_write(&a->c, 1, data, sizeof(data));
		assert_int_equal(n, most);
	}
	assert_int_equal(sent, CHANNEL_WINDOW);
	assert_int_equal(channel_writable(&a->c, 2), 0);
	assert_int_equal(carry(a, b, 1000), 0);
	assert_int_equal(b->got_len, CHANNEL_WINDOW);
	/* messages are not held up by that */
	assert_true(channel_send(&a->c, 9, "still", 5));
	assert_int_equal(carry(a, b, 1000), 0);
	assert_int_equal(b->messages, 1);
	channel_consumed(&b->c, 1, 10); /* too little to tell */
	assert_int_equal(carry(b, a, 1000), 0);
	assert_int_equal(channel_write(&a->c, 1, data, 1), 0);
	channel_consumed(&b->c, 1, CHANNEL_WINDOW / 2);
	assert_int_equal(carry(b, a, 1000), 0);
	assert_int_equal(a->writable, 1);
	assert_int_equal(channel_write(&a->c, 1, data, LOTS), CHANNEL_WINDOW / 2 + 10);
}

static void a_long_stream_arrives_whole(void **unused)
{
	static uint8_t data[LOTS];
	size_t sent = 0;

	(void)unused;
	for (size_t i = 0; i < LOTS; i++)
		data[i] = (uint8_t)(i * 31 >> 5);
	b->greedy = true;
	assert_true(channel_open(&a->c, 3) && channel_open(&b->c, 3));
	while (sent < LOTS) {
		size_t n = channel_write(&a->c, 3, data + sent, LOTS - sent);

		assert_true(n > 0);
		sent += n;
		assert_int_equal(carry(a, b, 777), 0);
		assert_int_equal(carry(b, a, 5), 0);
	}
	assert_int_equal(b->got_len, LOTS);
	assert_memory_equal(b->got, data, LOTS);
	assert_true(channel_end(&a->c, 3));
	assert_false(channel_end(&a->c, 3));
	assert_int_equal(channel_writable(&a->c, 3), 0);
	assert_int_equal(channel_write(&a->c, 3, data, 1), 0);
	assert_int_equal(carry(a, b, 777), 0);
	assert_int_equal(b->ends, 1);
	/* the other direction is open still */
	assert_int_equal(channel_write(&b->c, 3, data, 1), 1);
}

static void what_is_queued_is_bounded(void **unused)
{
	static uint8_t data[CHANNEL_PAYLOAD_MAX + 1];
	unsigned int count = 0;
	const void *at;

	(void)unused;
	assert_false(channel_send(&a->c, 0, data, sizeof(data)));
	while (channel_send(&a->c, 0, data, 5000))
		count++;
	assert_in_range(count, 40, CHANNEL_OUT_MAX / 5000);
	while (channel_send(&a->c, 0, data, 0))
		count++;
	/* there is room for what lets the peer go on */
	for (uint32_t i = 0; i < CHANNEL_STREAMS; i++) {
		assert_true(channel_open(&a->c, i));
		assert_int_equal(channel_write(&a->c, i, data, 5000), 0);
		channel_consumed(&a->c, i, CHANNEL_WINDOW / 2);
		assert_int_equal(a->c.stream[i].consumed, 0);
		assert_true(channel_end(&a->c, i));
	}
	assert_false(channel_open(&a->c, CHANNEL_STREAMS));
	assert_true(channel_pending(&a->c, &at) <= CHANNEL_OUT_MAX);
	/* and where there is none any more, credit waits until something was sent */
	for (int i = 0; i < 30; i++)
		channel_consumed(&a->c, 0, CHANNEL_WINDOW / 2);
	assert_true(channel_pending(&a->c, &at) <= CHANNEL_OUT_MAX);
	assert_true(a->c.stream[0].consumed > 0);
	channel_sent(&a->c, CHANNEL_OUT_MAX / 2);
	assert_int_equal(a->c.stream[0].consumed, 0);
}

static void data_of_a_stream_that_was_closed_are_dropped(void **unused)
{
	(void)unused;
	assert_true(channel_open(&a->c, 1) && channel_open(&b->c, 1));
	assert_int_equal(channel_write(&a->c, 1, "late", 4), 4);
	assert_true(channel_end(&a->c, 1));
	channel_close(&b->c, 1);
	assert_int_equal(carry(a, b, 100), 0);
	assert_int_equal(b->got_len + b->ends, 0);
	channel_close(&b->c, 99);
	channel_consumed(&b->c, 1, 1);
}

static void frame(uint32_t len, uint16_t type, uint32_t stream, uint32_t sequence, const void *data,
                  size_t data_len, const char *rule)
{
	struct channel_head h = {
		.len = len, .type = type, .stream = stream, .sequence = sequence
	};
	int result = channel_receive(&b->c, &h, sizeof(h));

	if (data_len && result == 0)
		result = channel_receive(&b->c, data, data_len);
	if (!rule) {
		assert_int_equal(result, 0);
		return;
	}
	assert_int_equal(result, -1);
	assert_string_equal(b->c.broken, rule);
	/* for good */
	assert_int_equal(channel_receive(&b->c, "", 0), -1);
	assert_false(channel_send(&b->c, 0, "x", 1));
	drop(NULL);
	make(NULL);
}

static void greet(void)
{
	assert_true(channel_open(&b->c, 1));
	assert_int_equal(carry(a, b, 100), 0);
}

static void who_breaks_a_rule_is_not_heard_any_more(void **unused)
{
	static const uint8_t data[CHANNEL_WINDOW];
	uint32_t version = 2, credit = 1;

	(void)unused;
	frame(4, CHANNEL_HELLO, 0, 0, &version, 4, "another version of the protocol");
	frame(2, CHANNEL_HELLO, 0, 0, &version, 2, "a greeting of another size");
	frame(0, CHANNEL_MESSAGE, 0, 0, NULL, 0, "no greeting");
	frame(UINT32_MAX, CHANNEL_HELLO, 0, 0, NULL, 0, "a frame is too long");
	greet();
	frame(4, CHANNEL_HELLO, 0, 1, &version, 4, "a second greeting");
	greet();
	frame(0, CHANNEL_MESSAGE, 0, 7, NULL, 0, "a frame is missing");
	greet();
	frame(0, 99, 0, 1, NULL, 0, "a frame of an unknown kind");
	greet();
	frame(4, CHANNEL_CREDIT, 1, 1, &credit, 4, "more credit than a window");
	greet();
	frame(3, CHANNEL_CREDIT, 1, 1, &credit, 3, "a credit of another size");
	greet();
	frame(1, CHANNEL_END, 1, 1, "x", 1, "an end with data");
	greet();
	frame(0, CHANNEL_END, 1, 1, NULL, 0, NULL);
	frame(0, CHANNEL_END, 1, 2, NULL, 0, "a second end");
	greet();
	frame(0, CHANNEL_END, 1, 1, NULL, 0, NULL);
	frame(1, CHANNEL_DATA, 1, 2, "x", 1, "data after their end");
	greet();
	frame(CHANNEL_PAYLOAD_MAX, CHANNEL_DATA, 1, 1, data, CHANNEL_PAYLOAD_MAX, NULL);
	frame(CHANNEL_PAYLOAD_MAX, CHANNEL_DATA, 1, 2, data, CHANNEL_PAYLOAD_MAX,
	      "more data than there was credit for");
	struct channel_head h = { .type = CHANNEL_MESSAGE, .reserved = 1, .sequence = 1 };
	greet();
	assert_int_equal(channel_receive(&b->c, &h, sizeof(h)), -1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(messages_arrive_in_any_parts),
		CASE(a_stream_has_no_more_than_its_credit),
		CASE(a_long_stream_arrives_whole),
		CASE(what_is_queued_is_bounded),
		CASE(data_of_a_stream_that_was_closed_are_dropped),
		CASE(who_breaks_a_rule_is_not_heard_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
