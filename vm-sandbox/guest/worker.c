/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One launch, in a child of the agent: the launcher of the runtime, with the same init, plan
 * and words. It ends when its process is on its way, which then becomes a child of the agent,
 * the first process of the guest (pid_namespaces(7)). What it must not hold is closed first:
 * the other processes' pipes would not end while it waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/launch/launch.h"
#include "vm-sandbox/guest/agent.h"

struct worker {
	const struct job *job;
	int socket; /* to the agent */
	struct launch launch;
};

static int report(const struct worker *w, enum report_kind kind, int fd, struct err *e)
{
	struct report r = { .kind = kind, .pid = w->launch.pid };

	if (kind == REPORT_FAILED)
		r.err = *e;
	return fd_send(w->socket, &r, sizeof(r), &fd, fd >= 0 ? 1 : 0, e);
}

static int on_console(void *context, int master, const char *name, struct err *e)
{
	FD int ours = master;

	(void)name;
	return report(context, REPORT_TERMINAL, ours, e);
}

/* Namespaces and mounts are there, and no sysctl is set yet. */
static int on_waiting(void *context, pid_t pid, int *ret_state, struct err *e)
{
	(void)context;
	*ret_state = -1;
	return net_move(pid, e);
}

/* The agent's own score keeps it alive when memory runs out; its containers have none of it. */
static int lower_score(struct err *e)
{
	FD int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /proc/self/oom_score_adj");
	return fd_write_all(fd, "0", 1, "/proc/self/oom_score_adj", e);
}

static int take_stdio(const struct job *job, struct err *e)
{
	for (int i = 0; i < 3; i++) {
		if (dup2(job->stdio[i], i) < 0)
			return err_sys(e, "dup2");
	}
	return 0;
}

static int prepare(struct worker *w, struct err *e)
{
	const struct launch_options options = {
		.cgroup = w->job->cgroup,
		.container_pidfd = w->job->container,
		.listener = w->job->listener,
		.events = { .context = w, .hooks = on_waiting, .console = on_console },
	};

	TRY(lower_score(e));
	TRY(take_stdio(w->job, e));
	TRY(launch_prepare(w->job->plan, &options, &w->launch, e));
	if (w->job->kind == JOB_EXEC)
		return 0;
	TRY(launch_let_go(&w->launch, e));
	return report(w, REPORT_PREPARED, w->launch.pidfd, e);
}

static int start(struct worker *w, struct err *e)
{
	static const struct launch_events no_events = { 0 };
	const struct launch_start s = {
		.socket = w->job->kind == JOB_EXEC ? w->launch.socket : w->job->listener,
		.pid = w->launch.pid,
		.pidfd = w->launch.pidfd,
		.state = w->job->state,
		.events = &no_events,
	};

	TRY(launch_start(w->job->plan, &s, e));
	return report(w, REPORT_STARTED, w->job->kind == JOB_EXEC ? w->launch.pidfd : -1, e);
}

static int carry_out(struct worker *w, struct err *e)
{
	if (w->job->kind == JOB_START) {
		w->launch.pid = w->job->pid;
		w->launch.pidfd = w->job->container;
		return start(w, e);
	}
	TRY(prepare(w, e));
	return w->job->kind == JOB_EXEC ? start(w, e) : 0;
}

static _Noreturn void run(const struct job *job, int socket)
{
	struct worker w = { .job = job, .socket = socket, .launch = LAUNCH_NONE };
	struct err e = { 0 };

	if (carry_out(&w, &e) == 0)
		_exit(0);
	/* it is reaped here, so that the agent never hears of it; the container is not ours */
	if (job->kind != JOB_START)
		launch_abort(&w.launch);
	(void)!report(&w, REPORT_FAILED, -1, &e);
	_exit(1);
}

int worker_begin(struct agent *a, const struct job *job, pid_t *ret_pid, int *ret_socket,
                 struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	FD int ours = pair[0];
	FD int theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0) {
		fd_drop(&ours);
		process_close_all(a);
		run(job, theirs);
	}
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "fcntl");
	*ret_pid = pid;
	*ret_socket = fd_give(&ours);
	return 0;
}
