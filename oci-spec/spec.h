/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of the OCI runtime-spec 1.3, its Linux part, as immutable structs.
 * Everything lives in one arena. Strings are valid UTF-8 without NUL bytes; an
 * absent string is NULL; an absent object is a NULL pointer; where absent and zero
 * differ, an opt_* says which. Lists keep the order of the file. Names are those
 * of config.json in C's spelling.
 *
 * What is here has been checked: values lie in their ranges, and
 * rules that tie two fields together hold. What this host or this version cannot
 * do is not judged here: compiling the plan does that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

#define OCI_SPEC_VERSION "1.3.0"

struct opt_bool {
	bool set, value;
};
struct opt_i64 {
	bool set;
	int64_t value;
};
struct opt_u64 {
	bool set;
	uint64_t value;
};
struct opt_u32 {
	bool set;
	uint32_t value;
};

struct oci_strings {
	const char *const *v; /* n strings and a NULL */
	size_t n;
};

struct oci_pair {
	const char *key, *value;
};
struct oci_pairs {
	const struct oci_pair *v;
	size_t n;
};

/* --- process ------------------------------------------------------------------ */

struct oci_user {
	uint32_t uid, gid;
	struct opt_u32 umask;
	const uint32_t *additional_gids;
	size_t additional_gid_count;
};

/* Capability sets as bit masks (1 << CAP_*). Names that this build does not know
 * are kept in `unknown`: the spec wants a warning, not an error. */
struct oci_capabilities {
	uint64_t bounding, effective, permitted, inheritable, ambient;
	struct oci_strings unknown;
};

struct oci_rlimit {
	int resource;
	const char *name;
	uint64_t soft, hard;
};

struct oci_scheduler {
	int policy; /* SCHED_* */
	const char *policy_name;
	int32_t nice, priority;
	uint64_t flags;                     /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* nanoseconds */
};

struct oci_io_priority {
	int class, priority;
}; /* IOPRIO_CLASS_* */

struct oci_process {
	bool terminal;
	struct {
		bool set;
		uint32_t height, width;
	} console_size;
	struct oci_user user;
	struct oci_strings args, env;
	const char *cwd;
	const struct oci_capabilities *capabilities; /* NULL: field absent */
	const struct oci_rlimit *rlimits;
	size_t rlimit_count;
	bool no_new_privileges;
	struct {
		bool set;
		int32_t value;
	} oom_score_adj;
	const char *apparmor_profile, *selinux_label;
	const struct oci_scheduler *scheduler;
	const struct oci_io_priority *io_priority;
	struct {
		const char *initial, *final;
	} exec_cpu_affinity;
};

/* --- root, mounts, hooks --------------------------------------------------------- */

struct oci_id_mapping {
	uint32_t container_id, host_id, size;
};
struct oci_id_mappings {
	const struct oci_id_mapping *v;
	size_t n;
};

struct oci_mount {
	const char *destination; /* as written; relative means from / */
	const char *type;        /* NULL: a bind mount by its options */
	const char *source;
	struct oci_strings options;
	struct oci_id_mappings uid_mappings, gid_mappings;
};

struct oci_hook {
	const char *path;
	struct oci_strings args; /* n 0: argv is the path alone */
	struct oci_strings env;  /* env_set false: field absent */
	bool env_set;
	struct opt_u32 timeout; /* seconds */
};

struct oci_hook_list {
	const struct oci_hook *v;
	size_t n;
};

enum oci_hook_kind {
	OCI_HOOK_PRESTART,
	OCI_HOOK_CREATE_RUNTIME,
	OCI_HOOK_CREATE_CONTAINER,
	OCI_HOOK_START_CONTAINER,
	OCI_HOOK_POSTSTART,
	OCI_HOOK_POSTSTOP,
	OCI_HOOK_KINDS
};

/* --- linux ------------------------------------------------------------------------- */

enum oci_namespace_kind {
	OCI_NS_PID,
	OCI_NS_NETWORK,
	OCI_NS_MOUNT,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_USER,
	OCI_NS_CGROUP,
	OCI_NS_TIME,
	OCI_NS_KINDS
};

struct oci_namespace {
	bool wanted;        /* in the list: new, or joined by path */
	const char *path;   /* NULL: new */
	unsigned int index; /* position in linux.namespaces */
};

struct oci_device {
	char type;        /* 'c' ('u' is read as 'c'), 'b' or 'p' */
	const char *path; /* absolute */
	uint32_t major, minor;
	struct opt_u32 file_mode; /* permission bits */
	struct opt_u32 uid, gid;
};

struct oci_device_rule {
	bool allow;
	char type;                   /* 'a', 'c' or 'b' */
	struct opt_i64 major, minor; /* not set, or -1: any */
	bool read, write, mknod;
};

