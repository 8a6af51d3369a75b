/* SPDX-License-Identifier: Apache-2.0 */
/* newuidmap(1) and newgidmap(1), by which the administrator gives ids to users. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch/plan.h"

/* Lets the helper ("newuidmap" or "newgidmap") write the map of the process, which is
 * our child. Source: newuidmap(1). */
MUST_CHECK int idmap_helper_run(const char *name, pid_t pid, const struct plan_idmap *maps,
                                uint32_t count, struct err *e);
