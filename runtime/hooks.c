/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks that run on the host: prestart, createRuntime, poststart, poststop. Those of
 * the container's namespaces are steps of the plan and run by init.
 *
 * A hook is the administrator's program, but its environment is only what the hook
 * itself names: never the container's (the image's author writes that one) and
 * never our caller's. It works in the bundle, wherever its caller is, as with runc and crun.
 */
#include "runtime/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/oci_state.h"

enum { TAIL_MAX = 1024, CHUNK = 4096, PIPE_CHUNKS = 65536 / CHUNK }; /* pipe(7) */

/* The end of what a hook printed. */
struct tail {
	char text[TAIL_MAX + 1];
	size_t len;
};

int hooks_state(const struct state *state, pid_t pid, const char *status, struct err *e)
{
	BUF struct buf text = { 0 };
	struct json_writer w = { .out = &text, .indent = "" };

	oci_state_write(&w, state, pid, status);
	TRY(buf_ok(&text, e));
	return fd_sealed("caisson-state", text.data, text.len, false, e);
}

/* Where a hook works. */
struct place {
	const char *folder;
	int pidfd; /* of whose network namespace; -1: ours */
};

static bool leave_namespaces(int pidfd)
{
	return setns(pidfd, CLONE_NEWNET) == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0;
}

/* poststop: whoever deletes the container may have removed the bundle. */
static bool enter(const struct place *place)
{
	if (place->pidfd >= 0 && !leave_namespaces(place->pidfd))
		return false;
	return chdir(place->folder) == 0 || chdir("/") == 0;
}

static _Noreturn void become_hook(const struct oci_hook *hook, const struct place *place, int state,
                                  int output)
{
	static const char *const no_environment[] = { NULL };
	const char *const path_alone[] = { hook->path, NULL };
	const char *const *argv = hook->args.n > 0 ? hook->args.v : path_alone;
	const char *const *envp = hook->env.n > 0 ? hook->env.v : no_environment;
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (!enter(place) || lseek(state, 0, SEEK_SET) < 0 || dup2(state, STDIN_FILENO) < 0 ||
	    dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(126);
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* what our caller left open */
	(void)execve(hook->path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
	(void)dprintf(STDERR_FILENO, "execve %s: %s", hook->path, err_words(errno));
	_exit(127);
}

static void keep_tail(struct tail *t, const char *data, size_t len)
{
	if (len > TAIL_MAX) {
		data += len - TAIL_MAX;
		len = TAIL_MAX;
	}
	size_t drop = t->len + len > TAIL_MAX ? t->len + len - TAIL_MAX : 0;

	memmove(t->text, t->text + drop, t->len - drop);
	t->len -= drop;
	memcpy(t->text + t->len, data, len);
	t->len += len;
	t->text[t->len] = '\0';
}

/* Drains the pipe; false when nobody holds its other end any more. */
static bool drain(int output, struct tail *t)
{
	char chunk[CHUNK];
	ssize_t n = read(output, chunk, sizeof(chunk));

	if (n > 0)
		keep_tail(t, chunk, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Until the hook has ended: 1; 0 when its time is up. What it left running in the
 * background may keep the pipe: that is not waited for. */
static int await_hook(int pidfd, int output, int64_t deadline, struct tail *t,
                      const struct patience *p, struct err *e)
{
	struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
		                { .fd = output, .events = POLLIN } };

	for (;;) {
		int64_t left = deadline < 0 ? -1 : deadline - clock_ms();
		if (deadline >= 0 && left <= 0)
			return 0;
		TRY(patience_poll(p, fds, 2, left, e));
		if (fds[1].revents && !drain(output, t))
			fds[1].fd = -1;
		if (!fds[0].revents)
			continue;
		/* no more than a pipe holds: who is in the background may write for ever */
		for (int i = 0; i < PIPE_CHUNKS && drain(output, t) && poll(&fds[1], 1, 0) > 0; i++)
			;
		return 1;
	}
}

static int run_one(const struct oci_hook *hook, const struct place *place, int state,
                   const struct patience *p, struct err *e)
{
	struct tail tail = { .len = 0 };
	int64_t deadline = hook->timeout.set ? clock_ms() + hook->timeout.value * 1000LL : -1;
	int output[2], pidfd = -1;

	if (pipe2(output, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	FD int read_end = output[0];
	FD int write_end = output[1];
	(void)fcntl(read_end, F_SETFL, O_NONBLOCK);

	struct clone_args args = { .flags = CLONE_PIDFD,
		                   .pidfd = (uint64_t)(uintptr_t)&pidfd,
		                   .exit_signal = SIGCHLD };
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "clone3");
	if (pid == 0)
		become_hook(hook, place, state, write_end);
	FD int child = pidfd;
	fd_drop(&write_end);

	int ended = await_hook(child, read_end, deadline, &tail, p, e);
	if (ended <= 0)
		(void)sys_pidfd_send_signal(child, SIGKILL);
	struct err reaping = { 0 };
	int status = proc_reap(child, ended < 0 ? &reaping : e);
	if (ended < 0 || status < 0)
		return -1;
	if (ended == 0)
		return err_set(e, ERR_SPEC, "no end after %u s", hook->timeout.value);
	if (status != 0) {
		char words[PROC_STATUS_ROOM];

		proc_status_text(status, words);
		return err_set(e, ERR_SPEC, "%s%s%s", words, tail.len ? ", output: " : "",
		               tail.text);
	}
	return 0;
}

static int run_named(enum oci_hook_kind kind, const struct oci_hook_list *hooks, size_t i,
                     const struct place *place, int state, const struct patience *p, struct err *e)
{
	if (run_one(&hooks->v[i], place, state, p, e) < 0)
		return err_in(e, "error running %s hook #%zu: %s", oci_hook_kind_name(kind), i,
		              hooks->v[i].path);
	return 0;
}

int hooks_run_beside(enum oci_hook_kind kind, const struct oci_hook_list *hooks, const char *folder,
                     int pidfd, int state, const struct patience *p, struct err *e)
{
	const struct place place = { .folder = folder, .pidfd = pidfd };

	for (size_t i = 0; i < hooks->n; i++)
		TRY(run_named(kind, hooks, i, &place, state, p, e));
	return 0;
}

int hooks_run(enum oci_hook_kind kind, const struct oci_hook_list *hooks, const char *bundle,
              int state, const struct patience *p, struct err *e)
{
	return hooks_run_beside(kind, hooks, bundle, -1, state, p, e);
}

void hooks_run_each(enum oci_hook_kind kind, const struct oci_hook_list *hooks, const char *bundle,
                    int state, const struct patience *p)
{
	const struct place place = { .folder = bundle, .pidfd = -1 };

	for (size_t i = 0; i < hooks->n; i++) {
		struct err e = { 0 };

		if (run_named(kind, hooks, i, &place, state, p, &e) < 0)
			log_warn("%s", e.text);
	}
}
