/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/state.h"

/* Hands the seccomp notify fd of process `pid` to the agent at
 * linux.seccomp.listenerPath: one message with the container process state as JSON, and
 * the fd. Source: runtime-spec,
 * config-linux.md, "The Container Process State". */
MUST_CHECK int seccomp_agent_send(const struct oci_config *config, const struct state *state,
                                  pid_t pid, int listener, struct err *e);
