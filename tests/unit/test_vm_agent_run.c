/* SPDX-License-Identifier: Apache-2.0 */
/* Containers and execs by the guest's agent, without a guest (vm_agent.h). */
#include <errno.h>

#include "vm_agent.h"

static struct vm_agent_seen *container(void)
{
	return &vm.seen[AGENT_CONTAINER];
}

static void a_container_runs_and_ends(void **unused)
{
	(void)unused;
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, AGENT_HAS_ALL,
	                .args = "\"sh\",\"-c\",\"cat; hostname; echo $$ >&2; exit 3\""));
	assert_true(vm.reply.value > 1);
	assert_false(container()->exited);
	assert_int_equal(agent_client_input(vm.client, AGENT_CONTAINER, "hello\n", 6), 6);
	agent_client_input_end(vm.client, AGENT_CONTAINER);
	vm_ok(agent_client_start(vm.client, ""));
	VM_UNTIL(container()->finished);
	assert_int_equal(container()->status, 3);
	assert_int_equal(container()->signal, 0);
	assert_string_equal(container()->out[0], "hello\nguest\n");
	assert_string_equal(container()->out[1], "1\n"); /* in a pid namespace of its own */
	/* and another one, in the same guest */
	agent_client_forget(vm.client, AGENT_CONTAINER);
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"true\""));
	vm_ok(agent_client_start(vm.client, ""));
	VM_UNTIL(container()->finished);
	assert_int_equal(container()->status, 0);
}

static void one_that_was_created_can_be_ended(void **unused)
{
	(void)unused;
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"true\""));
	vm_ok(agent_client_signal(vm.client, AGENT_CONTAINER, SIGTERM, 0));
	VM_UNTIL(container()->finished);
	assert_int_equal(container()->status, 128 + SIGTERM);
	vm_fails(agent_client_start(vm.client, ""), ERR_STATE, "");
}

static void what_cannot_be_executed_is_told(void **unused)
{
	(void)unused;
	vm_fails(VM_LAUNCH(AGENT_CONTAINER, AGENT_HAS_ALL, .args = "\"nothing\""), ERR_SPEC,
	         "executable file not found in $PATH");
	assert_null(agent_client_find(vm.client, AGENT_CONTAINER));
	/* this one is only found out by START */
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, AGENT_HAS_ALL, .args = "\"broken\""));
	vm_fails(agent_client_start(vm.client, ""), ERR_EXEC, "exec format error");
	VM_UNTIL(container()->finished);
	assert_int_not_equal(container()->status, 0);
}

static void execs_come_and_go(void **unused)
{
	(void)unused;
	vm_run_waiting();
	vm_ok(VM_LAUNCH(2, AGENT_HAS_STDOUT, .args = "\"sh\",\"-c\",\"hostname; exit 7\""));
	VM_UNTIL(vm.seen[2].finished);
	assert_int_equal(vm.seen[2].status, 7);
	assert_string_equal(vm.seen[2].out[0], "guest\n");
	vm_fails(VM_LAUNCH(3, AGENT_HAS_ALL, .args = "\"nothing\""), ERR_SPEC, "not found");
	assert_null(agent_client_find(vm.client, 3));
	/* many at once */
	for (uint32_t i = 10; i < 40; i++)
		vm_ok(VM_LAUNCH(i, AGENT_HAS_ALL, .args = "\"cat\""));
	for (uint32_t i = 10; i < 40; i++) {
		assert_int_equal(agent_client_input(vm.client, i, "x", 1), 1);
		agent_client_input_end(vm.client, i);
	}
	for (uint32_t i = 10; i < 40; i++) {
		VM_UNTIL(vm.seen[i].finished);
		assert_int_equal(vm.seen[i].len[0], 1);
		assert_int_equal(vm.seen[i].status, 0);
	}
	assert_false(container()->exited);
	vm_ok(agent_client_signal(vm.client, AGENT_CONTAINER, SIGKILL, 0));
	VM_UNTIL(container()->finished);
	assert_int_equal(container()->signal, SIGKILL);
	assert_int_equal(container()->status, 128 + SIGKILL);
	vm_fails(VM_LAUNCH(50, 0, .args = "\"true\""), ERR_STATE, "not running");
}

