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
	else if (t->started && t->streams.out[1] >= 0)
		dprintf(t->streams.out[1], "caisson: %s\n", e->text);
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

/* The slave has a size from the beginning, as the config wants it, and whoever has the master
 * may have given it another. */
static void resize(struct vm_talk *t)
{
	struct vm_size size;

	if (t->streams.in < 0) /* it is gone */
		return;
	size = vm_terminal_size(t->streams.in);

	if (size.rows == t->size.rows && size.columns == t->size.columns)
		return;
	t->size = size;
	(void)agent_client_resize(&t->client, AGENT_CONTAINER, size.rows, size.columns);
}

static void on_created(struct vm_talk *t)
{
	const struct frame f = { .type = FRAME_READY };

	t->created = t->told = true;
	if (t->process->terminal)
		resize(t);
	answer(t->launcher, &f);
}

static void on_started(struct vm_talk *t)
{
	t->started = t->streams.open = true;
	fd_drop(&t->listener);
	for (size_t i = 0; i < LEN(t->knocking); i++)
		fd_drop(&t->knocking[i]);
	/* the end of file is the answer; whoever gets it may see that nobody listens any more */
	fd_drop(&t->starter);
}

/* A place of those that knock, if need be that of the one that does so for longest. */
static void keep_knocking(struct vm_talk *t, int *socket)
{
	size_t place = 0;

	while (place < LEN(t->knocking) && t->knocking[place] >= 0)
		place++;
	if (place == LEN(t->knocking)) {
		fd_drop(&t->knocking[0]);
		memmove(t->knocking, t->knocking + 1, sizeof(t->knocking) - sizeof(int));
		place--;
	}
	t->knocking[place] = fd_give(socket);
}

/* Whoever has told of the interface goes on. */
static void on_linked(struct vm_talk *t)
{
	const struct frame f = { .type = FRAME_GO };

	answer(t->starter, &f);
	keep_knocking(t, &t->starter);
}

static uint32_t stdio_of(const struct vm_process *p, struct vm_streams *streams)
{
	if (!p->terminal)
		return vm_streams_leave_null(streams);
	return AGENT_HAS_STDIN | AGENT_HAS_STDOUT | (p->plain_terminal ? AGENT_PLAIN : 0);
}

static uint32_t mount_image(struct vm_talk *t)
{
	const struct vm_image *i = &t->process->image;
	const struct agent_mount root = { i->type, "/dev/vda", AGENT_IMAGE,
		                          i->disk.read_only ? "ro" : "" };

	t->image_told = true;
	return agent_client_setup(&t->client, &root, 1);
}

/* The image, one interface after the other, then the container. */
static void set_up_more(struct vm_talk *t)
{
	t->setup = 0;
	if (t->process->image.type && !t->image_told) {
		t->setup = mount_image(t);
		return;
	}
	if (t->net && t->net_told < t->net->count) {
		const struct buf *m = &t->net->message[t->net_told++];

		t->setup = agent_client_netcfg(&t->client, m->data, m->len);
		return;
	}
	t->create = agent_client_launch(&t->client, AGENT_CREATE, AGENT_CONTAINER, t->process->plan,
	                                t->process->plan_len, t->stdio, "");
}

static void give_up_because(struct vm_talk *t, uint32_t request, struct err e)
{
	if (request == t->setup && t->image_told && t->net_told == 0) {
		(void)err_in(&e, "vm.image.path");
		(void)err_point(&e, e.text);
	}
	give_up(t, &e);
}

static void on_replied(void *owner, uint32_t request, const struct agent_reply *reply)
{
	struct vm_talk *t = owner;

	if (vm_commands_replied(&t->commands, request, reply))
		return;
	if (request == t->settle) /* the guest may be gone before we look again */
		t->finished = t->over = true;
	if (request != t->setup && request != t->create && request != t->link &&
	    request != t->start)
		return;
	if (reply->type == AGENT_FAILED) {
		give_up_because(t, request, reply->err);
	} else if (request == t->setup) {
		set_up_more(t);
	} else if (request == t->create) {
		t->create = 0;
		on_created(t);
	} else if (request == t->link) {
		t->link = 0;
		on_linked(t);
	} else {
		t->start = 0;
		on_started(t);
	}
}

