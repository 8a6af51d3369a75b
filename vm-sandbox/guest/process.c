/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/unix.h"
#include "runtime/launch/plan_check.h"
#include "vm-sandbox/guest/agent.h"

#define LISTENER "start.sock"
enum { CONNECT_MS = 5000 };

struct process *process_find(struct agent *a, uint32_t number)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		if (number && a->process[i] && a->process[i]->number == number)
			return a->process[i];
	}
	return NULL;
}

static struct process **free_place(struct agent *a)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		if (!a->process[i])
			return &a->process[i];
	}
	return NULL;
}

static void drop(struct agent *a, struct process **place)
{
	struct process *p = *place;

	stdio_close(a, p);
	channel_close(&a->channel, agent_stream(p->number, AGENT_PLAN));
	fd_drop(&p->worker_socket);
	fd_drop(&p->pidfd);
	buf_done(&p->plan);
	free(p->group);
	free(p);
	*place = NULL;
}

/* The first process is of the number AGENT_CONTAINER, and the others come after it. */
static int check_number(struct agent *a, uint32_t number, bool is_exec, struct err *e)
{
	const struct process *container = process_find(a, AGENT_CONTAINER);

	if (number == 0 || process_find(a, number) || is_exec != (number != AGENT_CONTAINER))
		return err_set(e, ERR_STATE, "process %u: another number is due", number);
	if (is_exec && (!container || container->phase == PHASE_PLAN ||
	                container->phase == PHASE_LAUNCH || container->phase == PHASE_ENDED))
		return err_set(e, ERR_STATE, "container not running");
	return 0;
}

/* Somebody may still hold the pipes of one that has ended; the host has done with it. */
static void free_number(struct agent *a, uint32_t number)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		const struct process *p = a->process[i];

		if (p && p->number == number && p->phase == PHASE_ENDED && p->told && !p->worker)
			drop(a, &a->process[i]);
	}
}

int process_new(struct agent *a, const struct agent_launch *m, const char *group, bool is_exec,
                struct process **ret, struct err *e)
{
	struct process **place, *p;

	process_sweep(a);
	free_number(a, m->head.process);
	place = free_place(a);
	TRY(check_number(a, m->head.process, is_exec, e));
	if (m->plan_len < sizeof(struct plan) || m->plan_len > PLAN_SIZE_MAX ||
	    m->stdio & ~(uint32_t)(AGENT_HAS_ALL | AGENT_PLAIN))
		return err_set(e, ERR_BUG, "a launch that cannot be");
	p = place ? calloc(1, sizeof(*p)) : NULL;
	if (!p)
		return err_set(e, ERR_STATE, "there are too many processes at once");
	*place = p;
	p->number = m->head.process;
	p->is_exec = is_exec;
	p->stdio = m->stdio & AGENT_HAS_ALL;
	p->plain = m->stdio & AGENT_PLAIN;
	p->plan_len = m->plan_len;
	p->worker_socket = p->pidfd = p->in = p->out[0] = p->out[1] = -1;
	p->group = strdup(group);
	if (!p->group || !channel_open(&a->channel, agent_stream(p->number, AGENT_PLAN))) {
		drop(a, place);
		return err_set(e, ERR_STATE, "there are too many streams at once");
	}
	*ret = p;
	return 0;
}

void process_sweep(struct agent *a)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		struct process *p = a->process[i];

		if (p && p->phase == PHASE_ENDED && p->told && !p->worker && p->out[0] < 0 &&
		    p->out[1] < 0)
			drop(a, &a->process[i]);
	}
}

void process_close_all(struct agent *a)
{
	fd_drop(&a->port);
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		struct process *p = a->process[i];

		if (!p)
			continue;
		fd_drop(&p->in);
		fd_drop(&p->out[0]);
		fd_drop(&p->out[1]);
		fd_drop(&p->worker_socket);
	}
}

/* --- launching ------------------------------------------------------------------------------ */

static const struct plan *plan_of(const struct process *p)
{
	return (const struct plan *)(const void *)p->plan.data;
}

/* The plan is the host's, and yet: what has no meaning in a guest is no guest's plan. */
static int check_plan(const struct process *p, struct err *e)
{
	const struct plan *plan = plan_of(p);
	const struct plan_step *steps;
	const struct plan_fd *fds;
	bool listener = false, hooks = false;

	if (plan_check(p->plan.data, p->plan.len) != 0)
		return err_set(e, ERR_BUG, "the plan is damaged");
	if (plan->kind != (p->is_exec ? PLAN_EXEC : PLAN_CREATE))
		return err_set(e, ERR_BUG, "a plan of the other kind");
	fds = plan_array(plan, plan->fds);
	for (uint32_t i = 0; i < plan->fds.count; i++)
		listener |= fds[i].kind == PLAN_FD_LISTENER;
	if (listener == p->is_exec)
		return err_set(e, ERR_BUG, "a plan for another way to start");
	steps = plan_array(plan, plan->steps);
	for (uint32_t i = 0; i < plan->steps.count; i++)
		hooks |= steps[i].op == PLAN_HOOK_HOST;
	if (plan->cgroup.unit || hooks || plan->preserve_fds > 0)
		return err_set(e, ERR_BUG, "a plan that needs the host");
	return 0;
}

