/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/container.h"

/* The process that a request means, complete and in the arena. own: that of the
 * container, NULL where its config has none; a request with a file does not use it. */
MUST_CHECK int exec_process(struct arena *a, const struct exec_request *r,
                            const struct oci_process *own, const struct oci_process **ret,
                            struct err *e);
