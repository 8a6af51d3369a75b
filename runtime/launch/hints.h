/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/plan.h"

/* Adds what an errno of this call means in this step, where its words mislead or the
 * remedy is known. */
void hint_step(const struct plan *plan, const struct plan_step *step, const struct frame *f,
               struct err *e);
