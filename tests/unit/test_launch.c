/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's side of the talk, with an init that has ended before it was told something. */
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/launch/launch.c" /* NOLINT(bugprone-suspicious-include) */
#include "unit.h"

/* Says why, perhaps with a packet of ours unread, and ends. */
static void end_with(int socket, bool unread)
{
	const struct frame why = { .type = FRAME_ERROR, .text = "why" };
	struct err e = { 0 };

	assert_int_equal(fd_send(socket, &why, sizeof(why), NULL, 0, &e), 0);
	if (!unread)
		assert_int_equal(recv(socket, &(struct frame){ 0 }, sizeof(struct frame), 0),
		                 sizeof(struct frame));
	assert_int_equal(close(socket), 0);
}

static void expect_last_words(bool unread)
{
	struct launch l = { .socket = -1 };
	struct err e = { 0 };
	struct frame said;
	int pair[2], fd;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	l.socket = pair[0];
	assert_int_equal(send_go(l.socket, -1, &e), 0);
	end_with(pair[1], unread);
	assert_int_equal(tell_cgroup(&l, &e), 0);
	assert_int_equal(receive_frame(l.socket, NULL, &said, &fd, &e), ONE_FRAME);
	assert_int_equal(said.type, FRAME_ERROR);
	assert_string_equal(said.text, "why");
	assert_int_equal(receive_frame(l.socket, NULL, &said, &fd, &e), END_OF_TALK);
	assert_int_equal(close(pair[0]), 0);
}

static void test_dead_before_it_was_told(void **state)
{
	(void)state;
	expect_last_words(false);
	expect_last_words(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dead_before_it_was_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
