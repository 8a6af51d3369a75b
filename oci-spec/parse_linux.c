/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linux object: config-linux.md, but for namespaces and devices, resources and
 * seccomp, which have files of their own. An absent object is an empty one.
 */
#include <limits.h>
#include <linux/if.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "base/scope.h"
#include "oci-spec/parse.h"

/* --- ids ------------------------------------------------------------------------------- */

/* The kernel takes no more lines of a map: UID_GID_MAP_MAX_EXTENTS, since 4.15. */
enum { ID_MAPPINGS_MAX = 340 };

static struct oci_id_mapping parse_id_mapping(struct reader *r, const struct json *j)
{
	struct oci_id_mapping map;
	uint64_t last_container, last_host;

	read_needed(r, j, "containerID");
	read_needed(r, j, "hostID");
	map.container_id = read_id(r, j, "containerID").value;
	map.host_id = read_id(r, j, "hostID").value;
	map.size = read_needed(r, j, "size") ? read_u32(r, j, "size", UINT32_MAX).value : 1;
	if (map.size == 0)
		fault_member(r, j, "size", "must be at least 1");
	last_container = (uint64_t)map.container_id + map.size - 1;
	last_host = (uint64_t)map.host_id + map.size - 1;
	if (map.size > 0 && (last_container >= UINT32_MAX || last_host >= UINT32_MAX))
		fault(r, j, "goes beyond the last id, %u", UINT32_MAX - 1);
	return map;
}

static bool overlap(uint64_t a, uint64_t b, uint64_t size_a, uint64_t size_b)
{
	return a < b + size_b && b < a + size_a;
}

/* user_namespaces(7): the ranges of the lines must not overlap, on either side. */
static void check_overlaps(struct reader *r, const struct json *list,
                           const struct oci_id_mapping *v)
{
	for (size_t i = 0; i < list->count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!overlap(v[i].container_id, v[k].container_id, v[i].size, v[k].size) &&
			    !overlap(v[i].host_id, v[k].host_id, v[i].size, v[k].size))
				continue;
			fault(r, list, "entries %zu and %zu overlap", k, i);
			return;
		}
	}
}

struct oci_id_mappings parse_id_mappings(struct reader *r, const struct json *object,
                                         const char *key)
{
	const struct json *list = read_list(r, object, key, JSON_OBJECT);
	struct oci_id_mapping *v;
	size_t n = 0;

	if (list->count > ID_MAPPINGS_MAX) {
		fault(r, list, "%u entries: the kernel takes at most %d", list->count,
		      ID_MAPPINGS_MAX);
		return (struct oci_id_mappings){ 0 };
	}
	v = read_room(r, list, sizeof(*v));
	for (const struct json *j = list->first; j; j = j->next)
		v[n++] = parse_id_mapping(r, j);
	check_overlaps(r, list, v);
	return (struct oci_id_mappings){ .v = v, .n = n };
}

/* --- clocks ------------------------------------------------------------------------------ */

static struct oci_time_offset parse_time_offset(struct reader *r, const struct json *j)
{
	enum { NANOSECS_MAX = 999999999 };

	return (struct oci_time_offset){
		.set = true,
		.secs = read_i64(r, j, "secs", INT64_MIN, INT64_MAX).value,
		.nanosecs = read_u32(r, j, "nanosecs", NANOSECS_MAX).value,
	};
}

static void parse_time_offsets(struct reader *r, const struct json *linux_, struct oci_linux *ret)
{
	const struct json *offsets = read_object(r, linux_, "timeOffsets");

	for (const struct json *j = offsets ? offsets->first : NULL; j; j = j->next) {
		if (!read_is(r, j, JSON_OBJECT))
			continue;
		if (strcmp(j->key, "monotonic") == 0)
			ret->monotonic = parse_time_offset(r, j);
		else if (strcmp(j->key, "boottime") == 0)
			ret->boottime = parse_time_offset(r, j);
		else
			fault(r, j, "no such clock: must be monotonic or boottime");
	}
}

/* --- network devices ----------------------------------------------------------------------- */

/* As dev_valid_name() of net/core/dev.c; the kernel fills in %d. */
static bool is_device_name(const char *name)
{
	return name[0] && strlen(name) < IFNAMSIZ && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && !strpbrk(name, "/: \t\n\v\f\r");
}