static void on_output(void *owner, uint32_t process, enum agent_stream which, const uint8_t *data,
                      size_t len)
{
	struct vm_talk *t = owner;

	if (!vm_execs_output(&t->commands.execs, process, which, data, len))
		vm_streams_output(&t->streams, which, data, len);
}

static void on_output_ended(void *owner, uint32_t process, enum agent_stream which)
{
	struct vm_talk *t = owner;

	if (!vm_execs_output_ended(&t->commands.execs, process, which))
		vm_streams_output_ended(&t->streams, which);
}

static void on_input_writable(void *owner, uint32_t process)
{
	struct vm_talk *t = owner;

	if (!vm_execs_input_writable(&t->commands.execs, process))
		vm_streams_input_writable(&t->streams);
}

static void on_input_closed(void *owner, uint32_t process)
{
	struct vm_talk *t = owner;

	if (!vm_execs_input_closed(&t->commands.execs, process))
		vm_streams_input_closed(&t->streams);
}

static void on_exited(void *owner, uint32_t process, int status, int signal)
{
	struct vm_talk *t = owner;

	if (!vm_execs_exited(&t->commands.execs, process, status, signal))
		t->status = status;
}

static void on_finished(void *owner, uint32_t process)
{
	struct vm_talk *t = owner;

	if (!vm_execs_finished(&t->commands.execs, process))
		t->ended = true;
}

static void on_oom(void *owner, uint64_t kills)
{
	struct vm_talk *t = owner;

	vm_commands_oom(&t->commands, kills);
}

/* For who waits: a guest that warns without end is not heard without end. */
static void on_warning(void *owner, const char *text)
{
	struct vm_talk *t = owner;
	struct frame f = { .type = FRAME_WARNING };
	int waits = t->starter >= 0 ? t->starter : t->told ? -1 : t->launcher;

	if (waits < 0 || t->warnings++ >= VM_TALK_WARNINGS)
		return;
	(void)snprintf(f.text, sizeof(f.text), "%.*s", FRAME_TEXT_MAX - 1, text);
	answer(waits, &f);
}

static const struct agent_client_events events = {
	.ready = on_ready,
	.replied = on_replied,
	.output = on_output,
	.output_ended = on_output_ended,
	.input_writable = on_input_writable,
	.input_closed = on_input_closed,
	.exited = on_exited,
	.finished = on_finished,
	.oom = on_oom,
	.warning = on_warning,
};

/* --- the container's streams -------------------------------------------------------------- */

static size_t give_input(void *talk, const void *data, size_t len)
{
	struct vm_talk *t = talk;

	return agent_client_input(&t->client, AGENT_CONTAINER, data, len);
}

static void give_input_end(void *talk)
{
	struct vm_talk *t = talk;

	agent_client_input_end(&t->client, AGENT_CONTAINER);
}

static void give_credit(void *talk, enum agent_stream which, uint32_t len)
{
	struct vm_talk *t = talk;

	agent_client_consumed(&t->client, AGENT_CONTAINER, which, len);
}

static void give_output_end(void *talk, enum agent_stream which)
{
	struct vm_talk *t = talk;

	agent_client_output_end(&t->client, AGENT_CONTAINER, which);
}

static const struct vm_streams_peer container_streams = {
	.input = give_input,
	.input_end = give_input_end,
	.consumed = give_credit,
	.output_end = give_output_end,
};

/* --- what comes from outside --------------------------------------------------------------- */

static void pass_signal(struct vm_talk *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	/* What the kernel tells of the terminal, that its size is another or that its master is
	 * gone, is found out; the signals for it are made by the guest's kernel. One that comes
	 * while such a one waits is lost, as two of a kind are. */
	if (t->process->terminal && t->created)
		resize(t);
	if (t->process->terminal && info.ssi_code == SI_KERNEL)
		return;
	if (t->created)
		(void)agent_client_signal(&t->client, AGENT_CONTAINER, (int)info.ssi_signo, 0);
	else
		t->over = true;
}

/* t->heard has what came. 0: the end, or too little; -1: nothing now. */
static ssize_t hear_frame(struct vm_talk *t, int socket)
{
	ssize_t n = recv(socket, &t->newcomer, sizeof(t->newcomer), 0);

	if (n < (ssize_t)sizeof(t->heard.frame))
		return n < 0 ? -1 : 0;
	if (t->heard.frame.type == FRAME_START) { /* an end behind the state */
		size_t last = sizeof(t->heard) - 1;

		((char *)&t->heard)[(size_t)n < last ? (size_t)n : last] = '\0';
	}
	return n;
}

