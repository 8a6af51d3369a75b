/* SPDX-License-Identifier: Apache-2.0 */
/* What the thread between a guest's agent and the commands does: create, start, streams,
 * signals, requests, and what each failure says to whom. */
#include <linux/securebits.h>

#include "vm_talk.h"

static void test_run(void **state)
{
	sigset_t blocked;
	struct frame f;

	(void)state;
	if (!vm_possible())
		skip();
	begin("\"sh\",\"-c\",\"echo out; echo err >&2; cat; exit 7\"");
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_true(sigismember(&blocked, SIGXFSZ)); /* or a guest's long file ends the monitor */
	expect_ready();
	say(fixture.launcher, FRAME_START);
	assert_int_equal(hear(fixture.launcher, &f), 0);
	expect_text(fixture.out, "out\n");
	expect_text(fixture.err, "err\n");
	assert_int_equal(write(fixture.in, "through cat", 11), 11);
	expect_text(fixture.out, "through cat");
	fd_drop(&fixture.in);
	end();
	assert_true(talk.finished);
	assert_int_equal(talk.status, 7);
}

/* Keys are the guest's terminal's business, and the size is told when it changes. */
static void test_terminal(void **state)
{
	const struct winsize size = { .ws_row = 33, .ws_col = 44 };

	(void)state;
	if (!vm_possible())
		skip();
	begin_with(
		&(const struct vm_config){
			.args = "\"sh\",\"-c\",\"trap 'exit 9' INT; stty -echo; stty size; "
				"read x; stty size; echo got $x; read y\"",
			.process = "\"consoleSize\":{\"height\":10,\"width\":20}",
			.terminal = true },
		false);
	start();
	expect_text(fixture.out, "10 20\r\n");
	assert_int_equal(ioctl(fixture.in, TIOCSWINSZ, &size), 0);
	assert_int_equal(syscall(SYS_kill, getpid(), SIGWINCH), 0);
	assert_int_equal(write(fixture.in, "abc\n", 4), 4);
	expect_text(fixture.out, "33 44\r\ngot abc\r\n");
	assert_int_equal(write(fixture.in, "\003", 1), 1);
	end();
	assert_true(talk.finished);
	assert_int_equal(talk.status, 9);
}

/* One that is shown on our own terminal, which adds carriage returns; then it is gone. */
static void test_terminal_hangs_up(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin_with(
		&(const struct vm_config){
			.args = "\"sh\",\"-c\",\"trap 'exit 3' HUP; echo one; echo two; while :; "
				"do sleep 0.1; done\"",
			.terminal = true },
		true);
	start();
	expect_text(fixture.out, "one\ntwo\n");
	fd_drop(&fixture.in);
	fd_drop(&fixture.out);
	end();
	assert_true(talk.finished);
	assert_int_equal(talk.status, 3);
}

/* The program ends as it does when its pipe is one of the host's. */
static void test_nobody_reads(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin("\"sh\",\"-c\",\"echo line; read x; while echo line; do :; done 2>/dev/null; "
	      "exit 4\"");
	start();
	expect_text(fixture.out, "line\n");
	fd_drop(&fixture.out);
	assert_int_equal(write(fixture.in, "\n", 1), 1);
	end();
	assert_true(talk.finished);
	assert_int_equal(talk.status, 4); /* the signal is nothing to the first process */
}

/* A signal is passed on while the output of the program waits for somebody to read it. */
static void test_output_waits(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin("\"sh\",\"-c\",\"trap 'echo asked >&2; kill -9 0' TERM; echo ready >&2; "
	      "(while :; do cat /bin/busybox; done) & wait\"");
	start();
	expect_text(fixture.err, "ready\n");
	until_full(fixture.out);
	assert_int_equal(syscall(SYS_kill, getpid(), SIGTERM), 0);
	expect_text(fixture.err, "asked\n");
	fd_drop(&fixture.out);
	end();
}

static void test_create_and_start(void **state)
{
	struct frame f;

	(void)state;
	if (!vm_possible())
		skip();
	begin("\"sh\",\"-c\",\"trap \\\"exit 5\\\" TERM; echo started; while :; do sleep 0.1; done\"");
	expect_ready();
	say(fixture.launcher, FRAME_GO);
	assert_int_equal(hear(fixture.launcher, &f), 0);
	/* who asks whether it has been started connects, and says nothing */
	FD int asked = connect_to(fixture.path);
	assert_true(asked >= 0);
	fd_drop(&asked);
	FD int starter = connect_to(fixture.path);
	assert_true(starter >= 0);
	say(starter, FRAME_START);
	assert_int_equal(hear(starter, &f), 0);
	expect_text(fixture.out, "started\n");
	assert_int_equal(connect_to(fixture.path), -1);
	/* a signal to the process is one for the container */
	assert_int_equal(syscall(SYS_kill, getpid(), SIGTERM), 0);
	end();
	assert_true(talk.finished);
	assert_int_equal(talk.status, 5);
}

