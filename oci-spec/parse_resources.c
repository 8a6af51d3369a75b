/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources, and the file of update --resources: config-linux.md, from
 * "Allowed Device list" to "Unified".
 *
 * Engines write out fields that ask for nothing: a limit of 0 that means "none", an
 * empty blockIO, cpus "". Such a field is absent in the struct, and an object of
 * which nothing is left is a NULL, so that a host that lacks a controller is asked
 * for it only where a value needs it. 0 is kept where it is a request: pids.limit,
 * swappiness, cpu.burst, cpu.idle, limits of huge pages, throttle rates.
 */
#include <string.h>

#include "oci-spec/parse.h"

/* --- values that mean nothing ------------------------------------------------------------ */

static struct opt_i64 unless_zero_i64(struct opt_i64 value)
{
	return value.value != 0 ? value : (struct opt_i64){ 0 };
}

static struct opt_u64 unless_zero_u64(struct opt_u64 value)
{
	return value.value != 0 ? value : (struct opt_u64){ 0 };
}

/* --- device rules -------------------------------------------------------------------------- */

static void parse_access(struct reader *r, const struct json *j, struct oci_device_rule *ret)
{
	const char *access = read_needed_text(r, j, "access");

	if (!access)
		return;
	/* A rule that forbids "a" forbids all, which is never less than what was meant; runc passes
	 * such a letter over, and its own tests write it. */
	if (!ret->allow && strchr(access, 'a') && access[strspn(access, "rwma")] == '\0')
		access = "rwm";
	if (access[strspn(access, "rwm")] != '\0')
		fault_member(r, j, "access", "\"%.*s\": must consist of r, w and m", SHOWN(access));
	ret->read = strchr(access, 'r') != NULL;
	ret->write = strchr(access, 'w') != NULL;
	ret->mknod = strchr(access, 'm') != NULL;
}

static struct oci_device_rule parse_device_rule(struct reader *r, const struct json *j)
{
	static const struct word types[] = { { "a", 'a' }, { "c", 'c' }, { "b", 'b' }, { 0 } };
	struct oci_device_rule rule = {
		.allow = read_needed(r, j, "allow") && read_bool(r, j, "allow"),
		.major = read_i64(r, j, "major", -1, UINT32_MAX),
		.minor = read_i64(r, j, "minor", -1, UINT32_MAX),
	};
	uint64_t type = 'a';

	read_word(r, j, "type", types, &type);
	rule.type = (char)type;
	parse_access(r, j, &rule);
	return rule;
}

static void parse_device_rules(struct reader *r, const struct json *resources,
                               struct oci_resources *ret)
{
	const struct json *list = read_list(r, resources, "devices", JSON_OBJECT);
	struct oci_device_rule *v = read_room(r, list, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next)
		v[ret->device_count++] = parse_device_rule(r, j);
	ret->devices = v;
}

/* --- memory, cpu, pids ------------------------------------------------------------------------ */

static struct opt_i64 read_bytes(struct reader *r, const struct json *object, const char *key)
{
	return unless_zero_i64(read_i64(r, object, key, -1, INT64_MAX));
}

static const struct oci_memory *parse_memory(struct reader *r, const struct json *resources)
{
	const struct json *j = read_object(r, resources, "memory");
	const struct opt_i64 limit = read_i64(r, j, "limit", -1, INT64_MAX);
	struct oci_memory *m = arena_new(r->arena, sizeof(*m));

	m->limit = unless_zero_i64(limit);
	m->reservation = read_bytes(r, j, "reservation");
	/* Beside a limit 0 is a Go program's "none given"; alone it can only mean no swap. */
	m->swap = read_i64(r, j, "swap", -1, INT64_MAX);
	if (limit.set)
		m->swap = unless_zero_i64(m->swap);
	m->kernel = read_bytes(r, j, "kernel");
	m->kernel_tcp = read_bytes(r, j, "kernelTCP");
	m->swappiness = read_u64(r, j, "swappiness", 100);
	m->disable_oom_killer = read_opt_bool(r, j, "disableOOMKiller");
	m->use_hierarchy = read_opt_bool(r, j, "useHierarchy");
	m->check_before_update = read_opt_bool(r, j, "checkBeforeUpdate");
	if (m->limit.value > 0 && m->swap.value > 0 && m->swap.value < m->limit.value)
		fault(r, j, "swap is memory and swap together: it must not be below limit");

	bool asks = m->limit.set || m->reservation.set || m->swap.set || m->kernel.set ||
	            m->kernel_tcp.set || m->swappiness.set || m->disable_oom_killer.value ||
	            m->use_hierarchy.value || m->check_before_update.value;
	return asks ? m : NULL;
}

