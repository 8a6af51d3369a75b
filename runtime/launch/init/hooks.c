/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks that run inside the container's namespaces: createContainer with the host's
 * root, startContainer with the container's. A hook is a child of init with the
 * state on its stdin, its own environment and nothing of ours; the end of what it
 * prints is kept for the error. Init waits for the hook itself and not for the end
 * of its output: a background process that it leaves holds the pipe for as long as
 * it likes. One that takes too long is killed through its pidfd.
 */
#include "runtime/launch/init/hooks.h"

#include "runtime/launch/init/exec.h"
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/roots.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum {
	TAIL_ROOM = 400,    /* of the output; fits a frame's text */
	READS_AT_END = 512, /* a full pipe (64 KiB) in reads of 128 bytes */
	CHUNK = 128,
	EXIT_NOT_RUN = 127,
	CLOCK_MONOTONIC_ID = 1, /* linux/time.h */
};

static int state = -1;

struct output {
	int fd; /* the pipe's read end, -1 once it has ended */
	size_t length;
	char tail[TAIL_ROOM + 1];
};

void hook_state_set(int fd)
{
	state = fd;
}

int hook_state(void)
{
	return state;
}

void step_wait_hooks(const struct plan_step *step)
{
	int fd;

	(void)step;
	report_send(FRAME_HOOKS, 0, NULL, -1);
	fd = report_await(FRAME_GO);
	if (fd >= 0)
		hook_state_set(fd_keep(fd));
}

/* In the child: the socket is not its to use, so what goes wrong is printed. */
static _Noreturn void child_fails(const char *what, long result)
{
	char buffer[TAIL_ROOM];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, what);
	text_add(&t, ": errno ");
	text_add_number(&t, (unsigned long)-result);
	(void)sys_write(2, buffer, t.length);
	sys_exit(EXIT_NOT_RUN);
}

static _Noreturn void child(const struct plan_step *step, bool on_host, int output)
{
	const char *path = plan_string(step->hook.path);
	long result = 0;

	(void)sys_dup3(output, 1, 0);
	(void)sys_dup3(output, 2, 0);
	if (sys_lseek(state, 0, 0) < 0 || sys_dup3(state, 0, 0) < 0)
		child_fails("state", -EBADF);
	if (on_host) {
		result = root_leave();
		if (result < 0)
			child_fails("old root", result);
	}
	result = sys_execve(path, exec_vector(step->hook.argv, -1, NULL),
	                    exec_environment(step->hook.envp));
	child_fails(path, result);
}

/* Takes what the pipe holds now, at most one chunk; false when there was nothing. */
static bool drain(struct output *out)
{
	char chunk[CHUNK];
	long got;
	size_t over;

	if (out->fd < 0)
		return false;
	got = sys_read(out->fd, chunk, sizeof(chunk));
	if (got <= 0) {
		if (got != -EAGAIN && got != -EINTR)
			out->fd = -1;
		return false;
	}
	over = out->length + (size_t)got > TAIL_ROOM ? out->length + (size_t)got - TAIL_ROOM : 0;
	memmove(out->tail, out->tail + over, out->length - over);
	memcpy(out->tail + out->length - over, chunk, (size_t)got);
	out->length += (size_t)got - over;
	return true;
}

static int64_t now_ms(void)
{
	struct __kernel_timespec now;

	must(sys_clock_gettime(CLOCK_MONOTONIC_ID, &now), CALL_POLL, NULL);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the hook has ended; false when its time is over first. */
static bool wait_for_end(int pidfd, struct output *out, uint32_t timeout_s)
{
	int64_t deadline = timeout_s ? now_ms() + (int64_t)timeout_s * 1000 : 0;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = pidfd, .events = POLLIN },
			{ .fd = out->fd, .events = POLLIN },
		};
		int64_t left = deadline ? deadline - now_ms() : -1;
		long ready;

		if (deadline && left <= 0)
			return false;
		ready = sys_poll(fds, 2, (int)left);
		if (ready == -EINTR)
			continue;
		must(ready, CALL_POLL, NULL);
		if (fds[1].revents)
			(void)drain(out);
		if (fds[0].revents)
			return true;
	}
}

/* The exit status as a shell gives it: 128 + signal for one that was killed. */
static int reap(int pidfd)
{
	siginfo_t info;
	long result;

	do
		result = sys_waitid(pidfd, &info);
	while (result == -EINTR);
	must(result, CALL_POLL, NULL);
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static void run(const struct plan_step *step, bool on_host)
{
	struct output out = { .length = 0 };
	int pidfd = -1, ends[2], status;
	bool ended;

	if (state < 0)
		fail(CHECK_PROTOCOL, 0, plan_string(step->hook.path));
	must(sys_pipe2(ends, O_CLOEXEC), CALL_OPEN, "pipe");
	must(sys_fcntl(ends[0], F_SETFL, O_NONBLOCK), CALL_OPEN, "pipe");
	if (must(sys_fork(&pidfd), CALL_CLONE, plan_string(step->hook.path)) == 0)
		child(step, on_host, ends[1]);
	(void)sys_close(ends[1]);
	out.fd = ends[0];
	ended = wait_for_end(pidfd, &out, step->hook.timeout_s);
	if (!ended)
		(void)sys_pidfd_kill(pidfd);
	status = reap(pidfd);
	for (int i = 0; i < READS_AT_END && drain(&out); i++)
		;
	out.tail[out.length] = '\0';
	if (!ended)
		fail(CHECK_HOOK_TIME, 0, out.tail);
	if (status)
		fail_value(CHECK_HOOK, status, out.tail);
	(void)sys_close(ends[0]);
	(void)sys_close(pidfd);
}

void step_hook_host(const struct plan_step *step)
{
	run(step, true);
}

void step_hook_container(const struct plan_step *step)
{
	run(step, false);
}
