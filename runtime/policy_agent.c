/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's one loop. It waits on
 *
 *	its socket	runtimes connect; others than root and our user are turned away
 *	connections	each brings one message and a listener, then ends
 *	listeners	of containers: one call of each is taken a turn, so that a flood from
 *			one does not keep others waiting
 *	jobs		children that do a call in a container's place (policy_emulate.c)
 *
 * Everything is bounded. Where there is no room for another connection, it stays in the
 * socket's queue; for another job, calls stay with the kernel; for another listener, it
 * is closed, and the kernel answers its container's calls with ENOSYS; for another line on
 * stdout, it is dropped.
 */
#include "runtime/policy_agent.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/unix.h"
#include "oci-spec/json.h"
#include "runtime/policy_emulate.h"
#include "seccomp/seccomp.h"

enum {
	CONNECTIONS = 16,
	LISTENERS = 256,
	JOBS = 16,
	MESSAGE_MAX = 65536,
	MESSAGE_FDS = 4,
	PATIENCE_MS = 10000, /* for a message, and for a job */
	SLOTS = 2 + CONNECTIONS + LISTENERS + JOBS,
};

struct connection {
	int fd; /* -1: free */
	int64_t deadline;
	struct buf text;
	int fds[MESSAGE_FDS];
	size_t fd_count;
};

struct listener {
	int fd; /* -1: free */
	size_t jobs;
	struct arena arena; /* of what follows */
	const char *id, *metadata;
};

struct job {
	int pidfd; /* -1: free */
	int64_t deadline;
	struct listener *from;
	struct seccomp_notif call;
};

struct agent {
	const struct agent_rules *rules;
	int socket, signals;
	struct connection connections[CONNECTIONS];
	struct listener listeners[LISTENERS];
	struct job jobs[JOBS];
};

/* --- answers ------------------------------------------------------------------------- */

static void print_call(const struct listener *l, const struct seccomp_notif *call, const char *name,
                       const char *answer, int number)
{
	BUF struct buf line = { 0 };
	struct json_writer w = { .out = &line, .indent = "" };
	struct err ignored = { 0 };

	json_open(&w, '{');
	json_put_string(&w, "container", l->id);
	json_put_u64(&w, "pid", call->pid);
	json_put_string(&w, "syscall", name);
	json_key(&w, "args");
	json_open(&w, '[');
	for (size_t i = 0; i < LEN(call->data.args); i++)
		json_u64(&w, call->data.args[i]);
	json_close(&w, ']');
	json_put_string(&w, "answer", answer);
	json_key(&w, "errno");
	json_i64(&w, number);
	json_close(&w, '}');
	buf_text(&line, "\n");
	/* who does not read stops no container: a pipe that can be written to has room for
	 * PIPE_BUF bytes (pipe(7)) */
	struct pollfd room = { .fd = STDOUT_FILENO, .events = POLLOUT };
	if (buf_ok(&line, &ignored) < 0 || line.len > PIPE_BUF || poll(&room, 1, 0) != 1 ||
	    fd_write_all(STDOUT_FILENO, line.data, line.len, "stdout", &ignored) < 0)
		return;
}