static void output_that_nobody_reads_holds_up_nothing(void **unused)
{
	const size_t all = 3000000;

	(void)unused;
	vm_run_waiting();
	vm.greedy = false;
	vm_ok(VM_LAUNCH(2, AGENT_HAS_STDOUT, .args = "\"head\",\"-c\",\"3000000\",\"/dev/zero\""));
	VM_UNTIL(vm.seen[2].len[0] == CHANNEL_WINDOW);
	/* another's goes on meanwhile */
	vm_ok(VM_LAUNCH(3, AGENT_HAS_STDOUT, .args = "\"echo\",\"hi\""));
	VM_UNTIL(vm.seen[3].finished);
	assert_int_equal(vm.seen[2].len[0], CHANNEL_WINDOW);
	assert_false(vm.seen[2].exited);
	vm.greedy = true;
	agent_client_consumed(vm.client, 2, AGENT_STDOUT, CHANNEL_WINDOW);
	VM_UNTIL(vm.seen[2].finished);
	assert_int_equal(vm.seen[2].len[0], all);
}

static void input_waits_in_the_guest_too(void **unused)
{
	static uint8_t data[8192];
	const size_t all = 1 << 20;
	size_t sent = 0;

	(void)unused;
	vm_run_waiting();
	vm_ok(VM_LAUNCH(2, AGENT_HAS_STDIN | AGENT_HAS_STDOUT,
	                .args = "\"sh\",\"-c\",\"echo; cat\""));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = '.';
	while (sent < all) {
		sent += agent_client_input(vm.client, 2, data, sizeof(data));
		vm_pump();
	}
	agent_client_input_end(vm.client, 2);
	VM_UNTIL(vm.seen[2].finished);
	assert_int_equal(vm.seen[2].len[0], 1 + sent);
}

static void a_program_that_closes_its_input_is_told_of(void **unused)
{
	(void)unused;
	vm_run_waiting();
	vm_ok(VM_LAUNCH(2, AGENT_HAS_STDIN | AGENT_HAS_STDOUT,
	                .args = "\"sh\",\"-c\",\"exec 0</dev/null; echo closed; sleep 1000\""));
	VM_UNTIL(vm.seen[2].input_closed);
	vm_ok(agent_client_signal(vm.client, 2, SIGKILL, 0));
	VM_UNTIL(vm.seen[2].finished);
}

static void who_holds_a_pipe_open_is_not_waited_for(void **unused)
{
	(void)unused;
	vm_run_waiting();
	vm_ok(VM_LAUNCH(2, AGENT_HAS_STDOUT, .args = "\"sh\",\"-c\",\"sleep 1000 & echo mine\""));
	VM_UNTIL(vm.seen[2].finished);
	assert_string_equal(vm.seen[2].out[0], "mine\n");
	assert_false(vm.seen[2].ended[0]);
	/* and its number is free again at once */
	agent_client_forget(vm.client, 2);
	vm_ok(VM_LAUNCH(2, 0, .args = "\"true\""));
	/* who writes into it then gets a signal */
	vm_ok(VM_LAUNCH(3, AGENT_HAS_STDIN | AGENT_HAS_STDOUT | AGENT_HAS_STDERR,
	                .args = "\"sh\",\"-c\",\"(read x; echo late; echo no >&2) & echo mine\""));
	VM_UNTIL(vm.seen[3].finished);
	agent_client_forget(vm.client, 3);
	vm_ok(agent_client_plain(vm.client, AGENT_SHUTDOWN));
	vm_ends_well();
}

/* What is in the pipe when a process ends is its own, though nobody has read it yet and another
 * may write more. */
