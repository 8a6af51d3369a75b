/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The container's state for hooks, a memfd; -1: none. */
void hook_state_set(int fd);
int hook_state(void);