/* In the place of the disk is a tmpfs, which asks for no device. Before the end the guest is
 * asked to write it out, and only where there can be something. */
static void test_image(void **state)
{
	static const bool read_only[] = { false, true };

	(void)state;
	if (!vm_possible())
		skip();
	for (size_t i = 0; i < LEN(read_only); i++) {
		given_image = (struct vm_image){ .type = "tmpfs", .disk.read_only = read_only[i] };
		begin("\"sh\",\"-c\",\"echo runs; exit 6\"");
		start();
		expect_text(fixture.out, "runs\n");
		end();
		assert_true(talk.image_told);
		assert_true(talk.finished);
		assert_int_equal(talk.status, 6);
		assert_int_equal(talk.settle != 0, !read_only[i]);
	}
	given_image = (struct vm_image){ 0 };
}

static void test_bad_image(void **state)
{
	struct frame f;
	struct err e = { 0 };

	(void)state;
	if (!vm_possible())
		skip();
	given_image = (struct vm_image){ .type = "nosuchfs" };
	begin("\"true\"");
	given_image = (struct vm_image){ 0 };
	assert_int_equal(hear(fixture.launcher, &f), FRAME_ERROR);
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_string_equal(e.text, "vm.image.path: mount nosuchfs at /run/image: no such device");
	assert_string_equal(e.pointer, "/vm/image/path");
	end();
	assert_false(talk.finished);
}

static void test_failures(void **state)
{
	struct frame f;
	struct err e = { 0 };

	(void)state;
	if (!vm_possible())
		skip();
	begin("\"nosuch\"");
	assert_int_equal(hear(fixture.launcher, &f), FRAME_ERROR);
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_non_null(strstr(e.text, "executable file not found in $PATH"));
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.phase, "executable");
	assert_string_equal(e.pointer, "/process/args");
	end();
	assert_false(talk.finished);

	begin("\"/bin/broken\"");
	expect_ready();
	say(fixture.launcher, FRAME_START);
	assert_int_equal(hear(fixture.launcher, &f), FRAME_ERROR);
	e = (struct err){ 0 };
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_int_equal(e.kind, ERR_EXEC);
	end();
	assert_false(talk.finished);
}

/* What warns in the guest is heard by who waits, before the answer. */
static void test_warnings(void **state)
{
	static const struct vm_config config = {
		.args = "\"true\"",
		.process =
			"\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],"
			"\"inheritable\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]}",
	};
	struct frame f;

	(void)state;
	if (!vm_possible())
		skip();
	vm_securebits = SECBIT_NO_CAP_AMBIENT_RAISE;
	begin_with(&config, false);
	vm_securebits = 0;
	assert_int_equal(hear(fixture.launcher, &f), FRAME_WARNING);
	assert_string_equal(f.text, "ambient capability 5");
	start();
	end();
	assert_true(talk.finished);
}

/* What does not fit is cut at the end of the text, and left out of the rest. */
static void test_error_in_a_frame(void **state)
{
	struct err e = { .kind = ERR_SPEC,
		         .sys = EINVAL,
		         .text = "a text",
		         .hint = "a hint",
		         .phase = "mount",
		         .pointer = "/mounts/1" };
	struct err back = { 0 };
	struct frame f;

	(void)state;
	vm_frame_error(&f, &e);
	assert_int_equal(vm_frame_read_error(&f, &back), -1);
	assert_int_equal(back.kind, ERR_SPEC);
	assert_int_equal(back.sys, EINVAL);
	assert_string_equal(back.text, "a text");
	assert_string_equal(back.hint, "a hint");
	assert_string_equal(back.phase, "mount");
	assert_string_equal(back.pointer, "/mounts/1");
	for (size_t len = FRAME_TEXT_MAX - 40; len < FRAME_TEXT_MAX + 5; len++) {
		memset(e.text, 'x', len);
		e.text[len] = '\0';
		vm_frame_error(&f, &e);
		back = (struct err){ 0 };
		assert_int_equal(vm_frame_read_error(&f, &back), -1);
		assert_int_equal(strlen(back.text),
		                 len < FRAME_TEXT_MAX ? len : FRAME_TEXT_MAX - 1);
		assert_true(strcmp(back.pointer, e.pointer) == 0 || !back.pointer[0]);
		assert_true(strcmp(back.phase, e.phase) == 0 || !back.phase[0]);
		assert_true(strcmp(back.hint, e.hint) == 0 || !back.hint[0]);
	}
	/* a monitor that says what it likes */
	memset(f.text, 'y', sizeof(f.text));
	assert_int_equal(vm_frame_read_error(&f, &back), -1);
	assert_string_equal(back.text, "");
}

