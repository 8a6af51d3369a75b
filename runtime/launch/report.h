/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/plan.h"

/* Turns an ERROR packet of init into a message; returns -1. The packet is data of
 * an untrusted process: only its numbers are believed as far as they fit the plan,
 * and its text is cut. Texts that engines match are kept (docs/errors.md). */
int report_error(const struct plan *plan, const struct frame *frame, struct err *e);

/* Puts frames in front of e that name the step: "mask /proc/keys (linux.maskedPaths[0])".
 * Returns -1. */
int report_in_step(const struct plan *plan, const struct plan_step *step, struct err *e);