struct oci_memory {
	struct opt_i64 limit, reservation, swap, kernel, kernel_tcp;
	struct opt_u64 swappiness;
	struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct oci_cpu {
	struct opt_u64 shares, period, burst, realtime_period;
	struct opt_i64 quota, realtime_runtime, idle;
	const char *cpus, *mems; /* NULL where absent or "" */
};

struct oci_weight_device {
	int64_t major, minor;
	struct opt_u32 weight, leaf_weight;
};
struct oci_throttle_device {
	int64_t major, minor;
	uint64_t rate;
};
struct oci_throttle_list {
	const struct oci_throttle_device *v;
	size_t n;
};

struct oci_block_io {
	struct opt_u32 weight, leaf_weight;
	const struct oci_weight_device *weight_devices;
	size_t weight_device_count;
	struct oci_throttle_list read_bps, write_bps, read_iops, write_iops;
};

struct oci_hugepage_limit {
	const char *page_size;
	uint64_t limit;
};
struct oci_rdma_limit {
	const char *device;
	struct opt_u32 handles, objects;
};
struct oci_network_priority {
	const char *name;
	uint32_t priority;
};

/* linux.resources; what asks for nothing (blockIO {}, cpus "") is absent here. */
struct oci_resources {
	const struct oci_device_rule *devices;
	size_t device_count;
	const struct oci_memory *memory;
	const struct oci_cpu *cpu;
	struct opt_i64 pids_limit; /* -1: unlimited */
	const struct oci_block_io *block_io;
	const struct oci_hugepage_limit *hugepage_limits;
	size_t hugepage_limit_count;
	struct {
		struct opt_u32 class_id;
		const struct oci_network_priority *priorities;
		size_t n;
	} network;
	const struct oci_rdma_limit *rdma;
	size_t rdma_count;
	struct oci_pairs unified;
};

enum oci_seccomp_action {
	OCI_ACT_KILL, /* of the thread: SCMP_ACT_KILL and _KILL_THREAD */
	OCI_ACT_KILL_PROCESS,
	OCI_ACT_TRAP,
	OCI_ACT_ERRNO,
	OCI_ACT_TRACE,
	OCI_ACT_ALLOW,
	OCI_ACT_LOG,
	OCI_ACT_NOTIFY,
};

enum oci_seccomp_op {
	OCI_CMP_NE,
	OCI_CMP_LT,
	OCI_CMP_LE,
	OCI_CMP_EQ,
	OCI_CMP_GE,
	OCI_CMP_GT,
	OCI_CMP_MASKED_EQ
};

struct oci_seccomp_arg {
	uint32_t index; /* 0 to 5 */
	enum oci_seccomp_op op;
	uint64_t value, value_two;
};

struct oci_seccomp_rule {
	struct oci_strings names;
	enum oci_seccomp_action action;
	struct opt_u32 errno_ret;
	const struct oci_seccomp_arg *args;
	size_t arg_count;
};

struct oci_seccomp {
	enum oci_seccomp_action default_action;
	struct opt_u32 default_errno_ret;
	struct oci_strings architectures; /* SCMP_ARCH_* names, checked */
	bool flags_set;
	struct oci_strings flags; /* SECCOMP_FILTER_FLAG_* names, checked */
	const char *listener_path, *listener_metadata;
	const struct oci_seccomp_rule *rules;
	size_t rule_count;
};

struct oci_intel_rdt {
	const char *clos_id, *l3_cache_schema, *mem_bw_schema;
	struct oci_strings schemata;
	struct opt_bool enable_monitoring;
};

struct oci_memory_policy {
	int mode;           /* MPOL_* of set_mempolicy(2) */
	unsigned int flags; /* MPOL_F_* */
	const char *mode_name;
	const char *nodes; /* NULL: none */
};
struct oci_net_device {
	const char *host_name, *name;
};
struct oci_time_offset {
	bool set;
	int64_t secs;
	uint32_t nanosecs;
};

struct oci_linux {
	struct oci_namespace namespaces[OCI_NS_KINDS];
	struct oci_id_mappings uid_mappings, gid_mappings;
	struct oci_time_offset monotonic, boottime;
	const struct oci_device *devices;
	size_t device_count;
	const struct oci_net_device *net_devices;
	size_t net_device_count;
	const char *cgroups_path;
	const struct oci_resources *resources;
	struct oci_pairs sysctl; /* keys as written */
	const struct oci_seccomp *seccomp;
	unsigned long rootfs_propagation; /* MS_SHARED …|MS_REC; 0: absent */
	struct oci_strings masked_paths, readonly_paths;
	const char *mount_label;
	const struct oci_intel_rdt *intel_rdt;
	const struct oci_memory_policy *memory_policy;
	struct {
		bool set;
		uint64_t domain;
	} personality; /* PER_* */
};

/* --- landlock ------------------------------------------------------------------------- */

/* The annotation's value is the JSON text of what the open proposal for the specification
 * calls process.landlock. */
#define OCI_LANDLOCK_ANNOTATION "io.caisson.landlock"

enum oci_landlock_kind { OCI_LANDLOCK_FS, OCI_LANDLOCK_NET, OCI_LANDLOCK_SCOPE };

struct oci_landlock_path {
	uint64_t access;  /* LANDLOCK_ACCESS_FS_* */
	const char *path; /* absolute, in the container */
};
struct oci_landlock_port {
	uint64_t access; /* LANDLOCK_ACCESS_NET_* */
	uint16_t port;
};

/* What is restricted, as bits of linux/landlock.h, and what is allowed of it. */
struct oci_landlock {
	bool strict; /* what the kernel does not know is an error */
	uint64_t fs, net, scopes;
	bool fs_implied, net_implied; /* rules, but no list: all that there is */
	const struct oci_landlock_path *paths;
	size_t path_count;
	const struct oci_landlock_port *ports;
	size_t port_count;
};

/* The word of a bit ("read_file"); NULL: none. */
const char *oci_landlock_word(enum oci_landlock_kind kind, unsigned int bit);

/* --- vm ----------------------------------------------------------------------------- */

struct oci_vm {
	const char *hypervisor_path, *kernel_path, *initrd, *image_path, *image_format;
	struct oci_strings hypervisor_parameters, kernel_parameters;
	struct {
		bool present;
		const char *device_tree;
		struct opt_u32 vcpus;
		struct opt_u64 memory;
		const char *xen; /* the first of dtdevs, iomems and irqs that is there, or NULL:
		                  * checked for their types, not kept */
	} hw;
};

/* --- the whole ------------------------------------------------------------------------ */

struct oci_config {
	const char *oci_version;
	const struct oci_process *process; /* NULL: absent (then start is an error) */
	const char *root_path;             /* as written */
	bool root_readonly;
	const char *hostname, *domainname;
	const struct oci_mount *mounts;
	size_t mount_count;
	struct oci_hook_list hooks[OCI_HOOK_KINDS];
	struct oci_pairs annotations;
	const struct oci_landlock *landlock; /* NULL: absent */
	const struct oci_linux *linux_;      /* never NULL: an absent object is an empty one */
	const struct oci_vm *vm;             /* NULL: absent */
};

/* Limits; `features` tells them. */
enum {
	OCI_CONFIG_MAX_BYTES = 16 << 20,
	OCI_CONFIG_MAX_DEPTH = 64,
	OCI_CONFIG_MAX_VALUES = 200000,  /* bounds the memory of a tree: 56 bytes each */
	OCI_CONFIG_MAX_ARENA = 48 << 20, /* what one parsing may need of an arena */
	OCI_STRING_MAX_BYTES = 2 << 20,
	OCI_ARGS_ENV_MAX_BYTES = 4 << 20,
	OCI_MOUNTS_MAX = 10000,
};

/* Parses and checks a whole config.json. Every problem found is in e->text, each
 * with its path ("linux.resources.memory.limit: -5: must be -1 or at least 0"),
 * joined by "; ". *ret lives in the arena and does not point into text. */
MUST_CHECK int oci_config_parse(struct arena *a, const char *text, size_t len,
                                const struct oci_config **ret, struct err *e);

/* Parses one seccomp object: as in config.json, or as engines keep their profiles, with
 * rules for some capabilities and architectures only; those that hold for x86-64 and the
 * capabilities that Docker gives by default are taken. NULL in ret: it asks for nothing. */
MUST_CHECK int oci_profile_parse(struct arena *a, const char *text, size_t len,
                                 const struct oci_seccomp **ret, struct err *e);

/* Parses one process object (exec --process). */
MUST_CHECK int oci_process_parse(struct arena *a, const char *text, size_t len,
                                 const struct oci_process **ret, struct err *e);

/* Parses one resources object (update --resources). */
MUST_CHECK int oci_resources_parse(struct arena *a, const char *text, size_t len,
                                   const struct oci_resources **ret, struct err *e);

/* "CAP_CHOWN" to its number, -1 if unknown; and back. */
int oci_capability_number(const char *name);
const char *oci_capability_name(int number);

/* The words of config.json for a namespace kind, and its CLONE_NEW* flag. */
const char *oci_namespace_name(enum oci_namespace_kind kind);
uint64_t oci_namespace_flag(enum oci_namespace_kind kind);

/* The kernel's limits: NR_CPUS is at most 8192, and there are fewer memory nodes. */
enum { OCI_CPU_LIST_WORDS = 8192 / 64 };

/* Whether text is a list of CPUs or memory nodes as the kernel reads it. */
bool oci_cpu_list_valid(const char *list);
/* A valid list as bits: how many are set, -1 when a number is too large. */
int oci_cpu_list_bits(const char *list, uint64_t words[OCI_CPU_LIST_WORDS]);

/* A key of linux.sysctl as a path below /proc/sys ("net/ipv4/ip_forward"), in the
 * arena; NULL when it is no name of a sysctl. */
const char *oci_sysctl_path(struct arena *a, const char *key);

/* The words of linux.memoryPolicy by number, NULL behind the last: "MPOL_DEFAULT" …,
 * "MPOL_F_STATIC_NODES" … */
const char *oci_memory_mode_name(size_t index);
const char *oci_memory_flag_name(size_t index);

/* "prestart" … */
const char *oci_hook_kind_name(enum oci_hook_kind kind);

/* The text of `caisson spec`: tab-indented, ends in a newline. */
struct buf;
void oci_spec_default(bool rootless, uint32_t uid, uint32_t gid, struct buf *ret);
