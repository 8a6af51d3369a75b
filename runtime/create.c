/* SPDX-License-Identifier: Apache-2.0 */
/* create and run: the same creation, then either we let go of it or stay with it. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/scope.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/foreground.h"
#include "runtime/hooks.h"
#include "runtime/limits.h"
#include "runtime/notify.h"

#define CREATION __attribute__((cleanup(creation_end)))

int container_create(const struct container_context *context, const struct create_request *r,
                     struct err *e)
{
	CREATION struct creation c;

	creation_begin(&c, context, r);
	TRY(creation_read(&c, e));
	TRY(creation_build(&c, true, e));
	/* the record is complete: from now on init waits for whoever runs `start` */
	if (launch_let_go(&c.launch, e) < 0) {
		creation_undo(&c);
		return -1;
	}
	return 0;
}

static int start_state(const struct creation *c, struct err *e)
{
	if (c->config->hooks[OCI_HOOK_START_CONTAINER].n == 0)
		return -1;
	return hooks_state(&c->state, c->state.private_pids ? 1 : c->state.pid, "created", e);
}

/* START, then what the spec wants between the program's first instruction and the
 * end of the start operation. */
static int set_off(struct creation *c, struct err *e)
{
	const struct oci_hook_list *poststart = &c->config->hooks[OCI_HOOK_POSTSTART];
	FD int inside = start_state(c, e);

	if (e->kind)
		return -1;
	const struct launch_events events = { .context = c,
		                              .wait = creation_patience(c),
		                              .listener = creation_on_listener };
	const struct launch_start start = {
		.socket = c->launch.socket,
		.pid = c->launch.pid,
		.pidfd = c->launch.pidfd,
		.state = inside,
		.events = &events,
	};
	TRY(c->backend->start(creation_plan(c), &start, e));
	fd_drop(&c->launch.socket); /* nobody is at its other end any more */
	if (poststart->n == 0)
		return 0;
	FD int outside = hooks_state(&c->state, c->state.pid, "running", e);
	TRY(outside);
	return hooks_run(OCI_HOOK_POSTSTART, poststart, c->state.bundle, outside, &c->patience, e);
}

/* A limit that the container ran into is mostly why it ended as it did. Where it has no
 * limits of its own, only a SIGKILL makes us look: memory may have run out above it. */
static void explain_end(struct creation *c, const struct foreground_end *end)
{
	struct limit_hits hits;
	struct err e = { 0 };

	if (c->cgroup < 0 || (creation_plan(c)->cgroup.writes.count == 0 && end->signal != SIGKILL))
		return;
	if (limits_read(&c->arena, c->cgroup, &hits, &e) < 0) {
		log_warn("%s", e.text);
		return;
	}
	for (size_t i = 0; i < hits.n; i++) {
		if (limits_remarkable(&hits.v[i]))
			log_warn("container %s: %s", c->request->id, hits.v[i].text);
	}
}

/* What `run` does when the process has ended (or, with NULL, was given up), unless somebody
 * else has deleted the container, or is just doing that. */
static void clean_up(struct creation *c, const struct foreground_end *end)
{
	struct err e = { 0 };

	if (state_dir_lock(&c->dir, &e) < 0) {
		if (state_dir_missing(&e))
			creation_undo_unrecorded(c);
		else
			log_warn("%s", e.text);
		return;
	}
	if (end)
		explain_end(c, end);
	if (!end || !c->request->keep)
		creation_undo(c);
	else if (creation_record_end(c, end->status, end->signal, &e) < 0)
		log_warn("%s", e.text);
}

int container_run(const struct container_context *context, const struct create_request *r,
                  int *ret_status, struct err *e)
{
	CREATION struct creation c;
	FD int signals = -1;

	creation_begin(&c, context, r);
	TRY(creation_read(&c, e));
	if (!r->detach)
		TRY(foreground_begin(&signals, e));
	c.patience.signals = signals;
	if (!r->detach && !r->no_subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, "become a subreaper");

	TRY(creation_build(&c, false, e));
	*ret_status = 0;
	if (r->watch && r->watch->begin(r->watch->context, c.cgroup, e) < 0) {
		creation_undo(&c);
		return -1;
	}
	FD int notify = c.activation.notify ? notify_listen(c.dir.fd, e) : -1;
	if (e->kind || set_off(&c, e) < 0) {
		creation_undo(&c);
		return -1;
	}
	/* while we only watch, other commands may work on it */
	if (!r->detach || notify >= 0)
		state_dir_unlock(&c.dir);
	if (r->detach) {
		if (notify >= 0)
			notify_wait(notify, c.activation.notify, c.launch.pid, c.launch.pidfd);
		return 0;
	}
	const struct foreground in_front = {
		.pid = c.launch.pid,
		.pidfd = c.launch.pidfd,
		.patience = &c.patience,
		.master = c.master,
		.notify = &notify,
		.manager = c.activation.notify,
	};
	struct foreground_end end;
	if (foreground_wait(&in_front, &end, e) < 0) {
		clean_up(&c, NULL);
		return -1;
	}
	fd_drop(&c.launch.pidfd); /* it is reaped: nothing is left to be signalled */
	clean_up(&c, &end);
	*ret_status = end.status;
	return 0;
}
