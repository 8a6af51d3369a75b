/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Config, command line and host facts to a launch plan. Pure: no system call but
 * those of seccomp's cache. Whatever can be wrong with a config is found here,
 * before anything exists; every message begins with the field's path.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/facts.h"
#include "runtime/launch/plan.h"

/* What a create takes from the command line. */
struct compile_options {
	const char *id;
	const char *bundle;  /* absolute, cleaned */
	const char *keyring; /* of its session, to be made; NULL: the caller's */
	bool no_pivot;
	bool no_cgroup; /* --cgroup-manager disabled */
	bool systemd;   /* --systemd-cgroup: it makes the cgroup */
	unsigned int preserve_fds;
	unsigned int listen_fds;   /* of preserve_fds, the first: sockets handed over */
	const char *notify_folder; /* with the socket for sd_notify(3); NULL: none */
	bool listener;             /* `create`: START comes through the listener slot;
	                            * `run`: through the launcher's own socket */
	int seccomp_cache;         /* fd of the cache folder, or -1 */
	bool wait;                 /* as for hooks: the launcher has something to do then */
	/* Told what is left out without being refused; may be NULL. */
	void (*warn)(const char *fmt, ...) PRINTF(1, 2);
	/* For `check`: what would be refused goes here, each a struct err, and the rest is
	 * looked at; what a refused part would have done is not in the plan. NULL: the
	 * first fault ends it. */
	struct buf *faults;
};

/* The plan of a container's first process, in ret (plan_check passes on it). */
MUST_CHECK int compile_create(const struct oci_config *config,
                              const struct compile_options *options, const struct host_facts *facts,
                              struct buf *ret, struct err *e);

/* What an exec takes from the running container. */
struct compile_exec_options {
	const struct oci_config *config;   /* of the container */
	const struct oci_process *process; /* what to run, complete */
	const char *cgroup;                /* path below the mount; NULL: the caller's */
	const char *keyring;               /* of its session; NULL: the caller's */
	/* where its root is mounted, if the mount namespace is not its own; or NULL */
	const char *root;
	uint64_t root_mount; /* PLAN_MOUNT_ID */
	unsigned int preserve_fds;
	int seccomp_cache;
};

MUST_CHECK int compile_exec(const struct compile_exec_options *options,
                            const struct host_facts *facts, struct buf *ret, struct err *e);

/* Whether its mounts are made in a mount namespace that others are in, and outlast its
 * processes. */
bool compile_shares_mounts(const struct oci_config *config);

/* Where a mount goes, as the container sees it. Some callers name the place as the host does,
 * below the rootfs; runc takes that. */
const char *compile_target(struct arena *a, const char *rootfs, const char *destination);

/* Prints a plan as JSON, for `caisson plan` and the golden tests. */
void plan_print(const struct plan *plan, struct buf *ret);
