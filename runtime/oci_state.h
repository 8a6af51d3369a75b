/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "oci-spec/json.h"
#include "runtime/state.h"

/* Writes the container's state as others are told it: hooks on stdin, a seccomp agent
 * within its message. pid as they see it, 0: left out. status: "creating", "created",
 * "running", "stopped". Source: runtime-spec, runtime.md, State. */
void oci_state_write(struct json_writer *w, const struct state *state, pid_t pid,
                     const char *status);
