/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "runtime/launch/plan.h"

/* Turns a vector of offsets into a char *[] in place, spare entries left out. The
 * entry `spare` (-1: none) becomes `text` instead. Only for a process that executes
 * right after: the plan is not fit to be read any more. */
char *const *exec_vector(struct plan_list list, int64_t spare, char *text);

/* As exec_vector, with the entry that PLAN_ENVIRONMENT filled where the list is the
 * program's environment. */
char *const *exec_environment(struct plan_list list);

/* The entry of the program's environment that PLAN_ENVIRONMENT fills. */
void exec_set_spare(uint32_t entry, char *text);