/* number: the errno, 0 for success. A caller that is gone is no error. */
static void respond(const struct listener *l, uint64_t id, int number, uint32_t flags)
{
	struct seccomp_notif_resp answer = { .id = id, .error = -number, .flags = flags };

	(void)sys_ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static struct job *free_job(struct agent *agent)
{
	for (size_t i = 0; i < JOBS; i++) {
		if (agent->jobs[i].pidfd < 0)
			return &agent->jobs[i];
	}
	return NULL;
}

static void start_job(struct job *job, struct listener *l, const struct seccomp_notif *call,
                      const struct agent_rule *rule, const char *name)
{
	int number = emulate_start(l->fd, call, rule, &job->pidfd);

	if (number != 0) {
		respond(l, call->id, number, 0);
		print_call(l, call, name, "errno", number);
		return;
	}
	job->deadline = clock_ms() + PATIENCE_MS;
	job->from = l;
	job->call = *call;
	l->jobs++;
}

/* One call of a container, where there is one. There has to be a free job. */
static void take_call(struct agent *agent, struct listener *l)
{
	struct seccomp_notif call = { 0 };
	char name[SECCOMP_NAME_MAX];

	if (sys_ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return; /* the caller has been killed meanwhile */
	seccomp_call_name(call.data.arch, call.data.nr, name);

	const struct agent_rule *rule = agent_rule_for(agent->rules, l->metadata, name);
	switch (rule->action) {
	case AGENT_LOG:
		print_call(l, &call, name, "allow", 0);
		respond(l, call.id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		break;
	case AGENT_ALLOW:
		respond(l, call.id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		break;
	case AGENT_ERRNO:
		print_call(l, &call, name, "errno", (int)rule->errno_ret);
		respond(l, call.id, (int)rule->errno_ret, 0);
		break;
	case AGENT_MKNOD:
	case AGENT_MOUNT:
		start_job(free_job(agent), l, &call, rule, name);
		break;
	}
}

static void end_job(struct job *job)
{
	struct err ignored = { 0 };
	char name[SECCOMP_NAME_MAX];
	int status = proc_reap(job->pidfd, &ignored);
	int number = status >= 0 && status < 128 ? status : EIO;

	seccomp_call_name(job->call.data.arch, job->call.data.nr, name);
	print_call(job->from, &job->call, name, number == 0 ? "done" : "errno", number);
	respond(job->from, job->call.id, number, 0);
	job->from->jobs--;
	fd_drop(&job->pidfd);
}

/* --- listeners come and go ------------------------------------------------------------- */

static void close_connection(struct connection *c)
{
	for (size_t i = 0; i < c->fd_count; i++)
		scope_close(&c->fds[i]);
	buf_done(&c->text);
	scope_close(&c->fd);
	*c = (struct connection){ .fd = -1 };
}

static void close_listener(struct listener *l)
{
	scope_close(&l->fd);
	arena_done(&l->arena);
	*l = (struct listener){ .fd = -1 };
}

/* Anything may be sent as a listener; another file would answer, or hang, as it likes. */
static bool is_listener(int fd)
{
	char link[64], target[64] = "";

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 &&
	       strcmp(target, "anon_inode:seccomp notify") == 0;
}

static struct listener *free_listener(struct agent *agent)
{
	for (size_t i = 0; i < LISTENERS; i++) {
		if (agent->listeners[i].fd < 0)
			return &agent->listeners[i];
	}
	return NULL;
}

/* The message is there as a whole: its listener is ours from now on. */
static int add_listener(struct agent *agent, struct connection *c, struct err *e)
{
	struct listener *l = free_listener(agent);
	struct agent_message message;
	ARENA struct arena a;

	arena_init(&a, 0);
	if (!l)
		return err_set(e, ERR_REFUSED, "%d containers are listened to already", LISTENERS);
	TRY(agent_message_parse(&a, c->text.data ? c->text.data : "", c->text.len, c->fd_count,
	                        &message, e));
	if (!is_listener(c->fds[message.listener]))
		return err_set(e, ERR_REFUSED, "what was sent as seccompFd is no seccomp listener");

	*l = (struct listener){ .fd = fd_give(&c->fds[message.listener]) };
	arena_init(&l->arena, 0);
	l->id = arena_string(&l->arena, message.id, strlen(message.id));
	l->metadata = arena_string(&l->arena, message.metadata, strlen(message.metadata));
	return 0;
}

/* What has come of a message; it ends when the peer does. */
static void read_connection(struct agent *agent, struct connection *c)
{
	size_t n = MESSAGE_FDS - c->fd_count;
	struct err e = { 0 };
	char part[4096];
	ssize_t got = fd_receive(c->fd, part, sizeof(part), c->fds + c->fd_count, &n, &e);

	if (got > 0) {
		c->fd_count += n;
		buf_add(&c->text, part, (size_t)got);
		if (c->text.len <= MESSAGE_MAX && !c->text.failed)
			return;
		got = err_set(&e, ERR_REFUSED, "more than %d bytes", MESSAGE_MAX);
	}
	if (got < 0 || add_listener(agent, c, &e) < 0) {
		(void)err_in(&e, "a message was not understood");
		log_err(&e);
	}
	close_connection(c);
}

static void accept_connection(struct agent *agent, struct connection *ret)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	/* cppcheck-suppress nullPointer ; accept4(2) takes NULL */
	FD int fd = accept4(agent->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    (peer.uid != 0 && peer.uid != geteuid())) {
		log_warn("user %u may not send listeners", peer.uid);
		return;
	}
	*ret = (struct connection){ .fd = fd_give(&fd), .deadline = clock_ms() + PATIENCE_MS };
}

static struct connection *free_connection(struct agent *agent)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (agent->connections[i].fd < 0)
			return &agent->connections[i];
	}
	return NULL;
}

/* --- the loop --------------------------------------------------------------------------- */

/* What is waited for: where each thing is in the list of poll(2), 0: not there. */
struct waits {
	struct pollfd v[SLOTS];
	nfds_t n;
	nfds_t socket, connections[CONNECTIONS], listeners[LISTENERS], jobs[JOBS];
	int64_t until; /* the next deadline; INT64_MAX: none */
};

static nfds_t add_wait(struct waits *w, int fd)
{
	w->v[w->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return w->n++;
}

static int came(const struct waits *w, nfds_t slot)
{
	return slot == 0 ? 0 : w->v[slot].revents;
}

static void collect(struct agent *agent, struct waits *w)
{
	const bool job_free = free_job(agent) != NULL;

	*w = (struct waits){ .until = INT64_MAX };
	(void)add_wait(w, agent->signals);
	if (free_connection(agent))
		w->socket = add_wait(w, agent->socket);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		const struct connection *c = &agent->connections[i];

		if (c->fd < 0)
			continue;
		w->connections[i] = add_wait(w, c->fd);
		w->until = c->deadline < w->until ? c->deadline : w->until;
	}
	for (size_t i = 0; i < LISTENERS; i++) {
		if (agent->listeners[i].fd >= 0 && job_free)
			w->listeners[i] = add_wait(w, agent->listeners[i].fd);
	}
	for (size_t i = 0; i < JOBS; i++) {
		if (agent->jobs[i].pidfd < 0)
			continue;
		w->jobs[i] = add_wait(w, agent->jobs[i].pidfd);
		w->until = agent->jobs[i].deadline < w->until ? agent->jobs[i].deadline : w->until;
	}
}

static void serve_jobs(struct agent *agent, const struct waits *w)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < JOBS; i++) {
		struct job *job = &agent->jobs[i];

		if (came(w, w->jobs[i])) {
			end_job(job);
		} else if (job->pidfd >= 0 && now >= job->deadline) {
			(void)sys_pidfd_send_signal(job->pidfd, SIGKILL);
			job->deadline = now + PATIENCE_MS;
		}
	}
}

