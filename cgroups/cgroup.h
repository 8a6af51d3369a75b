/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroup (version 2): where it is, what is written into it, and
 * its life. On a hybrid host the cgroup2 tree has no controllers; membership,
 * freezing, killing and device rules work there all the same.
 * Source: Documentation/admin-guide/cgroup-v2.rst.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

enum cgroup_controller {
	CGROUP_CPU = 1 << 0,
	CGROUP_CPUSET = 1 << 1,
	CGROUP_IO = 1 << 2,
	CGROUP_MEMORY = 1 << 3,
	CGROUP_PIDS = 1 << 4,
	CGROUP_HUGETLB = 1 << 5,
	CGROUP_RDMA = 1 << 6,
	CGROUP_MISC = 1 << 7,
};

enum cgroup_mode {
	CGROUP_NONE,    /* no cgroup2 mount to be found */
	CGROUP_UNIFIED, /* cgroup2 on /sys/fs/cgroup */
	CGROUP_HYBRID,  /* cgroup2 on /sys/fs/cgroup/unified, controllers in v1 */
};

/* What the host has; probed once by cgroup_probe, forged in tests. */
struct cgroup_facts {
	enum cgroup_mode mode;
	const char *mount;        /* "/sys/fs/cgroup" or "/sys/fs/cgroup/unified" */
	unsigned int controllers; /* enum cgroup_controller that the tree's root has; read
	                           * only when asked for */

	/* cgroup_probe_delegated: groups can be made below one that was delegated to us.
	 * Paths are below the mount, "" for its root. */
	bool limited;
	const char *own;  /* the group that we are in; NULL: it cannot be seen */
	const char *base; /* the delegated one, whose controllers are those above;
	                   * NULL: there is none */

	/* cgroup_probe_systemd (cgroups/systemd.h), where systemd is to make the group. */
	bool systemd_user;   /* the one of a user, not the host's */
	const char *systemd; /* its group below the mount, "" for the root; NULL: none runs */
	const char *systemd_socket;
};

MUST_CHECK int cgroup_probe(bool controllers, struct cgroup_facts *ret, struct err *e);

/* Adds the controllers to what cgroup_probe found, for a container without limits. A tree
 * without the one for memory (that of a hybrid host has leftovers at most) is taken to
 * have none: one system call tells. */
MUST_CHECK int cgroup_probe_accounting(struct cgroup_facts *facts, struct err *e);

/* Adds to what cgroup_probe found: for a caller without rights over the tree. */
MUST_CHECK int cgroup_probe_delegated(struct arena *a, struct cgroup_facts *facts, struct err *e);

/* The cgroup's path below the mount, cleaned and absolute: linux.cgroupsPath, or the
 * id where that is absent. A relative one is taken from the tree's root or, for who is
 * limited, from the delegated group; without one of these *ret is NULL if no path was
 * asked for, and it is ERR_REFUSED if one was. "..", control bytes and names over 255
 * bytes are ERR_SPEC. Pure. */
MUST_CHECK int cgroup_path(struct arena *a, const struct cgroup_facts *facts,
                           const char *cgroups_path, const char *id, const char **ret,
                           struct err *e);

/* One value for one file of the cgroup; origin is its path in config.json. */
struct cgroup_write {
	const char *file, *value, *origin;
	bool instead; /* only where the file of the write before is not there */
};

struct cgroup_plan {
	const struct cgroup_write *writes;
	size_t write_count;
	const struct bpf_insn *devices; /* NULL: no program is needed */
	size_t device_count;
};

/* Turns resources into writes and the device program. What is not supported, and
 * what the host's controllers cannot do, is refused, each with its path. Pure. */
MUST_CHECK int cgroup_compile(struct arena *a, const struct oci_resources *resources,
                              const struct cgroup_facts *facts, struct cgroup_plan *ret,
                              struct err *e);

/* The controller that the name of an interface file begins with ("memory.max"), as
 * an enum cgroup_controller; 0 for the core's own files ("cgroup.max.depth") and for
 * names that begin with none. Or'ed over a plan's writes it is what cgroup_create
 * has to enable. */
unsigned int cgroup_file_controller(const char *file);

/* The eBPF program for a list of device rules (the last match wins, as the spec
 * says), with mknod and the default devices always allowed and all else refused.
 * NULL in *ret: the rules allow everything. Pure. */
MUST_CHECK int cgroup_devices_compile(struct arena *a, const struct oci_device_rule *rules,
                                      size_t count, const struct bpf_insn **ret, size_t *ret_count,
                                      struct err *e);

/* --- life ------------------------------------------------------------------------- */

/* Makes the cgroup with its parents and enables `controllers` down the path, and of the
 * others that the facts know those that can be had. *ret_made says whether the last folder is ours.
 * One that exists is taken only if it is empty and not frozen (ERR_STATE otherwise). Returns its
 * O_RDONLY fd. */
MUST_CHECK int cgroup_create(const struct cgroup_facts *facts, const char *path,
                             unsigned int controllers, bool *ret_made, struct err *e);

/* Whether cgroup_create would succeed, as far as looking tells. */
MUST_CHECK int cgroup_check(const struct cgroup_facts *facts, const char *path,
                            unsigned int controllers, struct err *e);

/* Nobody may be in a group that we did not make, and it may not be frozen: ERR_STATE. */
MUST_CHECK int cgroup_check_unused(int cgroup, struct err *e);

