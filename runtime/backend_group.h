/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands ask of a container on this host's own kernel: its group and its first
 * process answer. Of a microVM the same is asked for its monitor.
 */
#pragma once

#include "runtime/backend.h"

/* struct backend's. */
MUST_CHECK int backend_group_list(const struct found *f, struct arena *a, struct process_list *ret,
                                  struct err *e);
MUST_CHECK int backend_group_meter(const struct found *f, uint32_t wanted, struct meter *ret,
                                   struct err *e);
MUST_CHECK int backend_group_signal(const struct found *f, int signo, bool all, struct err *e);
MUST_CHECK int backend_group_freeze(const struct found *f, bool frozen, struct err *e);
MUST_CHECK int backend_group_update(const struct found *f, const struct update_request *r,
                                    struct arena *a, struct err *e);

/* backend_group_update.c: other values for the group alone, which systemd is told. */
struct group_limits {
	struct cgroup_facts facts;
	int cgroup;
	/* When nothing else is left to fail; its own failure undoes the rest. Or NULL. */
	int (*last)(void *context, struct err *e);
	void *context;
};

#define GROUP_LIMITS __attribute__((cleanup(group_limits_close)))

MUST_CHECK int group_limits_open(const struct found *f, struct arena *a, struct group_limits *ret,
                                 struct err *e);
void group_limits_close(struct group_limits *l);
/* Has the group's parents hand down the controllers that the plan needs: only then are there
 * files to read usage from and to write limits to. First of all, hence. */
MUST_CHECK int group_limits_enable(const struct group_limits *l, const struct found *f,
                                   const struct cgroup_plan *plan, struct err *e);
MUST_CHECK int group_limits_change(const struct group_limits *l, const struct found *f,
                                   struct arena *a, struct cgroup_plan *plan, struct err *e);
