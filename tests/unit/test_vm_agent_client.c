/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of the agent's protocol, against a guest that is played here, and lies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/agent_client.h"

static struct agent_client *c;
static struct channel *guest;

/* what the host's side was told */
static struct {
	unsigned int ready, replies, exited, finished, output_ended, input_closed, writable, oom;
	struct agent_reply reply;
	size_t output;
	char warning[32], release[32];
	int status;
} seen;

/* what came to the guest */
static struct {
	uint32_t request;
	uint8_t message[CHANNEL_PAYLOAD_MAX];
	size_t message_len;
	size_t plan, input;
	unsigned int ends;
	bool lazy;
} got;

static void on_ready(void *owner, const struct agent_ready *r, const char *release)
{
	(void)owner;
	seen.ready += r->processors;
	(void)snprintf(seen.release, sizeof(seen.release), "%s", release);
}

static void on_replied(void *owner, uint32_t request, const struct agent_reply *reply)
{
	(void)owner;
	(void)request;
	seen.replies++;
	seen.reply = *reply;
}

static void on_output(void *owner, uint32_t process, enum agent_stream which, const uint8_t *data,
                      size_t len)
{
	(void)owner;
	(void)data;
	seen.output += len;
	agent_client_consumed(c, process, which, (uint32_t)len);
}

static void on_output_ended(void *owner, uint32_t process, enum agent_stream which)
{
	(void)owner;
	(void)process;
	(void)which;
	seen.output_ended++;
}

static void on_writable(void *owner, uint32_t process)
{
	(void)owner;
	(void)process;
	seen.writable++;
}

static void on_input_closed(void *owner, uint32_t process)
{
	(void)owner;
	(void)process;
	seen.input_closed++;
}

static void on_exited(void *owner, uint32_t process, int status, int signal)
{
	(void)owner;
	(void)process;
	(void)signal;
	seen.exited++;
	seen.status = status;
}

static void on_finished(void *owner, uint32_t process)
{
	(void)owner;
	seen.finished++;
	agent_client_forget(c, process);
}

static void on_oom(void *owner, uint64_t kills)
{
	(void)owner;
	seen.oom += (unsigned int)kills;
}

static void on_warning(void *owner, const char *text)
{
	(void)owner;
	(void)snprintf(seen.warning, sizeof(seen.warning), "%s", text);
}

static const struct agent_client_events events = {
	.ready = on_ready,
	.replied = on_replied,
	.output = on_output,
	.output_ended = on_output_ended,
	.input_writable = on_writable,
	.input_closed = on_input_closed,
	.exited = on_exited,
	.finished = on_finished,
	.oom = on_oom,
	.warning = on_warning,
};

static void guest_message(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	(void)owner;
	assert_null(agent_check(AGENT_HOST, stream, data, len));
	got.request = stream;
	memcpy(got.message, data, len);
	got.message_len = len;
}

static void guest_data(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	(void)owner;
	(void)data;
	*(stream % AGENT_STREAMS == AGENT_PLAN ? &got.plan : &got.input) += len;
	if (!got.lazy)
		channel_consumed(guest, stream, (uint32_t)len);
}

static void guest_ended(void *owner, uint32_t stream)
{
	(void)owner;
	(void)stream;
	got.ends++;
}

static void guest_writable(void *owner, uint32_t stream)
{
	(void)owner;
	(void)stream;
}

static const struct channel_events guest_events = {
	.message = guest_message,
	.data = guest_data,
	.ended = guest_ended,
	.writable = guest_writable,
};

/* Both ways until nobody has anything to say. */
static int carry(struct err *e)
{
	const void *data;
	size_t len;

	for (;;) {
		if ((len = channel_pending(guest, &data)) > 0) {
			if (agent_client_receive(c, data, len, e) < 0)
				return -1;
			channel_sent(guest, len);
		} else if ((len = channel_pending(&c->channel, &data)) > 0) {
			assert_int_equal(channel_receive(guest, data, len), 0);
			channel_sent(&c->channel, len);
			agent_client_flush(c);
		} else {
			return 0;
		}
	}
}

static void carried(void)
{
	struct err e = { 0 };

	if (carry(&e) < 0)
		fail_msg("%s", e.text);
}

static void say(uint32_t request, const void *message, size_t len)
{
	assert_true(channel_send(guest, request, message, len));
}

