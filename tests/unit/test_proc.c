/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
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
	/* a zombie says how it ended, to who knows it */
	int status = 0, signo = 0;
	assert_int_equal(proc_ended(pid, stat.start_time, pidfd, &status, &signo), 1);
	assert_int_equal(status, 128 + SIGKILL);
	assert_int_equal(signo, SIGKILL);
	assert_int_equal(proc_ended(pid, stat.start_time + 1, pidfd, &status, &signo), 0);
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

/* That we cannot look is not that it is gone: delete would go on to remove it. */
static void a_lack_of_descriptors_is_not_its_end(void **unused)
{
	struct rlimit before, none;
	struct err e = { 0 };
	struct proc_stat stat;

	(void)unused;
	assert_int_equal(proc_stat(getpid(), &stat, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int opened = proc_open(getpid(), stat.start_time, &e);
	int opened_errno = e.sys;
	int asked = proc_stat(getpid(), &stat, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(opened, -1);
	assert_int_equal(opened_errno, EMFILE);
	assert_int_equal(asked, -1);
	assert_int_equal(e.sys, EMFILE);
	assert_int_equal(e.kind, ERR_KERNEL);
}

/* What tells a process from the next one with its pid, and that it has ended. */
static void an_inode_is_one_processs(void **unused)
{
	(void)unused;
	if (!proc_inodes_tell())
		skip(); /* before Linux 6.9 */
	pid_t child = sleeper();
	FD int own = sys_pidfd_open(getpid(), 0);
	FD int pidfd = sys_pidfd_open(child, 0);
	uint64_t inode = proc_inode(pidfd);

	assert_true(inode != 0 && inode != proc_inode(own));
	assert_true(proc_lives(child, inode));
	assert_false(proc_lives(child, inode + 1));
	assert_false(proc_lives(getpid(), inode));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(proc_wait_end(pidfd, -1, &(struct err){ 0 }), 1);
	assert_false(proc_lives(child, inode)); /* a zombie */
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_false(proc_lives(child, inode));
}

static void *wait_here(void *pair)
{
	const int *end = pair;
	pid_t tid = gettid();
	char byte;

	(void)!write(end[1], &tid, sizeof(tid));
	(void)!read(end[1], &byte, 1);
	return NULL;
}

/* A pid may come back as the number of a thread. */
static void a_thread_is_no_process(void **unused)
{
	struct err e = { 0 };
	struct proc_stat stat;
	pthread_t thread;
	int pair[2];
	pid_t tid;

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_here, pair), 0);
	assert_int_equal(read(pair[0], &tid, sizeof(tid)), sizeof(tid));
	assert_int_equal(proc_stat(tid, &stat, &e), 0);
	assert_int_equal(proc_open(tid, stat.start_time, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_int_equal(write(pair[0], "x", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* context: what it shall do */
static int in_a_child(void *context, struct err *e)
{
	const int *what = context;

	if (chdir("/proc") < 0)
		return err_sys(e, "chdir");
	if (*what == 2)
		(void)raise(SIGKILL);
	if (*what == 0)
		return 0;
	errno = EBUSY;
	(void)err_sys(e, "it");
	return err_hint(e, "wait");
}

static void what_a_child_says_comes_back(void **unused)
{
	struct err e = { 0 };
	char before[4096], after[4096];
	int what = 0;

	(void)unused;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(proc_in_child(in_a_child, &what, &e), 0);
	assert_int_equal(e.kind, ERR_NONE);
	assert_string_equal(getcwd(after, sizeof(after)), before);
	what = 1;
	assert_int_equal(proc_in_child(in_a_child, &what, &e), -1);
	assert_int_equal(e.sys, EBUSY);
	assert_string_equal(e.hint, "wait");
	what = 2;
	e = (struct err){ 0 };
	assert_int_equal(proc_in_child(in_a_child, &what, &e), -1);
	assert_int_equal(e.kind, ERR_KERNEL);
	/* nobody but the kernel reaps it then */
	assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	what = 0;
	e = (struct err){ 0 };
	assert_int_equal(proc_in_child(in_a_child, &what, &e), 0);
	assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recycled_pid_is_a_stranger),
		cmocka_unit_test(names_with_brackets_do_not_confuse),
		cmocka_unit_test(a_lack_of_descriptors_is_not_its_end),
		cmocka_unit_test(an_inode_is_one_processs),
		cmocka_unit_test(a_thread_is_no_process),
		cmocka_unit_test(what_a_child_says_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
