/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "runtime/launch/plan.h"

/* Whether `size` bytes at `memory` (aligned to 8) are a well-formed plan: magic,
 * version, sizes, every offset, count and op. 0, or the offset at which the first
 * fault lies, at least 1. Uses no libc: init runs it too, and the fuzzer. */
size_t plan_check(const void *memory, size_t size);

/* The step's name for messages and JSON ("mount", "no-new-privs"), NULL if op is
 * unknown. */
const char *plan_op_name(unsigned int op);
