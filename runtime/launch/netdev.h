/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network devices of the host that move into the container: config-linux.md,
 * "Network Devices". The launcher moves them when init is in its namespaces, before
 * any hook runs, and takes them back when the launch fails afterwards. Once it has
 * succeeded they belong to the container's network namespace.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch/plan.h"

struct netdev_moves;

/* Moves all devices of the plan into the network namespace of pid. *ret: what was
 * done, NULL if there was nothing to do; to be freed. On failure all are back. */
MUST_CHECK int netdev_move(const struct plan *plan, pid_t pid, struct netdev_moves **ret,
                           struct err *e);

/* Brings them back to the host, as they were; what fails is logged. */
void netdev_restore(struct netdev_moves *moves);

void netdev_free(struct netdev_moves *moves);
