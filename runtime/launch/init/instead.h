/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "runtime/launch/plan.h"

/* Binds the mount's `instead` on place, if the kernel refuses a new filesystem of this
 * type; false: it does not. */
bool bind_instead(const struct plan_mount *m, int place, const char *name);
