/* SPDX-License-Identifier: Apache-2.0 */
/* exec in a microVM: its process on the host, and the thread's side of it, with an agent that
 * has namespaces in place of a guest. */
#include "runtime/backend_vm_exec_process.h"
#include "vm_talk.h"

/* The host's process of an exec. */
static struct {
	pid_t pid;
	int launcher, monitor, in, out, err;
} one_exec;

static void make_exec(const char *args)
{
	int pair[2], theirs[3];
	BUF struct buf plan = { 0 };
	struct err e = { 0 };

	vm_compile(&(const struct vm_config){ .args = args }, true, &plan);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pipe_to(&one_exec.in, &theirs[0], false);
	pipe_to(&one_exec.out, &theirs[1], true);
	pipe_to(&one_exec.err, &theirs[2], true);
	one_exec.launcher = pair[0];
	one_exec.monitor = command();
	one_exec.pid = fork();
	assert_true(one_exec.pid >= 0);
	if (one_exec.pid == 0) {
		struct vm_exec_process p = {
			.launcher = pair[1],
			.monitor = one_exec.monitor,
			.plan = (const void *)plan.data,
			.plan_len = plan.len,
			.group = "",
		};

		for (int i = 0; i < 3; i++)
			(void)dup2(theirs[i], i);
		vm_exec_process_run(&p, &e);
		_exit(99);
	}
	for (int i = 0; i < 3; i++)
		(void)close(theirs[i]);
	(void)close(pair[1]);
}

static void begin_exec(const char *args)
{
	struct frame f;

	make_exec(args);
	assert_int_equal(hear(one_exec.launcher, &f), FRAME_READY);
	say(one_exec.launcher, FRAME_START);
	assert_int_equal(hear(one_exec.launcher, &f), 0);
	fd_drop(&one_exec.launcher);
}

