/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's way into a new network namespace, and back. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/launch/network.h"
#include "unit.h"

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static ino_t current(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	return st.st_ino;
}

static void goes_there_and_back(void **unused)
{
	ino_t before = current();
	FD int home = -1, made = -1;
	struct err e = { 0 };

	(void)unused;
	if (geteuid() != 0) {
		print_message("skipped: a network namespace: only root can make one\n");
		skip();
	}
	if (network_enter(&home, &made, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(current(), inode_of(made));
	assert_int_equal(before, inode_of(home));
	assert_int_not_equal(current(), before);
	assert_int_equal(network_raise_loopback(&e), 0);
	assert_int_equal(network_leave(home, &e), 0);
	assert_int_equal(current(), before);
	assert_true(fcntl(home, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(made, F_GETFD) & FD_CLOEXEC);
}

/* 0: refused with these words, and nothing has changed. */
static int refused(const char *words)
{
	ino_t before = current();
	int home = -1, made = -1;
	struct err e = { 0 };

	if (network_enter(&home, &made, &e) == 0)
		return 1;
	return strcmp(e.text, words) != 0 || home != -1 || made != -1 || current() != before;
}

static void is_refused_where_it_was(void **unused)
{
	int status = -1;
	pid_t child = fork();

	(void)unused;
	assert_true(child >= 0);
	if (child == 0) {
		/* a user namespace of our own may forbid itself all network namespaces */
		int limit = unshare(CLONE_NEWUSER) == 0
		                    ? open("/proc/sys/user/max_net_namespaces", O_WRONLY)
		                    : -1;

		if (limit < 0 || write(limit, "0", 1) != 1)
			_exit(99);
		_exit(refused("make a network namespace: unshare: no space left on device"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
		print_message("skipped: user namespaces are forbidden here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_there_and_back),
		cmocka_unit_test(is_refused_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
