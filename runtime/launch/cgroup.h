/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup part of a plan, carried out by the launcher before init is born. */
#pragma once

#include "base/err.h"
#include "runtime/launch/plan.h"

/* Writes the plan's values into the open cgroup, in order, and attaches its device
 * program, which then lives as long as the cgroup. The plan has passed plan_check.
 * Errors name the field of config.json that asked. */
MUST_CHECK int launch_cgroup_apply(const struct plan *plan, int cgroup, struct err *e);
