/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process becomes a child of ours when its worker ends, and the worker says its pid before
 * that. So whoever ended is looked at first, then all reports are taken, and only then is it
 * reaped: nobody ends unknown.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/scope.h"
#include "vm-sandbox/guest/agent.h"

static void prepared(struct agent *a, struct process *p, const struct report *r, int *pidfd)
{
	p->pid = r->pid;
	p->pidfd = fd_give(pidfd);
	p->phase = PHASE_PARKED;
	p->created = true;
	(void)talk_done(a, p->request, p->number, p->pid);
	p->request = 0;
	fd_drop(&p->worker_socket);
}

/* An exec is told of once, with its pid. */
static void started(struct agent *a, struct process *p, const struct report *r, int *pidfd)
{
	if (p->is_exec) {
		p->pid = r->pid;
		p->pidfd = fd_give(pidfd);
	}
	if (p->phase != PHASE_ENDED)
		p->phase = PHASE_RUNNING;
	(void)talk_done(a, p->request, p->number, p->pid);
	p->request = 0;
	fd_drop(&p->worker_socket);
	buf_done(&p->plan);
	if (!p->is_exec)
		boot_rest(a);
}

/* It said nothing more. What it was making, perhaps frozen, may hold its socket open. */
static void was_killed(struct agent *a, struct process *p)
{
	struct err e = { 0 };

	(void)err_set(&e, ERR_KERNEL, "the launch was killed");
	process_fail(a, p, &e);
}

bool reap_report(struct agent *a, struct process *p)
{
	struct err e = { 0 };
	static struct report r;
	size_t count = 1;
	FD int fd = -1;
	ssize_t n;

	if (p->worker_socket < 0)
		return false;
	n = fd_receive(p->worker_socket, &r, sizeof(r), &fd, &count, &e);
	if (n < 0 && (e.sys == EAGAIN || e.sys == EINTR))
		return false;
	if (n != sizeof(r)) {
		was_killed(a, p);
	} else if (r.kind == REPORT_FAILED) {
		process_fail(a, p, &r.err);
	} else if (r.kind == REPORT_TERMINAL) {
		stdio_terminal(a, p, fd_give(&fd));
	} else if (r.kind == REPORT_PREPARED) {
		prepared(a, p, &r, &fd);
	} else {
		started(a, p, &r, &fd);
	}
	return true;
}

static void all_reports(struct agent *a)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		while (a->process[i] && reap_report(a, a->process[i]))
			;
	}
}

static void ended(struct agent *a, pid_t pid, const siginfo_t *info)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		struct process *p = a->process[i];

		if (!p)
			continue;
		if (p->worker == pid) {
			p->worker = 0;
			if (p->worker_socket >= 0)
				was_killed(a, p);
		}
		if (p->pid != pid || p->phase == PHASE_ENDED)
			continue;
		p->phase = PHASE_ENDED;
		p->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
		p->status = p->signal ? 128 + p->signal : info->si_status;
		p->pid = 0;
		fd_drop(&p->pidfd);
		stdio_close_input(a, p);
	}
}

void reap_children(struct agent *a)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		all_reports(a);
		if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) == 0)
			ended(a, info.si_pid, &info);
	}
}

/* A start that has not been answered yet is, before its process's end is told; and whoever
 * answered has ended, since the host may use the number again as soon as it hears of this. */
static bool may_tell(const struct process *p)
{
	return p->phase == PHASE_ENDED && !p->told && !p->request && !p->worker;
}

void reap_tell(struct agent *a)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		struct process *p = a->process[i];

		if (!p || !may_tell(p))
			continue;
		const struct agent_exited m = {
			.head = { .type = AGENT_EXITED, .process = p->number },
			.status = p->status,
			.signal = p->signal,
			.output = stdio_total(p, 0),
			.errors = stdio_total(p, 1),
		};
		p->told = talk_send(a, 0, &m, sizeof(m));
	}
	if (a->oom) {
		const struct agent_oom m = { .head.type = AGENT_OOM, .kills = a->group.kills };

		a->oom = !talk_send(a, 0, &m, sizeof(m));
	}
}
