/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources to writes into the files of a cgroup2 group and a device program.
 * It decides which value goes into which file and refuses the rest: what
 * version 2 has not, and what needs a controller that the host's cgroup2 tree lacks. All faults are
 * reported at once.
 *
 * Engines are Go programs and some send zero values for what nobody asked for, so a
 * zero where zero means nothing sensible counts as absent, as it does for runc.
 * A value of "max" asks for nothing either: it needs no controller.
 *
 * Order: memory.max before memory.swap.max, cpu.max before cpu.max.burst (a burst
 * above the quota is EINVAL), linux.resources.unified last, so that it overrides.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/compile_parts.h"
#include "cgroups/weight.h"

enum {
	WRITES_MAX = 16, /* those of single fields, not of lists */
	PAGE_WRITES = 2, /* for each limit of huge pages */
};

static void refuse_controller(struct compile *c, const char *file, const char *origin)
{
	int len = (int)strcspn(file, ".");

	if (c->facts->mode == CGROUP_UNIFIED && c->facts->base) {
		err_fault(&c->faults, ERR_REFUSED,
		          "%s: the %.*s controller is not delegated to us in cgroup %s", origin,
		          len, file, *c->facts->base ? c->facts->base : "/");
		err_hint(c->faults.e, "systemd delegates it with Delegate=%.*s in user@.service",
		         len, file);
		return;
	}
	if (c->facts->mode == CGROUP_UNIFIED) {
		err_fault(&c->faults, ERR_REFUSED,
		          "%s: this host's cgroup2 tree has no %.*s controller", origin, len, file);
		err_hint(c->faults.e, "%s/cgroup.controllers lists what there is", c->facts->mount);
		return;
	}
	if (c->facts->mode == CGROUP_NONE) {
		err_fault(&c->faults, ERR_REFUSED, "%s: this host has no cgroup2 mount", origin);
		err_hint(c->faults.e, "mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return;
	}
	err_fault(&c->faults, ERR_REFUSED,
	          "%s: this host's %.*s controller is in a cgroup v1 hierarchy, cgroup2 has none",
	          origin, len, file);
	err_hint(c->faults.e, "boot the host with systemd.unified_cgroup_hierarchy=1 or "
	                      "cgroup_no_v1=all, or leave the limit out");
}

void compile_put(struct compile *c, const char *file, const char *origin, const char *value)
{
	unsigned int controller = cgroup_file_controller(file);

	if (controller & ~c->facts->controllers) {
		if (strncmp(value, "max", 3) != 0)
			refuse_controller(c, file, origin);
		return;
	}
	c->writes[c->count++] =
		(struct cgroup_write){ .file = file, .value = value, .origin = origin };
}

/* A number, or "max" for -1 (and whatever else is below zero). */
static void put_limit(struct compile *c, const char *file, const char *origin, int64_t value)
{
	compile_put(c, file, origin, value < 0 ? "max" : arena_printf(c->arena, "%" PRId64, value));
}

static void put_number(struct compile *c, const char *file, const char *origin, uint64_t value)
{
	compile_put(c, file, origin, arena_printf(c->arena, "%" PRIu64, value));
}

/* swap counts memory too in config.json, but not in version 2. */
static void compile_swap(struct compile *c, const struct oci_memory *m)
{
	static const char origin[] = "linux.resources.memory.swap";
	int64_t limit = m->limit.set ? m->limit.value : 0;
	int64_t swap = m->swap.set ? m->swap.value : 0;

	if (limit < 0 && swap == 0)
		swap = -1; /* unlimited memory means unlimited swap, as in version 1 */
	if (swap == 0 && (!m->swap.set || m->limit.set))
		return;
	if (swap == 0)
		put_number(c, "memory.swap.max", origin, 0); /* no swap, however much memory */
	else if (swap < 0)
		compile_put(c, "memory.swap.max", origin, "max");
	else if (limit <= 0)
		err_fault(&c->faults, ERR_SPEC,
		          "%s: it includes memory, so it needs linux.resources.memory.limit",
		          origin);
	else if (swap < limit)
		err_fault(&c->faults, ERR_SPEC,
		          "%s: %" PRId64 ": must be at least memory.limit (%" PRId64
		          "), for it includes memory",
		          origin, swap, limit);
	else
		put_limit(c, "memory.swap.max", origin, swap - limit);
}

static void compile_memory(struct compile *c, const struct oci_memory *m)
{
	if (m->limit.set && m->limit.value != 0)
		put_limit(c, "memory.max", "linux.resources.memory.limit", m->limit.value);
	compile_swap(c, m);
	if (m->reservation.set && m->reservation.value != 0)
		put_limit(c, "memory.low", "linux.resources.memory.reservation",
		          m->reservation.value);
	if (m->kernel.set && m->kernel.value > 0)
		err_fault(
			&c->faults, ERR_REFUSED,
			"linux.resources.memory.kernel: cgroup v2 has no limit for kernel memory");
	if (m->kernel_tcp.set && m->kernel_tcp.value > 0)
		err_fault(
			&c->faults, ERR_REFUSED,
			"linux.resources.memory.kernelTCP: cgroup v2 has no limit for TCP buffers");
	if (m->swappiness.set)
		err_fault(&c->faults, ERR_REFUSED,
		          "linux.resources.memory.swappiness: cgroup v2 has no swappiness");
	if (m->disable_oom_killer.set && m->disable_oom_killer.value)
		err_fault(
			&c->faults, ERR_REFUSED,
			"linux.resources.memory.disableOOMKiller: cgroup v2 cannot switch it off");
	/* useHierarchy: version 2 always is. checkBeforeUpdate: nothing is used yet. */
}

static void compile_cpu_max(struct compile *c, const struct oci_cpu *cpu)
{
	bool limited = cpu->quota.set && cpu->quota.value > 0;
	bool period = cpu->period.set && cpu->period.value != 0;
	const char *quota = limited ? arena_printf(c->arena, "%" PRId64, cpu->quota.value) : "max";

	if (!period && !(cpu->quota.set && cpu->quota.value != 0))
		return;
	compile_put(c, "cpu.max",
	            limited ? "linux.resources.cpu.quota" : "linux.resources.cpu.period",
	            arena_printf(c->arena, "%s %" PRIu64, quota,
	                         period ? cpu->period.value : 100000 /* the kernel's default */));
}

static void compile_cpu(struct compile *c, const struct oci_cpu *cpu)
{
	bool idle = cpu->idle.set && cpu->idle.value != 0;
	bool shares = cpu->shares.set && cpu->shares.value != 0;

	if (cpu->idle.set)
		put_limit(c, "cpu.idle", "linux.resources.cpu.idle", cpu->idle.value);
	if (shares && idle)
		err_fault(&c->faults, ERR_SPEC,
		          "linux.resources.cpu.shares: an idle cgroup (cpu.idle) has no shares");
	else if (shares)
		put_number(c, "cpu.weight", "linux.resources.cpu.shares",
		           cgroup_weight(cpu->shares.value));
	compile_cpu_max(c, cpu);
	/* 0 takes an earlier one back, and where there is no controller it asks for nothing */
	if (cpu->burst.set && (cpu->burst.value != 0 || c->facts->controllers & CGROUP_CPU))
		put_number(c, "cpu.max.burst", "linux.resources.cpu.burst", cpu->burst.value);
	if (cpu->realtime_period.set && cpu->realtime_period.value != 0)
		err_fault(&c->faults, ERR_REFUSED,
		          "linux.resources.cpu.realtimePeriod: cgroup v2 has no realtime limits");
	if (cpu->realtime_runtime.set && cpu->realtime_runtime.value != 0)
		err_fault(&c->faults, ERR_REFUSED,
		          "linux.resources.cpu.realtimeRuntime: cgroup v2 has no realtime limits");
	if (cpu->cpus)
		compile_put(c, "cpuset.cpus", "linux.resources.cpu.cpus", cpu->cpus);
	if (cpu->mems)
		compile_put(c, "cpuset.mems", "linux.resources.cpu.mems", cpu->mems);
}

/* One limit is for pages in use: a fault above it is SIGBUS. The other is for pages that
 * mmap reserves, which fails instead (rsvd, 5.7); but pages need not be reserved. So
 * both are set. 0 is a limit: no huge pages. The parser has checked that the size can be
 * a part of a file's name. Source: Documentation/admin-guide/cgroup-v1/hugetlb.rst. */
static void compile_hugepages(struct compile *c, const struct oci_resources *r)
{
	if (r->hugepage_limit_count > 0 && !(c->facts->controllers & CGROUP_HUGETLB)) {
		refuse_controller(c, "hugetlb", "linux.resources.hugepageLimits");
		return;
	}
	for (size_t i = 0; i < r->hugepage_limit_count; i++) {
		const struct oci_hugepage_limit *limit = &r->hugepage_limits[i];
		const char *origin =
			arena_printf(c->arena, "linux.resources.hugepageLimits[%zu].limit", i);

		put_number(c, arena_printf(c->arena, "hugetlb.%s.max", limit->page_size), origin,
		           limit->limit);
		put_number(c, arena_printf(c->arena, "hugetlb.%s.rsvd.max", limit->page_size),
		           origin, limit->limit);
	}
}

static void refuse_network(struct compile *c, const struct oci_resources *r)
{
	if ((r->network.class_id.set && r->network.class_id.value) || r->network.n > 0)
		err_fault(&c->faults, ERR_REFUSED,
		          "linux.resources.network: cgroup v2 has no class id and no "
		          "priorities");
}

/* Files that move processes or drive the cgroup's life: caisson's own business. */
static bool is_life_file(const char *file)
{
	static const char *const files[] = { "cgroup.procs", "cgroup.threads",
		                             "cgroup.kill",  "cgroup.freeze",
		                             "cgroup.type",  "cgroup.subtree_control" };

	for (size_t i = 0; i < LEN(files); i++) {
		if (strcmp(file, files[i]) == 0)
			return true;
	}
	return false;
}

/* Writes that the values of `unified` may become, at most. */
static size_t unified_writes(const struct oci_resources *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->unified.n; i++) {
		n++;
		for (const char *at = r->unified.v[i].value; (at = strchr(at, '\n')); at++)
			n++;
	}
	return n;
}