static void parse_net_devices(struct reader *r, const struct json *linux_, struct oci_linux *ret)
{
	const struct json *devices = read_object(r, linux_, "netDevices");
	struct oci_net_device *v = read_room(r, devices, sizeof(*v));

	for (const struct json *j = v ? devices->first : NULL; j; j = j->next) {
		struct oci_net_device *device = &v[ret->net_device_count++];

		if (!read_is(r, j, JSON_OBJECT))
			continue;
		*device = (struct oci_net_device){ .host_name = j->key,
			                           .name = read_text(r, j, "name") };
		if (!is_device_name(j->key))
			fault(r, j, "not a name of a network device");
		if (device->name && !is_device_name(device->name))
			fault_member(r, j, "name", "\"%.*s\": not a name of a network device",
			             SHOWN(device->name));
	}
	ret->net_devices = v;
}

/* --- Intel RDT ---------------------------------------------------------------------------------
 */

static const struct oci_intel_rdt *parse_intel_rdt(struct reader *r, const struct json *linux_)
{
	const struct json *j = read_object(r, linux_, "intelRdt");
	struct oci_intel_rdt *ret;

	if (!j || j->count == 0)
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	ret->clos_id = read_text(r, j, "closID");
	ret->l3_cache_schema = read_text(r, j, "l3CacheSchema");
	ret->mem_bw_schema = read_text(r, j, "memBwSchema");
	ret->schemata = read_texts(r, j, "schemata");
	ret->enable_monitoring = read_opt_bool(r, j, "enableMonitoring");
	/* It names a folder of resctrl; "/" is its root. */
	if (ret->clos_id && strcmp(ret->clos_id, "/") != 0 &&
	    (strchr(ret->clos_id, '/') || strcmp(ret->clos_id, ".") == 0 ||
	     strcmp(ret->clos_id, "..") == 0))
		fault_member(r, j, "closID", "\"%.*s\": must be \"/\" or a name without slashes",
		             SHOWN(ret->clos_id));
	return ret;
}

/* --- memory policy ------------------------------------------------------------------------------
 */

/* set_mempolicy(2): how each mode stands to a set of nodes. */
enum mode_nodes { NODES_NONE, NODES_SOME, NODES_ANY };

static const struct mode {
	const char *name;
	int mode;
	enum mode_nodes nodes;
} modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT, NODES_NONE },
	{ "MPOL_PREFERRED", MPOL_PREFERRED, NODES_ANY },
	{ "MPOL_BIND", MPOL_BIND, NODES_SOME },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE, NODES_SOME },
	{ "MPOL_LOCAL", MPOL_LOCAL, NODES_NONE },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY, NODES_SOME },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6, NODES_SOME }, /* linux/mempolicy.h since 6.9 */
};

static const struct word mode_flag_words[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
	{ 0 },
};

const char *oci_memory_mode_name(size_t index)
{
	return index < LEN(modes) ? modes[index].name : NULL;
}

const char *oci_memory_flag_name(size_t index)
{
	return index < LEN(mode_flag_words) ? mode_flag_words[index].name : NULL;
}

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < LEN(modes); i++) {
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	}
	return NULL;
}

static unsigned int parse_mode_flags(struct reader *r, const struct json *list)
{
	unsigned int flags = 0;

	for (const struct json *j = list->first; j; j = j->next) {
		const struct word *word = mode_flag_words;

		while (word->name && strcmp(word->name, j->text) != 0)
			word++;
		if (!word->name)
			fault(r, j, "\"%.*s\": invalid memory policy flag", SHOWN(j->text));
		flags |= (unsigned int)word->value;
	}
	return flags;
}

/* How many nodes are named; -1: it is no list of nodes, which has been noted. */
static int count_nodes(struct reader *r, const struct json *policy, const char *nodes)
{
	uint64_t words[OCI_CPU_LIST_WORDS];
	int count = -1;

	if (!nodes)
		return 0;
	if (oci_cpu_list_valid(nodes))
		count = oci_cpu_list_bits(nodes, words);
	if (count < 0)
		fault_member(r, policy, "nodes",
		             "\"%.*s\": invalid memory policy nodes: must be a list like 0-3,8",
		             SHOWN(nodes));
	return count;
}

