/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the compiler share. Each part turns one subject of the config
 * into steps and never decides where they stand: compile.c does, in one place.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/compile.h"
#include "runtime/facts.h"
#include "runtime/launch/plan_build.h"
#include "runtime/mount_options.h"

/* One entry of config.mounts as it was understood. */
struct compile_mount {
	struct mount_options options;
	const char *origin; /* "mounts[3]" */
	const char *target; /* in the container, cleaned */
	const char *source; /* of a bind: on the host, cleaned */
	bool bind, remount;
	bool refused;   /* and noted (compile_go_on): makes no steps */
	uint32_t slot;  /* of a bind: a clone made before / became a slave */
	uint32_t idmap; /* PLAN_BIND_IDMAP…; 0: none */
	struct oci_id_mappings uid_map, gid_map; /* none: the user namespace's */
};

struct compile {
	struct arena arena;
	struct plan_builder plan;
	struct buf *faults; /* of the options, or NULL */
	struct buf fds;     /* struct plan_fd, by slot */
	const struct oci_config *config;
	const struct oci_linux *linux_;
	const struct oci_process *process;
	const struct host_facts *facts;
	void (*warn)(const char *fmt, ...) PRINTF(1, 2); /* or NULL */
	const char *bundle;                              /* NULL for an exec */
	const char *cgroup;    /* below the cgroup2 mount; NULL: none, or an exec */
	bool user_namespace;   /* the process gets another one than the launcher's */
	bool two_stages;       /* see compile_ns.c */
	bool shares_mounts;    /* its mount namespace is not its own */
	bool network_joined;   /* PLAN_NETWORK is there, where it is needed */
	bool scope;            /* systemd makes the cgroup, and init waits for it … */
	bool scope_joined;     /* … in a PLAN_CGROUP that is there */
	uint64_t scope_flags;  /* what is unshared then */
	bool setgroups_denied; /* setgroups(2) will be refused to the process */
	struct compile_mount *mounts;
	uint32_t notify_slot; /* PLAN_NO_SLOT: there is no such socket */
	struct {
		struct plan_list argv, envp;
		const char *search;
		bool home_missing;
		uint32_t home_slot;
	} exec;
};

/* --- compile.c ------------------------------------------------------------------ */

/* The result of a part, or 0 once its fault is noted in a list that somebody keeps. */
MUST_CHECK int compile_go_on(struct compile *c, int result, struct err *e);

/* --- compile_check.c ------------------------------------------------------------ */

/* Refuses what no part turns into something: every field that is not supported yet
 * is named here, and nowhere else. */
MUST_CHECK int compile_check_config(const struct oci_config *config, const struct host_facts *facts,
                                    struct err *e);
MUST_CHECK int compile_check_process(const struct oci_process *p, const struct host_facts *facts,
                                     struct err *e);

/* --- compile_ids.c -------------------------------------------------------------- */

/* Sets user_namespace and setgroups_denied, writes the plan's maps, and refuses ids
 * that would have no meaning in the container. */
MUST_CHECK int compile_maps(struct compile *c, struct err *e);
MUST_CHECK int compile_ids(struct compile *c, struct err *e);
/* The host's id, in our user namespace; false: unknown, or there is none. */
bool compile_host_id(const struct compile *c, struct oci_id_mappings maps, uint32_t id,
                     uint32_t *ret);
struct plan_list compile_put_map(struct compile *c, struct oci_id_mappings maps);
/* Whether the container has the group; true where only the kernel knows. */
bool compile_gid_is_mapped(const struct compile *c, uint32_t gid);

/* --- compile_ns.c --------------------------------------------------------------- */

/* All that happens between the launcher's clone and the process that lives in all
 * its namespaces: joins, the user namespace, time offsets, the second stage. */
void compile_enter_new(struct compile *c);

/* What follows may look at the network namespace. */
void compile_network(struct compile *c);

/* What follows shows the cgroup, is limited by it or may look at it. */
void compile_scope(struct compile *c);
/* The same for exec: into the namespaces that the container has of its own. */
void compile_enter_container(struct compile *c);
/* Adds a descriptor for the launcher to open; returns its slot. */
uint32_t compile_add_fd(struct compile *c, const struct plan_fd *fd);

