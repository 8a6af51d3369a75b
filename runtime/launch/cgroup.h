/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup part of a plan. The limits are in force before init is born in the group;
 * the device program is loaded while init builds the container, because verifying it
 * is the dearest system call of a start, and nothing but init runs until START.
 */
#pragma once

#include "base/err.h"
#include "runtime/launch/plan.h"

/* Writes the plan's values into the open cgroup, in order. The plan has passed
 * plan_check. Errors name the field of config.json that asked. */
MUST_CHECK int launch_cgroup_limits(const struct plan *plan, int cgroup, struct err *e);

/* Attaches the plan's device program, if it has one; it lives as long as the cgroup. */
MUST_CHECK int launch_cgroup_devices(const struct plan *plan, int cgroup, struct err *e);