static const struct oci_cpu *parse_cpu(struct reader *r, const struct json *resources)
{
	const struct json *j = read_object(r, resources, "cpu");
	struct oci_cpu *c = arena_new(r->arena, sizeof(*c));

	c->shares = unless_zero_u64(read_u64(r, j, "shares", UINT64_MAX));
	c->quota = unless_zero_i64(read_i64(r, j, "quota", -1, INT64_MAX));
	c->burst = read_u64(r, j, "burst", UINT64_MAX);
	c->period = unless_zero_u64(read_u64(r, j, "period", UINT64_MAX));
	c->realtime_runtime = unless_zero_i64(read_i64(r, j, "realtimeRuntime", -1, INT64_MAX));
	c->realtime_period = unless_zero_u64(read_u64(r, j, "realtimePeriod", UINT64_MAX));
	c->cpus = read_cpu_list(r, j, "cpus");
	c->mems = read_cpu_list(r, j, "mems");
	c->idle = read_i64(r, j, "idle", 0, 1);

	bool asks = c->shares.set || c->quota.set || c->burst.set || c->period.set ||
	            c->realtime_runtime.set || c->realtime_period.set || c->cpus || c->mems ||
	            c->idle.set;
	return asks ? c : NULL;
}

/* --- block I/O -----------------------------------------------------------------------------------
 */

/* 10 to 1000, as the first cgroups had it; 0 is how engines write "none". */
static struct opt_u32 read_weight(struct reader *r, const struct json *object, const char *key)
{
	enum { WEIGHT_MIN = 10, WEIGHT_MAX = 1000 };
	struct opt_u32 weight = read_u32(r, object, key, WEIGHT_MAX);

	if (weight.value == 0)
		return (struct opt_u32){ 0 };
	if (weight.value < WEIGHT_MIN)
		fault_member(r, object, key, "%u: must be from %d to %d", weight.value, WEIGHT_MIN,
		             WEIGHT_MAX);
	return weight;
}

static int64_t read_device_number(struct reader *r, const struct json *object, const char *key)
{
	return read_needed(r, object, key) ? read_i64(r, object, key, 0, UINT32_MAX).value : 0;
}

static void parse_weight_devices(struct reader *r, const struct json *block,
                                 struct oci_block_io *ret)
{
	const struct json *list = read_list(r, block, "weightDevice", JSON_OBJECT);
	struct oci_weight_device *v = read_room(r, list, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next) {
		v[ret->weight_device_count++] = (struct oci_weight_device){
			.major = read_device_number(r, j, "major"),
			.minor = read_device_number(r, j, "minor"),
			.weight = read_weight(r, j, "weight"),
			.leaf_weight = read_weight(r, j, "leafWeight"),
		};
	}
	ret->weight_devices = v;
}

static struct oci_throttle_list parse_throttle(struct reader *r, const struct json *block,
                                               const char *key)
{
	const struct json *list = read_list(r, block, key, JSON_OBJECT);
	struct oci_throttle_device *v = read_room(r, list, sizeof(*v));
	size_t n = 0;

	for (const struct json *j = list->first; j; j = j->next) {
		read_needed(r, j, "rate");
		v[n++] = (struct oci_throttle_device){
			.major = read_device_number(r, j, "major"),
			.minor = read_device_number(r, j, "minor"),
			.rate = read_u64(r, j, "rate", UINT64_MAX).value,
		};
	}
	return (struct oci_throttle_list){ .v = v, .n = n };
}

static const struct oci_block_io *parse_block_io(struct reader *r, const struct json *resources)
{
	const struct json *j = read_object(r, resources, "blockIO");
	struct oci_block_io *b = arena_new(r->arena, sizeof(*b));

	b->weight = read_weight(r, j, "weight");
	b->leaf_weight = read_weight(r, j, "leafWeight");
	parse_weight_devices(r, j, b);
	b->read_bps = parse_throttle(r, j, "throttleReadBpsDevice");
	b->write_bps = parse_throttle(r, j, "throttleWriteBpsDevice");
	b->read_iops = parse_throttle(r, j, "throttleReadIOPSDevice");
	b->write_iops = parse_throttle(r, j, "throttleWriteIOPSDevice");

	bool asks = b->weight.set || b->leaf_weight.set || b->weight_device_count > 0 ||
	            b->read_bps.n > 0 || b->write_bps.n > 0 || b->read_iops.n > 0 ||
	            b->write_iops.n > 0;
	return asks ? b : NULL;
}