static void serve_connections(struct agent *agent, const struct waits *w)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &agent->connections[i];

		if (came(w, w->connections[i])) {
			read_connection(agent, c);
		} else if (c->fd >= 0 && now >= c->deadline) {
			log_warn("a message did not come in time");
			close_connection(c);
		}
	}
	if (came(w, w->socket))
		accept_connection(agent, free_connection(agent));
}

static void serve_listeners(struct agent *agent, const struct waits *w)
{
	for (size_t i = 0; i < LISTENERS; i++) {
		struct listener *l = &agent->listeners[i];
		int events = came(w, w->listeners[i]);

		if (events & POLLIN) {
			if (free_job(agent))
				take_call(agent, l);
		} else if (events && l->jobs == 0) {
			close_listener(l); /* no process has the filter any more */
		}
	}
}

static int serve(struct agent *agent, struct err *e)
{
	struct waits w;

	for (;;) {
		collect(agent, &w);

		int64_t left = w.until == INT64_MAX ? -1 : w.until - clock_ms();
		if (poll(w.v, w.n, w.until == INT64_MAX ? -1 : left < 0 ? 0 : (int)left) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(e, "poll");
		}
		if (w.v[0].revents)
			return 0;
		serve_jobs(agent, &w);
		serve_listeners(agent, &w);
		serve_connections(agent, &w);
	}
}

static void agent_done(struct agent *agent)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (agent->connections[i].fd >= 0)
			close_connection(&agent->connections[i]);
	}
	for (size_t i = 0; i < JOBS; i++) {
		if (agent->jobs[i].pidfd >= 0)
			(void)sys_pidfd_send_signal(agent->jobs[i].pidfd, SIGKILL);
		scope_close(&agent->jobs[i].pidfd);
	}
	for (size_t i = 0; i < LISTENERS; i++) {
		if (agent->listeners[i].fd >= 0)
			close_listener(&agent->listeners[i]);
	}
}

int policy_agent_run(const char *path, const struct agent_rules *rules, struct err *e)
{
	static struct agent agent; /* too big for a stack */
	sigset_t ends;

	agent.rules = rules;
	for (size_t i = 0; i < CONNECTIONS; i++)
		agent.connections[i].fd = -1;
	for (size_t i = 0; i < LISTENERS; i++)
		agent.listeners[i].fd = -1;
	for (size_t i = 0; i < JOBS; i++)
		agent.jobs[i].pidfd = -1;
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGHUP);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &ends, NULL) < 0)
		return err_sys(e, "sigprocmask");

	FD int signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return err_sys(e, "signalfd");
	const char *slash = strrchr(path, '/');
	ARENA struct arena a;

	arena_init(&a, 0);
	const char *name = slash ? slash + 1 : path;
	const char *folder = slash ? arena_string(&a, path, (size_t)(name - path)) : ".";
	FD int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "%s", folder);
	FD int listening = unix_listen(dir, name, SOCK_STREAM | SOCK_NONBLOCK, e);
	if (listening < 0)
		return -1;
	agent.signals = signals;
	agent.socket = listening;

	int result = serve(&agent, e);
	agent_done(&agent);
	(void)unlinkat(dir, name, 0);
	return result;
}
