/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch/plan.h"

/* Clones what the bind at index `step` binds, and maps its ids if it asks for that,
 * inside the mount namespace of init (pid, pidfd) and with our own rights; or makes the
 * node that a PLAN_DEVICE_LENT wants. Returns a detached tree that the caller owns, but
 * for the rootfs, which is attached at its own path. An
 * index of another step is ERR_BUG: it comes from init. Source: open_tree(2), mount_setattr(2). */
MUST_CHECK int source_clone(const struct plan *plan, int64_t step, pid_t pid, int pidfd,
                            struct err *e);
