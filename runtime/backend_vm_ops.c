/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ask of a container in a microVM: its guest answers, for the processes, and the
 * monitor's group on the host for the whole. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/proc.h"
#include "base/scope.h"
#include "runtime/backend_group.h"
#include "runtime/backend_vm.h"
#include "runtime/backend_vm_client.h"
#include "runtime/backend_vm_talk.h"

/* --- ps --------------------------------------------------------------------------------------- */

enum { PTY_FIRST = 136, PTY_LAST = 143, PROCESSES_MOST = 1 << 16 };

/* A number as proc_pid_stat(5) has it. */
static const char *terminal_name(struct arena *a, uint32_t number)
{
	uint32_t major = number >> 8 & 0xfff;
	uint32_t minor = (number & 0xff) | (number >> 12 & 0xfff00);

	if (major < PTY_FIRST || major > PTY_LAST)
		return "?";
	return arena_printf(a, "pts/%u", minor + ((major - PTY_FIRST) << 8));
}

static const char *time_text(struct arena *a, uint64_t ms)
{
	uint64_t s = ms / 1000;

	return arena_printf(a, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60,
	                    s % 60);
}

static void put_line(struct arena *a, const struct agent_process *p, struct buf *ret)
{
	char *arguments =
		arena_string(a, p->arguments, strnlen(p->arguments, sizeof(p->arguments)));

	/* it ends up on terminals, and was written by a stranger: as ps(1) does it */
	for (char *at = arguments; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	buf_text(ret, arena_printf(a, "%-10u %7u %7u %-8s %8s %9" PRIu64 " %s\n", p->uid, p->pid,
	                           p->parent, terminal_name(a, p->terminal),
	                           time_text(a, p->cpu_ms), p->resident / 1024, arguments));
}

/* Those behind `after`; *ret_last: the last of them, 0 when there are no more. */
static int list_some(struct vm_client *c, struct arena *a, uint32_t after, struct buf *pids,
                     struct buf *table, uint32_t *ret_last, struct err *e)
{
	const struct agent_ps ask = { .head.type = AGENT_PS, .after = after };
	struct agent_reply reply;

	TRY(vm_client_ask(c, &ask, sizeof(ask), &reply, e));
	for (size_t i = 0; i < reply.count; i++) {
		pid_t pid = (pid_t)reply.process[i].pid;

		if (reply.process[i].pid <= after || pid <= 0)
			return err_set(e, ERR_STATE,
			               "the guest's list of processes is in disorder");
		after = reply.process[i].pid;
		buf_add(pids, &pid, sizeof(pid));
		put_line(a, &reply.process[i], table);
	}
	*ret_last = reply.more && reply.count > 0 ? after : 0;
	return 0;
}

int backend_vm_list(const struct found *f, struct arena *a, struct process_list *ret, struct err *e)
{
	VM_CLIENT struct vm_client c = VM_CLIENT_NONE;
	BUF struct buf pids = { 0 };
	BUF struct buf table = { 0 };
	uint32_t after = 0;

	buf_text(&table, "UID            PID    PPID TTY          TIME       RSS CMD\n");
	if (f->pidfd >= 0) {
		TRY(vm_client_open(&c, f, e));
		do {
			TRY(list_some(&c, a, after, &pids, &table, &after, e));
		} while (after && pids.len / sizeof(pid_t) < PROCESSES_MOST);
	}
	TRY(buf_ok(&pids, e));
	TRY(buf_ok(&table, e));
	ret->table = arena_string(a, table.data, table.len);
	ret->count = pids.len / sizeof(pid_t);
	ret->pids = arena_array(a, ret->count + 1, sizeof(pid_t));
	if (pids.len > 0)
		memcpy(ret->pids, pids.data, pids.len);
	return 0;
}

/* --- kill ------------------------------------------------------------------------------------- */

/* Its end needs nobody's help, and what is sent to one that stands still waits there. */
static int signal_monitor(const struct found *f, int signo, bool all, struct err *e)
{
	if (f->pidfd < 0)
		return all ? 0 : err_set(e, ERR_STATE, "container not running");
	if (signo != SIGKILL && !vm_talk_passes(signo))
		return err_set(e, ERR_STATE, "container paused: its microVM stands still");
	return proc_signal(f->pidfd, signo, e);
}

int backend_vm_signal(const struct found *f, int signo, bool all, struct err *e)
{
	const struct agent_signal ask = {
		.head = { .type = AGENT_SIGNAL, .process = AGENT_CONTAINER },
		.signal = (uint32_t)signo,
		.flags = all ? AGENT_SIGNAL_ALL : 0,
	};
	VM_CLIENT struct vm_client c = VM_CLIENT_NONE;
	struct agent_reply reply;

	if (f->pidfd < 0 || signo == SIGKILL || (f->status == STATUS_PAUSED && !all))
		return signal_monitor(f, signo, all, e);
	TRY(vm_client_open(&c, f, e));
	if (vm_client_ask(&c, &ask, sizeof(ask), &reply, e) == 0)
		return 0;
	if (e->sys != EPIPE)
		return -1;
	/* it ended while it was asked: as if it had before */
	*e = (struct err){ 0 };
	return all ? 0 : err_set(e, ERR_STATE, "container not running");
}

/* --- pause and resume ------------------------------------------------------------------------- */

static int tell_guest(const struct found *f, bool frozen, struct err *e)
{
	VM_CLIENT struct vm_client c = VM_CLIENT_NONE;
	struct agent_reply reply;

	TRY(vm_client_connect(&c, f->dir.fd, e));
	return vm_client_ask_texts(&c, frozen ? AGENT_PAUSE : AGENT_RESUME, NULL, 0, &reply, e);
}

/* First the guest's processes, so that none of them sees the time stand still, then the
 * processors that they run on; and back in the other order. */
int backend_vm_freeze(const struct found *f, bool frozen, struct err *e)
{
	struct err ignored = { 0 };

	if (!f->state.cgroup)
		return backend_group_freeze(f, frozen, e); /* which says why not */
	if (frozen) {
		TRY(tell_guest(f, true, e));
		if (backend_group_freeze(f, true, e) == 0)
			return 0;
		(void)!tell_guest(f, false, &ignored);
		return -1;
	}
	TRY(backend_group_freeze(f, false, e));
	if (tell_guest(f, false, e) == 0)
		return 0;
	(void)!backend_group_freeze(f, true, &ignored); /* so that it can be tried again */
	return -1;
}
