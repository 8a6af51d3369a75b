/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other limits for a group in use, and for its first process. Device rules are changed only
 * where that is asked for by name: engines send along those of their own config, which may
 * know nothing of what a hook or a wrapper has added to it, a GPU say.
 *
 * The first process's own limits are changed before the group's as far as the kernel may
 * refuse that, the rest after it, when nothing is left to fail but the process itself.
 *
 * A container without limits may be in a group to which its parents hand down no
 * controller, so those that are needed are enabled first.
 */
#include "base/scope.h"
#include "cgroups/systemd.h"
#include "runtime/backend_group.h"
#include "runtime/launch/process_update.h"

enum { SYSTEMD_MS = 30000 };

static unsigned int needed_controllers(const struct cgroup_plan *plan)
{
	unsigned int needed = 0;

	for (size_t i = 0; i < plan->write_count; i++)
		needed |= cgroup_file_controller(plan->writes[i].file);
	return needed;
}

/* Whom it is told, too: systemd shall know the new values. */
struct unit {
	const struct cgroup_facts *facts;
	const char *name;
	struct buf properties;
	const struct group_limits *limits;
};

static void unit_done(struct unit *u)
{
	buf_done(&u->properties);
}

static int tell_systemd(void *context, struct err *e)
{
	const struct unit *u = context;
	SYSTEMD struct systemd s = SYSTEMD_NONE;

	TRY(systemd_open(&s, u->facts, u->name, SYSTEMD_MS, e));
	return systemd_change(&s, &u->properties, e);
}

static int take_last(void *context, struct err *e)
{
	const struct unit *u = context;

	return u->limits->last(u->limits->context, e);
}

int group_limits_open(const struct found *f, struct arena *a, struct group_limits *ret,
                      struct err *e)
{
	if (!f->state.cgroup)
		return err_set(e, ERR_REFUSED,
		               "container %s has no cgroup of its own, so it has no limits",
		               f->dir.id);
	TRY(cgroup_probe(true, &ret->facts, e));
	if (f->state.scope)
		TRY(host_facts_systemd(a, &ret->facts, e));
	ret->cgroup = cgroup_open(&ret->facts, f->state.cgroup, e);
	return ret->cgroup < 0 ? -1 : 0;
}

void group_limits_close(struct group_limits *l)
{
	fd_drop(&l->cgroup);
}

int group_limits_enable(const struct group_limits *l, const struct found *f,
                        const struct cgroup_plan *plan, struct err *e)
{
	return cgroup_enable(&l->facts, f->state.cgroup, needed_controllers(plan), e);
}

int group_limits_change(const struct group_limits *l, const struct found *f, struct arena *a,
                        struct cgroup_plan *plan, struct err *e)
{
	__attribute__((cleanup(unit_done))) struct unit unit = { .facts = &l->facts,
		                                                 .name = f->state.scope,
		                                                 .limits = l };
	struct cgroup_steps steps = { .last = l->last ? take_last : NULL, .context = &unit };

	if (unit.name)
		systemd_round(a, plan);
	TRY(cgroup_settle_weight(l->cgroup, a, plan, e));
	if (unit.name)
		systemd_put_limits(plan->writes, plan->write_count, &unit.properties);
	TRY(buf_ok(&unit.properties, e));
	if (unit.properties.len > 0)
		steps.then = tell_systemd;
	return cgroup_update_then(l->cgroup, plan->writes, plan->write_count, &steps, e);
}

/* --- a container's ---------------------------------------------------------------------------- */

static int update_group(const struct found *f, const struct update_request *r, struct arena *a,
                        struct err *e)
{
	GROUP_LIMITS struct group_limits l = { .cgroup = -1 };
	CGROUP_DEVICES devices = CGROUP_DEVICES_NONE;
	struct oci_resources wanted = *r->resources;
	struct cgroup_plan plan;

	TRY(group_limits_open(f, a, &l, e));
	TRY(cgroup_complete(l.cgroup, a, &wanted, e));
	TRY(cgroup_compile(a, &wanted, &l.facts, &plan, e));
	TRY(group_limits_enable(&l, f, &plan, e));
	TRY(cgroup_check_memory(l.cgroup, &wanted, e));
	if (r->device_rules) {
		TRY(cgroup_devices_prepare(l.cgroup, &plan, &devices, e));
		l.last = cgroup_devices_replace;
		l.context = &devices;
	}
	return group_limits_change(&l, f, a, &plan, e);
}

int backend_group_update(const struct found *f, const struct update_request *r, struct arena *a,
                         struct err *e)
{
	struct process_update process;

	TRY(process_update_begin(&process, f->state.pid, f->pidfd, &r->process, e));
	if (r->resources && update_group(f, r, a, e) < 0) {
		process_update_undo(&process);
		return -1;
	}
	return process_update_end(&process, e);
}
