/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch/plan.h"

/* Gives a process the policy that the plan asks for, if it asks for one. */
MUST_CHECK int scheduler_apply(const struct plan *plan, pid_t pid, struct err *e);
