/* SPDX-License-Identifier: Apache-2.0 */
/* An agent for linux.seccomp.listenerPath. */
#pragma once

#include "oci-spec/agent.h"

/* Listens at the path, which must not exist, and answers by the rules until SIGINT,
 * SIGTERM or SIGHUP comes; then the socket is removed. One JSON object a line on stdout
 * for each call that was not simply allowed. */
MUST_CHECK int policy_agent_run(const char *path, const struct agent_rules *rules, struct err *e);
