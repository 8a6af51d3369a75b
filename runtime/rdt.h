/* SPDX-License-Identifier: Apache-2.0 */
/* linux.intelRdt in a container's life. What is made for it is noted before it is, in the
 * link "resctrl" of the container's folder, so that whoever comes later can remove it. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/state.h"

/* Makes the groups; does nothing without linux.intelRdt, as the others. */
MUST_CHECK int rdt_make(const struct state_dir *d, const struct oci_config *config, struct err *e);

/* Puts a process of the container into them, before it executes its program. */
MUST_CHECK int rdt_join(const char *id, const struct oci_config *config, pid_t pid, struct err *e);

/* Removes what was noted. */
MUST_CHECK int rdt_undo(const struct state_dir *d, struct err *e);
