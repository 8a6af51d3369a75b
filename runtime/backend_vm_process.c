/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "runtime/backend_vm_talk.h"
#include "vm-sandbox/jail.h"

enum { READY_MS = 120000, EXIT_FAILED = 255 };

/* The texts follow each other; what is last is left out where there is no room. */
void vm_frame_error(struct frame *f, const struct err *e)
{
	const char *const texts[] = { e->text, e->pointer, e->phase, e->hint };
	size_t at = 0;

	*f = (struct frame){ .type = FRAME_ERROR, .step = (uint32_t)e->kind, .error = e->sys };
	for (size_t i = 0; i < LEN(texts) && at < FRAME_TEXT_MAX - 1; i++) {
		size_t len = strlen(texts[i]), room = FRAME_TEXT_MAX - 1 - at;

		/* half a sentence is better than none, half a pointer leads elsewhere */
		if (len > room && i > 0)
			len = 0;
		len = len < room ? len : room;
		memcpy(f->text + at, texts[i], len);
		at += len + 1;
	}
}

int vm_frame_read_error(const struct frame *f, struct err *e)
{
	enum err_kind kind =
		f->step > ERR_NONE && f->step <= ERR_BUG ? (enum err_kind)f->step : ERR_KERNEL;
	const char *texts[] = { "", "", "", "" };
	size_t at = 0;

	for (size_t i = 0; i < LEN(texts) && at < FRAME_TEXT_MAX; i++) {
		size_t len = strnlen(f->text + at, FRAME_TEXT_MAX - at);

		if (at + len < FRAME_TEXT_MAX) /* it has an end */
			texts[i] = f->text + at;
		at += len + 1;
	}
	err_set(e, kind, "%s", texts[0]);
	(void)snprintf(e->pointer, sizeof(e->pointer), "%s", texts[1]);
	(void)snprintf(e->phase, sizeof(e->phase), "%s", texts[2]);
	(void)snprintf(e->hint, sizeof(e->hint), "%s", texts[3]);
	e->sys = f->error;
	return -1;
}

/* A fork has all that the command had open, its lock on the record included. What is kept
 * moves up, and everything else is closed. */
enum { KEPT_FROM = 256 };

static int keep(int *fd, struct err *e)
{
	int moved;

	if (*fd < 0)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, KEPT_FROM);
	if (moved < 0)
		return err_sys(e, "F_DUPFD_CLOEXEC");
	*fd = moved;
	return 0;
}

static int keep_only_ours(struct vm_process *p, struct err *e)
{
	int end = fcntl(0, F_DUPFD_CLOEXEC, KEPT_FROM);

	/* the numbers above may be a caller's */
	if (end != KEPT_FROM)
		return err_set(e, ERR_REFUSED, "more files are open than a monitor may inherit");
	(void)close(end);
	TRY(keep(&p->launcher, e));
	TRY(keep(&p->listener, e));
	TRY(keep(&p->commands, e));
	TRY(keep(&p->kernel, e));
	TRY(keep(&p->initramfs, e));
	TRY(keep(&p->initrd, e));
	TRY(keep(&p->image.disk.fd, e));
	for (unsigned int i = 0; i < p->share_count; i++)
		TRY(keep(&p->shares[i].fd, e));
	if (sys_close_range(3, KEPT_FROM - 1, 0) < 0)
		return err_sys(e, "close_range");
	return 0;
}

/* What the VM itself had to say, when it did not end as its owner asked. */
static void tell_end(struct vm_talk *t, const struct monitor_result *r, int result,
                     const struct err *why)
{
	struct err e = { 0 };

	if (result < 0)
		e = *why;
	else if (r->panic[0])
		(void)err_set(&e, ERR_KERNEL, "the guest's kernel: %.300s%s%s", r->panic,
		              t->process->bare ? "; there are no modules for it: no /lib/modules/"
		                               : "",
		              t->process->bare ? t->process->bare : "");
	else
		(void)err_set(&e, ERR_KERNEL, "the microVM has ended: %s",
		              monitor_end_name(r->end));
	vm_talk_failed(t, &e);
}

static void *run_talk(void *talk)
{
	struct err e = { 0 };

	if (jail_thread(JAIL_TALK, &e) < 0)
		_exit(EXIT_FAILED);
	return vm_talk_thread(talk);
}

/* In jail already: a thread before would have been one too many for a user namespace. */
static int begin_talk(void *talk, struct err *e)
{
	struct vm_talk *t = talk;

	errno = pthread_create(&t->thread, NULL, run_talk, t);
	if (errno)
		return err_sys(e, "make a thread");
	t->running = true;
	return 0;
}

/* Ends with the container's exit status. */
static _Noreturn void go(struct vm_talk *talk, const struct vm_process *p, struct vm_net *net,
                         const int pair[2])
{
	struct monitor_result result = { 0 };
	struct err e = { 0 };
	const struct monitor_config config = {
		.kernel = p->kernel,
		.initramfs = p->initramfs,
		.initrd = p->initrd,
		.cmdline = p->cmdline,
		.vcpus = p->vcpus,
		.memory_bytes = p->memory_bytes,
		.shares = p->shares,
		.share_count = p->share_count,
		.nets = net->setup,
		.net_count = net->count,
		.nets_now = p->listener >= 0 ? &net->count : NULL,
		.disk = p->image.type ? &p->image.disk : NULL,
		.agent = pair[1],
		.serial = -1,
		.ready_ms = READY_MS,
		.jailed = true,
		.profile = p->profile,
		.sealed = begin_talk,
		.owner = talk,
	};

	talk->agent = pair[0];
	talk->net = net;
	int ran = monitor_run(&config, &result, &e);

	(void)shutdown(pair[1], SHUT_RDWR);
	if (talk->running)
		(void)pthread_join(talk->thread, NULL);
	if (!talk->finished)
		tell_end(talk, &result, ran, &e);
	_exit(talk->finished ? talk->status : EXIT_FAILED);
}

_Noreturn void vm_process_run(struct vm_process *p)
{
	static struct vm_net net;
	struct vm_talk *talk = calloc(1, sizeof(*talk));
	struct err e = { 0 };
	int pair[2];

	if (!talk)
		(void)err_sys(&e, "microVM");
	if (!talk || keep_only_ours(p, &e) < 0 || vm_talk_begin(talk, p, &e) < 0) {
		struct frame f;

		vm_frame_error(&f, &e);
		(void)!send(p->launcher, &f, sizeof(f), MSG_NOSIGNAL);
		_exit(EXIT_FAILED);
	}
	/* until then hooks run, which may change the network */
	if (!vm_talk_await_hello(talk) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		_exit(EXIT_FAILED);
	if (vm_net_connect(&net, p->listener >= 0, &e) < 0) {
		(void)err_in(&e, "network");
		vm_talk_failed(talk, &e);
		_exit(EXIT_FAILED);
	}
	go(talk, p, &net, pair);
}
