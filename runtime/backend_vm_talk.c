/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_talk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

/* --- answers to commands -------------------------------------------------------------- */

static void answer(int socket, const struct frame *f)
{
	(void)!send(socket, f, sizeof(*f), MSG_NOSIGNAL);
}

static void refuse(int socket, const struct err *e)
{
	struct frame f;

	vm_frame_error(&f, e);
	answer(socket, &f);
}

/* Whoever waits for something hears this instead; nothing more comes. */
static void give_up(struct vm_talk *t, const struct err *e)
{
	if (!t->told && t->launcher >= 0) {
		refuse(t->launcher, e);
		t->told = true;
	} else if (t->starter >= 0) {
		refuse(t->starter, e);
		fd_drop(&t->starter);
	}
	t->over = true;
}

void vm_talk_failed(struct vm_talk *t, const struct err *e)
{
	if ((!t->told && t->launcher >= 0) || t->starter >= 0)
		give_up(t, e);
	else if (t->started)
		dprintf(t->stdio[2], "caisson: %s\n", e->text);
}

/* --- what comes from the agent ---------------------------------------------------------- */

static void on_ready(void *owner, const struct agent_ready *ready, const char *release)
{
	struct vm_talk *t = owner;
	uint8_t entropy[AGENT_ENTROPY];
	struct timespec now;

	(void)ready;
	(void)release;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(entropy, sizeof(entropy), 0) == (ssize_t)sizeof(entropy))
		(void)agent_client_clock(&t->client, now.tv_sec, (uint32_t)now.tv_nsec, entropy);
	t->setup = agent_client_setup(&t->client, t->shares, 1);
}

static void on_created(struct vm_talk *t)
{
	const struct frame f = { .type = FRAME_READY };

	t->created = t->told = true;
	answer(t->launcher, &f);
}

static void on_started(struct vm_talk *t)
{
	t->started = t->input = true;
	fd_drop(&t->starter); /* the end of file is the answer */
	fd_drop(&t->listener);
	for (size_t i = 0; i < LEN(t->knocking); i++)
		fd_drop(&t->knocking[i]);
}

static void on_replied(void *owner, uint32_t request, const struct agent_reply *reply)
{
	struct vm_talk *t = owner;

	if (vm_commands_replied(&t->commands, request, reply))
		return;
	if (request != t->setup && request != t->create && request != t->start)
		return;
	if (reply->type == AGENT_FAILED) {
		give_up(t, &reply->err);
	} else if (request == t->setup) {
		t->setup = 0;
		t->create = agent_client_launch(&t->client, AGENT_CREATE, AGENT_CONTAINER,
		                                t->process->plan, t->process->plan_len,
		                                AGENT_HAS_ALL, "");
	} else if (request == t->create) {
		t->create = 0;
		on_created(t);
	} else {
		t->start = 0;
		on_started(t);
	}
}

/* Standard output that nobody reads any more takes nothing away from the program but that. */
static void on_output(void *owner, uint32_t process, enum agent_stream which, const uint8_t *data,
                      size_t len)
{
	struct vm_talk *t = owner;
	struct err ignored = { 0 };
	int fd = t->stdio[which == AGENT_STDERR ? 2 : 1];

	(void)!fd_write_all(fd, data, len, "standard output", &ignored);
	agent_client_consumed(&t->client, process, which, (uint32_t)len);
}

static void on_input_writable(void *owner, uint32_t process)
{
	struct vm_talk *t = owner;
	size_t taken = agent_client_input(&t->client, process, t->input_data, t->input_len);

	memmove(t->input_data, t->input_data + taken, t->input_len - taken);
	t->input_len -= taken;
}

static void on_input_closed(void *owner, uint32_t process)
{
	struct vm_talk *t = owner;

	(void)process;
	t->input = false;
}

static void on_exited(void *owner, uint32_t process, int status, int signal)
{
	struct vm_talk *t = owner;

	(void)process;
	(void)signal;
	t->status = status;
}

