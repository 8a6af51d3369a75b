/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between create and start. Init says that it is ready and sleeps until it hears
 * from its launcher: START goes on at once (run, exec), GO lets init outlive the
 * launcher (create), and anything else, the launcher's end above all, ends init
 * too. Let go, it listens for `start`: a connection that ends or says anything but
 * START is dropped and the next one heard. The socket that START came over is the
 * one that hears of errors from then on; it closes by itself when execve succeeds.
 *
 * What follows is the little that must not happen before, such as loading the seccomp
 * filter. Descriptors are closed before: whoever waits here may wait for days, and the
 * few that come later close by themselves at execve.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "runtime/launch/init/hooks.h"
#include "runtime/launch/init/init.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/sys.h"

/* The first process of a pid namespace gets no signal but those that it handles
 * (pid_namespaces(7)), and a created container should end by `kill` as others do. The
 * program starts with default actions: execve(2) resets handlers. */
static _Noreturn void end(int signal)
{
	sys_exit(128 + signal);
}

static void hear_signals(void)
{
	static const int endings[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

	for (unsigned int i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		must(sys_end_by(endings[i], end), CALL_NONE, NULL);
}

static int listener_fd(void)
{
	const struct plan_fd *entry = plan_array(plan, plan->fds);

	for (uint32_t slot = 0; slot < plan->fds.count; slot++) {
		if (entry[slot].kind == PLAN_FD_LISTENER)
			return slot_fd(slot);
	}
	return -1;
}

/* They came after all else, so they would be swept. */
static void start_from(int socket, int state)
{
	fd_reserve(socket);
	report_to(socket);
	if (state < 0)
		return;
	fd_reserve(state);
	hook_state_set(state);
}

/* False: the launcher lets go. */
static bool launcher_starts(int launcher)
{
	int fd;

	switch (report_receive(launcher, &fd, 1)) {
	case FRAME_START:
		start_from(launcher, fd);
		return true;
	case FRAME_GO:
		(void)sys_close(launcher);
		return false;
	default:
		sys_exit(1);
	}
}

/* One caller at a time: it is our own `start`, which speaks at once or dies. */
static bool caller_starts(int listener)
{
	long caller;
	int fd;

	do
		caller = sys_accept(listener);
	while (caller == -EINTR || caller == -ECONNABORTED);
	if (caller < 0)
		sys_exit(1); /* without a listener nobody can ever come */
	if (report_receive((int)caller, &fd, 1) == FRAME_START) {
		start_from((int)caller, fd);
		return true;
	}
	if (fd >= 0)
		(void)sys_close(fd);
	(void)sys_close((int)caller);
	return false;
}

void step_park(const struct plan_step *step)
{
	(void)step;
	/* before anybody hears of us: `create` does not wait until we have heard its GO */
	if (listener_fd() >= 0)
		hear_signals();
	report_send(FRAME_READY, 0, NULL, -1);
	if (launcher_starts(report_socket()))
		return;
	while (!caller_starts(listener_fd()))
		;
}

static void close_between(int64_t first, int64_t last)
{
	if (first <= last)
		must(sys_close_range((unsigned int)first, (unsigned int)last), CALL_CLOSE_RANGE,
		     NULL);
}

/* All but the socket that reports go to, the hooks' state and the listener, which are
 * close-on-exec. They stay at their numbers: a low limit of open
 * files might forbid to move them. */
void step_close_fds(const struct plan_step *step)
{
	const int kept[] = { report_socket(), hook_state(), listener_fd() };
	int64_t first = step->value;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
			if (kept[i] >= first && (next < 0 || kept[i] < next))
				next = kept[i];
		}
		if (next < 0)
			break;
		close_between(first, next - 1);
		first = next + 1;
	}
	close_between(first, UINT32_MAX);
}

/* The starter takes the listener with pidfd_getfd(2), which one without
 * capabilities may only do to a dumpable process: nothing that is worth taking is
 * left by now. */
void step_seccomp(const struct plan_step *step)
{
	struct sock_fprog program = {
		.len = (uint16_t)step->seccomp.filter.count,
		.filter = (struct sock_filter *)(uintptr_t)plan_array(plan, step->seccomp.filter),
	};
	unsigned int flags = step->seccomp.flags;
	long listener;

	if (step->seccomp.notify) {
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
		must(sys_prctl(PR_SET_DUMPABLE, 1, 0), CALL_PRCTL, NULL);
	}
	listener = must(sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &program), CALL_SECCOMP, NULL);
	if (!step->seccomp.notify)
		return;
	report_send(FRAME_LISTENER, listener, NULL, -1);
	(void)report_await(FRAME_GO);
	(void)sys_close((int)listener);
}
