/* SPDX-License-Identifier: Apache-2.0 */
/* The thread between a guest's agent and the commands, with an agent that has namespaces in
 * place of a guest (vm_agent.h). */
#pragma once

#include <sys/ioctl.h>
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
	char path[80], commands[80];
} fixture;

static inline void pipe_to(int *ours, int *theirs, bool we_read)
{
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	*ours = pair[!we_read];
	*theirs = pair[we_read];
}

static inline int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static inline int connect_to(const char *path)
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

static inline int on_console(void *context, int master, const char *name, struct err *e)
{
	(void)context;
	(void)e;
	assert_memory_equal(name, "/dev/pts/", 9);
	fixture.in = master;
	return 0;
}

/* The host's end of the process's terminal is `in`. */
static inline void make_terminal(void)
{
	const struct launch_events events = { .console = on_console };
	struct err e = { 0 };
	int slave;

	assert_int_equal(vm_terminal_make((const void *)fixture.plan.data, &events, &slave, &e), 0);
	talk.streams.in = slave;
	talk.streams.out[0] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
	fixture.out = fcntl(fixture.in, F_DUPFD_CLOEXEC, 3);
	pipe_to(&fixture.err, &talk.streams.out[1], true);
}

static inline void make_pipes(void)
{
	pipe_to(&fixture.in, &talk.streams.in, false);
	pipe_to(&fixture.out, &talk.streams.out[0], true);
	pipe_to(&fixture.err, &talk.streams.out[1], true);
	talk.stdio = AGENT_HAS_ALL; /* not the test's own */
}

static struct vm_net *given_net; /* of the next one; NULL: none */
static struct vm_image given_image;

/* The thread with a plan of `config`, and an agent. */
static inline void begin_with(const struct vm_config *config, bool plain)
{
	struct err e = { 0 };
	int pair[2];

	memset(&fixture, 0, sizeof(fixture));
	memset(&talk, 0, sizeof(talk));
	memset(&vm, 0, sizeof(vm));
	vm_find_agent();
	vm_make_rootfs();
	vm_compile(config, false, &fixture.plan);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fixture.launcher = pair[0];
	(void)snprintf(fixture.path, sizeof(fixture.path), "%s.sock", vm.rootfs);
	(void)snprintf(fixture.commands, sizeof(fixture.commands), "%s.commands", vm.rootfs);
	fixture.process = (struct vm_process){
		.launcher = pair[1],
		.listener = listen_at(fixture.path),
		.commands = listen_at(fixture.commands),
		.plan = fixture.plan.data,
		.plan_len = fixture.plan.len,
		.terminal = config->terminal,
		.plain_terminal = plain,
		.image = given_image,
	};
	assert_int_equal(vm_talk_begin(&talk, &fixture.process, &e), 0);
	fixture.share = (struct agent_mount){ "", vm.rootfs, AGENT_SHARES "/share", "" };
	talk.shares = &fixture.share;
	talk.net = given_net;
	if (config->terminal)
		make_terminal();
	else
		make_pipes();
	talk.agent = vm_launch_agent();
	assert_int_equal(pthread_create(&talk.thread, NULL, vm_talk_thread, &talk), 0);
}

static inline void begin(const char *args)
{
	begin_with(&(const struct vm_config){ .args = args }, false);
}

static inline void end(void)
{
	assert_int_equal(pthread_join(talk.thread, NULL), 0);
	(void)vm_agent_end();
	vm_streams_done(&talk.streams);
	fd_drop(&fixture.in);
	fd_drop(&fixture.out);
	(void)close(fixture.err);
	fd_drop(&fixture.launcher);
	fd_drop(&talk.launcher);
	fd_drop(&talk.listener);
	fd_drop(&talk.signals);
	(void)close(fixture.process.commands);
	(void)unlink(fixture.path);
	(void)unlink(fixture.commands);
	agent_client_done(&talk.client);
	buf_done(&fixture.plan);
	vm_remove_rootfs();
}

static inline void say(int socket, uint32_t type)
{
	const struct frame f = { .type = type };

	assert_int_equal(send(socket, &f, sizeof(f), MSG_NOSIGNAL), sizeof(f));
}

/* The type of the next frame, 0 at the end. */
static inline uint32_t hear(int socket, struct frame *f)
{
	struct pollfd fd = { .fd = socket, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, VM_AGENT_PATIENCE_MS), 1);
	ssize_t n = recv(socket, f, sizeof(*f), 0);
	if (n <= 0)
		return 0;
	assert_int_equal(n, sizeof(*f));
	return f->type;
}

static inline void expect_text(int fd, const char *want)
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

/* Until a pipe that nobody reads is as full as whole pages make it. */
static inline void until_full(int fd)
{
	int64_t deadline = clock_ms() + VM_AGENT_PATIENCE_MS;
	int size = fcntl(fd, F_GETPIPE_SZ), len = 0;

	while (ioctl(fd, FIONREAD, &len) == 0 && len <= size - 4096 && clock_ms() < deadline)
		(void)usleep(10000);
	assert_true(len > size - 4096);
}

/* Fails with what was said. */
static inline void expect_ready(void)
{
	struct frame f;

	if (hear(fixture.launcher, &f) == FRAME_READY)
		return;
	fail_msg("%.*s", FRAME_TEXT_MAX, f.text);
}

static inline void start(void)
{
	struct frame f;

	expect_ready();
	say(fixture.launcher, FRAME_START);
	assert_int_equal(hear(fixture.launcher, &f), 0);
}

static inline int command(void)
{
	int fd = connect_to(fixture.commands);

	assert_true(fd >= 0);
	return fd;
}

/* A container that has been started, and ends by what is written to its standard input. */
static inline void begin_started(void)
{
	struct frame f;

	begin("\"sh\",\"-c\",\"trap \\\"echo got\\\" USR1; echo started; read x; read x; exit 3\"");
	expect_ready();
	say(fixture.launcher, FRAME_START);
	assert_int_equal(hear(fixture.launcher, &f), 0);
	expect_text(fixture.out, "started\n");
}

static inline void end_started(void)
{
	assert_int_equal(write(fixture.in, "a\nb\n", 4), 4);
	fd_drop(&fixture.in);
	end();
	assert_true(talk.finished);
	assert_int_equal(talk.status, 3);
}
