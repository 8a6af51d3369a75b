/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that breaks the rules of the protocol, or asks at the wrong time: the agent ends the
 * guest, as it does for a host that is gone, or says what is wrong, and goes on.
 */
#include <sys/reboot.h>

#include "vm_agent.h"

static struct channel *raw;
static uint32_t requests;

static void on_message(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	(void)owner;
	assert_null(agent_check(AGENT_GUEST, stream, data, len));
}

static void on_data(void *owner, uint32_t stream, const uint8_t *data, size_t len)
{
	(void)owner;
	(void)data;
	channel_consumed(raw, stream, (uint32_t)len);
}

static void on_nothing(void *owner, uint32_t stream)
{
	(void)owner;
	(void)stream;
}

static const struct channel_events events = {
	.message = on_message,
	.data = on_data,
	.ended = on_nothing,
	.writable = on_nothing,
};

/* All of it, as long as the other end is there. */
static void put(const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = send(vm.socket, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static void flush(void)
{
	const void *data;
	size_t len = channel_pending(raw, &data);

	put(data, len);
	channel_sent(raw, len);
}

/* What it does when the guest is to end: the kernel kills a pid namespace so (reboot(2)). */
static void ends(void)
{
	struct pollfd p = { .fd = vm.socket, .events = POLLIN };
	char part[4096];

	do {
		if (poll(&p, 1, VM_AGENT_PATIENCE_MS) <= 0)
			fail_msg("it does not end");
	} while (recv(vm.socket, part, sizeof(part), 0) > 0);
	vm_ends_well();
}

static void again(void)
{
	if (vm.socket >= 0)
		fd_drop(&vm.socket);
	channel_init(raw, &events, NULL);
	requests = 0;
	vm.socket = vm_launch_agent();
}

static int start(void **state)
{
	if (!vm_possible())
		skip();
	memset(&vm, 0, sizeof(vm));
	vm.socket = -1;
	raw = calloc(1, sizeof(*raw));
	(void)state;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	free(raw);
	if (vm.socket >= 0)
		fd_drop(&vm.socket);
	if (vm.pid > 0)
		(void)vm_agent_end();
	return 0;
}

static void frame(uint32_t len, uint16_t type, uint32_t sequence, size_t given)
{
	static uint8_t payload[1 << 17];
	const struct channel_head h = { .len = len, .type = type, .sequence = sequence };

	put(&h, sizeof(h));
	put(payload, given);
}

static void broken_frames_end_the_guest(void **unused)
{
	static const struct {
		uint32_t len;
		uint16_t type;
		uint32_t sequence;
	} frames[] = {
		{ UINT32_MAX, CHANNEL_HELLO, 0 },
		{ CHANNEL_PAYLOAD_MAX + 1, CHANNEL_MESSAGE, 0 },
		{ 4, CHANNEL_HELLO, 0 },   /* version 0 */
		{ 4, CHANNEL_HELLO, 1 },   /* a sequence that begins late */
		{ 8, CHANNEL_MESSAGE, 0 }, /* before the greeting */
		{ 0, 77, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < LEN(frames); i++) {
		again();
		frame(frames[i].len, frames[i].type, frames[i].sequence,
		      frames[i].len < 100 ? frames[i].len : 100);
		ends();
	}
}

static void half_a_frame_is_waited_for_until_the_host_is_gone(void **unused)
{
	const struct agent_head pause = { .type = AGENT_PAUSE };
	const void *data;

	(void)unused;
	for (size_t cut = 0; cut < 44; cut += 5) {
		again();
		assert_true(channel_send(raw, 1, &pause, sizeof(pause)));
		assert_int_equal(channel_pending(raw, &data), 44);
		put(data, cut);
		assert_int_equal(shutdown(vm.socket, SHUT_WR), 0);
		ends();
	}
}

static void send_message(const void *message, size_t len)
{
	assert_true(channel_send(raw, ++requests, message, len));
	flush();
}

static void messages_without_a_shape_end_it(void **unused)
{
	uint8_t message[64];

	(void)unused;
	for (unsigned int type = 0; type < 8; type++) {
		static const uint16_t types[] = { 0,           AGENT_REQUEST_END, AGENT_DONE,
			                          AGENT_READY, AGENT_CLOCK,       AGENT_SIGNAL,
			                          AGENT_READ,  UINT16_MAX };

		memset(message, 1, sizeof(message));
		memcpy(message, &types[type], sizeof(types[type]));
		memset(message + 2, 0, 6);
		again();
		send_message(message, type == 6 ? 9 : 11);
		ends();
	}
	again();
	assert_true(channel_send(raw, 0, &(struct agent_head){ .type = AGENT_PAUSE }, 8));
	flush();
	ends();
}

/* Sends random bytes behind a right greeting, many times; it ends, and does not crash. */
static void noise_ends_it(void **unused)
{
	uint8_t noise[512];
	uint32_t random = 1;

	(void)unused;
	for (int i = 0; i < 20; i++) {
		again();
		flush();
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		put(noise, sizeof(noise));
		assert_int_equal(shutdown(vm.socket, SHUT_WR), 0);
		ends();
	}
}

static void data_the_wrong_way_end_it(void **unused)
{
	(void)unused;
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, AGENT_HAS_STDOUT, .args = "\"sleep\",\"1000\""));
	assert_int_equal(channel_write(&vm.client->channel, agent_stream(1, AGENT_STDOUT), "x", 1),
	                 1);
	(void)!agent_client_io(vm.client, vm.socket, &(struct err){ 0 });
	ends();
}

/* So many questions, and none of the answers read. */
static void a_host_that_does_not_listen_is_left(void **unused)
{
	const struct {
		struct agent_head head;
		char file[16];
	} read = { { .type = AGENT_READ }, "cgroup.events" };
	int room = 4096;

	(void)unused;
	again();
	assert_int_equal(setsockopt(vm.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	flush();
	for (int i = 0; i < 20000; i++) {
		struct pollfd p = { .fd = vm.socket, .events = POLLOUT };

		if (!channel_send(raw, ++requests, &read, sizeof(read.head) + 14))
			break;
		if (poll(&p, 1, 5000) <= 0 || p.revents & (POLLHUP | POLLERR))
			break;
		flush();
	}
	ends();
}

/* --- with the client, which keeps the rules, but at the wrong time ---------------------------- */

static void what_comes_at_the_wrong_time_is_refused(void **unused)
{
	(void)unused;
	vm_fails(agent_client_start(vm.client, ""), ERR_STATE, "no process 1");
	vm_fails(VM_LAUNCH(2, 0, .args = "\"true\""), ERR_STATE, "not running");
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"true\""));
	agent_client_drop(vm.client, agent_client_find(vm.client, AGENT_CONTAINER));
	vm_fails(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"true\""), ERR_STATE, "another number");
}

