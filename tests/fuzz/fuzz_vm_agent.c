/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's agent and a hostile host: requests of any kind in any order, plans, input and
 * credit (vm_frames.h). What would change the machine that this runs on, or clone, is played:
 * a worker reports what the first byte says. The sanitizers watch, and what waits to be sent
 * stays within its bounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "tests/fuzz/vm_frames.h"
#include "vm-sandbox/guest/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOBODY = 0x3fffffff }; /* above every pid (PID_MAX_LIMIT) */

static struct agent agent;
static uint8_t frame[sizeof(struct channel_head) + CHANNEL_PAYLOAD_MAX];
static uint8_t plays;

/* --- what is played ------------------------------------------------------------------------- */

void complain(const struct err *e)
{
	(void)e;
}

void boot_rest(struct agent *a)
{
	(void)a;
}

int clock_set(const struct agent_clock *m, struct err *e)
{
	return m->seconds < 0 ? err_set(e, ERR_KERNEL, "before its time") : 0;
}

int mounts_make(struct agent_texts texts, struct err *e)
{
	for (int i = 0; i < 4 * AGENT_MOUNTS_MAX && agent_text(&texts); i++)
		if (i == 77)
			return err_set(e, ERR_KERNEL, "mount");
	return 0;
}

void mounts_settle(void)
{
}

int net_configure(const void *message, size_t len, struct err *e)
{
	const struct agent_link *link = message;
	const uint8_t *last = (const uint8_t *)message + len - 1;

	return *last == 'x' && link->name[0] ? err_set(e, ERR_KERNEL, "interface") : 0;
}

int group_make(struct group *g, const struct plan *plan, struct err *e)
{
	(void)g;
	return plan->cgroup.path ? err_set(e, ERR_KERNEL, "no group") : 0;
}

void group_remove(struct group *g)
{
	(void)g;
}

int group_for_exec(const struct group *g, const char *below, pid_t container, int *ret,
                   struct err *e)
{
	(void)g;
	(void)container;
	*ret = -1;
	return below[0] == 'x' ? err_set(e, ERR_STATE, "no group") : 0;
}

int group_read(const struct group *g, struct agent_texts names, struct buf *ret, struct err *e)
{
	const char *name;

	(void)g;
	(void)e;
	while ((name = agent_text(&names))) {
		buf_add(ret, name, strlen(name) + 1);
		buf_add(ret, "1", 2);
	}
	return 0;
}

int group_update(const struct group *g, struct agent_texts pairs, const struct cgroup_steps *steps,
                 struct err *e)
{
	(void)g;
	(void)steps;
	while (agent_text(&pairs))
		if (!agent_text(&pairs))
			abort();
	return plays & 1 ? err_set(e, ERR_KERNEL, "no") : 0;
}

int change_container(const struct group *g, const struct process *p, const struct agent_change *m,
                     size_t len, struct err *e)
{
	const struct agent_limit *limits = (const void *)(m + 1);

	(void)p;
	for (uint32_t i = 0; i < m->limits; i++)
		if (strlen(limits[i].name) >= sizeof(limits[i].name))
			abort();
	return group_update(g, agent_texts(m, len), NULL, e);
}

int group_freeze(const struct group *g, bool frozen, struct err *e)
{
	(void)g;
	return frozen ? 0 : err_set(e, ERR_STATE, "not frozen");
}

int group_signal(const struct group *g, int signal, struct err *e)
{
	(void)g;
	(void)e;
	if (signal < 0 || signal > 64)
		abort();
	return 0;
}

int list_processes(const struct group *g, uint32_t after, struct buf *ret, struct err *e)
{
	const struct agent_processes head = { .head.type = AGENT_PROCESSES, .count = 0 };

	(void)g;
	buf_add(ret, &head, sizeof(head));
	return after > 1000 ? err_set(e, ERR_STATE, "no group") : 0;
}

/* The reports lie there when it has begun. */
int worker_begin(struct agent *a, const struct job *job, pid_t *ret_pid, int *ret_socket,
                 struct err *e)
{
	const int any = STDERR_FILENO;
	const size_t with_pidfd = job->kind == JOB_EXEC;
	static struct report r;
	int pair[2];

	(void)a;
	if (job->kind != JOB_START && (job->stdio[0] < 0 || job->stdio[1] < 0 || job->stdio[2] < 0))
		abort();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(e, "socketpair");
	FD int theirs = pair[1];
	r = (struct report){ .kind = REPORT_PREPARED, .pid = NOBODY };
	if (plays & 2) {
		r.kind = REPORT_FAILED;
		(void)err_set(&r.err, ERR_EXEC, "no such program");
	}
	if ((job->kind == JOB_CREATE || (job->kind == JOB_EXEC && plays & 2)) && !(plays & 4))
		(void)!fd_send(theirs, &r, sizeof(r), &any, 1, e);
	r.kind = REPORT_STARTED;
	if (job->kind != JOB_CREATE && !(plays & 8))
		(void)!fd_send(theirs, &r, sizeof(r), &any, with_pidfd, e);
	*ret_pid = NOBODY;
	*ret_socket = pair[0];
	return 0;
}

/* --- the loop, without poll ----------------------------------------------------------------- */

static void serve(void)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		struct process *p = agent.process[i];

		if (!p)
			continue;
		while (reap_report(&agent, p))
			;
		p->worker = 0;
		stdio_write(&agent, p);
		for (int k = 0; k < 2; k++) {
			if (stdio_has_room(&agent, p, k))
				stdio_read(&agent, p, k);
		}
		if (p->phase == PHASE_RUNNING && plays & 16)
			p->phase = PHASE_ENDED;
	}
	reap_tell(&agent);
	process_sweep(&agent);
}

static void drop_all(void)
{
	for (unsigned int i = 0; i < AGENT_PROCESSES_MAX; i++) {
		struct process *p = agent.process[i];

		if (!p)
			continue;
		p->phase = PHASE_ENDED;
		p->told = true;
		p->worker = 0;
		stdio_close(&agent, p);
	}
	process_sweep(&agent);
	fd_drop(&agent.folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_frames f = { .data = data + 1, .size = size ? size - 1 : 0 };
	const void *out;
	size_t len;
	int sends;

	if (size == 0)
		return 0;
	plays = data[0];
	memset(&agent.group, 0, sizeof(agent.group));
	agent.ends = false;
	agent.folder = open("/nowhere", O_RDONLY);
	channel_init(&agent.channel, &request_events, &agent);
	while ((len = vm_frames_next(&f, frame, &sends)) > 0) {
		if (channel_receive(&agent.channel, frame, len) < 0)
			break;
		serve();
		if (channel_pending(&agent.channel, &out) > CHANNEL_OUT_MAX)
			abort();
		if (sends)
			channel_sent(&agent.channel, channel_pending(&agent.channel, &out));
	}
	drop_all();
	return 0;
}