/* --- compile_rootfs.c ----------------------------------------------------------- */

void compile_rootfs(struct compile *c);
/* For exec: the root where it was left. */
void compile_find_root(struct compile *c, const char *path, uint64_t mount);
MUST_CHECK int compile_devices(struct compile *c, struct err *e);
/* The host's root goes, by pivot_root(2) or without. */
void compile_leave_host(struct compile *c, bool no_pivot);
void compile_root_finish(struct compile *c);

/* --- compile_mounts.c ----------------------------------------------------------- */

/* Reads config.mounts into c->mounts and refuses what cannot be done. */
MUST_CHECK int compile_read_mounts(struct compile *c, struct err *e);
/* Clones the sources that are to stay shared with the host. */
void compile_shared_sources(struct compile *c);
void compile_mounts(struct compile *c);
/* The uid of the host that the container's cgroup is given to, or PLAN_NO_OWNER. */
uint32_t compile_cgroup_owner(const struct compile *c);
/* What became read-only only after everything in it was made. */
void compile_seal_mounts(struct compile *c);

/* --- compile_cgroup.c ----------------------------------------------------------- */

/* Decides c->cgroup, and puts it with its limits and device rules into the plan. */
MUST_CHECK int compile_cgroup(struct compile *c, const struct compile_options *options,
                              struct err *e);

/* --- compile_notify.c ----------------------------------------------------------- */

/* Has the launcher open the folder (NULL: none); mounts it. */
void compile_open_notify(struct compile *c, const char *folder);
void compile_mount_notify(struct compile *c);

/* --- compile_idmap.c ------------------------------------------------------------ */

/* Whether the mount is id-mapped, and by which map. */
MUST_CHECK int compile_read_idmap(struct compile *c, const struct oci_mount *m,
                                  struct compile_mount *cm, struct err *e);

/* --- compile_system.c ----------------------------------------------------------- */

/* Sysctls, host name, domain name, the loopback device. */
MUST_CHECK int compile_system(struct compile *c, struct err *e);
/* Devices of the host's network: the launcher moves them. */
MUST_CHECK int compile_net_devices(struct compile *c, struct err *e);

/* --- compile_hooks.c ------------------------------------------------------------ */

/* prestart, createRuntime and createContainer: before the pivot. `wait`: even without any. */
void compile_hooks_create(struct compile *c, bool wait);
/* startContainer: just before the program. */
void compile_hooks_start(struct compile *c);

/* --- compile_landlock.c --------------------------------------------------------- */

MUST_CHECK int compile_landlock(struct compile *c, struct err *e);

/* --- compile_process.c ---------------------------------------------------------- */

/* Program, arguments and environment, the process's and what is added: stored once,
 * used by several steps. */
MUST_CHECK int compile_read_program(struct compile *c, struct oci_strings added_env, struct err *e);
void compile_oom_score(struct compile *c);
/* Limits whose hard value is above ours: only the launcher's capabilities raise it. */
void compile_limits_raised(struct compile *c);
void compile_limits(struct compile *c);
void compile_io_priority(struct compile *c);
void compile_personality(struct compile *c);
MUST_CHECK int compile_memory_policy(struct compile *c, struct err *e);
/* For the launcher; no step. */
void compile_scheduler(struct compile *c);
/* The CPUs that an exec ends up on, where its process names them. */
MUST_CHECK int compile_affinity(struct compile *c, struct err *e);
void compile_terminal(struct compile *c, bool console);
void compile_labels(struct compile *c);
/* The session's keyring, of this name: PLAN_KEYRING or PLAN_JOIN_KEYRING. */
void compile_keyring(struct compile *c, enum plan_op op, const char *name);
/* The check of all five sets is the first one's. */
MUST_CHECK int compile_bounding(struct compile *c, struct err *e);
/* `filter`: init still loads one by its capabilities. */
void compile_caps(struct compile *c, bool filter);
/* HOME, where the environment has none: a file of the container is read. */
void compile_environment(struct compile *c);
/* Looking it up, and executing it: the last step of a plan. */
void compile_find_program(struct compile *c);
void compile_program(struct compile *c);