/* --- huge pages, network, RDMA, unified
 * ----------------------------------------------------------- */

/* 64KB, 2MB, 1GB: it becomes part of the name of a file. */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 10 && text[0] != '0' && text[digits] != '\0' &&
	       strchr("KMG", text[digits]) && strcmp(text + digits + 1, "B") == 0;
}

static void parse_hugepages(struct reader *r, const struct json *resources,
                            struct oci_resources *ret)
{
	const struct json *list = read_list(r, resources, "hugepageLimits", JSON_OBJECT);
	struct oci_hugepage_limit *v = read_room(r, list, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next) {
		struct oci_hugepage_limit *limit = &v[ret->hugepage_limit_count++];

		read_needed(r, j, "limit");
		limit->limit = read_u64(r, j, "limit", UINT64_MAX).value;
		limit->page_size = read_needed_text(r, j, "pageSize");
		if (limit->page_size && !is_page_size(limit->page_size))
			fault_member(r, j, "pageSize", "\"%.*s\": must be a size like 2MB or 1GB",
			             SHOWN(limit->page_size));
	}
	ret->hugepage_limits = v;
}

static void parse_network(struct reader *r, const struct json *resources, struct oci_resources *ret)
{
	const struct json *network = read_object(r, resources, "network");
	const struct json *list = read_list(r, network, "priorities", JSON_OBJECT);
	struct oci_network_priority *v = read_room(r, list, sizeof(*v));

	ret->network.class_id = read_u32(r, network, "classID", UINT32_MAX);
	ret->network.class_id.set = ret->network.class_id.value != 0;
	for (const struct json *j = list->first; j; j = j->next) {
		read_needed(r, j, "priority");
		v[ret->network.n++] = (struct oci_network_priority){
			.name = read_needed_text(r, j, "name"),
			.priority = read_u32(r, j, "priority", UINT32_MAX).value,
		};
	}
	ret->network.priorities = v;
}

static void parse_rdma(struct reader *r, const struct json *resources, struct oci_resources *ret)
{
	const struct json *map = read_object(r, resources, "rdma");
	struct oci_rdma_limit *v = read_room(r, map, sizeof(*v));

	for (const struct json *j = v ? map->first : NULL; j; j = j->next) {
		if (!read_is(r, j, JSON_OBJECT))
			continue;
		if (j->key[0] == '\0' || strpbrk(j->key, " \n"))
			fault(r, j, "not a name of an RDMA device");
		v[ret->rdma_count++] = (struct oci_rdma_limit){
			.device = j->key,
			.handles = read_u32(r, j, "hcaHandles", UINT32_MAX),
			.objects = read_u32(r, j, "hcaObjects", UINT32_MAX),
		};
	}
	ret->rdma = v;
}

static void parse_unified(struct reader *r, const struct json *resources, struct oci_resources *ret)
{
	const struct json *map = read_object(r, resources, "unified");

	for (const struct json *j = map ? map->first : NULL; j; j = j->next) {
		if (strchr(j->key, '/') || strcmp(j->key, ".") == 0 || strcmp(j->key, "..") == 0)
			fault(r, j, "must be the name of a file of the cgroup, without slashes");
	}
	ret->unified = read_pairs(r, resources, "unified");
}

const struct oci_resources *parse_resources(struct reader *r, const struct json *resources)
{
	struct oci_resources *ret;

	if (!resources)
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	parse_device_rules(r, resources, ret);
	ret->memory = parse_memory(r, resources);
	ret->cpu = parse_cpu(r, resources);
	ret->pids_limit = read_i64(r, read_object(r, resources, "pids"), "limit", -1, INT64_MAX);
	ret->block_io = parse_block_io(r, resources);
	parse_hugepages(r, resources, ret);
	parse_network(r, resources, ret);
	parse_rdma(r, resources, ret);
	parse_unified(r, resources, ret);
	return ret;
}
