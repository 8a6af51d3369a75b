/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_exec_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "runtime/backend_vm_commands.h"
#include "runtime/backend_vm_process.h"
#include "runtime/backend_vm_streams.h"
#include "runtime/backend_vm_terminal.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/plan.h"

enum { KILL_MS = 5000 };

struct proxy {
	struct vm_exec_process *process;
	int signals;
	uint32_t number; /* in the guest; 0: it does not run yet */
	uint32_t credit; /* of its input */
	bool exited;
	int status;
	struct vm_size size;
	struct vm_streams streams;
	_Alignas(8) uint8_t packet[VM_PACKET_MAX];
};

/* With the container's first process ends all that was in it. */
static _Noreturn void die(void)
{
	(void)raise(SIGKILL);
	_exit(128 + SIGKILL);
}

/* --- what is said --------------------------------------------------------------------------- */

/* Waits for room: the other end waits for nobody. -1: it is gone. */
static int put(const struct proxy *x, enum vm_packet kind, uint32_t stream, uint32_t count,
               const void *data, size_t len)
{
	uint8_t packet[sizeof(struct vm_packet_head) + VM_EXEC_PART];
	size_t size = vm_packet_make(packet, kind, stream, count, data, len);
	ssize_t n;

	do
		n = send(x->process->monitor, packet, size, MSG_NOSIGNAL);
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -1 : 0;
}

static size_t give_input(void *peer, const void *data, size_t len)
{
	struct proxy *x = peer;

	if (len > x->credit)
		len = x->credit;
	if (len == 0 || put(x, VM_DATA, AGENT_STDIN, 0, data, len) < 0)
		return 0;
	x->credit -= (uint32_t)len;
	return len;
}

static void give_input_end(void *peer)
{
	(void)put(peer, VM_END, AGENT_STDIN, 0, NULL, 0);
}

static void give_credit(void *peer, enum agent_stream which, uint32_t len)
{
	(void)put(peer, VM_TAKEN, which, len, NULL, 0);
}

static void give_output_end(void *peer, enum agent_stream which)
{
	(void)put(peer, VM_END, which, 0, NULL, 0);
}

static const struct vm_streams_peer to_monitor = {
	.input = give_input,
	.input_end = give_input_end,
	.consumed = give_credit,
	.output_end = give_output_end,
};

/* The plan, which is as long as it likes. */
static int ask(struct proxy *x)
{
	const struct vm_exec_process *p = x->process;
	const uint8_t *plan = (const uint8_t *)p->plan;
	uint32_t stdio = p->plan->terminal ? AGENT_HAS_STDIN | AGENT_HAS_STDOUT
	                                   : vm_streams_leave_null(&x->streams);
	const struct agent_launch m = {
		.head.type = AGENT_EXEC,
		.plan_len = (uint32_t)p->plan_len,
		.stdio = stdio | (p->plan->terminal && p->plain_terminal ? AGENT_PLAIN : 0),
	};
	uint8_t message[sizeof(m) + PATH_MAX];
	size_t group = strnlen(p->group, PATH_MAX - 1);

	memcpy(message, &m, sizeof(m));
	memcpy(message + sizeof(m), p->group, group);
	message[sizeof(m) + group] = '\0';
	if (put(x, VM_MESSAGE, 0, 0, message, sizeof(m) + group + 1) < 0)
		return -1;
	for (size_t at = 0; at < p->plan_len; at += VM_EXEC_PART) {
		size_t left = p->plan_len - at;

		if (put(x, VM_DATA, AGENT_PLAN, 0, plan + at,
		        left < VM_EXEC_PART ? left : VM_EXEC_PART) < 0)
			return -1;
	}
	return put(x, VM_END, AGENT_PLAN, 0, NULL, 0);
}