static void refuse_starter(struct vm_talk *t, struct err *e)
{
	if (!e->kind)
		(void)err_set(e, ERR_STATE, "the guest's agent takes no request");
	refuse(t->starter, e);
	fd_drop(&t->starter);
}

static void begin_start(struct vm_talk *t, int *socket)
{
	struct err e = { 0 };

	t->starter = fd_give(socket);
	t->start = agent_client_start(&t->client, t->heard.state);
	if (t->start == 0)
		refuse_starter(t, &e);
}

/* The device first, then the word to look for it (monitor_config.nets_now). */
static void begin_link(struct vm_talk *t, int *socket, size_t heard)
{
	struct err e = { 0 };
	size_t len;

	t->starter = fd_give(socket);
	if (vm_net_add(t->net, &t->newcomer, heard, &len, &e) == 0)
		t->link = agent_client_netcfg(&t->client, &t->newcomer.link, len);
	if (t->link == 0)
		refuse_starter(t, &e);
}

/* GO: the launcher is done with us; START; its end: a container that nobody has taken over
 * ends with its command. */
static void hear_launcher(struct vm_talk *t)
{
	uint32_t type = hear_frame(t, t->launcher) > 0 ? t->heard.frame.type : 0;

	if (t->created && type == FRAME_GO) {
		fd_drop(&t->launcher);
	} else if (t->created && type == FRAME_START) {
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

	if (socket >= 0)
		keep_knocking(t, &socket);
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
	ssize_t n = hear_frame(t, t->knocking[place]);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == (ssize_t)sizeof(struct frame) && t->net && t->heard.frame.type == FRAME_NETWORK) {
		struct frame f;

		vm_net_tell(t->net, &f);
		answer(t->knocking[place], &f);
		return;
	}
	if (n > 0 && t->heard.frame.type == FRAME_START)
		begin_start(t, &t->knocking[place]);
	else if (n > 0 && t->net && t->heard.frame.type == FRAME_NETWORK)
		begin_link(t, &t->knocking[place], (size_t)n);
	forget_knocking(t, place);
}

/* --- the loop --------------------------------------------------------------------------------- */

enum {
	AT_AGENT,
	AT_SIGNALS,
	AT_LAUNCHER,
	AT_LISTENER,
	AT_STREAMS,
	AT_KNOCKING = AT_STREAMS + VM_STREAMS_POLLS,
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
	vm_streams_ask(&t->streams, &fd[AT_STREAMS]);
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

/* What the guest has of an image in its memory would be lost with it. */
static bool is_settled(struct vm_talk *t)
{
	const struct vm_image *i = &t->process->image;

	if (!i->type || i->disk.read_only)
		return true;
	if (!t->settle)
		t->settle = agent_client_plain(&t->client, AGENT_SHUTDOWN);
	return false;
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
	vm_streams_serve(&t->streams, &fd[AT_STREAMS]);
	vm_commands_io(&t->commands, &fd[AT_COMMANDS]);
	agent_client_flush(&t->client);
	if (agent_client_wants(&t->client) & POLLOUT &&
	    agent_client_io(&t->client, t->agent, &e) < 0)
		t->over = true;
	/* one that failed to start ends as well, which is nobody's exit status */
	if (t->ended && vm_streams_are_empty(&t->streams) && !t->over && is_settled(t))
		t->finished = t->over = true;
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
	static const int stdio[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	static const struct agent_mount shares = { "virtiofs", MONITOR_FS_TAG, AGENT_SHARES, "" };
	sigset_t set, blocked;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < LEN(passed); i++)
		(void)sigaddset(&set, passed[i]);
	blocked = set;
	/* what the guest writes beyond our caller's RLIMIT_FSIZE is an error of its own */
	(void)sigaddset(&blocked, SIGXFSZ);
	if (sigprocmask(SIG_SETMASK, &blocked, NULL) < 0)
		return err_sys(e, "sigprocmask");
	(void)signal(SIGPIPE, SIG_IGN);
	t->process = p;
	t->shares = &shares;
	vm_streams_init(&t->streams, &container_streams, t, stdio);
	t->stdio = stdio_of(p, &t->streams);
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
