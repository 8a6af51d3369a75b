/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/console.h"
#include "runtime/notify.h"

/* One direction of the pty: what was read and is not yet written. */
struct relay {
	int from, to; /* from -1: its end was reached */
	size_t start, end;
	char bytes[4096]; /* at most PIPE_BUF: a pipe that polls writable takes it whole */
};

static sigset_t forwarded_signals(void)
{
	/* faults are our own, and stopping is for the shell that started us */
	static const int left_alone[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTSTP, SIGTTIN, SIGTTOU
	};
	sigset_t set;

	(void)sigfillset(&set);
	for (size_t i = 0; i < LEN(left_alone); i++)
		(void)sigdelset(&set, left_alone[i]);
	return set;
}

int foreground_begin(int *ret_signals, struct err *e)
{
	static const int endings[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	const sigset_t all = forwarded_signals();
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < LEN(endings); i++)
		(void)sigaddset(&set, endings[i]);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return err_sys(e, "sigprocmask");
	*ret_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_signals < 0 ? err_sys(e, "signalfd") : 0;
}

static void wants(const struct relay *r, struct pollfd *in, struct pollfd *out)
{
	bool empty = r->start == r->end;

	*in = (struct pollfd){ .fd = empty ? r->from : -1, .events = POLLIN };
	*out = (struct pollfd){ .fd = empty ? -1 : r->to, .events = POLLOUT };
}

static void move(struct relay *r, const struct pollfd *in, const struct pollfd *out)
{
	if (in->revents) {
		ssize_t n = read(r->from, r->bytes, sizeof(r->bytes));

		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			r->from = -1; /* EIO: no slave is open any more */
		r->start = 0;
		r->end = n > 0 ? (size_t)n : 0;
	}
	if (out->revents) {
		ssize_t n = write(r->to, r->bytes + r->start, r->end - r->start);

		if (n > 0)
			r->start += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			r->start = r->end; /* nobody reads: the bytes are lost, as with a pipe */
	}
}

/* Reaps what has ended; true when `pid` was among it. As a subreaper we also get
 * what the container left behind. */
static bool reap(pid_t pid, struct foreground_end *end)
{
	siginfo_t info;

	while (memset(&info, 0, sizeof(info)),
	       waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
		if (info.si_pid != pid)
			continue;
		end->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
		end->status = end->signal ? 128 + end->signal : info.si_status;
		return true;
	}
	return false;
}

/* True when `pid` has ended. */
static bool take_signals(int signals, pid_t pid, int pidfd, int master, struct foreground_end *end)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (!ended && read(signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			ended = reap(pid, end) || ended;
			break;
		case SIGWINCH:
			if (master >= 0)
				console_resize(master);
			break;
		case SIGURG: /* these say something about our own sockets and files only */
		case SIGPIPE:
		case SIGXFSZ:
			break;
		default:
			(void)sys_pidfd_send_signal(pidfd, (int)info.ssi_signo);
		}
	}
	return ended;
}

/* What the process wrote before it ended is still in the pty. */
static void drain(struct relay *output)
{
	while (output->from >= 0 || output->start < output->end) {
		struct pollfd fds[2];

		wants(output, &fds[0], &fds[1]);
		/* a background process may keep the slave: no waiting for more */
		if (poll(fds, 2, fds[0].fd >= 0 ? 0 : -1) <= 0)
			return;
		move(output, &fds[0], &fds[1]);
	}
}

/* Once it is ready nobody listens any more: senders hear that, and never block. */
static void take_notification(const struct foreground *f, int *barrier)
{
	if (!f->notify || !notify_take(*f->notify, f->manager, f->pid))
		return;
	fd_drop(f->notify);
	*barrier = notify_barrier(f->manager);
}

static int serve(const struct foreground *f, int *barrier, struct foreground_end *end,
                 struct err *e)
{
	struct relay input = { .from = f->master >= 0 ? STDIN_FILENO : -1, .to = f->master };
	struct relay output = { .from = f->master, .to = STDOUT_FILENO };
	bool ended = false; /* SIGCHLD was blocked before the clone: none is lost */

	while (!ended) {
		const struct patience *p = f->patience;
		int64_t left = p->deadline < 0 ? -1 : p->deadline - clock_ms();
		struct pollfd fds[6] = { { .fd = p->signals, .events = POLLIN },
			                 { .fd = f->notify ? *f->notify : -1, .events = POLLIN } };

		if (p->deadline >= 0 && left <= 0)
			return err_set(e, ERR_STATE, "the process has not ended within %s",
			               p->limit);
		wants(&input, &fds[2], &fds[3]);
		wants(&output, &fds[4], &fds[5]);
		int ready = poll(fds, LEN(fds), left > INT32_MAX ? INT32_MAX : (int)left);

		if (ready < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (ready <= 0)
			continue;
		move(&input, &fds[2], &fds[3]);
		move(&output, &fds[4], &fds[5]);
		if (fds[1].revents)
			take_notification(f, barrier);
		if (fds[0].revents)
			ended = take_signals(p->signals, f->pid, f->pidfd, f->master, end);
	}
	drain(&output);
	return 0;
}

int foreground_wait(const struct foreground *f, struct foreground_end *ret, struct err *e)
{
	const sigset_t all = forwarded_signals();
	struct console_raw console = { .raw = false };

	if (signalfd(f->patience->signals, &all, 0) < 0)
		return err_sys(e, "signalfd");
	if (f->master >= 0) {
		/* a pty that polls writable may take only a part: waiting for the rest, while
		 * the program waits for us to read what it printed, would never end */
		if (fcntl(f->master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return err_sys(e, "fcntl of the terminal");
		console_resize(f->master);
		console_make_raw(&console);
	}
	FD int barrier = -1;
	int result = serve(f, &barrier, ret, e);
	console_restore(&console);
	if (barrier >= 0) /* a manager that finds us gone does not know whose words they were */
		notify_barrier_wait(barrier, f->manager, NOTIFY_END_MS);
	return result;
}