static void change_plan(struct buf *plan, size_t at, uint8_t value)
{
	plan->data[at] = (char)value;
}

static uint32_t launch_plan(const struct buf *plan)
{
	return agent_client_launch(vm.client, AGENT_CREATE, AGENT_CONTAINER, plan->data, plan->len,
	                           0, "");
}

static void plans_are_doubted(void **unused)
{
	BUF struct buf plan = { 0 };
	BUF struct buf exec = { 0 };
	struct plan *head;

	(void)unused;
	vm_compile(&(struct vm_config){ .args = "\"true\"" }, false, &plan);
	vm_compile(&(struct vm_config){ .args = "\"true\"" }, true, &exec);
	vm_fails(launch_plan(&exec), ERR_BUG, "a plan of the other kind");
	change_plan(&plan, 0, 'x');
	vm_fails(launch_plan(&plan), ERR_BUG, "the plan is damaged");
	change_plan(&plan, 0, 'P');
	head = (struct plan *)(void *)plan.data;
	head->preserve_fds = 1;
	vm_fails(launch_plan(&plan), ERR_BUG, "needs the host");
	head->preserve_fds = 0;
	vm_fails(agent_client_launch(vm.client, AGENT_CREATE, AGENT_CONTAINER, plan.data, 5, 0, ""),
	         ERR_BUG, "cannot be");
	vm_fails(agent_client_launch(vm.client, AGENT_CREATE, AGENT_CONTAINER, plan.data,
	                             plan.len - 8, 0, ""),
	         ERR_BUG, "damaged");
	vm_ok(launch_plan(&plan));
}

int main(void)
{
#define CASE(f)   cmocka_unit_test_setup_teardown(f, start, stop)
#define POLITE(f) cmocka_unit_test_setup_teardown(f, vm_agent_start, vm_agent_stop)
	const struct CMUnitTest tests[] = {
		CASE(broken_frames_end_the_guest),
		CASE(half_a_frame_is_waited_for_until_the_host_is_gone),
		CASE(messages_without_a_shape_end_it),
		CASE(noise_ends_it),
		POLITE(data_the_wrong_way_end_it),
		CASE(a_host_that_does_not_listen_is_left),
		POLITE(what_comes_at_the_wrong_time_is_refused),
		POLITE(plans_are_doubted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
