/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A creation whose cgroup systemd makes. Init is born outside, in its caller's group, and
 * works while systemd makes the scope and moves it there; it waits for the word that it is
 * in (PLAN_CGROUP) before anything that the limits are for. The connection is made before
 * the clone, so that its handshake is over when there is a pid to send.
 *
 * A scope ends when its last process does. Only one that nobody was ever in, because init
 * died before it was moved, has to be stopped; and only what is known to be ours is killed.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/creation.h"

enum {
	SYSTEMD_MS = 30000, /* a busy one takes seconds */
	REMOVE_MS = 10000,
	/* what systemd knows nothing of, and so hands down to nobody */
	FOREIGN_CONTROLLERS = CGROUP_HUGETLB | CGROUP_RDMA | CGROUP_MISC,
};

static int wait_for(void *context, int fd, int timeout_ms, struct err *e)
{
	const struct creation *c = context;
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return patience_poll(&c->patience, &one, 1, timeout_ms, e);
}

/* Whoever is moved into a frozen group stops there, and we would wait for it. */
static int refuse_frozen(struct creation *c, struct err *e)
{
	FD int group = cgroup_open(&c->facts.cgroup, c->state.cgroup, e);
	int frozen = group < 0 ? -1 : cgroup_is_frozen(group, e);

	if (frozen < 0) { /* mostly there is none yet */
		*e = (struct err){ 0 };
		return 0;
	}
	return frozen ? cgroup_check_unused(group, e) : 0;
}

int creation_scope_connect(struct creation *c, struct err *e)
{
	TRY(refuse_frozen(c, e));
	TRY(systemd_open(&c->systemd, &c->facts.cgroup, c->state.scope, SYSTEMD_MS, e));
	c->systemd.group = c->state.cgroup;
	c->systemd.bus.wait = wait_for;
	c->systemd.bus.context = c;
	return 0;
}

int creation_scope_begin(struct creation *c, struct err *e)
{
	const struct plan *plan = creation_plan(c);
	struct plan_list properties = plan->cgroup.properties;

	return systemd_start(&c->systemd, plan_array(plan, properties), properties.count,
	                     c->launch.pid, e);
}

/* Opens the scope's group, where init has to be. */
static int open_scope(struct creation *c, struct err *e)
{
	const char *path;

	TRY(cgroup_of(&c->arena, c->launch.pid, &path, e));
	if (strcmp(path, c->state.cgroup) != 0)
		return err_set(e, ERR_STATE, "systemd has put the container into cgroup %s, not %s",
		               path, c->state.cgroup);
	c->cgroup = cgroup_open(&c->facts.cgroup, c->state.cgroup, e);
	return c->cgroup < 0 ? -1 : 0;
}

static int await_scope(struct creation *c, unsigned int controllers, struct err *e)
{
	const struct plan *plan = creation_plan(c);
	struct plan_list properties = plan->cgroup.properties;

	TRY(systemd_await(&c->systemd, plan_array(plan, properties), properties.count,
	                  c->launch.pid, e));
	systemd_close(&c->systemd); /* or it would tell us of every unit of the host */
	controllers &= FOREIGN_CONTROLLERS;
	if (controllers)
		TRY(cgroup_enable(&c->facts.cgroup, c->state.cgroup, controllers, e));
	return open_scope(c, e);
}

int creation_scope_await(struct creation *c, unsigned int controllers, struct err *e)
{
	struct err ignored = { 0 };

	if (await_scope(c, controllers, e) == 0)
		return 1;
	if (proc_wait_end(c->launch.pidfd, 0, &ignored) <= 0)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

void creation_scope_undo(struct creation *c)
{
	struct err e = { 0 };
	bool started = c->cgroup_noted || systemd_started(&c->systemd);

	systemd_close(&c->systemd);
	/* mostly systemd has removed it by now */
	if (c->cgroup_noted && cgroup_kill(c->cgroup, &e) < 0 && e.sys != ENODEV && e.sys != ENOENT)
		log_warn("undo: kill what is left: %s", e.text);
	e = (struct err){ 0 };
	/* init may have died before it was moved: then nobody was ever in it */
	if (started && systemd_destroy(&c->facts.cgroup, c->state.cgroup, c->state.scope,
	                               !c->cgroup_noted, REMOVE_MS, &e) < 0)
		log_warn("undo: remove the scope: %s", e.text);
	e = (struct err){ 0 };
	if (started && systemd_keeps_failure(c->state.annotations) &&
	    systemd_forget(&c->facts.cgroup, c->state.scope, &e) < 0)
		log_warn("undo: reset the scope: %s", e.text);
}
