/* SPDX-License-Identifier: Apache-2.0 */
/* The life of real cgroups, below a group of this test's own. Needs root and a cgroup2
 * mount; says why where it skips. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"
#include "tests/unit/unit.h"

enum { TIMEOUT = 5000 };

static struct cgroup_facts facts;
static char top[64]; /* "/caisson-test-PID" */
static const char *why_not;

/* `suffix` below this test's own group; several results live at once. */
static const char *group(const char *suffix)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, PATH_MAX, "%s%s", top, suffix);
	return path;
}

static bool exists(const char *path)
{
	char full[PATH_MAX + 64];

	(void)snprintf(full, sizeof(full), "%s%s", facts.mount, path);
	return access(full, F_OK) == 0;
}

static int set_up(void **state)
{
	struct err e = { 0 };
	bool made;

	(void)state;
	(void)snprintf(top, sizeof(top), "/caisson-test-%d", (int)getpid());
	if (cgroup_probe(false, &facts, &e) < 0)
		why_not = "the probe fails";
	else if (facts.mode == CGROUP_NONE)
		why_not = "no cgroup2 mount";
	else if (geteuid() != 0)
		why_not = "not root";
	if (why_not)
		return 0;

	FD int fd = cgroup_create(&facts, top, 0, &made, &e);
	if (fd < 0)
		why_not = "this root may make no cgroups";
	return 0;
}

static int tear_down(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (why_not)
		return 0;
	FD int fd = cgroup_open(&facts, top, &e);
	/* a test that failed has left its children */
	if (fd >= 0 && cgroup_kill(fd, &e) == 0 && cgroup_destroy(&facts, top, TIMEOUT, &e) == 0)
		return 0;
	print_message("%s\n", e.text);
	return -1;
}

#define NEED_CGROUPS()                                           \
	do {                                                     \
		if (why_not) {                                   \
			print_message("skipped: %s\n", why_not); \
			skip();                                  \
		}                                                \
	} while (0)

