/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compiling needs to know about the host, read once per command and only as
 * far as the config asks. Tests forge it: compiling itself makes no system call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroups/cgroup.h"
#include "oci-spec/spec.h"

enum { FACTS_LIMITS = 16 }; /* RLIM_NLIMITS of the kernel, asm-generic/resource.h */

/* --rootless: whether it is no error that the cgroup tree is not ours. Auto: as
 * host_facts.rootless. */
enum rootless_choice { ROOTLESS_AUTO, ROOTLESS_TRUE, ROOTLESS_FALSE };

struct facts_options {
	enum rootless_choice rootless;
	bool no_cgroup; /* none is to be made */
	bool systemd;   /* systemd is to make it */
};

struct host_facts {
	uint32_t euid, egid;
	bool user_namespace;   /* we are not in the initial one: mknod is refused there */
	bool setgroups_denied; /* in the user namespace that we are in */
	/* The ids of our user namespace, with those of its parent; read only if it is not the
	 * initial one, which has all. */
	struct oci_id_mappings own_uids, own_gids;
	bool rootless; /* euid is not 0, or we are root of a user namespace only */
	struct cgroup_facts cgroup;
	bool resctrl;           /* is mounted; read only if the config has linux.intelRdt */
	bool apparmor, selinux; /* LSM in use; read only if the config sets a label */
	int landlock_abi;       /* 0: the kernel has none; read only if the config wants it */
	uint64_t capabilities;  /* the kernel's known set, 1 << CAP_* */
	/* Our hard limits by RLIMIT_*; read only if the config has a user namespace,
	 * inside which they cannot be raised any more. */
	uint64_t hard_limits[FACTS_LIMITS];
	/* Where a procfs or sysfs is mounted; read only for --no-pivot. */
	struct oci_strings kernel_mounts;
};

/* config->process is the process that is to run: an exec whose process asks for what
 * the container's does not (a label) gives a copy of the config with its own. Without
 * options, a place for a cgroup is not looked for. Strings are in the arena. */
MUST_CHECK int host_facts_read(struct arena *a, const struct oci_config *config,
                               const struct facts_options *options, struct host_facts *ret,
                               struct err *e);

/* Adds to what cgroup_probe found: the systemd that serves us (cgroups/systemd.h). */
MUST_CHECK int host_facts_systemd(struct arena *a, struct cgroup_facts *cgroup, struct err *e);

/* Adds kernel_mounts, which live in the arena. */
MUST_CHECK int host_facts_read_mounts(struct arena *a, struct host_facts *facts, struct err *e);
