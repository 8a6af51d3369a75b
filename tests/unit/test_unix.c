/* SPDX-License-Identifier: Apache-2.0 */
/* unix.c: sockets at paths of any length, and no waiting without end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/unix.h"
#include "unit.h"

/* A folder of our own; its path is about as long as a path may be. */
static int open_deep_folder(char *top)
{
	char name[201] = "";

	memset(name, 'd', sizeof(name) - 1);
	assert_non_null(mkdtemp(top));
	int at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(at >= 0);
	assert_int_equal(mkdirat(at, name, 0700), 0);
	int below = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(below >= 0);
	(void)close(at);
	return below;
}

static void remove_folder(const char *top)
{
	char name[201] = "";

	memset(name, 'd', sizeof(name) - 1);
	FD int at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(at, name, AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(top), 0);
}

static int accept_one(int listener)
{
	struct sockaddr_un from;
	socklen_t room = sizeof(from);

	return accept4(listener, (struct sockaddr *)&from, &room, SOCK_CLOEXEC);
}

static void both_ends(void **unused)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	char top[] = "/tmp/caisson-unix.XXXXXX", byte = 0;
	struct err e = { 0 };
	struct stat st;
	FD int dir = open_deep_folder(top);

	(void)unused;
	for (size_t i = 0; i < LEN(types); i++) {
		FD int listener = unix_listen(dir, "s", types[i], &e);
		assert_true(listener >= 0);
		assert_int_equal(fstatat(dir, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		FD int here = unix_connect(dir, "s", types[i], 1000, &e);
		FD int there = accept_one(listener);
		assert_true(here >= 0 && there >= 0);
		assert_int_equal(fcntl(here, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(fcntl(listener, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(write(here, "x", 1), 1);
		assert_int_equal(read(there, &byte, 1), 1);
		assert_int_equal(unlinkat(dir, "s", 0), 0);
	}
	remove_folder(top);
}

static void nobody_is_there(void **unused)
{
	char top[] = "/tmp/caisson-unix.XXXXXX";
	struct err e = { 0 };
	FD int dir = open_deep_folder(top);

	(void)unused;
	assert_int_equal(unix_connect(dir, "s", SOCK_STREAM, 1000, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "open socket s: no such file or directory");

	FD int listener = unix_listen(dir, "s", SOCK_STREAM, &e);
	assert_true(listener >= 0);
	/* the name is taken: nobody's socket is replaced */
	assert_int_equal(unix_listen(dir, "s", SOCK_STREAM, &e), -1);
	assert_int_equal(e.sys, EADDRINUSE);
	/* another type of socket */
	assert_int_equal(unix_connect(dir, "s", SOCK_SEQPACKET, 1000, &e), -1);
	assert_int_equal(e.sys, EPROTOTYPE);
	fd_drop(&listener);
	assert_int_equal(unix_connect(dir, "s", SOCK_STREAM, 1000, &e), -1);
	assert_int_equal(e.sys, ECONNREFUSED);
	assert_int_equal(unlinkat(dir, "s", 0), 0);
	/* a file and a folder are no sockets; a fifo holds nobody */
	assert_int_equal(mkfifoat(dir, "s", 0600), 0);
	assert_int_equal(unix_connect(dir, "s", SOCK_STREAM, 1000, &e), -1);
	assert_int_equal(e.sys, ECONNREFUSED);
	assert_int_equal(unix_connect(dir, ".", SOCK_STREAM, 1000, &e), -1);
	assert_int_equal(e.sys, ECONNREFUSED);
	assert_int_equal(unlinkat(dir, "s", 0), 0);
	remove_folder(top);
}

static void nobody_accepts(void **unused)
{
	enum { MANY = 16, PATIENCE_MS = 300 };
	char top[] = "/tmp/caisson-unix.XXXXXX";
	int waiting[MANY] = { 0 }, count = 0;
	struct err e = { 0 };
	FD int dir = open_deep_folder(top);
	FD int listener = unix_listen(dir, "s", SOCK_STREAM, &e);
	int64_t before = 0;

	(void)unused;
	while (count < MANY) {
		before = clock_ms();
		waiting[count] = unix_connect(dir, "s", SOCK_STREAM, PATIENCE_MS, &e);
		if (waiting[count] < 0)
			break;
		count++;
	}
	assert_true(count < MANY);
	assert_string_equal(e.text, "connect to s: nobody accepts the connection");
	assert_int_equal(e.kind, ERR_STATE);
	assert_in_range(clock_ms() - before, PATIENCE_MS - 50, PATIENCE_MS + 5000);
	while (count > 0)
		(void)close(waiting[--count]);
	assert_int_equal(unlinkat(dir, "s", 0), 0);
	remove_folder(top);
}

/* Who was accepted and is never read from gives up sending in time, too. */
static void nobody_reads(void **unused)
{
	static const char packet[4096];
	char top[] = "/tmp/caisson-unix.XXXXXX";
	struct err e = { 0 };
	FD int dir = open_deep_folder(top);
	FD int listener = unix_listen(dir, "s", SOCK_STREAM, &e);
	FD int here = unix_connect(dir, "s", SOCK_STREAM, 300, &e);
	FD int there = accept_one(listener);
	ssize_t n;

	(void)unused;
	assert_true(there >= 0);
	do
		n = send(here, packet, sizeof(packet), MSG_NOSIGNAL);
	while (n > 0);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(unlinkat(dir, "s", 0), 0);
	remove_folder(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(nobody_accepts),
		cmocka_unit_test(nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
