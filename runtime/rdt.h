/* SPDX-License-Identifier: Apache-2.0 */
/* linux.intelRdt in a container's life. What is made for it is noted before it is, in the
 * link "resctrl" of the container's folder, so that whoever comes later can remove it. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/state.h"

/* Makes the groups; does nothing without linux.intelRdt, as the others. */
MUST_CHECK int rdt_make(const struct state_dir *d, const struct oci_config *config, struct err *e);

/* Puts a process of the container into them, before it executes its program. */
MUST_CHECK int rdt_join(const char *id, const struct oci_config *config, pid_t pid, struct err *e);

/* Other cache and bandwidth for a container that lives. Only in the class that was made for it:
 * what is used but was there before is its administrator's. With NULL nothing is done. */
struct rdt_change {
	const char *class, *before; /* NULL: nothing was changed */
};
MUST_CHECK int rdt_change(const struct state_dir *d, struct arena *a,
                          const struct oci_intel_rdt *wanted, struct rdt_change *ret,
                          struct err *e);
void rdt_change_undo(const struct rdt_change *c);

/* Removes what was noted. */
MUST_CHECK int rdt_undo(const struct state_dir *d, struct err *e);
