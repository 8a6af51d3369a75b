/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits for a container that lives. The kernel's files are the record of
 * what holds, so nothing is written into the container's own; and what the new
 * resources do not mention stays as it is. Device rules are changed only where that is
 * asked for by name: engines send along those of their own config, which may know nothing
 * of what a hook or a wrapper has added to it, a GPU say.
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

/* What follows the values: systemd shall know the new ones, too, and the device rules change
 * last, when nothing is left to fail. */
struct rest {
	const struct cgroup_facts *facts;
	const char *unit;
	struct buf properties;
	int cgroup;
	bool devices_wanted;
	struct cgroup_devices devices;
};

static void rest_done(struct rest *r)
{
	cgroup_devices_close(&r->devices);
	buf_done(&r->properties);
}

static int tell_systemd(const struct rest *r, struct err *e)
{
	SYSTEMD struct systemd s = SYSTEMD_NONE;

	TRY(systemd_open(&s, r->facts, r->unit, SYSTEMD_MS, e));
	return systemd_change(&s, &r->properties, e);
}

static int do_rest(void *context, struct err *e)
{
	struct rest *r = context;

	TRY(buf_ok(&r->properties, e));
	if (r->properties.len > 0)
		TRY(tell_systemd(r, e));
	return r->devices_wanted ? cgroup_devices_replace(r->cgroup, &r->devices, e) : 0;
}

static int change(const struct found *f, const struct cgroup_facts *facts, int cgroup,
                  const struct cgroup_plan *plan, bool devices, struct err *e)
{
	__attribute__((cleanup(rest_done))) struct rest r = { .facts = facts,
		                                              .unit = f->state.scope,
		                                              .cgroup = cgroup,
		                                              .devices_wanted = devices,
		                                              .devices = CGROUP_DEVICES_NONE };

	if (r.unit)
		systemd_put_limits(plan->writes, plan->write_count, &r.properties);
	if (devices)
		TRY(cgroup_devices_prepare(cgroup, plan, &r.devices, e));
	return cgroup_update_then(cgroup, plan->writes, plan->write_count,
	                          r.properties.len > 0 || devices ? do_rest : NULL, &r, e);
}

static int apply(const struct found *f, const struct cgroup_facts *facts, int cgroup,
                 struct oci_resources *resources, bool devices, struct arena *a, struct err *e)
{
	struct cgroup_plan plan;

	TRY(cgroup_complete(cgroup, a, resources, e));
	TRY(cgroup_compile(a, resources, facts, &plan, e));
	if (f->state.scope)
		systemd_round(a, &plan);
	TRY(cgroup_enable(facts, f->state.cgroup, needed_controllers(&plan), e));
	TRY(cgroup_check_memory(cgroup, resources, e));
	return change(f, facts, cgroup, &plan, devices, e);
}

static int update_group(const struct found *f, const struct update_request *r, struct arena *a,
                        struct err *e)
{
	struct oci_resources wanted = *r->resources;
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
	return apply(f, &facts, cgroup, &wanted, r->device_rules, a, e);
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
	if (r->resources && update_group(&f, r, &a, e) < 0) {
		process_update_undo(&process);
		return -1;
	}
	return process_update_end(&process, e);
}