static int make(const char *suffix)
{
	struct err e = { 0 };
	bool made = false;
	int fd = cgroup_create(&facts, group(suffix), 0, &made, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	assert_true(made);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	return fd;
}

static void destroy(const char *suffix)
{
	struct err e = { 0 };

	if (cgroup_destroy(&facts, group(suffix), TIMEOUT, &e) < 0)
		fail_msg("%s", e.text);
	assert_false(exists(group(suffix)));
}

/* A child born in the cgroup that sleeps until it is killed. */
static pid_t start_sleeper(int cgroup)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
		                   .exit_signal = SIGCHLD,
		                   .cgroup = (unsigned int)cgroup };
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static int reap(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static size_t count_pids(int cgroup)
{
	ARENA struct arena a;
	struct err e = { 0 };
	pid_t *pids;
	size_t count;

	arena_init(&a, 0);
	assert_int_equal(cgroup_pids(&a, cgroup, &pids, &count, &e), 0);
	for (size_t i = 0; i < count; i++)
		assert_true(pids[i] > 0);
	return count;
}

static void test_create_and_destroy(void **state)
{
	struct err e = { 0 };
	bool made = true;

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/a");
	FD int deep = make("/x/y/z");
	assert_int_equal(cgroup_is_populated(deep, &e), 0);
	assert_int_equal(cgroup_is_populated(fd, &e), 0);
	assert_int_equal(cgroup_is_frozen(fd, &e), 0);

	/* an empty one that was there is taken, and known not to be ours */
	FD int again = cgroup_create(&facts, group("/a"), 0, &made, &e);
	assert_true(again >= 0);
	assert_false(made);
	FD int opened = cgroup_open(&facts, group("/x/y/z"), &e);
	assert_true(opened >= 0);
	assert_int_equal(cgroup_open(&facts, group("/nosuch"), &e), -1);
	assert_int_equal(e.sys, ENOENT);

	destroy("/a");
	destroy("/a"); /* one that is gone is no error */
	destroy("/x"); /* with what is below */
	destroy("/never/was");
}

static void test_create_refuses_used_ones(void **state)
{
	struct err e = { 0 };
	bool made;

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/used");
	FD int below = make("/used/below");
	pid_t one = start_sleeper(fd), two = start_sleeper(below);

	assert_int_equal(cgroup_create(&facts, group("/used"), 0, &made, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_string_equal(e.text, "container's cgroup is not empty: 2 process(es) found");
	assert_true(exists(group("/used")));
	assert_int_equal(cgroup_kill(fd, &e), 0);
	assert_true(WIFSIGNALED(reap(one)));
	assert_true(WIFSIGNALED(reap(two)));

	assert_int_equal(cgroup_freeze(fd, true, TIMEOUT, &e), 0);
	assert_int_equal(cgroup_create(&facts, group("/used"), 0, &made, &e), -1);
	assert_string_equal(e.text, "container's cgroup unexpectedly frozen");
	destroy("/used");
}

/* A threaded group is for threads of a process that is above, and so are those below it. */
static void test_threaded(void **state)
{
	struct err e = { 0 };
	bool made;

	(void)state;
	NEED_CGROUPS();
	FD int above = make("/thr");
	FD int threaded = make("/thr/a");
	if (cgroup_file_write(threaded, "cgroup.type", "threaded", &e) < 0)
		fail_msg("%s", e.text);

	assert_int_equal(cgroup_create(&facts, group("/thr/a"), 0, &made, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_string_equal(e.text, "container's cgroup is not an ordinary one: its cgroup.type "
	                            "is \"threaded\"");
	assert_int_equal(cgroup_create(&facts, group("/thr"), 0, &made, &e), -1);
	assert_non_null(strstr(e.text, "\"domain threaded\""));
	assert_int_equal(cgroup_check(&facts, group("/thr/a/c"), 0, &e), -1);
	assert_non_null(strstr(e.text, "/thr/a is not an ordinary one"));
	assert_int_equal(cgroup_check(&facts, group("/thr/b"), 0, &e), -1);
	assert_non_null(strstr(e.text, "/thr is not an ordinary one"));
	e = (struct err){ 0 };
	assert_int_equal(cgroup_check(&facts, group("/other"), 0, &e), 0);
	destroy("/thr");
}

static void test_failures_leave_nothing(void **state)
{
	struct err e = { 0 };
	bool made;
	char path[PATH_MAX];

	(void)state;
	NEED_CGROUPS();
	/* the third name cannot be made: the kernel takes no newline */
	(void)snprintf(path, sizeof(path), "%s/p/q/r\n", top);
	assert_int_equal(cgroup_create(&facts, path, 0, &made, &e), -1);
	assert_int_equal(e.sys, EINVAL);
	assert_false(exists(group("/p")));

	/* one that was there stays */
	FD int there = make("/p");
	assert_true(there >= 0);
	assert_int_equal(cgroup_create(&facts, path, 0, &made, &e), -1);
	assert_false(exists(group("/p/q")));
	assert_true(exists(group("/p")));
	destroy("/p");

	/* a file is no cgroup */
	assert_int_equal(cgroup_create(&facts, group("/cgroup.procs"), 0, &made, &e), -1);
	assert_int_equal(e.sys, ENOTDIR);
}

static void test_controllers(void **state)
{
	struct err e = { 0 };
	struct cgroup_facts all = facts;
	bool made;
	char text[256];

	(void)state;
	NEED_CGROUPS();
	assert_int_equal(cgroup_probe(true, &all, &e), 0);
	for (unsigned int bit = CGROUP_CPU; bit <= CGROUP_MISC; bit <<= 1) {
		FD int fd = cgroup_create(&facts, group("/c/d"), bit, &made, &e);

		if (all.controllers & bit) {
			if (fd < 0)
				fail_msg("%s", e.text);
			assert_true(cgroup_file_read(fd, "cgroup.controllers", text, sizeof(text),
			                             &e) >= 0);
			assert_int_equal(cgroup_controllers_parse(text) & bit, bit);
			destroy("/c");
		} else {
			assert_int_equal(fd, -1);
			assert_non_null(strstr(e.text, "enable "));
			assert_string_not_equal(e.hint, "");
			assert_false(exists(group("/c")));
			e = (struct err){ 0 };
		}
	}
}

/* What no limit needs is handed down where it is to be had, and no reason to fail. */
static void test_controllers_that_only_count(void **state)
{
	struct err e = { 0 };
	struct cgroup_facts all = facts;
	bool made;
	char text[256];

	(void)state;
	NEED_CGROUPS();
	assert_int_equal(cgroup_probe(true, &all, &e), 0);

	struct cgroup_facts claimed = all;
	claimed.controllers = 2 * CGROUP_MISC - 1;
	FD int fd = cgroup_create(&claimed, group("/c/d"), 0, &made, &e);
	if (fd < 0)
		fail_msg("%s", e.text);
	assert_true(cgroup_file_read(fd, "cgroup.controllers", text, sizeof(text), &e) >= 0);
	assert_int_equal(cgroup_controllers_parse(text), all.controllers);
	destroy("/c");
}

static void test_freeze(void **state)
{
	struct err e = { 0 };
	struct cgroup_events now;

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/f");
	FD int events = cgroup_events_open(fd, &e);
	pid_t pid = start_sleeper(fd);

	for (int round = 0; round < 20; round++) {
		assert_int_equal(cgroup_freeze(fd, true, TIMEOUT, &e), 0);
		assert_int_equal(cgroup_is_frozen(fd, &e), 1);
		assert_int_equal(cgroup_events_read(events, &now, &e), 0);
		assert_true(now.frozen && now.populated);
		assert_int_equal(cgroup_freeze(fd, false, TIMEOUT, &e), 0);
		assert_int_equal(cgroup_is_frozen(fd, &e), 0);
	}
	/* a frozen one can be killed */
	assert_int_equal(cgroup_freeze(fd, true, TIMEOUT, &e), 0);
	assert_int_equal(cgroup_kill(fd, &e), 0);
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	destroy("/f");
}

static void test_signals(void **state)
{
	enum { PROCESSES = 150 }; /* more than one batch */
	struct err e = { 0 };
	pid_t pids[PROCESSES];
	pid_t outside;

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/s");
	FD int below = make("/s/t/u");
	FD int other = make("/o");
	outside = start_sleeper(other);
	for (size_t i = 0; i < PROCESSES; i++)
		pids[i] = start_sleeper(i % 2 ? fd : below);
	assert_int_equal(count_pids(fd), PROCESSES);
	assert_int_equal(count_pids(below), PROCESSES / 2);

	assert_int_equal(cgroup_signal(fd, SIGUSR1, &e), 0);
	for (size_t i = 0; i < PROCESSES; i++)
		assert_int_equal(WTERMSIG(reap(pids[i])), SIGUSR1);
	assert_int_equal(count_pids(fd), 0);
	assert_int_equal(cgroup_signal(fd, SIGUSR1, &e), 0); /* nobody: no error */
	assert_int_equal(kill(outside, 0), 0);
	destroy("/s");

	assert_int_equal(cgroup_kill(other, &e), 0);
	(void)reap(outside);
	destroy("/o");
}

/* A container can nest groups deeper than we could hold fds or a path could name. */
static void test_deep_trees(void **state)
{
	enum { DEPTH = 1500 };
	struct err e = { 0 };
	ARENA struct arena a;
	pid_t *pids;
	size_t count;

	(void)state;
	NEED_CGROUPS();
	FD int top_fd = make("/deep");
	FD int at = fcntl(top_fd, F_DUPFD_CLOEXEC, 0);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdirat(at, "n", 0755), 0);
		assert_int_equal(mkdirat(at, "sibling", 0755), 0);
		int next = openat(at, "n", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_drop(&at);
		at = next;
	}
	fd_drop(&at);

	arena_init(&a, 0);
	assert_int_equal(cgroup_pids(&a, top_fd, &pids, &count, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	if (cgroup_destroy(&facts, group("/deep"), 60000, &e) < 0)
		fail_msg("%s", e.text);
	assert_false(exists(group("/deep")));
}

static void test_destroy_waits(void **state)
{
	struct err e = { 0 };

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/w");
	FD int below = make("/w/below");
	pid_t pid = start_sleeper(below);

	assert_int_equal(cgroup_destroy(&facts, group("/w"), 50, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_non_null(strstr(e.text, "1 process(es) are still in it"));
	assert_true(exists(group("/w/below")));

	pid_t killer = fork();
	if (killer == 0) {
		(void)poll(NULL, 0, 100);
		_exit(cgroup_kill(fd, &e) < 0 ? 1 : 0);
	}
	destroy("/w");
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	assert_int_equal(reap(killer), 0);
}

/* cgroupfs takes names that no other filesystem would. */
static void test_long_names(void **state)
{
	char name[1000];
	struct err e = { 0 };
	ARENA struct arena a;
	pid_t *pids;
	size_t count;

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/l");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(mkdirat(fd, name, 0755), 0);
	arena_init(&a, 0);
	assert_int_equal(cgroup_pids(&a, fd, &pids, &count, &e), 0);
	assert_int_equal(count, 0);
	destroy("/l");
}

/* --- what a plan asks for ----------------------------------------------------------- */

static int apply_devices(int cgroup, const struct oci_device_rule *rules, size_t count,
                         struct err *e)
{
	ARENA struct arena a;
	const struct bpf_insn *program;
	size_t length;

	arena_init(&a, 0);
	TRY(cgroup_devices_compile(&a, rules, count, &program, &length, e));
	return cgroup_apply_devices(cgroup, program, (uint32_t)length, e);
}

static int apply_value(int cgroup, const char *file, const char *value, struct err *e)
{
	struct cgroup_write write = { file, value, "linux.resources.test", false };

	return cgroup_apply(cgroup, &write, 1, e);
}

static bool opens(const char *path, int flags)
{
	FD int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0;
}

/* Opens and makes devices in a child in the cgroup: a bit for each that worked. */
static int try_devices(int cgroup, const char *folder)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
		                   .exit_signal = SIGCHLD,
		                   .cgroup = (unsigned int)cgroup };
	char kmsg[PATH_MAX], made[PATH_MAX];
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		int bits = opens("/dev/null", O_RDWR) ? 1 : 0;

		(void)snprintf(kmsg, sizeof(kmsg), "%s/kmsg", folder);
		(void)snprintf(made, sizeof(made), "%s/made", folder);
		bits |= opens(kmsg, O_RDONLY) ? 2 : 0;
		bits |= opens(kmsg, O_WRONLY) ? 4 : 0;
		bits |= opens(kmsg, O_RDWR) ? 8 : 0;
		bits |= mknod(made, S_IFCHR | 0600, makedev(1, 11)) == 0 ? 16 : 0;
		(void)unlink(made);
		_exit(bits);
	}
	assert_true(pid > 0);
	return WEXITSTATUS(reap(pid));
}

static void test_device_program(void **state)
{
	/* 1:11 is /dev/kmsg, which is not among the default devices */
	static const struct oci_device_rule none[] = { { .type = 'a', .read = true } };
	static const struct oci_device_rule read_only[] = {
		{ .allow = true, .type = 'c', .major = { true, 1 }, .read = true }
	};
	char folder[] = "/tmp/caisson-test-XXXXXX", path[64];
	struct err e = { 0 };

	(void)state;
	NEED_CGROUPS();
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/kmsg", folder);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 11)) < 0) {
		print_message("skipped: mknod: %s\n", strerror(errno));
		(void)rmdir(folder);
		skip();
	}

	FD int all = make("/d0");
	FD int refusing = make("/d1");
	FD int reading = make("/d2");
	int base = try_devices(all, folder);
	if (apply_devices(refusing, none, LEN(none), &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(apply_devices(reading, read_only, LEN(read_only), &e), 0);

	int refused = try_devices(refusing, folder), read = try_devices(reading, folder);
	(void)unlink(path);
	(void)rmdir(folder);
	destroy("/d0");
	destroy("/d1");
	destroy("/d2");
	if (base != 31) {
		print_message("skipped: without rules only %d of 31 works here\n", base);
		skip();
	}
	assert_int_equal(refused, 1 | 16); /* null, and making any node */
	assert_int_equal(read, 1 | 2 | 16);
}

static void test_writes(void **state)
{
	struct err e = { 0 };
	char text[64];

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/v");
	assert_int_equal(apply_value(fd, "cgroup.max.depth", "7", &e), 0);
	assert_true(cgroup_file_read(fd, "cgroup.max.depth", text, sizeof(text), &e) > 0);
	assert_string_equal(text, "7\n");

	assert_int_equal(apply_value(fd, "cgroup.max.depth", "seven", &e), -1);
	assert_string_equal(e.text, "linux.resources.test: write \"seven\" into the cgroup's "
	                            "cgroup.max.depth: invalid argument");
	assert_string_equal(e.hint, "the kernel does not take this value for cgroup.max.depth");

	e = (struct err){ 0 };
	assert_int_equal(apply_value(fd, "nosuch.max", "1", &e), -1);
	assert_non_null(strstr(e.hint, "the nosuch controller is not enabled"));

	/* no swap accounting, nothing to switch off */
	e = (struct err){ 0 };
	assert_int_equal(apply_value(fd, "memory.swap.max", "max", &e), 0);
	destroy("/v");
}

/* Of two files that say the same only the first that is there gets its value. */
static void test_writes_instead(void **state)
{
	static const struct cgroup_write absent[] = {
		{ "nosuch.weight", "1", "a", false },
		{ "cgroup.max.depth", "5", "a", true },
		{ "cgroup.max.descendants", "6", "b", false },
	};
	static const struct cgroup_write present[] = {
		{ "cgroup.max.descendants", "8", "a", false },
		{ "cgroup.max.depth", "9", "a", true },
	};
	struct err e = { 0 };
	char text[64];

	(void)state;
	NEED_CGROUPS();
	FD int fd = make("/i");
	assert_int_equal(cgroup_apply(fd, absent, LEN(absent), &e), 0);
	assert_true(cgroup_file_read(fd, "cgroup.max.depth", text, sizeof(text), &e) > 0);
	assert_string_equal(text, "5\n");
	assert_true(cgroup_file_read(fd, "cgroup.max.descendants", text, sizeof(text), &e) > 0);
	assert_string_equal(text, "6\n");

	assert_int_equal(cgroup_apply(fd, present, LEN(present), &e), 0);
	assert_true(cgroup_file_read(fd, "cgroup.max.depth", text, sizeof(text), &e) > 0);
	assert_string_equal(text, "5\n"); /* as before */
	assert_true(cgroup_file_read(fd, "cgroup.max.descendants", text, sizeof(text), &e) > 0);
	assert_string_equal(text, "8\n");
	destroy("/i");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_destroy),
		cmocka_unit_test(test_create_refuses_used_ones),
		cmocka_unit_test(test_threaded),
		cmocka_unit_test(test_failures_leave_nothing),
		cmocka_unit_test(test_controllers),
		cmocka_unit_test(test_controllers_that_only_count),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_deep_trees),
		cmocka_unit_test(test_destroy_waits),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_device_program),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_writes_instead),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
