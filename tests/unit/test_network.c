/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace that a child makes while the launcher goes on. */
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runtime/launch/network.c" /* NOLINT(bugprone-suspicious-include) */
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

/* Whether the loopback device of this namespace is up: asked by a child that goes there. */
static bool loopback_is_up(int made)
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct ifreq asked = { .ifr_name = "lo" };
		int sock = setns(made, CLONE_NEWNET) == 0 ? socket(AF_UNIX, SOCK_DGRAM, 0) : -1;

		if (sock < 0 || ioctl(sock, SIOCGIFFLAGS, &asked) < 0)
			_exit(99);
		_exit(asked.ifr_flags & IFF_UP ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 99 << 8);
	return status == 0;
}

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("skipped: a network namespace: only root can make one\n");
	skip();
}

static void is_made_by_another(void **unused)
{
	ino_t before = current();
	NETWORK struct network network = { 0 };
	struct err e = { 0 };

	(void)unused;
	need_root();
	if (network_begin(&network, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(network.maker > 0);
	FD int made = network_end(&network, &e);
	if (made < 0)
		fail_msg("%s", e.text);
	assert_int_equal(network.maker, 0);
	assert_int_not_equal(inode_of(made), before);
	assert_int_equal(current(), before);
	assert_true(fcntl(made, F_GETFD) & FD_CLOEXEC);
	assert_true(loopback_is_up(made));
	/* nothing else is left of its maker */
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

/* The lowest number that is free. */
static int next_fd(void)
{
	FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd;
}

static void is_dropped(void **unused)
{
	struct network network = { 0 };
	int before = next_fd();
	struct err e = { 0 };

	(void)unused;
	need_root();
	network_drop(&network); /* none: nothing to do */
	assert_int_equal(network_begin(&network, &e), 0);
	network_drop(&network);
	assert_int_equal(network.maker, 0);
	assert_int_equal(next_fd(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
}

/* 0: refused with these words, and nothing is left open. */
static int refused(const char *words)
{
	NETWORK struct network network = { 0 };
	int before = next_fd();
	struct err e = { 0 };

	if (network_begin(&network, &e) < 0 || network_end(&network, &e) >= 0)
		return 1;
	int after = next_fd();
	if (strcmp(e.text, words) != 0 || after != before)
		return 2;
	return waitpid(-1, NULL, WNOHANG | __WALL) == -1 ? 0 : 3;
}

/* In a user namespace of our own, after something was forbidden in it. */
static void expect_refused(int (*forbid)(void), const char *words)
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || forbid() < 0)
			_exit(99);
		_exit(refused(words));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
		print_message("skipped: user namespaces are forbidden here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* a user namespace may forbid itself all network namespaces */
static int no_namespaces(void)
{
	FD int limit = open("/proc/sys/user/max_net_namespaces", O_WRONLY | O_CLOEXEC);

	return limit >= 0 && write(limit, "0", 1) == 1 ? 0 : -1;
}

/* the maker's first descriptor has no room */
static int no_descriptors(void)
{
	struct rlimit limit = { .rlim_cur = (rlim_t)next_fd(), .rlim_max = (rlim_t)next_fd() };

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static void a_limit_is_told(void **unused)
{
	(void)unused;
	expect_refused(no_namespaces, "make a network namespace: unshare: no space left on device");
}

static void its_opening_is_told(void **unused)
{
	(void)unused;
	expect_refused(no_descriptors, "open /proc/self/ns/net: too many open files");
}

/* Whoever kills it does not leave us without a word. */
static void its_death_is_told(void **unused)
{
	NETWORK struct network network = { 0 };
	struct err e = { 0 };

	(void)unused;
	need_root();
	making.fd = -1;
	making.result = 0;
	making.begun = "begin";
	network.maker = fork();
	assert_true(network.maker >= 0);
	if (network.maker == 0) {
		(void)raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(network_end(&network, &e), -1);
	assert_string_equal(e.text, "make a network namespace: its maker was killed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_made_by_another), cmocka_unit_test(is_dropped),
		cmocka_unit_test(a_limit_is_told),    cmocka_unit_test(its_opening_is_told),
		cmocka_unit_test(its_death_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
