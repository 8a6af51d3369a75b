/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that a seccomp agent makes for a container, in the container's place. */
#pragma once

#include <linux/seccomp.h>

#include "oci-spec/agent.h"

/* Starts what the rule (AGENT_MKNOD or AGENT_MOUNT) allows, in a child of ours. 0, and
 * the child's pidfd in ret: its exit status will be the answer, an errno or 0. Or at once
 * the errno that the caller gets.
 *
 * listener: where the notification came from; it is asked again and again whether the
 * call is still waited for (seccomp_unotify(2)). */
int emulate_start(int listener, const struct seccomp_notif *call, const struct agent_rule *rule,
                  int *ret);