static void say_ready(void)
{
	struct {
		struct agent_ready m;
		char release[8];
	} m = { { .head.type = AGENT_READY, .version = AGENT_VERSION, .processors = 2 }, "6.12.1" };

	say(0, &m, sizeof(struct agent_ready) + 7);
	carried();
}

static void say_done(uint32_t request)
{
	const struct agent_done m = { .head.type = AGENT_DONE, .value = 77 };

	say(request, &m, sizeof(m));
}

static void say_exited(uint32_t process, uint64_t output)
{
	const struct agent_exited m = {
		.head = { .type = AGENT_EXITED, .process = process },
		.status = 3,
		.output = output,
	};

	say(0, &m, sizeof(m));
}

static int make(void **unused)
{
	(void)unused;
	c = calloc(1, sizeof(*c));
	guest = calloc(1, sizeof(*guest));
	memset(&seen, 0, sizeof(seen));
	memset(&got, 0, sizeof(got));
	agent_client_init(c, &events, NULL);
	channel_init(guest, &guest_events, NULL);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	agent_client_done(c);
	free(c);
	free(guest);
	return 0;
}

static void refused(const char *rule)
{
	struct err e = { 0 };

	assert_int_equal(carry(&e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_non_null(strstr(e.text, rule));
	drop(NULL);
	make(NULL);
}

/* A process 1 that runs, with all streams open on both sides. */
static void launched(void)
{
	static char plan[200000];

	say_ready();
	for (enum agent_stream s = AGENT_PLAN; s < AGENT_STREAMS; s++)
		assert_true(channel_open(guest, agent_stream(1, s)));
	assert_true(agent_client_launch(c, AGENT_CREATE, AGENT_CONTAINER, plan, sizeof(plan),
	                                AGENT_HAS_ALL, "") > 0);
	carried();
	assert_int_equal(got.plan, sizeof(plan));
	assert_int_equal(got.ends, 1);
	say_done(got.request);
	carried();
}

static void nothing_is_asked_before_ready(void **unused)
{
	(void)unused;
	assert_int_equal(agent_client_plain(c, AGENT_PAUSE), 0);
	say_ready();
	assert_int_equal(seen.ready, 2);
	assert_string_equal(seen.release, "6.12.1");
	assert_true(agent_client_plain(c, AGENT_PAUSE) > 0);
	carried();
	say_done(got.request);
	carried();
	assert_int_equal(seen.replies, 1);
	assert_int_equal(seen.reply.type, AGENT_DONE);
}

static void a_process_lives_from_its_plan_to_its_last_byte(void **unused)
{
	(void)unused;
	launched();
	assert_int_equal(seen.reply.value, 77);
	assert_int_equal(agent_client_input(c, 1, "abc", 3), 3);
	carried();
	assert_int_equal(got.input, 3);
	agent_client_input_end(c, 1);
	assert_int_equal(channel_write(guest, agent_stream(1, AGENT_STDOUT), "hello", 5), 5);
	say_exited(1, 9);
	carried();
	assert_int_equal(seen.exited, 1);
	assert_int_equal(seen.status, 3);
	assert_int_equal(seen.finished, 0);
	assert_int_equal(channel_write(guest, agent_stream(1, AGENT_STDOUT), "more", 4), 4);
	got.ends = 0;
	carried();
	assert_int_equal(seen.finished, 1);
	assert_int_equal(seen.output, 9);
	/* both outputs were closed from here */
	assert_int_equal(got.ends, 2);
	assert_null(agent_client_find(c, 1));
}

static void the_end_of_a_stream_finishes_it_too(void **unused)
{
	(void)unused;
	launched();
	say_exited(1, UINT64_MAX);
	carried();
	assert_int_equal(seen.finished, 0);
	assert_true(channel_end(guest, agent_stream(1, AGENT_STDIN)));
	assert_true(channel_end(guest, agent_stream(1, AGENT_STDOUT)));
	carried();
	assert_int_equal(seen.finished, 1);
	assert_int_equal(seen.output_ended, 1);
	assert_int_equal(seen.input_closed, 0); /* it had exited */
}

static void input_waits_for_credit(void **unused)
{
	static uint8_t data[CHANNEL_WINDOW + 1];

	(void)unused;
	launched();
	got.lazy = true;
	assert_int_equal(agent_client_input(c, 1, data, sizeof(data)), CHANNEL_WINDOW);
	carried();
	assert_int_equal(agent_client_input(c, 1, data, 1), 0);
	channel_consumed(guest, agent_stream(1, AGENT_STDIN), CHANNEL_WINDOW);
	carried();
	assert_int_equal(seen.writable, 1);
	assert_int_equal(agent_client_input(c, 1, data, 1), 1);
	assert_true(channel_end(guest, agent_stream(1, AGENT_STDIN)));
	carried();
	assert_int_equal(seen.input_closed, 1);
}

static void an_error_comes_as_it_was(void **unused)
{
	struct {
		struct agent_failed m;
		char texts[24];
	} m = {
		{ .head.type = AGENT_FAILED, .kind = ERR_EXEC, .sys = ENOENT },
		"no file\0hint\0phase\0/",
	};

	(void)unused;
	launched();
	assert_true(agent_client_start(c, "{}") > 0);
	carried();
	say(got.request, &m, offsetof(typeof(m), texts) + 21);
	carried();
	assert_int_equal(seen.reply.type, AGENT_FAILED);
	assert_int_equal(seen.reply.err.kind, ERR_EXEC);
	assert_int_equal(seen.reply.err.sys, ENOENT);
	assert_string_equal(seen.reply.err.text, "no file");
	assert_string_equal(seen.reply.err.hint, "hint");
	assert_string_equal(seen.reply.err.phase, "phase");
	assert_string_equal(seen.reply.err.pointer, "/");
	/* one that makes no sense is still an error, and numbers that are none are not taken */
	m.m.kind = 1000;
	m.m.sys = -5;
	assert_true(agent_client_start(c, "") > 0);
	carried();
	say(got.request, &m, offsetof(typeof(m), texts) + 21);
	carried();
	assert_int_equal(seen.reply.err.kind, ERR_BUG);
	assert_int_equal(seen.reply.err.sys, 0);
}

static void a_failed_launch_leaves_nothing(void **unused)
{
	static const struct {
		struct agent_failed m;
		char texts[4];
	} m = { { .head.type = AGENT_FAILED, .kind = ERR_STATE }, "" };

	(void)unused;
	say_ready();
	for (int i = 0; i < 200; i++) {
		assert_true(agent_client_launch(c, AGENT_EXEC, 5, "plan", 4, AGENT_HAS_ALL, "") >
		            0);
		carried();
		say(got.request, &m, sizeof(struct agent_failed) + 4);
		carried();
		assert_null(agent_client_find(c, 5));
	}
	assert_int_equal(agent_client_launch(c, AGENT_EXEC, 0, "", 0, 0, ""), 0);
	assert_int_equal(agent_client_launch(c, AGENT_EXEC, AGENT_PROCESS_LAST + 1, "", 0, 0, ""),
	                 0);
}

static void requests_and_processes_have_a_bound(void **unused)
{
	(void)unused;
	say_ready();
	for (uint32_t i = 1; i <= AGENT_PROCESSES_MAX; i++) {
		uint32_t r = agent_client_launch(c, AGENT_EXEC, i, "p", 1, AGENT_HAS_ALL, "");

		assert_true(r > 0);
		assert_int_equal(agent_client_launch(c, AGENT_EXEC, i, "p", 1, 0, ""), 0);
		carried();
		say_done(r);
		carried();
	}
	assert_int_equal(agent_client_launch(c, AGENT_EXEC, 100, "p", 1, 0, ""), 0);
	for (unsigned int i = 0; i < AGENT_REQUESTS_MAX; i++)
		assert_true(agent_client_signal(c, 1, 15, 0) > 0);
	assert_int_equal(agent_client_signal(c, 1, 15, 0), 0);
	/* numbers begin again, and not with 0 or with one that waits */
	c->last_request = UINT32_MAX - 1;
	c->request[3] = (struct agent_client_request){ 0 };
	c->request[4].number = UINT32_MAX;
	assert_int_equal(agent_client_ps(c, 0), 1);
}

static void every_request_has_its_shape(void **unused)
{
	static const uint8_t entropy[AGENT_ENTROPY] = { 1 };
	const struct agent_mount mounts[] = {
		{ "virtiofs", "caisson", AGENT_SHARES, "" },
		{ "", "/a", "/b", "ro" },
	};
	const char *const files[] = { "memory.max", "max" };

	(void)unused;
	/* guest_message looks at each */
	say_ready();
	assert_true(agent_client_clock(c, 1, 2, entropy) > 0);
	assert_true(agent_client_setup(c, mounts, 2) > 0);
	assert_int_equal(agent_client_setup(c, mounts, AGENT_MOUNTS_MAX + 1), 0);
	assert_true(agent_client_resize(c, 1, 24, 80) > 0);
	assert_true(agent_client_ps(c, 5) > 0);
	assert_true(agent_client_files(c, AGENT_READ, files, 1) > 0);
	assert_int_equal(agent_client_files(c, AGENT_UPDATE, files, 1), 0);
	assert_true(agent_client_files(c, AGENT_UPDATE, files, 2) > 0);
	assert_true(agent_client_signal(c, 0, 9, AGENT_SIGNAL_ALL) > 0);
	assert_true(agent_client_plain(c, AGENT_SHUTDOWN) > 0);
	carried();
	assert_int_equal(((struct agent_head *)(void *)got.message)->type, AGENT_SHUTDOWN);
}

static void a_guest_that_lies_is_not_heard_any_more(void **unused)
{
	const struct agent_ready old = { .head.type = AGENT_READY, .version = AGENT_VERSION + 1 };
	const struct agent_oom oom = { .head.type = AGENT_OOM, .kills = 1 };
	struct agent_exited odd = { .head = { .type = AGENT_EXITED, .process = 1 }, .status = 256 };
	uint8_t ready_text[sizeof(old) + 1] = { 0 };

	(void)unused;
	memcpy(ready_text, &old, sizeof(old));
	say(0, ready_text, sizeof(ready_text));
	refused("another version");
	say(0, &oom, sizeof(oom));
	refused("before it was ready");
	say(0, "short", 5);
	refused("without a head");
	say_ready();
	say_done(1);
	refused("not asked for");
	launched();
	say_exited(2, 0);
	refused("does not run");
	launched();
	say_exited(1, 100);
	say_exited(1, 100);
	refused("does not run");
	launched();
	say(0, &odd, sizeof(odd));
	refused("status");
	launched();
	assert_int_equal(channel_write(guest, agent_stream(1, AGENT_STDIN), "x", 1), 1);
	refused("the other way");
	/* the end of a process whose plan it has not even got */
	say_ready();
	assert_true(agent_client_launch(c, AGENT_CREATE, 1, "p", 1, 0, "") > 0);
	say_exited(1, 0);
	refused("does not run");
	say_ready();
	say_done(agent_client_ps(c, 0));
	refused("not asked for");
	say_ready();
	say(0, ready_text, 0);
	refused("without a head");
}

static void events_arrive(void **unused)
{
	const struct agent_oom oom = { .head.type = AGENT_OOM, .kills = 3 };
	struct {
		struct agent_head head;
		char text[8];
	} warning = { { .type = AGENT_WARNING }, "careful" };

	(void)unused;
	say_ready();
	say(0, &oom, sizeof(oom));
	say(0, &warning, sizeof(warning));
	carried();
	assert_int_equal(seen.oom, 3);
	assert_string_equal(seen.warning, "careful");
}

/* Over a socket, with an end. */
static void a_socket_carries_it(void **unused)
{
	struct err e = { 0 };
	const void *data;
	int pair[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(agent_client_wait(c, pair[0], 0, 0, &e), -1);
	assert_non_null(strstr(e.text, "does not answer"));
	struct {
		struct agent_ready m;
		char release[8];
	} m = { { .head.type = AGENT_READY, .version = AGENT_VERSION }, "6" };
	say(0, &m, sizeof(struct agent_ready) + 2);
	size_t len = channel_pending(guest, &data);
	assert_int_equal(write(pair[1], data, len), (ssize_t)len);
	channel_sent(guest, len);
	assert_int_equal(agent_client_wait(c, pair[0], 0, -1, &e), 0);
	assert_true(agent_client_plain(c, AGENT_PAUSE) > 0);
	close(pair[1]);
	assert_int_equal(agent_client_wait(c, pair[0], 1, -1, &e), -1);
	assert_string_equal(e.text, "the guest is gone");
	close(pair[0]);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(nothing_is_asked_before_ready),
		CASE(a_process_lives_from_its_plan_to_its_last_byte),
		CASE(the_end_of_a_stream_finishes_it_too),
		CASE(input_waits_for_credit),
		CASE(an_error_comes_as_it_was),
		CASE(a_failed_launch_leaves_nothing),
		CASE(requests_and_processes_have_a_bound),
		CASE(every_request_has_its_shape),
		CASE(a_guest_that_lies_is_not_heard_any_more),
		CASE(events_arrive),
		CASE(a_socket_carries_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
