/* SPDX-License-Identifier: Apache-2.0 */
/* The thread between a guest's agent and the commands, with an agent that has namespaces in
 * place of a guest: create, start, streams, signals, and what each failure says to whom. */
#include <sys/un.h>

#include "runtime/backend_vm_talk.h"
#include "vm_agent.h"

static struct vm_talk talk;

static struct {
	struct vm_process process;
	struct buf plan;
	struct agent_mount share;
	int launcher, listener; /* our ends; the path of the latter is in `path` */
	int in, out, err;
	char path[80];
} fixture;

static void pipe_to(int *ours, int *theirs, bool we_read)
{
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	*ours = pair[!we_read];
	*theirs = pair[we_read];
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The thread with a plan of `args`, and an agent. */
static void begin(const char *args)
{
	struct err e = { 0 };
	int pair[2];

	memset(&fixture, 0, sizeof(fixture));
	memset(&talk, 0, sizeof(talk));
	memset(&vm, 0, sizeof(vm));
	vm_find_agent();
	vm_make_rootfs();
	vm_compile(&(const struct vm_config){ .args = args }, false, &fixture.plan);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fixture.launcher = pair[0];
	(void)snprintf(fixture.path, sizeof(fixture.path), "%s.sock", vm.rootfs);
	fixture.process = (struct vm_process){
		.launcher = pair[1],
		.listener = listen_at(fixture.path),
		.plan = fixture.plan.data,
		.plan_len = fixture.plan.len,
	};
	assert_int_equal(vm_talk_begin(&talk, &fixture.process, &e), 0);
	fixture.share = (struct agent_mount){ "", vm.rootfs, AGENT_SHARES "/share", "" };
	talk.shares = &fixture.share;
	pipe_to(&fixture.in, &talk.stdio[0], false);
	pipe_to(&fixture.out, &talk.stdio[1], true);
	pipe_to(&fixture.err, &talk.stdio[2], true);
	talk.agent = vm_launch_agent();
	assert_int_equal(pthread_create(&talk.thread, NULL, vm_talk_thread, &talk), 0);
}

static void end(void)
{
	assert_int_equal(pthread_join(talk.thread, NULL), 0);
	(void)vm_agent_end();
	for (int i = 0; i < 3; i++)
		(void)close(talk.stdio[i]);
	(void)close(fixture.in);
	(void)close(fixture.out);
	(void)close(fixture.err);
	fd_drop(&fixture.launcher);
	fd_drop(&talk.launcher);
	fd_drop(&talk.listener);
	fd_drop(&talk.signals);
	(void)unlink(fixture.path);
	agent_client_done(&talk.client);
	buf_done(&fixture.plan);
	vm_remove_rootfs();
}

static void say(int socket, uint32_t type)
{
	const struct frame f = { .type = type };

	assert_int_equal(send(socket, &f, sizeof(f), MSG_NOSIGNAL), sizeof(f));
}

/* The type of the next frame, 0 at the end. */
static uint32_t hear(int socket, struct frame *f)
{
	struct pollfd fd = { .fd = socket, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, VM_AGENT_PATIENCE_MS), 1);
	ssize_t n = recv(socket, f, sizeof(*f), 0);
	if (n <= 0)
		return 0;
	assert_int_equal(n, sizeof(*f));
	return f->type;
}

static void expect_text(int fd, const char *want)
{
	char got[256];
	size_t len = 0;

	while (len < strlen(want)) {
		ssize_t n = read(fd, got + len, sizeof(got) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	got[len] = '\0';
	assert_string_equal(got, want);
}

/* Fails with what was said. */
static void expect_ready(void)
{
	struct frame f;

	if (hear(fixture.launcher, &f) == FRAME_READY)
		return;
	fail_msg("%.*s", FRAME_TEXT_MAX, f.text);
}

static void test_run(void **state)
{
	struct frame f;

	(void)state;
	if (!vm_possible())
		skip();
	begin("\"sh\",\"-c\",\"echo out; echo err >&2; cat; exit 7\"");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_create_and_start),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_launcher_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