/* Its host process may have filled the socket, and the thread empties it; for ever waits nobody. */
void vm_exec_process_kill(int monitor)
{
	const struct agent_signal m = {
		.head.type = AGENT_SIGNAL,
		.signal = SIGKILL,
		.flags = AGENT_SIGNAL_GROUP,
	};
	uint8_t packet[sizeof(struct vm_packet_head) + sizeof(m)];
	size_t size = vm_packet_make(packet, VM_MESSAGE, 0, 0, &m, sizeof(m));
	struct pollfd room = { .fd = monitor, .events = POLLOUT };

	(void)poll(&room, 1, KILL_MS);
	(void)!send(monitor, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* --- what is heard -------------------------------------------------------------------------- */

static void tell_launcher(const struct proxy *x, const struct err *e)
{
	struct frame f;

	vm_frame_error(&f, e);
	(void)!send(x->process->launcher, &f, sizeof(f), MSG_NOSIGNAL);
}

/* The answer to AGENT_EXEC: the command is let go when the program runs. */
static void take_answer(struct proxy *x, const void *message, size_t len)
{
	const struct agent_head *head = message;
	struct agent_reply reply = { 0 };

	if (agent_check(AGENT_GUEST, 1, message, len))
		die();
	if (head->type == AGENT_FAILED) {
		agent_reply_read(message, len, &reply);
		tell_launcher(x, &reply.err);
		_exit(EXIT_FAILURE);
	}
	x->number = head->process;
	x->credit = VM_EXEC_INPUT;
	x->streams.open = true;
	fd_drop(&x->process->launcher);
}

static void take_message(struct proxy *x, const void *message, size_t len)
{
	const struct agent_exited *m = message;

	if (x->number == 0) {
		take_answer(x, message, len);
		return;
	}
	if (agent_check(AGENT_GUEST, 0, message, len) || m->head.type != AGENT_EXITED)
		return;
	x->exited = true;
	x->status = m->status & 0xff;
}

static void hear_monitor(struct proxy *x)
{
	ssize_t n = recv(x->process->monitor, x->packet, sizeof(x->packet), MSG_DONTWAIT);
	const uint8_t *data = x->packet + sizeof(struct vm_packet_head);
	struct vm_packet_head head;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < (ssize_t)sizeof(head))
		die();
	memcpy(&head, x->packet, sizeof(head));
	n -= (ssize_t)sizeof(head);
	if (head.kind == VM_MESSAGE) {
		take_message(x, data, (size_t)n);
	} else if (head.kind == VM_TAKEN) {
		x->credit = head.count <= VM_EXEC_INPUT - x->credit ? x->credit + head.count
		                                                    : VM_EXEC_INPUT;
		vm_streams_input_writable(&x->streams);
	} else if (head.stream == AGENT_STDOUT || head.stream == AGENT_STDERR) {
		if (head.kind == VM_DATA)
			vm_streams_output(&x->streams, head.stream, data, (size_t)n);
		else if (head.kind == VM_END)
			vm_streams_output_ended(&x->streams, head.stream);
	}
}

/* As for the container's own (backend_vm_talk.c). */
static void resize(struct proxy *x)
{
	struct agent_resize m = { .head = { .type = AGENT_RESIZE, .process = x->number } };
	struct vm_size size;

	if (!x->process->plan->terminal || x->streams.in < 0)
		return;
	size = vm_terminal_size(x->streams.in);
	if (size.rows == x->size.rows && size.columns == x->size.columns)
		return;
	x->size = size;
	m.rows = size.rows;
	m.columns = size.columns;
	(void)put(x, VM_MESSAGE, 0, 0, &m, sizeof(m));
}

static void pass_signal(struct proxy *x)
{
	struct agent_signal m = { .head = { .type = AGENT_SIGNAL, .process = x->number } };
	struct signalfd_siginfo info;

	if (read(x->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	resize(x);
	if (x->process->plan->terminal && info.ssi_code == SI_KERNEL)
		return;
	m.signal = info.ssi_signo;
	(void)put(x, VM_MESSAGE, 0, 0, &m, sizeof(m));
}

/* --- the loop ------------------------------------------------------------------------------- */

enum { AT_MONITOR, AT_SIGNALS, AT_LAUNCHER, AT_STREAMS, PLACES = AT_STREAMS + VM_STREAMS_POLLS };

static void look(struct proxy *x)
{
	bool runs = x->number > 0, knew_size = runs;
	struct pollfd fd[PLACES] = {
		[AT_MONITOR] = { .fd = x->process->monitor, .events = POLLIN },
		[AT_SIGNALS] = { .fd = runs ? x->signals : -1, .events = POLLIN },
		[AT_LAUNCHER] = { .fd = x->process->launcher, .events = POLLIN },
	};

	vm_streams_ask(&x->streams, &fd[AT_STREAMS]);
	if (poll(fd, PLACES, -1) < 0)
		return;
	if (fd[AT_MONITOR].revents)
		hear_monitor(x);
	if (fd[AT_LAUNCHER].revents && x->process->launcher >= 0)
		die(); /* it has given up */
	if (!knew_size && x->number > 0)
		resize(x);
	if (fd[AT_SIGNALS].revents)
		pass_signal(x);
	vm_streams_serve(&x->streams, &fd[AT_STREAMS]);
}

/* --- the beginning -------------------------------------------------------------------------- */

/* A signal that is ignored here would never come; the program's own are the guest's. */
static int take_signals(struct proxy *x, struct err *e)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGCHLD };
	sigset_t set;

	(void)sigfillset(&set);
	for (size_t i = 0; i < LEN(own); i++)
		(void)sigdelset(&set, own[i]);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return err_sys(e, "sigprocmask");
	x->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return x->signals < 0 ? err_sys(e, "signalfd") : 0;
}

static int keep_only_ours(struct vm_exec_process *p, struct err *e)
{
	enum { FROM = 64 };
	int launcher = fcntl(p->launcher, F_DUPFD_CLOEXEC, FROM);
	int monitor = fcntl(p->monitor, F_DUPFD_CLOEXEC, FROM);

	if (launcher < 0 || monitor < 0)
		return err_sys(e, "F_DUPFD_CLOEXEC");
	if (sys_close_range(3, (unsigned int)launcher - 1, 0) < 0 ||
	    (launcher + 1 < monitor &&
	     sys_close_range((unsigned int)launcher + 1, (unsigned int)monitor - 1, 0) < 0) ||
	    sys_close_range((unsigned int)monitor + 1, UINT_MAX, 0) < 0)
		return err_sys(e, "close_range");
	p->launcher = launcher;
	p->monitor = monitor;
	return 0;
}

static bool await_start(const struct vm_exec_process *p)
{
	const struct frame ready = { .type = FRAME_READY };
	struct frame f;

	return send(p->launcher, &ready, sizeof(ready), MSG_NOSIGNAL) == sizeof(ready) &&
	       recv(p->launcher, &f, sizeof(f), 0) == (ssize_t)sizeof(f) && f.type == FRAME_START;
}

void vm_exec_process_run(struct vm_exec_process *p, struct err *e)
{
	static const int stdio[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	static struct proxy proxy;
	struct proxy *x = &proxy;

	x->process = p;
	vm_streams_init(&x->streams, &to_monitor, x, stdio);
	if (keep_only_ours(p, e) < 0 || take_signals(x, e) < 0)
		return;
	if (!await_start(p))
		die();
	if (ask(x) < 0) {
		(void)err_set(e, ERR_STATE, "container not running");
		return;
	}
	while (!x->exited || !vm_streams_are_empty(&x->streams))
		look(x);
	_exit(x->status);
}