static int begin(struct agent *a, struct process *p, struct job *job, struct err *e)
{
	if (p->is_exec) {
		const struct process *container = process_find(a, AGENT_CONTAINER);

		if (!container || container->pidfd < 0)
			return err_set(e, ERR_STATE, "container not running");
		job->container = container->pidfd;
		TRY(group_for_exec(&a->group, p->group, container->pid, &job->cgroup, e));
	} else {
		TRY(group_make(&a->group, job->plan, e));
		job->cgroup = a->group.fd;
		(void)unlinkat(a->folder, LISTENER, 0); /* of a create that failed */
		job->listener = unix_listen(a->folder, LISTENER, SOCK_SEQPACKET, e);
		TRY(job->listener);
	}
	TRY(stdio_make(a, p, job->stdio, e));
	return worker_begin(a, job, &p->worker, &p->worker_socket, e);
}

int process_launch(struct agent *a, struct process *p, struct err *e)
{
	struct job job = {
		.kind = p->is_exec ? JOB_EXEC : JOB_CREATE,
		.plan = plan_of(p),
		.stdio = { -1, -1, -1 },
		.cgroup = -1,
		.container = -1,
		.listener = -1,
		.state = -1,
	};

	TRY(check_plan(p, e));
	p->terminal = job.plan->terminal;
	if (p->terminal)
		p->stdio = AGENT_HAS_STDIN | AGENT_HAS_STDOUT;
	p->phase = PHASE_LAUNCH;
	int result = begin(a, p, &job, e);
	/* the worker has its own */
	for (int i = 0; i < 3; i++)
		fd_drop(&job.stdio[i]);
	fd_drop(&job.listener);
	if (p->is_exec)
		fd_drop(&job.cgroup);
	return result;
}

int process_start(struct agent *a, struct process *p, const char *state, struct err *e)
{
	struct job job = {
		.kind = JOB_START,
		.plan = plan_of(p),
		.pid = p->pid,
		.container = p->pidfd,
		.state = -1,
	};
	FD int listener = -1;
	FD int state_fd = -1;

	if (p->phase != PHASE_PARKED)
		return err_set(e, ERR_STATE,
		               p->phase < PHASE_PARKED
		                       ? "the container is not created yet"
		                       : "cannot start an already running container");
	listener = unix_connect(a->folder, LISTENER, SOCK_SEQPACKET, CONNECT_MS, e);
	TRY(listener);
	if (state[0]) {
		state_fd = fd_sealed("caisson-state", state, strlen(state), false, e);
		TRY(state_fd);
	}
	job.listener = listener;
	job.state = state_fd;
	TRY(worker_begin(a, &job, &p->worker, &p->worker_socket, e));
	p->phase = PHASE_START;
	return 0;
}

void process_fail(struct agent *a, struct process *p, const struct err *e)
{
	if (p->request)
		(void)talk_failed(a, p->request, p->number, e);
	p->request = 0;
	fd_drop(&p->worker_socket);
	if (p->created) {
		/* a start that failed leaves no half-started process; its end is told */
		(void)sys_pidfd_send_signal(p->pidfd, SIGKILL);
		return;
	}
	if (p->worker)
		(void)kill(p->worker, SIGKILL); /* not reaped yet, so it is nobody else's */
	if (!p->is_exec)
		group_remove(&a->group);
	stdio_close(a, p);
	channel_close(&a->channel, agent_stream(p->number, AGENT_PLAN));
	p->number = 0;
	p->pid = 0;
	p->told = true;
	p->phase = PHASE_ENDED;
}

int process_signal(struct process *p, int signal, bool group, struct err *e)
{
	if (p->phase == PHASE_LAUNCH && signal == SIGKILL)
		return kill(p->worker, SIGKILL) < 0 ? err_sys(e, "kill") : 0;
	if (p->phase < PHASE_PARKED)
		return err_set(e, ERR_STATE, "process %u is not there yet", p->number);
	if (p->phase == PHASE_ENDED)
		return err_set(e, ERR_STATE, "container not running");
	if (group) /* a stage that does not lead it yet has started nobody */
		(void)sys_kill_group(p->pid, signal);
	return proc_signal(p->pidfd, signal, e);
}