static void its_last_bytes_are_waited_for(void **unused)
{
	const size_t all = 100000;

	(void)unused;
	vm_run_waiting();
	vm.greedy = false;
	vm_ok(VM_LAUNCH(2, AGENT_HAS_STDOUT,
	                .args = "\"sh\",\"-c\",\"sleep 1000 & head -c 100000 /dev/zero\""));
	VM_UNTIL(vm.seen[2].exited && vm.seen[2].len[0] == CHANNEL_WINDOW);
	assert_false(vm.seen[2].finished);
	vm.greedy = true;
	agent_client_consumed(vm.client, 2, AGENT_STDOUT, CHANNEL_WINDOW);
	VM_UNTIL(vm.seen[2].finished);
	assert_int_equal(vm.seen[2].len[0], all);
	assert_false(vm.seen[2].ended[0]);
}

/* Whoever starts it waits for a hook, and holds no pipe of others open meanwhile. */
static void a_start_that_takes_long_holds_up_nothing(void **unused)
{
	uint32_t request;

	(void)unused;
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"sleep\",\"1000\"",
	                .top = "\"hooks\":{\"startContainer\":[{\"path\":\"/bin/sleep\","
	                       "\"args\":[\"sleep\",\"1000\"]}]}"));
	vm_ok(VM_LAUNCH(2, AGENT_HAS_ALL, .args = "\"cat\""));
	request = agent_client_start(vm.client, "{\"ociVersion\":\"1.2.0\"}");
	assert_true(request > 0);
	vm_fails(agent_client_start(vm.client, ""), ERR_STATE, "already running");
	agent_client_input_end(vm.client, 2);
	VM_UNTIL(vm.seen[2].finished);
	assert_int_equal(vm.seen[2].status, 0);
	/* killed before its program: the start has an answer, and then its end is told */
	vm_ok(agent_client_signal(vm.client, AGENT_CONTAINER, SIGKILL, 0));
	VM_UNTIL(container()->exited);
	assert_int_equal(vm.answered, request);
	assert_int_equal(container()->signal, SIGKILL);
}

static void terminals_have_a_size_and_a_line(void **unused)
{
	(void)unused;
	vm_ok(VM_LAUNCH(
		AGENT_CONTAINER, AGENT_HAS_STDIN | AGENT_HAS_STDOUT, .terminal = true,
		.args = "\"sh\",\"-c\",\"stty size; read x; stty size; echo got $x; trap 'exit 9' INT; echo set; read y\"",
		.process = "\"consoleSize\":{\"height\":10,\"width\":20}"));
	vm_ok(agent_client_start(vm.client, ""));
	VM_UNTIL(strstr(container()->out[0], "10 20\r\n"));
	vm_ok(agent_client_resize(vm.client, AGENT_CONTAINER, 33, 44));
	assert_int_equal(agent_client_input(vm.client, AGENT_CONTAINER, "abc\n", 4), 4);
	VM_UNTIL(strstr(container()->out[0], "set\r\n"));
	assert_non_null(strstr(container()->out[0], "got abc\r\n"));
	assert_non_null(strstr(container()->out[0], "33 44\r\n"));
	/* a control character is a signal by the terminal's own rules */
	assert_int_equal(agent_client_input(vm.client, AGENT_CONTAINER, "\003", 1), 1);
	VM_UNTIL(container()->finished);
	assert_true(container()->ended[0]);
	assert_int_equal(container()->status, 9);
}

int main(int argc, char **argv)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, vm_agent_start, vm_agent_stop)
	const struct CMUnitTest tests[] = {
		CASE(a_container_runs_and_ends),
		CASE(one_that_was_created_can_be_ended),
		CASE(what_cannot_be_executed_is_told),
		CASE(execs_come_and_go),
		CASE(output_that_nobody_reads_holds_up_nothing),
		CASE(input_waits_in_the_guest_too),
		CASE(a_program_that_closes_its_input_is_told_of),
		CASE(who_holds_a_pipe_open_is_not_waited_for),
		CASE(its_last_bytes_are_waited_for),
		CASE(a_start_that_takes_long_holds_up_nothing),
		CASE(terminals_have_a_size_and_a_line),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
