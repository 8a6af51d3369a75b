/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroup: where it is, what is written into it, and what it means
 * that there is none. Without one the container's processes stay where their caller
 * is. Then nothing can be limited, so every limit that was asked for is refused.
 *
 * Device rules are a program of the kernel's that only root of the host may load.
 * Others get none. Inside a user namespace they would add little: mknod(2) is refused
 * there, nodes of a filesystem mounted there do not work, and a node of the host opens
 * for whom its owner, group and mode allow it, in the container as outside of it.
 */
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/systemd.h"
#include "runtime/compile_parts.h"

static bool is_limit(const struct cgroup_write *w)
{
	return strncmp(w->value, "max", 3) != 0;
}

static int refuse_limits(const struct compile *c, const struct cgroup_plan *plan, bool disabled,
                         struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < plan->write_count; i++) {
		if (!is_limit(&plan->writes[i]))
			continue;
		if (any)
			err_also(e, "%s", plan->writes[i].origin);
		else
			err_set(e, ERR_REFUSED, "%s", plan->writes[i].origin);
		any = true;
	}
	if (!any)
		return 0;
	if (disabled) {
		err_also(e,
		         "there is no cgroup to set these limits in (--cgroup-manager disabled)");
		return -1;
	}
	err_also(e, "there is no cgroup to set these limits in: the kernel lets only the owner of "
	            "a group make others below it, and none is delegated to us");
	if (c->facts->cgroup.mode == CGROUP_HYBRID)
		return err_hint(e, "boot the host with systemd.unified_cgroup_hierarchy=1, or "
		                   "leave the limits out");
	return err_hint(e, "start caisson in a delegated group (systemd-run --user --scope), or "
	                   "leave the limits out");
}

/* No group: nothing of what belongs into one. */
static int do_without(struct compile *c, const struct compile_options *options, struct err *e)
{
	struct cgroup_facts any = c->facts->cgroup;
	struct cgroup_plan plan = { 0 };

	if (!options->no_cgroup && !c->facts->cgroup.limited)
		return err_set(e, ERR_BUG, "no place for the cgroup");
	any.controllers = ~0U; /* one that is missing is not what is wrong */
	TRY(cgroup_compile(&c->arena, c->linux_->resources, &any, &plan, e));
	TRY(refuse_limits(c, &plan, options->no_cgroup, e));
	if (c->facts->rootless || !plan.devices)
		return 0;
	err_set(e, ERR_REFUSED,
	        "linux.resources.devices: without a cgroup nothing keeps a container of root's "
	        "from other devices");
	return err_hint(e, "allow all devices in it, or let it have a cgroup");
}

static void put_writes(struct compile *c, const struct cgroup_plan *plan)
{
	struct plan_cgroup_write *out = arena_array(&c->arena, plan->write_count, sizeof(*out));

	for (size_t i = 0; i < plan->write_count; i++)
		out[i] = (struct plan_cgroup_write){
			.file = plan_put_string(&c->plan, plan->writes[i].file),
			.value = plan_put_string(&c->plan, plan->writes[i].value),
			.origin = plan_put_string(&c->plan, plan->writes[i].origin),
			.instead = plan->writes[i].instead,
		};
	c->plan.head.cgroup.writes = plan_put_array(&c->plan, out, plan->write_count, sizeof(*out));
}

/* The place of systemd's scope instead. */
static int find_place(struct compile *c, const struct compile_options *options,
                      struct systemd_place *ret, struct err *e)
{
	if (options->no_cgroup)
		return 0;
	if (!options->systemd)
		return cgroup_path(&c->arena, &c->facts->cgroup, c->linux_->cgroups_path,
		                   options->id, &c->cgroup, e);
	TRY(systemd_place(&c->arena, &c->facts->cgroup, c->linux_->cgroups_path, options->id, ret,
	                  e));
	c->cgroup = ret->path;
	c->scope = true;
	return 0;
}

static int put_scope(struct compile *c, const char *id, const struct systemd_place *place,
                     const struct cgroup_plan *plan, struct err *e)
{
	struct plan_cgroup *group = &c->plan.head.cgroup;
	BUF struct buf properties = { 0 };

	if (!c->scope)
		return 0;
	TRY(systemd_properties(place, id, plan, c->config->annotations, &properties, e));
	group->unit = plan_put_string(&c->plan, place->unit);
	group->slice = plan_put_string(&c->plan, place->slice);
	group->properties = plan_put_array(&c->plan, properties.data, properties.len, 1);
	return 0;
}

int compile_cgroup(struct compile *c, const struct compile_options *options, struct err *e)
{
	struct plan_cgroup *group = &c->plan.head.cgroup;
	struct systemd_place place = { 0 };
	struct cgroup_plan plan = { 0 };

	group->owner = PLAN_NO_OWNER;
	TRY(find_place(c, options, &place, e));
	if (!c->cgroup)
		return do_without(c, options, e);

	TRY(cgroup_compile(&c->arena, c->linux_->resources, &c->facts->cgroup, &plan, e));
	if (c->scope)
		systemd_round(&c->arena, &plan);
	group->path = plan_put_string(&c->plan, c->cgroup);
	put_writes(c, &plan);
	TRY(put_scope(c, options->id, &place, &plan, e));
	if (c->facts->rootless)
		return 0;
	group->owner = compile_cgroup_owner(c);
	group->devices =
		plan_put_array(&c->plan, plan.devices, plan.device_count, 8 /* struct bpf_insn */);
	return 0;
}
