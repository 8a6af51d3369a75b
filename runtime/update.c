/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits for a container that lives. The kernel's files are the record of
 * what holds, so nothing is written into the container's own; and what the new
 * resources do not mention stays as it is. Device rules are never touched: callers
 * send them along without meaning a change.
 *
 * The first process's own limits are changed before the group's as far as the kernel may
 * refuse that, the rest after it, when nothing is left to fail but the process itself.
 *
 * A container without limits may be in a group to which its parents hand down no
 * controller, so those that are needed are enabled first.
 */
#include "base/scope.h"
#include "cgroups/systemd.h"
#include "runtime/container.h"
#include "runtime/query.h"
#include "runtime/update_process.h"

enum { SYSTEMD_MS = 30000 };

static unsigned int needed_controllers(const struct cgroup_plan *plan)
{
	unsigned int needed = 0;

	for (size_t i = 0; i < plan->write_count; i++)
		needed |= cgroup_file_controller(plan->writes[i].file);
	return needed;
}

/* systemd shall know the new limits, too. */
struct unit {
	const struct cgroup_facts *facts;
	const char *name;
	struct buf properties;
};

static void unit_done(struct unit *u)
{
	buf_done(&u->properties);
}

static int tell_systemd(void *context, struct err *e)
{
	SYSTEMD struct systemd s = SYSTEMD_NONE;
	struct unit *u = context;

	TRY(buf_ok(&u->properties, e));
	TRY(systemd_open(&s, u->facts, u->name, SYSTEMD_MS, e));
	return systemd_change(&s, &u->properties, e);
}

static int change(const struct found *f, const struct cgroup_facts *facts, int cgroup,
                  const struct cgroup_plan *plan, struct err *e)
{
	__attribute__((cleanup(unit_done))) struct unit u = { .facts = facts,
		                                              .name = f->state.scope };

	if (u.name)
		systemd_put_limits(plan->writes, plan->write_count, &u.properties);
	return cgroup_update_then(cgroup, plan->writes, plan->write_count,
	                          u.properties.len > 0 ? tell_systemd : NULL, &u, e);
}

static int apply(const struct found *f, const struct cgroup_facts *facts, int cgroup,
                 struct oci_resources *resources, struct arena *a, struct err *e)
{
	struct cgroup_plan plan;

	TRY(cgroup_complete(cgroup, a, resources, e));
	TRY(cgroup_compile(a, resources, facts, &plan, e));
	TRY(cgroup_enable(facts, f->state.cgroup, needed_controllers(&plan), e));
	TRY(cgroup_check_memory(cgroup, resources, e));
	return change(f, facts, cgroup, &plan, e);
}

static int update_group(const struct found *f, const struct oci_resources *resources,
                        struct arena *a, struct err *e)
{
	struct oci_resources wanted = *resources;
	struct cgroup_facts facts;

	if (!f->state.cgroup)
		return err_set(e, ERR_REFUSED,
		               "container %s has no cgroup of its own, so it has no limits",
		               f->dir.id);
	TRY(cgroup_probe(true, &facts, e));
	if (f->state.scope)
		TRY(host_facts_systemd(a, &facts, e));
	FD int cgroup = cgroup_open(&facts, f->state.cgroup, e);
	TRY(cgroup);
	return apply(f, &facts, cgroup, &wanted, a, e);
}

int container_update(const struct container_context *c, const struct update_request *r,
                     struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;
	struct process_update process;

	TRY(found_open(c, &a, r->id, true, &f, e));
	if (f.status == STATUS_STOPPED)
		return err_set(e, ERR_STATE, "container not running");
	TRY(process_update_begin(&process, f.state.pid, f.pidfd, r, e));
	if (r->resources && update_group(&f, r->resources, &a, e) < 0) {
		process_update_undo(&process);
		return -1;
	}
	return process_update_end(&process, e);
}