/* A file with a key at the start of each line takes one line in one write. */
static void put_lines(struct compile *c, const char *file, const char *origin, const char *value)
{
	do {
		size_t len = strcspn(value, "\n");

		if (len > 0 || !value[len])
			compile_put(c, file, origin, arena_string(c->arena, value, len));
		value += len + (value[len] ? 1 : 0);
	} while (*value);
}

static void compile_unified(struct compile *c, const struct oci_pair *pair)
{
	const char *file = pair->key;
	const char *origin = arena_printf(c->arena, "linux.resources.unified[\"%s\"]", file);

	/* both in crun's words, which its tests compare */
	if (file[0] == '.' || strchr(file, '/') || !strchr(file, '.'))
		err_fault(&c->faults, ERR_SPEC,
		          "%s: the specified key has not the form CONTROLLER.VALUE `%s`", origin,
		          file);
	else if (is_life_file(file))
		err_fault(&c->faults, ERR_REFUSED, "%s: the file is not a resource", origin);
	else if (!cgroup_file_controller(file) && strncmp(file, "cgroup.", 7) != 0)
		err_fault(&c->faults, ERR_REFUSED,
		          "%s: the requested cgroup controller `%.*s` is not available: "
		          "cgroup v2 has none of this name",
		          origin, (int)strcspn(file, "."), file);
	else
		put_lines(c, file, origin, pair->value);
}