static int end_exec(void)
{
	int status;

	assert_int_equal(waitpid(one_exec.pid, &status, 0), one_exec.pid);
	fd_drop(&one_exec.launcher);
	fd_drop(&one_exec.monitor);
	fd_drop(&one_exec.in);
	fd_drop(&one_exec.out);
	fd_drop(&one_exec.err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void test_exec(void **state)
{
	struct frame f;
	struct err e = { 0 };

	(void)state;
	if (!vm_possible())
		skip();
	begin_started();
	begin_exec("\"sh\",\"-c\",\"echo out; echo err >&2; cat; exit 5\"");
	expect_text(one_exec.out, "out\n");
	expect_text(one_exec.err, "err\n");
	assert_int_equal(write(one_exec.in, "through", 7), 7);
	expect_text(one_exec.out, "through");
	fd_drop(&one_exec.in);
	assert_int_equal(end_exec(), 5);

	begin_exec("\"sh\",\"-c\",\"trap 'exit 4' TERM; echo x; while :; do sleep 0.1; done\"");
	expect_text(one_exec.out, "x\n");
	assert_int_equal(syscall(SYS_kill, one_exec.pid, SIGTERM), 0);
	assert_int_equal(end_exec(), 4);

	make_exec("\"/bin/broken\"");
	assert_int_equal(hear(one_exec.launcher, &f), FRAME_READY);
	say(one_exec.launcher, FRAME_START);
	assert_int_equal(hear(one_exec.launcher, &f), FRAME_ERROR);
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_int_equal(e.kind, ERR_EXEC);
	assert_int_equal(end_exec(), 1);

	make_exec("\"nosuch\"");
	assert_int_equal(hear(one_exec.launcher, &f), FRAME_READY);
	say(one_exec.launcher, FRAME_START);
	assert_int_equal(hear(one_exec.launcher, &f), FRAME_ERROR);
	e = (struct err){ 0 };
	assert_int_equal(vm_frame_read_error(&f, &e), -1);
	assert_non_null(strstr(e.text, "executable file not found in $PATH"));
	assert_string_equal(e.phase, "executable");
	assert_int_equal(end_exec(), 1);
	end_started();
}

/* Its standard output is full and stays so; error, input and signals go their ways. */
static void test_exec_output_waits(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin_started();
	begin_exec(
		"\"sh\",\"-c\",\"trap 'echo asked >&2' TERM; (while :; do cat /bin/busybox; done) & "
		"read x; echo got $x >&2; while :; do sleep 0.1; done\"");
	assert_int_equal(write(one_exec.in, "abc\n", 4), 4);
	expect_text(one_exec.err, "got abc\n");
	until_full(one_exec.out);
	assert_int_equal(syscall(SYS_kill, one_exec.pid, SIGTERM), 0);
	expect_text(one_exec.err, "asked\n");
	assert_int_equal(syscall(SYS_kill, one_exec.pid, SIGKILL), 0);
	assert_int_equal(end_exec(), 256 + SIGKILL);
	end_started();
}

/* The process in the guest ends with its host process, and this with the container. */
static void test_exec_is_killed(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin_started();
	begin_exec("\"sh\",\"-c\",\"echo $$ >/tmp/pid; echo x; while :; do sleep 0.1; done\"");
	expect_text(one_exec.out, "x\n");
	assert_int_equal(syscall(SYS_kill, one_exec.pid, SIGKILL), 0);
	assert_int_equal(end_exec(), 256 + SIGKILL);
	begin_exec("\"sh\",\"-c\",\"read p </tmp/pid; while kill -0 $p; do sleep 0.1; done 2>&-\"");
	assert_int_equal(end_exec(), 0);

	begin_exec("\"sh\",\"-c\",\"echo x; while :; do sleep 0.1; done\"");
	expect_text(one_exec.out, "x\n");
	end_started();
	int status = end_exec();

	/* it heard of its process's end, or of the guest's */
	assert_true(status == 128 + SIGKILL || status == 256 + SIGKILL);
}

/* As the command does when its time is over. */
static void kill_with_group(void)
{
	assert_int_equal(syscall(SYS_kill, one_exec.pid, SIGKILL), 0);
	vm_exec_process_kill(one_exec.monitor);
	assert_int_equal(end_exec(), 256 + SIGKILL);
}

/* Waits until the process of that number has ended, if nobody has waited for it, too. */
#define UNTIL_GONE(file)                                                   \
	"read p <" file "; i=0; while grep -q sleep /proc/$p/cmdline; do " \
	"i=$((i + 1)); test $i -lt 300 || exit 9; sleep 0.1; done; "

/* What it has started ends with it, whether its output is full or not; what has left its group
 * goes on. */
static void test_exec_is_killed_with_its_group(void **state)
{
	(void)state;
	if (!vm_possible())
		skip();
	begin_started();
	begin_exec("\"sh\",\"-c\",\"sleep 1000 & echo $! >/tmp/group; "
	           "setsid sh -c 'echo $$ >/tmp/left; exec sleep 1000' & "
	           "until test -s /tmp/left; do sleep 0.1; done; echo x; "
	           "while :; do sleep 0.1; done\"");
	expect_text(one_exec.out, "x\n");
	kill_with_group();
	begin_exec("\"sh\",\"-c\",\"" UNTIL_GONE("/tmp/group") "read p </tmp/left; kill $p\"");
	assert_int_equal(end_exec(), 0);

	begin_exec("\"sh\",\"-c\",\"sleep 1000 & echo $! >/tmp/group; echo x >&2; "
	           "while :; do cat /bin/busybox; done\"");
	expect_text(one_exec.err, "x\n");
	until_full(one_exec.out);
	kill_with_group();
	begin_exec("\"sh\",\"-c\",\"" UNTIL_GONE("/tmp/group") "exit 6\"");
	assert_int_equal(end_exec(), 6);
	end_started();
}

/* What is /dev/null is not the peer's business, and stays open. */
static void test_null_stays(void **state)
{
	static struct vm_streams s;
	FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	FD int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	(void)state;
	vm_streams_init(&s, NULL, NULL, (const int[]){ null, zero, null });
	assert_int_equal(vm_streams_leave_null(&s), AGENT_HAS_STDOUT);
	assert_int_equal(s.in, -1);
	assert_int_equal(s.out[0], zero);
	assert_int_equal(s.out[1], -1);
	assert_int_not_equal(fcntl(null, F_GETFD), -1);
	vm_streams_init(&s, NULL, NULL, (const int[]){ zero, null, zero });
	assert_int_equal(vm_streams_leave_null(&s), AGENT_HAS_STDIN | AGENT_HAS_STDERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_output_waits),
		cmocka_unit_test(test_exec_is_killed),
		cmocka_unit_test(test_exec_is_killed_with_its_group),
		cmocka_unit_test(test_null_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
