/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch/plan.h"

/* Writes the plan's id maps for a process that has just made its user namespace
 * (user_namespaces(7)): each map in one write, "deny" into setgroups first where
 * the plan says so. */
MUST_CHECK int idmap_write(const struct plan *plan, pid_t pid, struct err *e);

/* The same with maps of its own (struct plan_idmap), for a namespace that no process
 * will ever live in. */
MUST_CHECK int idmap_write_lists(const struct plan *plan, pid_t pid, struct plan_list uid_map,
                                 struct plan_list gid_map, struct err *e);