int cgroup_compile(struct arena *a, const struct oci_resources *resources,
                   const struct cgroup_facts *facts, struct cgroup_plan *ret, struct err *e)
{
	static const struct oci_resources nothing;
	const struct oci_resources *r = resources ? resources : &nothing;
	struct compile c = { .arena = a, .facts = facts, .faults.e = e };
	struct cgroup_plan plan = { 0 };

	c.writes = arena_array(a,
	                       WRITES_MAX + PAGE_WRITES * r->hugepage_limit_count +
	                               compile_io_writes(r) + unified_writes(r),
	                       sizeof(*c.writes));
	if (r->pids_limit.set) /* 0 would let nothing start, not even the container itself */
		put_limit(&c, "pids.max", "linux.resources.pids.limit",
		          r->pids_limit.value == 0 ? 1 : r->pids_limit.value);
	if (r->memory)
		compile_memory(&c, r->memory);
	if (r->cpu)
		compile_cpu(&c, r->cpu);
	compile_hugepages(&c, r);
	compile_io(&c, r);
	refuse_network(&c, r);
	for (size_t i = 0; i < r->unified.n; i++)
		compile_unified(&c, &r->unified.v[i]);
	if (c.faults.any)
		return -1;

	TRY(cgroup_devices_compile(a, r->devices, r->device_count, &plan.devices,
	                           &plan.device_count, e));
	plan.writes = c.writes;
	plan.write_count = c.count;
	*ret = plan;
	return 0;
}