/* Writes the values in order; the first that fails ends it. Errors name the field of
 * config.json that asked (origin), and what the errno means for that file. */
MUST_CHECK int cgroup_apply(int cgroup, const struct cgroup_write *writes, size_t count,
                            struct err *e);

/* Gives the group's folder, and the files that the kernel names for it, to a user of
 * the host. */
MUST_CHECK int cgroup_delegate(int cgroup, uint32_t owner, struct err *e);

/* Attaches a device program; it lives as long as the cgroup. */
MUST_CHECK int cgroup_apply_devices(int cgroup, const struct bpf_insn *code, uint32_t count,
                                    struct err *e);

/* Other rules for a group in use: all that can fail is done first, then the kernel changes the
 * programs in one step. A plan without a program takes off the one that is there. */
struct cgroup_devices {
	int cgroup; /* the caller's */
	int program, old;
};

#define CGROUP_DEVICES_NONE              \
	{                                \
		.program = -1, .old = -1 \
	}

MUST_CHECK int cgroup_devices_prepare(int cgroup, const struct cgroup_plan *plan,
                                      struct cgroup_devices *ret, struct err *e);
/* A step of an update (struct cgroup_steps): `context` is a struct cgroup_devices. */
MUST_CHECK int cgroup_devices_replace(void *context, struct err *e);
void cgroup_devices_close(struct cgroup_devices *d);
#define CGROUP_DEVICES __attribute__((cleanup(cgroup_devices_close))) struct cgroup_devices

/* Enables controllers for the group of a container that exists, from the top down. */
MUST_CHECK int cgroup_enable(const struct cgroup_facts *facts, const char *path,
                             unsigned int controllers, struct err *e);

/* Changes values while the group is in use, all or nothing: after an error the group
 * is as it was before. Errors are those of cgroup_apply. */
MUST_CHECK int cgroup_update(int cgroup, const struct cgroup_write *writes, size_t count,
                             struct err *e);

/* The same with steps whose failure undoes the change, too; each may be NULL. */
struct cgroup_steps {
	/* After it the values are written once more: whoever it tells may write what it made of
	 * them. */
	int (*then)(void *context, struct err *e);
	int (*last)(void *context, struct err *e); /* when nothing else is left to fail */
	void *context;
};

MUST_CHECK int cgroup_update_then(int cgroup, const struct cgroup_write *writes, size_t count,
                                  const struct cgroup_steps *steps, struct err *e);

/* Fills in what an update leaves as it is and version 2 keeps in one file with what it
 * changes: the quota or the period, the memory limit that a swap limit includes. */
MUST_CHECK int cgroup_complete(int cgroup, struct arena *a, struct oci_resources *r, struct err *e);

/* Makes a weight and being idle agree, in the plan and with what the group is. */
MUST_CHECK int cgroup_settle_weight(int cgroup, struct arena *a, struct cgroup_plan *plan,
                                    struct err *e);

/* linux.resources.memory.checkBeforeUpdate: ERR_STATE where more is in use than the
 * new limit allows. */
MUST_CHECK int cgroup_check_memory(int cgroup, const struct oci_resources *r, struct err *e);
/* Its halves, for a group that is not this kernel's: whether anything is to be checked, and the
 * verdict on what is in use. */
bool cgroup_wants_check(const struct oci_resources *r);
MUST_CHECK int cgroup_check_usage(const struct oci_resources *r, int64_t usage, int64_t swap,
                                  struct err *e);

MUST_CHECK int cgroup_open(const struct cgroup_facts *facts, const char *path, struct err *e);

/* Freezes or thaws and waits for cgroup.events to say so, at most timeout_ms. */
MUST_CHECK int cgroup_freeze(int cgroup, bool frozen, int timeout_ms, struct err *e);
/* 1: frozen (or being so), 0: not. */
MUST_CHECK int cgroup_is_frozen(int cgroup, struct err *e);

/* An fd on which poll(2) tells (POLLPRI) that the group may have been frozen or thawed,
 * by itself or from above; and what it is: 1 frozen, 0 not. */
MUST_CHECK int cgroup_watch(int cgroup, struct err *e);
MUST_CHECK int cgroup_watch_frozen(int watch, struct err *e);

/* The cgroup that a process is in, as a path below the mount; in the arena. The caller
 * makes sure that the pid is still whose it was. */
MUST_CHECK int cgroup_of(struct arena *a, pid_t pid, const char **ret, struct err *e);

/* SIGKILL to everything in it and below (cgroup.kill, 5.14). */
MUST_CHECK int cgroup_kill(int cgroup, struct err *e);

/* Every signal other than SIGKILL, to each process in it and below. */
MUST_CHECK int cgroup_signal(int cgroup, int signo, struct err *e);

/* Pids in it and below, in our pid namespace, in the arena. */
MUST_CHECK int cgroup_pids(struct arena *a, int cgroup, pid_t **ret, size_t *ret_count,
                           struct err *e);

/* 1: processes are in it or below, 0: none (cgroup.events, populated). */
MUST_CHECK int cgroup_is_populated(int cgroup, struct err *e);

/* Removes it and the groups that the container made below. Waits up to timeout_ms
 * for it to become empty. One that is not there is no error. */
MUST_CHECK int cgroup_destroy(const struct cgroup_facts *facts, const char *path, int timeout_ms,
                              struct err *e);
