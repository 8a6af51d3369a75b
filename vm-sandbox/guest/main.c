/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caisson-agent [--port FD]: the first process of a guest. It boots the guest first; with a
 * port that is open already it finds everything there, as in a test, where it is the first
 * process of namespaces. Other arguments are the kernel's, which hands on what it does not know. It
 * ends with the guest: when the host asks for it, when the talk has ended, or when the host breaks
 * the protocol's rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"
#include "vm-sandbox/guest/agent.h"

#define FOLDER "/run/agent"

enum {
	PART = 16 << 10,
	LINE = 8192,
	POLLS_EACH = 4, /* of a process: worker, in, out, err */
	POLLS_FIRST = 4,
	POLLS = POLLS_FIRST + POLLS_EACH * AGENT_PROCESSES_MAX,
	LAST_WORDS_MS = 1000,
	MOMENT_MS = 1,
};

void complain(const struct err *e)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	(void)dprintf(fd < 0 ? STDERR_FILENO : fd, "caisson-agent: %s\n", e->text);
	fd_drop(&fd);
}

/* --- set-up --------------------------------------------------------------------------------- */

/* What is logged, here and by the workers, is told to the host. */
static int open_warnings(struct agent *a, struct err *e)
{
	char path[48];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "pipe2");
	a->warnings = ends[0];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	int result = log_open(path, false, LOG_WARNING, e);
	(void)close(ends[1]);
	return result;
}

static int set_up(struct agent *a, struct err *e)
{
	sigset_t child;

	a->group.fd = -1;
	a->group.meter = meter_none();
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "sigprocmask");
	a->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals < 0)
		return err_sys(e, "signalfd");
	if (mkdir(FOLDER, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "mkdir " FOLDER);
	a->folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->folder < 0)
		return err_sys(e, "open " FOLDER);
	return open_warnings(a, e);
}

static void say_ready(struct agent *a)
{
	struct {
		struct agent_ready m;
		char release[sizeof(((struct utsname *)0)->release)];
	} ready = {
		.m = {
			.head.type = AGENT_READY,
			.version = AGENT_VERSION,
			.processors = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		},
	};
	struct utsname name = { 0 };
	struct sysinfo info = { 0 };

	(void)uname(&name);
	(void)sysinfo(&info);
	ready.m.memory = (uint64_t)info.totalram * info.mem_unit;
	(void)snprintf(ready.release, sizeof(ready.release), "%s", name.release);
	(void)talk_send(a, 0, &ready, sizeof(ready.m) + strlen(ready.release) + 1);
}

/* --- the port ------------------------------------------------------------------------------- */

static void end(struct agent *a, const char *why)
{
	if (why)
		(void)talk_warning(a, why);
	a->ends = true;
}

/* False: nothing more, for now or for good. */
static bool port_read(struct agent *a)
{
	static uint8_t part[PART];
	ssize_t n = read(a->port, part, sizeof(part));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		end(a, NULL); /* nobody is there any more */
	} else if (channel_receive(&a->channel, part, (size_t)n) < 0) {
		const struct err e = { .kind = ERR_STATE, .text = "the host broke a rule" };

		complain(&e);
		end(a, NULL);
	}
	return !a->ends;
}

/* The driver gives what lies in one of its buffers at once, and a plan is several. */
static void port_read_all(struct agent *a)
{
	enum { AT_ONCE = 4 };

	for (int i = 0; i < AT_ONCE && port_read(a); i++)
		;
}

static void port_write(struct agent *a)
{
	const void *data;
	size_t len;

	while ((len = channel_pending(&a->channel, &data)) > 0) {
		ssize_t n = write(a->port, data, len);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(a, NULL);
			return;
		}
		channel_sent(&a->channel, (size_t)n);
	}
}

/* --- what is logged ------------------------------------------------------------------------- */

/* time="…" level=warning msg="…" */
static void tell_line(struct agent *a, char *line)
{
	char *from = strstr(line, "msg=\"");
	char *to = strrchr(line, '"');

	if (!from || to <= from + 4)
		return;
	*to = '\0';
	(void)talk_warning(a, from + 5);
}

/* Each line is written at once, and shorter than a pipe writes in one piece, or cut. */
static void read_warnings(struct agent *a)
{
	static char text[LINE];
	ssize_t n = read(a->warnings, text, sizeof(text) - 1);
	char *rest = text, *line;

	if (n <= 0)
		return;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")))
		tell_line(a, line);
}

/* --- the loop ------------------------------------------------------------------------------- */

static void add(struct pollfd *p, int fd, short events)
{
	*p = (struct pollfd){ .fd = fd, .events = events };
}

/* Up to the last place that is taken: there are few processes, and the first free places are
 * theirs. */
static unsigned int places(const struct agent *a)
{
	unsigned int n = AGENT_PROCESSES_MAX;

	while (n > 0 && !a->process[n - 1])
		n--;
	return n;
}

