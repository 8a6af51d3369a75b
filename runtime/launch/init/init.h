/* SPDX-License-Identifier: Apache-2.0 */
/* What all steps share: the plan, and the descriptors that outlive a step. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/launch/plan.h"

/* This process's private, writable copy of the plan; checked. */
extern struct plan *plan;

static inline const char *plan_string(plan_str at)
{
	return plan_text(plan, at);
}

/* Whether a step of this kind is still to come or is the current one. */
bool plan_has(enum plan_op op);

/*
 * Descriptors. A step opens what it needs and does not close it: closing one by one
 * costs a system call each. Those that later steps need are kept; all others above
 * the highest kept one are closed together, between steps.
 */

/* Takes the descriptors of the hello packet into the plan's slots. */
void slots_take(const int *fds, uint32_t count);
int slot_fd(uint32_t slot);
void slot_fill(uint32_t slot, int fd);

/* Numbers up to fd are nothing to sweep: the socket, what the caller preserves. */
void fd_reserve(int fd);
/* Keeps fd across steps and returns it. Closes what was opened before it and is not
 * kept, so no scratch descriptor may be in use. */
int fd_keep(int fd);
/* Closes every scratch descriptor. */
void fd_sweep(void);
/* Tells of a scratch descriptor, of which steps that come in numbers leave several. */
void fd_scratch(int fd);
/* There are so many that a low RLIMIT_NOFILE might be reached. */
bool fd_crowded(void);
