/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order, and why: descriptors are opened before the clone (a failure there has
 * nothing to undo); init is born in its cgroup and namespaces at once; it executes
 * a copy of itself that nobody can write, so no file of the host is its /proc/PID/exe; only then
 * does it get the plan. The child shares our memory until it executes (nothing is
 * copied, no page tables are built), runs on a stack of its own, and makes raw
 * system calls only. There is no CLONE_VFORK: a child that is stuck in a frozen
 * cgroup before its execve must not hold us beyond the reach of signals.
 *
 * The debug lines contain runc's words where there is such a moment in runc, too: that
 * is how its tests, and scripts, find it.
 */
#include "runtime/launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/syscall_x86_64.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/idmap.h"
#include "runtime/launch/image.h"
#include "runtime/launch/netdev.h"
#include "runtime/launch/network.h"
#include "runtime/launch/report.h"
#include "runtime/launch/scheduler.h"
#include "runtime/launch/slots.h"
#include "runtime/launch/source.h"

/* --- birth ------------------------------------------------------------------------- */

/* What the child reads from our memory until it executes. */
struct birth {
	int image;        /* caisson-init, see image.c */
	int socket;       /* its end; all that it inherits beside stdio and what is preserved */
	int first_closed; /* the lowest number that is neither */
	char socket_text[12];
	const char *argv[3];
};

/* Runs in the child, on its own stack, in our memory: no libc, no instrumentation. */
__attribute__((no_sanitize("address", "undefined"))) static void child_execute(void *arg)
{
	static const char *const no_environment[] = { NULL };
	const struct birth *b = arg;

	/* what our caller left open is not for the eyes of a container's processes */
	(void)syscall_raw(SYS_close_range, b->first_closed, UINT32_MAX, CLOSE_RANGE_CLOEXEC, 0, 0);
	(void)syscall_raw(SYS_fcntl, b->socket, F_SETFD, 0, 0, 0);
	(void)syscall_raw(SYS_execveat, b->image, (long)"", (long)b->argv, (long)no_environment,
	                  AT_EMPTY_PATH);
	(void)syscall_raw(SYS_exit_group, 127, 0, 0, 0, 0);
}

static int clone_init(const struct plan *plan, int cgroup, struct birth *b, struct launch *l,
                      struct err *e)
{
	/* static: the child may still be on it when we are long gone from here */
	static _Alignas(16) char stack[4096];
	struct clone_args args = {
		.flags = plan->clone_flags | CLONE_PIDFD | CLONE_VM,
		.pidfd = (uint64_t)(uintptr_t)&l->pidfd,
		.exit_signal = SIGCHLD,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = sizeof(stack),
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(unsigned int)cgroup;
	}

	long pid = sys_clone3_run(&args, sizeof(args), child_execute, b);
	if (pid < 0) {
		errno = (int)-pid;
		err_sys(e, "clone3");
		if (pid == -EBUSY)
			err_hint(e, "the cgroup hands controllers to groups below it, so it may "
			            "not hold processes itself");
		if (pid == -EOPNOTSUPP)
			err_hint(e, "the cgroup is below a threaded one, or hands controllers to "
			            "threaded ones (cgroup.type), so it may not hold processes");
		if (pid == -EACCES && cgroup >= 0)
			err_hint(e, "the kernel wants write access to cgroup.procs of the nearest "
			            "group above both ours and the container's: start caisson in "
			            "the delegated tree, as systemd-run --user --scope does");
		return -1;
	}
	l->pid = (pid_t)pid;
	return 0;
}

/* That init is gone before it was told something is no failure of ours: the talk
 * reads what it said last, or finds its end. Other errors stay errors. ECONNRESET: it
 * has left a packet unread, which whoever comes first is told once. */