static void on_finished(void *owner, uint32_t process)
{
	struct vm_talk *t = owner;

	(void)process;
	/* one that failed to start ends as well, which is nobody's exit status */
	t->finished = !t->over;
	t->over = true;
}

static void on_oom(void *owner, uint64_t kills)
{
	struct vm_talk *t = owner;

	vm_commands_oom(&t->commands, kills);
}

static const struct agent_client_events events = {
	.ready = on_ready,
	.replied = on_replied,
	.output = on_output,
	.input_writable = on_input_writable,
	.input_closed = on_input_closed,
	.exited = on_exited,
	.finished = on_finished,
	.oom = on_oom,
};

/* --- what comes from outside --------------------------------------------------------------- */

static void read_input(struct vm_talk *t)
{
	ssize_t n = read(t->stdio[0], t->input_data, sizeof(t->input_data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		t->input = false;
		agent_client_input_end(&t->client, AGENT_CONTAINER);
		return;
	}
	t->input_len = (size_t)n;
	on_input_writable(t, AGENT_CONTAINER);
}

static void pass_signal(struct vm_talk *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (t->created)
		(void)agent_client_signal(&t->client, AGENT_CONTAINER, (int)info.ssi_signo, false);
	else
		t->over = true;
}

static void begin_start(struct vm_talk *t, int *socket)
{
	struct err e = { 0 };

	t->starter = fd_give(socket);
	t->start = agent_client_start(&t->client, "");
	if (t->start == 0) {
		(void)err_set(&e, ERR_STATE, "the guest's agent takes no request");
		refuse(t->starter, &e);
		fd_drop(&t->starter);
	}
}

/* GO: the launcher is done with us; START; its end: a container that nobody has taken over
 * ends with its command. */
static void hear_launcher(struct vm_talk *t)
{
	struct frame f;
	ssize_t n = recv(t->launcher, &f, sizeof(f), 0);

	if (n == (ssize_t)sizeof(f) && t->created && f.type == FRAME_GO) {
		fd_drop(&t->launcher);
	} else if (n == (ssize_t)sizeof(f) && t->created && f.type == FRAME_START) {
		begin_start(t, &t->launcher);
	} else {
		fd_drop(&t->launcher);
		t->over = true;
	}
}

/* Who may connect is said by the record's folder. `state` connects to ask whether we listen,
 * and says nothing. */
static void hear_listener(struct vm_talk *t)
{
	/* cppcheck-suppress nullPointer ; accept4(2) takes NULL */
	FD int socket = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t place = 0;

	if (socket < 0)
		return;
	while (place < LEN(t->knocking) && t->knocking[place] >= 0)
		place++;
	if (place == LEN(t->knocking)) {
		fd_drop(&t->knocking[0]);
		memmove(t->knocking, t->knocking + 1, sizeof(t->knocking) - sizeof(int));
		place--;
	}
	t->knocking[place] = fd_give(&socket);
}

static void forget_knocking(struct vm_talk *t, size_t place)
{
	fd_drop(&t->knocking[place]);
	for (; place + 1 < LEN(t->knocking); place++)
		t->knocking[place] = t->knocking[place + 1];
	t->knocking[place] = -1;
}

static void hear_knocking(struct vm_talk *t, size_t place)
{
	struct frame f;
	ssize_t n = recv(t->knocking[place], &f, sizeof(f), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == (ssize_t)sizeof(f) && f.type == FRAME_START)
		begin_start(t, &t->knocking[place]);
	forget_knocking(t, place);
}

/* --- the loop --------------------------------------------------------------------------------- */

enum {
	AT_AGENT,
	AT_SIGNALS,
	AT_LAUNCHER,
	AT_LISTENER,
	AT_INPUT,
	AT_KNOCKING,
	AT_COMMANDS = AT_KNOCKING + VM_TALK_KNOCKING,
	PLACES = AT_COMMANDS + VM_COMMANDS_POLLS,
};

static bool may_be_started(const struct vm_talk *t)
{
	return t->created && t->launcher < 0 && t->starter < 0 && !t->started;
}

static void choose(struct vm_talk *t, struct pollfd fd[PLACES])
{
	bool alone = may_be_started(t);

	fd[AT_AGENT].fd = t->agent;
	fd[AT_AGENT].events = agent_client_wants(&t->client);
	fd[AT_SIGNALS] = (struct pollfd){ .fd = t->signals, .events = POLLIN };
	fd[AT_LAUNCHER] = (struct pollfd){ .fd = t->launcher, .events = POLLIN };
	fd[AT_LISTENER] = (struct pollfd){ .fd = alone ? t->listener : -1, .events = POLLIN };
	fd[AT_INPUT].fd = t->input && t->input_len == 0 ? t->stdio[0] : -1;
	fd[AT_INPUT].events = POLLIN;
	for (size_t i = 0; i < LEN(t->knocking); i++)
		fd[AT_KNOCKING + i] =
			(struct pollfd){ .fd = alone ? t->knocking[i] : -1, .events = POLLIN };
	vm_commands_wants(&t->commands, &fd[AT_COMMANDS]);
}

/* The last one first: those behind it move up. */
static void hear_all_knocking(struct vm_talk *t, const struct pollfd fd[VM_TALK_KNOCKING])
{
	for (size_t i = LEN(t->knocking); i-- > 0;) {
		if (fd[i].revents && may_be_started(t) && t->knocking[i] == fd[i].fd)
			hear_knocking(t, i);
	}
}

static void look(struct vm_talk *t)
{
	struct pollfd fd[PLACES] = { 0 };
	struct err e = { 0 };

	choose(t, fd);
	if (poll(fd, PLACES, -1) < 0)
		return;
	if (fd[AT_AGENT].revents && agent_client_io(&t->client, t->agent, &e) < 0)
		t->over = true; /* the monitor knows more */
	if (fd[AT_SIGNALS].revents)
		pass_signal(t);
	if (fd[AT_LAUNCHER].revents)
		hear_launcher(t);
	hear_all_knocking(t, &fd[AT_KNOCKING]);
	if (fd[AT_LISTENER].revents && may_be_started(t))
		hear_listener(t);
	if (fd[AT_INPUT].revents)
		read_input(t);
	vm_commands_io(&t->commands, &fd[AT_COMMANDS]);
	agent_client_flush(&t->client);
}

void *vm_talk_thread(void *talk)
{
	struct vm_talk *t = talk;

	while (!t->over)
		look(t);
	vm_commands_done(&t->commands);
	/* the VM ends with our end of its agent's socket */
	fd_drop(&t->agent);
	return NULL;
}

static const int passed[] = { SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
	                      SIGCONT, SIGTSTP, SIGWINCH, SIGURG,  SIGIO,   SIGPWR };

bool vm_talk_passes(int signo)
{
	for (size_t i = 0; i < LEN(passed); i++) {
		if (passed[i] == signo)
			return true;
	}
	return false;
}

int vm_talk_begin(struct vm_talk *t, const struct vm_process *p, struct err *e)
{
	static const struct agent_mount shares = { "virtiofs", MONITOR_FS_TAG, AGENT_SHARES, "" };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < LEN(passed); i++)
		(void)sigaddset(&set, passed[i]);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return err_sys(e, "sigprocmask");
	(void)signal(SIGPIPE, SIG_IGN);
	t->process = p;
	t->shares = &shares;
	for (int i = 0; i < 3; i++)
		t->stdio[i] = i;
	t->launcher = p->launcher;
	t->listener = p->listener;
	t->starter = t->agent = -1;
	for (size_t i = 0; i < LEN(t->knocking); i++)
		t->knocking[i] = -1;
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0)
		return err_sys(e, "signalfd");
	agent_client_init(&t->client, &events, t);
	vm_commands_init(&t->commands, p->commands, &t->client);
	return 0;
}

bool vm_talk_await_hello(const struct vm_talk *t)
{
	struct frame f;
	ssize_t n = recv(t->launcher, &f, sizeof(f), 0);

	return n == (ssize_t)sizeof(f) && f.type == FRAME_HELLO;
}
