/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/scope.h"
#include "unit.h"

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void a_recycled_pid_is_a_stranger(void **unused)
{
	struct err e = { 0 };
	struct proc_stat stat;
	pid_t pid = sleeper();

	(void)unused;
	assert_int_equal(proc_stat(pid, &stat, &e), 0);
	FD int pidfd = proc_open(pid, stat.start_time, &e);
	assert_true(pidfd >= 0);
	/* the same pid, begun at another time: not the one that we knew */
	assert_int_equal(proc_open(pid, stat.start_time + 1, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);

	assert_int_equal(proc_wait_end(pidfd, 0, &e), 0);
	assert_int_equal(proc_signal(pidfd, SIGKILL, &e), 0);
	assert_int_equal(proc_wait_end(pidfd, 5000, &e), 1);
	/* a zombie is dead, though its pid is still taken */
	assert_int_equal(proc_open(pid, stat.start_time, &e), -1);
	assert_int_equal(proc_reap(pidfd, &e), 128 + SIGKILL);
	assert_int_equal(proc_signal(pidfd, SIGTERM, &e), -1);
	assert_string_equal(e.text, "container not running");
	assert_int_equal(proc_stat(pid, &stat, &e), -1);
}

static void names_with_brackets_do_not_confuse(void **unused)
{
	struct err e = { 0 };
	struct proc_stat own, childs;

	(void)unused;
	assert_int_equal(proc_stat(getpid(), &own, &e), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)signal(SIGUSR2, SIG_IGN);
		(void)prctl(PR_SET_NAME, ") Z 1 2) (");
		(void)pause();
		_exit(0);
	}
	(void)usleep(50000);
	assert_int_equal(proc_stat(pid, &childs, &e), 0);
	assert_true(childs.start_time >= own.start_time &&
	            childs.start_time < own.start_time + 100000000);
	assert_true(childs.ignored & (1u << (SIGUSR2 - 1)));
	assert_false(childs.ignored & (1u << (SIGUSR1 - 1)));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recycled_pid_is_a_stranger),
		cmocka_unit_test(names_with_brackets_do_not_confuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