static int dead_already(struct err *e)
{
	if (e->sys != EPIPE && e->sys != ECONNRESET && e->kind != ERR_STATE)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

static int send_hello(const struct plan *plan, struct launch *l, const struct slots *slots,
                      struct err *e)
{
	struct frame hello = { .type = FRAME_HELLO, .step = plan->size };
	struct proc_stat stat;
	int fds[SLOTS_MAX + 1];
	FD int plan_fd = fd_sealed("caisson-plan", plan, plan->size, false, e);

	if (plan_fd < 0)
		return -1;
	/* reading what it inherited is one file; setting all anew is a call for each */
	if (proc_stat(l->pid, &stat, e) < 0)
		return dead_already(e);
	l->start_time = stat.start_time;
	hello.value = (int64_t)stat.ignored;
	fds[0] = plan_fd;
	memcpy(fds + 1, slots->fd, slots->count * sizeof(int));
	if (fd_send(l->socket, &hello, sizeof(hello), fds, slots->count + 1, e) < 0)
		return dead_already(e);
	return 0;
}

static int give_birth(const struct plan *plan, const struct launch_options *options,
                      struct launch *l, struct err *e)
{
	SLOTS struct slots slots = { .count = 0 };
	int pair[2];

	TRY(slots_open(plan, options, &slots, e));
	FD int image = image_open(e);
	if (image < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	l->socket = pair[0];
	FD int child_end = pair[1];

	/* static like the stack: the child reads it after we have gone on */
	static struct birth birth;
	birth = (struct birth){
		.image = image,
		.socket = child_end,
		.first_closed = 3 + (int)plan->preserve_fds,
	};
	(void)snprintf(birth.socket_text, sizeof(birth.socket_text), "%d", child_end);
	birth.argv[0] = "caisson-init";
	birth.argv[1] = birth.socket_text;
	birth.argv[2] = NULL;

	TRY(clone_init(plan, options->cgroup, &birth, l, e));
	return send_hello(plan, l, &slots, e);
}

static int send_frame(int socket, enum frame_type type, int fd, struct err *e)
{
	const struct frame f = { .type = type };

	return fd_send(socket, &f, sizeof(f), &fd, fd >= 0 ? 1 : 0, e);
}

static int send_go(int socket, int fd, struct err *e)
{
	return send_frame(socket, FRAME_GO, fd, e);
}

/* GO, within the talk. */
static int answer_go(int socket, int fd, struct err *e)
{
	return send_go(socket, fd, e) < 0 ? dead_already(e) : 0;
}

/* Whoever was busy has had init moved. */
static int tell_cgroup(struct launch *l, struct err *e)
{
	return send_frame(l->socket, FRAME_CGROUP, -1, e) < 0 ? dead_already(e) : 0;
}

/* Init may have died meanwhile. */
static int give_network(struct network *network, struct launch *l, struct err *e)
{
	FD int made = network_end(network, e);

	TRY(made);
	return send_frame(l->socket, FRAME_NETWORK, made, e) < 0 ? dead_already(e) : 0;
}

/* --- the talk ------------------------------------------------------------------------ */

enum { END_OF_TALK = 0, ONE_FRAME = 1 };

/* As long as who launches has the patience; without one the call that follows waits. */
static int wait_for(const struct launch_events *events, int fd, struct err *e)
{
	return events && events->wait ? events->wait(events->context, fd, e) : 0;
}

/* One packet of exactly a frame's size, and at most one fd (-1: none). */
static int receive_frame(int socket, const struct launch_events *events, struct frame *f, int *fd,
                         struct err *e)
{
	size_t count;
	ssize_t n;

	/* ECONNRESET, told once: it ended and left a packet of ours unread. What it had
	 * said before, maybe why, comes after that. */
	do {
		*fd = -1;
		count = 1;
		TRY(wait_for(events, socket, e));
		n = fd_receive(socket, f, sizeof(*f), fd, &count, e);
	} while (n < 0 && e->sys == ECONNRESET);
	if (n < 0)
		return -1;
	if (n == 0)
		return END_OF_TALK;
	if (n != sizeof(*f)) {
		fd_drop(fd);
		return err_set(e, ERR_BUG, "caisson-init sent a packet of %zd bytes", n);
	}
	f->text[FRAME_TEXT_MAX - 1] = '\0';
	return ONE_FRAME;
}

/* Stage 1 has made stage 2 and ends: stage 2 is our child from now on. */
static int take_child(struct launch *l, const struct launch_events *events, const struct frame *f,
                      int *fd, struct err *e)
{
	struct proc_stat stat;

	if (*fd < 0 || f->value <= 0 || f->value > INT32_MAX)
		return err_set(e, ERR_BUG, "caisson-init: a CHILD packet without its child");
	TRY(wait_for(events, l->pidfd, e));
	int status = proc_reap(l->pidfd, e);
	fd_drop(&l->pidfd);
	l->pidfd = fd_give(fd);
	l->pid = (pid_t)f->value;
	if (status != 0)
		return status < 0
		               ? -1
		               : err_set(e, ERR_BUG, "caisson-init: stage 1 ended with %d", status);
	if (proc_stat(l->pid, &stat, e) < 0)
		return dead_already(e);
	l->start_time = stat.start_time;
	return 0;
}

static int send_source(const struct plan *plan, struct launch *l, int64_t step, struct err *e)
{
	FD int tree = source_clone(plan, step, l->pid, l->pidfd, e);

	return tree < 0 ? -1 : answer_go(l->socket, tree, e);
}

static int note_mount(struct launch *l, const struct launch_events *events, uint64_t id,
                      struct err *e)
{
	if (!events->mount)
		return err_set(e, ERR_BUG, "caisson-init: an unexpected MOUNT packet");
	TRY(events->mount(events->context, l->pid, id, e));
	return answer_go(l->socket, -1, e);
}

static int run_hooks(struct launch *l, const struct launch_events *events, struct err *e)
{
	FD int state = -1;

	if (events->hooks)
		TRY(events->hooks(events->context, l->pid, &state, e));
	return answer_go(l->socket, state, e);
}

/* Our copy ends here: the agent's alone shall be the end. */
static int take_listener(const struct launch_start *s, int64_t number, struct err *e)
{
	if (number < 0 || number > INT32_MAX || !s->events->listener)
		return err_set(e, ERR_BUG, "caisson-init: an unexpected LISTENER packet");
	FD int notify = sys_pidfd_getfd(s->pidfd, (int)number);
	if (notify < 0)
		return err_sys(e, "take the seccomp listener: pidfd_getfd");
	TRY(s->events->listener(s->events->context, s->pid, notify, e));
	return send_go(s->socket, -1, e);
}

static int answer(const struct plan *plan, struct launch *l, const struct launch_events *events,
                  const struct frame *f, int *fd, struct err *e)
{
	switch (f->type) {
	case FRAME_MAPS:
		TRY(idmap_write(plan, l->pid, e));
		return answer_go(l->socket, -1, e);
	case FRAME_CHILD:
		return take_child(l, events, f, fd, e);
	case FRAME_SOURCE:
		return send_source(plan, l, f->value, e);
	case FRAME_MOUNT:
		return note_mount(l, events, (uint64_t)f->value, e);
	case FRAME_HOOKS:
		return run_hooks(l, events, e);
	case FRAME_CONSOLE:
		if (*fd < 0 || !events->console)
			return err_set(e, ERR_BUG, "caisson-init: an unexpected CONSOLE packet");
		return events->console(events->context, fd_give(fd), f->text, e);
	case FRAME_WARNING:
		log_warn("%s", f->text);
		return 0;
	case FRAME_ERROR:
		return report_error(plan, f, e);
	default:
		return err_set(e, ERR_BUG, "caisson-init: a packet of type %u is not due now",
		               f->type);
	}
}

/* Init is gone without a word: only a signal does that. */
static int died(struct launch *l, struct err *e)
{
	int status = proc_reap(l->pidfd, e);

	fd_drop(&l->pidfd);
	if (status < 0)
		return -1;
	if (status == 128 + SIGKILL)
		return err_set(e, ERR_KERNEL,
		               "container init was OOM-killed (memory limit too low?)");
	return err_set(e, ERR_KERNEL, "container init ended too early, with status %d", status);
}

static int talk(const struct plan *plan, struct launch *l, const struct launch_events *events,
                struct err *e)
{
	for (;;) {
		struct frame f;
		FD int fd = -1;
		int got = receive_frame(l->socket, events, &f, &fd, e);

		if (got == END_OF_TALK)
			return died(l, e);
		if (got < 0)
			return -1;
		/* init is in its network namespace by now */
		if ((f.type == FRAME_HOOKS || f.type == FRAME_READY) && !l->devices)
			TRY(netdev_move(plan, l->pid, &l->devices, e));
		if (f.type == FRAME_READY) {
			log_debug("child process in init(): %d is ready to be started", l->pid);
			return scheduler_apply(plan, l->pid, e);
		}
		TRY(answer(plan, l, events, &f, &fd, e));
	}
}

/* In runc's words, and as it counts them: TSYNC is nothing to a process of one thread. */
static void log_filter(const struct plan *plan)
{
	const uint32_t uncounted = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	const struct plan_step *step = plan_array(plan, plan->steps);

	for (uint32_t i = 0; i < plan->steps.count; i++) {
		if (step[i].op == PLAN_SECCOMP)
			log_debug("seccomp filter flags: %u", step[i].seccomp.flags & ~uncounted);
	}
}

int launch_prepare(const struct plan *plan, const struct launch_options *options,
                   struct launch *ret, struct err *e)
{
	const struct launch_events *events = &options->events;
	NETWORK struct network network = { 0 };

	*ret = (struct launch)LAUNCH_NONE;
	log_debug("nsexec container setup: %u steps", plan->steps.count);
	log_filter(plan);
	if ((!plan->network || network_begin(&network, e) == 0) &&
	    give_birth(plan, options, ret, e) == 0 &&
	    (!plan->network || give_network(&network, ret, e) == 0) &&
	    (!events->busy || events->busy(events->context, e) == 0) &&
	    (!plan->cgroup.unit || tell_cgroup(ret, e) == 0) && talk(plan, ret, events, e) == 0)
		return 0;
	launch_abort(ret);
	return err_in(e, "unable to start container process");
}

int launch_let_go(struct launch *l, struct err *e)
{
	TRY(send_go(l->socket, -1, e));
	fd_drop(&l->socket);
	return 0;
}

/* --- start ----------------------------------------------------------------------------- */

static int until_executed(const struct plan *plan, const struct launch_start *s, struct err *e)
{
	for (;;) {
		struct frame f;
		FD int fd = -1;
		int got = receive_frame(s->socket, s->events, &f, &fd, e);

		if (got <= END_OF_TALK)
			return got; /* its end of the socket is close-on-exec */
		switch (f.type) {
		case FRAME_LISTENER:
			TRY(take_listener(s, f.value, e));
			break;
		case FRAME_WARNING:
			log_warn("%s", f.text);
			break;
		case FRAME_ERROR:
			return report_error(plan, &f, e);
		default:
			return err_set(e, ERR_BUG,
			               "caisson-init: a packet of type %u is not due now", f.type);
		}
	}
}

int launch_start(const struct plan *plan, const struct launch_start *s, struct err *e)
{
	const struct frame start = { .type = FRAME_START };

	if (fd_send(s->socket, &start, sizeof(start), &s->state, s->state >= 0 ? 1 : 0, e) < 0 ||
	    until_executed(plan, s, e) < 0)
		return err_in(e, "unable to start container process");
	log_debug("init: closing the pipe to signal completion: %d has executed its program",
	          s->pid);
	return 0;
}

/* A second stage may be there whose packet is unread: it is our child, too. Not part of
 * launch_abort(), which mostly has nothing to do, for its stack is some pages. */
__attribute__((noinline)) static void abort_second_stage(int socket)
{
	struct err ignored = { 0 };
	struct frame f;
	ssize_t n;

	if (fcntl(socket, F_SETFL, O_NONBLOCK) < 0)
		return;
	do {
		FD int fd = -1;
		size_t count = 1;

		n = fd_receive(socket, &f, sizeof(f), &fd, &count, &ignored);
		if (n != sizeof(f) || f.type != FRAME_CHILD || fd < 0)
			continue;
		(void)sys_pidfd_send_signal(fd, SIGKILL);
		(void)!proc_reap(fd, &ignored);
	} while (n > 0);
}

__attribute__((noinline)) static void abort_process(const struct launch *l)
{
	struct err ignored = { 0 };

	netdev_restore(l->devices);
	(void)sys_pidfd_send_signal(l->pidfd, SIGKILL);
	(void)!proc_reap(l->pidfd, &ignored);
}

void launch_abort(struct launch *l)
{
	if (l->pidfd >= 0)
		abort_process(l);
	if (l->socket >= 0)
		abort_second_stage(l->socket);
	launch_done(l);
}

void launch_done(struct launch *l)
{
	netdev_free(l->devices);
	l->devices = NULL;
	fd_drop(&l->pidfd);
	fd_drop(&l->socket);
}