static nfds_t ask(struct agent *a, struct pollfd p[POLLS], unsigned int count)
{
	const void *data;
	nfds_t n = POLLS_FIRST;

	add(&p[0], a->port, channel_pending(&a->channel, &data) > 0 ? POLLIN | POLLOUT : POLLIN);
	add(&p[1], a->signals, POLLIN);
	add(&p[2], a->warnings, POLLIN);
	add(&p[3], a->group.meter.files[METER_MEMORY_EVENTS], POLLPRI);
	for (unsigned int i = 0; i < count; i++, n += POLLS_EACH) {
		const struct process *q = a->process[i];

		for (int k = 0; k < POLLS_EACH; k++)
			add(&p[n + (nfds_t)k], -1, 0);
		if (!q)
			continue;
		p[n].fd = q->worker_socket;
		p[n].events = POLLIN;
		p[n + 1].fd = q->in;
		p[n + 1].events = q->in_len > 0 ? POLLOUT : 0;
		for (int k = 0; k < 2; k++) {
			if (stdio_has_room(a, q, k))
				add(&p[n + 2 + (nfds_t)k], q->out[k], POLLIN);
		}
	}
	return n;
}

/* What poll(2) says of a process's input: room, or that nobody can read it any more. */
static void serve_input(struct agent *a, struct process *q, short events)
{
	if (events & POLLOUT)
		stdio_write(a, q);
	if (events & POLLERR && !q->terminal && q->in >= 0)
		stdio_close_input(a, q);
}

static void serve_process(struct agent *a, unsigned int place, const struct pollfd p[POLLS_EACH])
{
	struct process *q = a->process[place];

	if (q && p[0].revents)
		(void)reap_report(a, q);
	if (q && p[1].revents)
		serve_input(a, q, p[1].revents);
	for (int k = 0; q && k < 2; k++) {
		if (p[2 + k].revents)
			stdio_read(a, q, k);
	}
}

/* Whether it has closed what it writes to, which most do by their end. Once for each. */
static bool seems_to_end(struct process *p)
{
	bool wrote = p->stdio & (AGENT_HAS_STDOUT | AGENT_HAS_STDERR);

	if (p->phase != PHASE_RUNNING || !wrote || p->awaited || p->out[0] >= 0 || p->out[1] >= 0)
		return false;
	p->awaited = true;
	return true;
}

/* A program's pipes end a moment before it does: waiting for that tells the host all at once.
 * True: one did. */
static bool await_ends(struct agent *a, unsigned int count)
{
	struct pollfd p = { .fd = a->signals, .events = POLLIN };
	bool due = false;

	for (unsigned int i = 0; i < count; i++)
		due |= a->process[i] && seems_to_end(a->process[i]);
	return due && poll(&p, 1, MOMENT_MS) > 0;
}

static void serve(struct agent *a)
{
	static struct pollfd p[POLLS];
	struct signalfd_siginfo info;
	const unsigned int count = places(a);
	nfds_t n = ask(a, p, count);

	if (poll(p, n, -1) < 0)
		return;
	if (p[2].revents) /* of what is reported next */
		read_warnings(a);
	for (unsigned int i = 0; i < count; i++)
		serve_process(a, i, &p[POLLS_FIRST + POLLS_EACH * i]);
	if (p[3].revents && group_look(&a->group))
		a->oom = true;
	if (await_ends(a, count) || p[1].revents) {
		(void)!read(a->signals, &info, sizeof(info));
		reap_children(a);
	}
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		port_read_all(a);
	reap_tell(a);
	process_sweep(a);
	port_write(a);
}

/* The answer to what ends the guest is on its way before it does. */
static void last_words(struct agent *a)
{
	const void *data;
	struct pollfd p = { .fd = a->port, .events = POLLOUT };

	a->ends = false;
	while (!a->ends && channel_pending(&a->channel, &data) > 0) {
		if (poll(&p, 1, LAST_WORDS_MS) <= 0)
			break;
		port_write(a);
	}
}

static int run(struct agent *a, struct err *e)
{
	TRY(set_up(a, e));
	channel_init(&a->channel, &request_events, a);
	say_ready(a);
	port_write(a);
	while (!a->ends)
		serve(a);
	last_words(a);
	return 0;
}

int main(int argc, char **argv)
{
	static struct agent agent;
	struct err e = { 0 };
	uint64_t port = 0;

	if (getpid() != 1) {
		(void)dprintf(STDERR_FILENO, "caisson-agent: the first process of a guest\n");
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "--port") == 0 && num_u64(argv[2], INT32_MAX, &port) == 0)
		agent.port = (int)port;
	else
		agent.port = boot();
	if (agent.port < 0 || fcntl(agent.port, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(agent.port, F_SETFD, FD_CLOEXEC) < 0)
		return 1;
	if (run(&agent, &e) < 0) {
		complain(&e);
		return 1;
	}
	sync();
	return reboot(RB_POWER_OFF) < 0;
}