/* An interface that the guest has not got: whoever creates hears of it, and no container is. */
static void test_network(void **state)
{
	struct vm_net net = { .count = 1 };
	const struct agent_link link = { .head.type = AGENT_NETCFG,
		                         .mac = { 2, 0xfe, 1, 2, 3, 4 },
		                         .mtu = 1500,
		                         .name = "eth9" };
	struct err e = { 0 };
	struct frame f;

	(void)state;
	if (!vm_possible())
		skip();
	buf_add(&net.message[0], &link, sizeof(link));
	given_net = &net;
	begin("\"true\"");
	given_net = NULL;
	assert_int_equal(hear(fixture.launcher, &f), FRAME_ERROR);
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_non_null(strstr(e.text, "the guest has no interface for eth9"));
	end();
	assert_false(talk.finished);
	buf_done(&net.message[0]);
}

/* One that has come before START: a place for its device, then the guest is told, which here has
 * no such device. */
static void test_interface_comes(void **state)
{
	struct vm_net net = { .count = 0, .room = 2, .setup = { { .tap = 40 }, { .tap = 41 } } };
	static struct vm_newcomer c = {
		.frame.type = FRAME_NETWORK,
		.index = 7,
		.tap = 8,
		.link = { .head.type = AGENT_NETCFG,
		          .mac = { 2, 0xfe, 1, 2, 3, 4 },
		          .mtu = 1400,
		          .addresses = AGENT_ADDRESSES_MAX,
		          .routes = AGENT_ROUTES_MAX,
		          .name = "eth9" },
	};
	const size_t len = sizeof(c); /* more than a START's */
	struct vm_places p;
	struct frame f;
	struct err e = { 0 };

	(void)state;
	if (!vm_possible())
		skip();
	memset(c.more, AF_INET, sizeof(c.more));
	given_net = &net;
	begin("\"true\"");
	given_net = NULL;
	expect_ready();
	say(fixture.launcher, FRAME_GO);
	assert_int_equal(hear(fixture.launcher, &f), 0);
	FD int first = connect_to(fixture.path);
	say(first, FRAME_NETWORK);
	assert_int_equal(hear(first, &f), FRAME_NETWORK);
	memcpy(&p, f.text, sizeof(p));
	assert_int_equal(p.known_count, 0);
	assert_int_equal(p.free_count, 2);
	assert_int_equal(p.free[0], 40);
	assert_int_equal(p.free[1], 41);
	/* of no shape: refused, and nothing of it is kept */
	assert_int_equal(send(first, &c, len - 1, MSG_NOSIGNAL), len - 1);
	assert_int_equal(hear(first, &f), FRAME_ERROR);
	assert_int_equal(hear(first, &f), 0);
	FD int second = connect_to(fixture.path);
	assert_int_equal(send(second, &c, len, MSG_NOSIGNAL), len);
	assert_int_equal(hear(second, &f), FRAME_ERROR);
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_non_null(strstr(e.text, "the guest has no interface for eth9"));
	end();
	assert_memory_equal(&talk.newcomer, &c, sizeof(c));
	assert_false(talk.finished);
	assert_int_equal(net.count, 1);
	assert_int_equal(net.setup[0].mtu, 1400);
	assert_memory_equal(net.setup[0].mac, c.link.mac, NET_MAC);
	vm_net_tell(&net, &f);
	memcpy(&p, f.text, sizeof(p));
	assert_int_equal(p.known_count, 2);
	assert_int_equal(p.known[0], 7);
	assert_int_equal(p.known[1], 8);
	assert_int_equal(p.free_count, 1);
	assert_int_equal(p.free[0], 41);
}

static void test_launcher_dies(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin("\"sleep\",\"1000\"");
	expect_ready();
	fd_drop(&fixture.launcher);
	end();
	assert_false(talk.finished);
}

/* --- commands ------------------------------------------------------------------------------- */

static void send_packet(int fd, uint16_t kind, const void *data, size_t len)
{
	uint8_t packet[4096] = { 0 };
	const struct vm_packet_head head = { .kind = kind };

	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), data, len);
	assert_int_equal(send(fd, packet, sizeof(head) + len, MSG_NOSIGNAL), sizeof(head) + len);
}

static void ask(int fd, const void *message, size_t len)
{
	send_packet(fd, VM_MESSAGE, message, len);
}

static void ask_signal(int fd, int signal, uint32_t flags)
{
	const struct agent_signal m = {
		.head = { .type = AGENT_SIGNAL, .process = AGENT_CONTAINER },
		.signal = (uint32_t)signal,
		.flags = flags,
	};

	ask(fd, &m, sizeof(m));
}

