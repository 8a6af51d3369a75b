/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/plan.h"

enum { SLOTS_MAX = 200 }; /* with the plan itself they fit one packet (FD_PASS_MAX) */

/* The descriptors of a plan, in the order of its slots; -1 where a slot stays
 * empty for now. Those that we opened are ours to close; the others are borrowed. */
struct slots {
	int fd[SLOTS_MAX];
	bool ours[SLOTS_MAX];
	size_t count;
};

void slots_close(struct slots *s);
#define SLOTS __attribute__((cleanup(slots_close)))

/* Opens what the plan lists. Namespace files are compared with the type that they
 * must have (NS_GET_NSTYPE, ioctl_ns(2)): a path that leads elsewhere is refused. */
MUST_CHECK int slots_open(const struct plan *plan, const struct launch_options *options,
                          struct slots *ret, struct err *e);

/* One namespace file of the type (a CLONE_NEW*): its descriptor. */
MUST_CHECK int slots_open_namespace(const char *path, uint64_t type, struct err *e);
