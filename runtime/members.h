/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container that has no cgroup, by its pid namespace. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* Pids in our namespace of all processes in the pid namespace of `first`, which is the
 * first process of one of its own; in the arena. Those of namespaces below that one are
 * not among them (pid_namespaces(7)). */
MUST_CHECK int members_pids(struct arena *a, pid_t first, pid_t **ret, size_t *ret_count,
                            struct err *e);