static void check_mode(struct reader *r, const struct json *policy, const struct mode *mode,
                       unsigned int flags, int nodes)
{
	if (mode->nodes == NODES_NONE && nodes > 0)
		fault_member(r, policy, "nodes",
		             "invalid memory policy: the mode requires 0 nodes but got %d", nodes);
	if (mode->nodes == NODES_SOME && nodes == 0)
		fault_member(
			r, policy, "nodes",
			"invalid memory policy: the mode requires at least one node but got 0");
	if ((flags & MPOL_F_RELATIVE_NODES) && (flags & MPOL_F_STATIC_NODES))
		fault_member(r, policy, "flags",
		             "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other");
	if ((flags & MPOL_F_NUMA_BALANCING) && mode->mode != MPOL_BIND &&
	    mode->mode != MPOL_PREFERRED_MANY)
		fault_member(r, policy, "flags",
		             "MPOL_F_NUMA_BALANCING goes only with MPOL_BIND and "
		             "MPOL_PREFERRED_MANY");
}

static const struct oci_memory_policy *parse_memory_policy(struct reader *r,
                                                           const struct json *linux_)
{
	const struct json *j = read_object(r, linux_, "memoryPolicy");
	struct oci_memory_policy *ret;

	if (!j)
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	ret->flags = parse_mode_flags(r, read_list(r, j, "flags", JSON_STRING));
	ret->nodes = read_text(r, j, "nodes");
	ret->mode_name = read_text(r, j, "mode");

	const struct mode *mode = ret->mode_name ? find_mode(ret->mode_name) : NULL;
	int nodes = count_nodes(r, j, ret->nodes);
	if (!mode) {
		fault_member(r, j, "mode", "\"%.*s\": invalid memory policy mode",
		             SHOWN(ret->mode_name ? ret->mode_name : ""));
		return ret;
	}
	ret->mode = mode->mode;
	if (nodes >= 0)
		check_mode(r, j, mode, ret->flags, nodes);
	return ret;
}

/* --- small ones ---------------------------------------------------------------------------------
 */

static unsigned long parse_propagation(struct reader *r, const struct json *linux_)
{
	static const struct word words[] = {
		{ "shared", MS_SHARED },
		{ "rshared", MS_SHARED | MS_REC },
		{ "slave", MS_SLAVE },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "unbindable", MS_UNBINDABLE },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
		{ 0 },
	};
	uint64_t flags = 0;

	read_word(r, linux_, "rootfsPropagation", words, &flags);
	return flags;
}

static void parse_personality(struct reader *r, const struct json *linux_, struct oci_linux *ret)
{
	static const struct word words[] = { { "LINUX", PER_LINUX },
		                             { "LINUX32", PER_LINUX32 },
		                             { 0 } };
	const struct json *j = read_object(r, linux_, "personality");
	const struct json *flags = read_list(r, j, "flags", JSON_STRING);

	if (!j)
		return;
	if (read_needed_text(r, j, "domain"))
		ret->personality.set = read_word(r, j, "domain", words, &ret->personality.domain);
	if (flags->count > 0) /* config-linux.md: none are supported, so none are valid */
		fault(r, flags, "must be empty: the specification knows no flags");
}

const struct oci_linux *parse_linux(struct reader *r, const struct json *linux_)
{
	struct oci_linux *ret = arena_new(r->arena, sizeof(*ret));

	parse_namespaces(r, linux_, ret);
	ret->uid_mappings = parse_id_mappings(r, linux_, "uidMappings");
	ret->gid_mappings = parse_id_mappings(r, linux_, "gidMappings");
	parse_time_offsets(r, linux_, ret);
	parse_devices(r, linux_, ret);
	parse_net_devices(r, linux_, ret);
	ret->cgroups_path = read_text(r, linux_, "cgroupsPath");
	ret->resources = parse_resources(r, read_object(r, linux_, "resources"));
	ret->sysctl = read_pairs(r, linux_, "sysctl");
	ret->seccomp = parse_seccomp(r, read_object(r, linux_, "seccomp"));
	ret->rootfs_propagation = parse_propagation(r, linux_);
	ret->masked_paths = read_paths(r, linux_, "maskedPaths");
	ret->readonly_paths = read_paths(r, linux_, "readonlyPaths");
	ret->mount_label = read_text(r, linux_, "mountLabel");
	ret->intel_rdt = parse_intel_rdt(r, linux_);
	ret->memory_policy = parse_memory_policy(r, linux_);
	parse_personality(r, linux_, ret);
	return ret;
}
