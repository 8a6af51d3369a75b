/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that compile linux.resources share; for this folder alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroups/cgroup.h"

struct compile {
	struct arena *arena;
	const struct cgroup_facts *facts;
	struct cgroup_write *writes;
	size_t count;
	struct err_faults faults; /* all are reported at once */
};

/* Adds one write, or refuses it where its file's controller is not there. */
void compile_put(struct compile *c, const char *file, const char *origin, const char *value);

/* blockIO and rdma: how many writes they need at most, and the writes. */
size_t compile_io_writes(const struct oci_resources *r);
void compile_io(struct compile *c, const struct oci_resources *r);