/* The type of the reply, 0 at the end; its first text is in `text`. */
static unsigned int told(int fd, char text[512])
{
	static uint8_t packet[VM_PACKET_MAX];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct vm_packet_head head;
	struct agent_head m;

	assert_int_equal(poll(&p, 1, VM_AGENT_PATIENCE_MS), 1);
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	if (n <= 0)
		return 0;
	memcpy(&head, packet, sizeof(head));
	assert_int_equal(head.kind, VM_MESSAGE);
	assert_null(agent_check(AGENT_GUEST, 1, packet + sizeof(head), (size_t)n - sizeof(head)));
	memcpy(&m, packet + sizeof(head), sizeof(m));
	if (m.type == AGENT_FAILED)
		(void)snprintf(text, 512, "%.511s",
		               (char *)packet + sizeof(head) + sizeof(struct agent_failed));
	return m.type;
}

static void test_commands(void **state)
{
	static const struct agent_ps ps = { .head.type = AGENT_PS };
	static const struct agent_head shutdown_request = { .type = AGENT_SHUTDOWN };
	char text[512];

	(void)state;
	if (!vm_possible())
		skip();
	begin_started();
	FD int one = command();
	FD int other = command();
	ask_signal(one, SIGUSR1, 0);
	assert_int_equal(told(one, text), AGENT_DONE);
	expect_text(fixture.out, "got\n");
	/* what the guest refuses is told as it is; here it has no group */
	ask(other, &ps, sizeof(ps));
	assert_int_equal(told(other, text), AGENT_FAILED);
	assert_string_equal(text, "the container has no cgroup");
	/* and the same connection goes on */
	ask(other, &shutdown_request, sizeof(shutdown_request));
	assert_int_equal(told(other, text), AGENT_FAILED);
	assert_string_equal(text, "the microVM takes no such request");
	ask_signal(other, 0, 0);
	assert_int_equal(told(other, text), AGENT_DONE);
	end_started();
	assert_int_equal(told(other, text), 0);
}

/* Some who say nothing, one who asks and never listens, some who talk nonsense: others are
 * answered all the same. */
static void test_commands_of_strangers(void **state)
{
	static const struct agent_head oversized[64] = { { .type = AGENT_PS } };
	static const struct agent_head plain = { .type = AGENT_PS };
	static int silent[VM_COMMANDS_MAX + 20];
	char text[512];

	(void)state;
	if (!vm_possible())
		skip();
	begin_started();
	for (size_t i = 0; i < LEN(silent); i++)
		silent[i] = command();
	FD int deaf = command();
	for (ssize_t n = 0; n >= 0;) {
		struct {
			struct vm_packet_head head;
			struct agent_signal m;
		} packet = {
			.head.kind = VM_MESSAGE,
			.m.head = { .type = AGENT_SIGNAL, .process = AGENT_CONTAINER },
		};
		struct pollfd full = { .fd = deaf, .events = POLLOUT };

		n = send(deaf, &packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			n = poll(&full, 1, VM_AGENT_PATIENCE_MS); /* until it is dropped */
	}
	FD int talks = command();
	ask(talks, oversized, sizeof(oversized));
	assert_int_equal(told(talks, text), 0);
	FD int brief = command();
	assert_int_equal(send(brief, "x", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(told(brief, text), 0);
	FD int other = command();
	send_packet(other, VM_END + 1, &plain, sizeof(plain));
	assert_int_equal(told(other, text), 0);

	FD int last = command();
	ask_signal(last, 0, 0);
	assert_int_equal(told(last, text), AGENT_DONE);
	for (size_t i = 0; i < LEN(silent); i++)
		fd_drop(&silent[i]);
	end_started();
}

/* Who connects to start it and says nothing keeps nobody from that. */
static void test_start_beside_the_silent(void **state)
{
	int silent[VM_TALK_KNOCKING + 2];
	struct frame f;

	(void)state;
	if (!vm_possible())
		skip();
	begin("\"true\"");
	expect_ready();
	say(fixture.launcher, FRAME_GO);
	assert_int_equal(hear(fixture.launcher, &f), 0);
	for (size_t i = 0; i < LEN(silent); i++)
		silent[i] = connect_to(fixture.path);
	FD int starter = connect_to(fixture.path);
	assert_true(starter >= 0);
	say(starter, FRAME_START);
	assert_int_equal(hear(starter, &f), 0);
	for (size_t i = 0; i < LEN(silent); i++)
		fd_drop(&silent[i]);
	end();
	assert_true(talk.finished);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_terminal_hangs_up),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_output_waits),
		cmocka_unit_test(test_create_and_start),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_bad_image),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_error_in_a_frame),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_interface_comes),
		cmocka_unit_test(test_launcher_dies),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_commands_of_strangers),
		cmocka_unit_test(test_start_beside_the_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
