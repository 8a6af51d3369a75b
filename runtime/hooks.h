/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/patience.h"
#include "runtime/state.h"

/* The OCI state as hooks read it on stdin: a sealed memfd. pid as the hook sees it,
 * 0: left out. status: "creating", "created", "running", "stopped". Source:
 * runtime-spec, runtime.md, State. */
MUST_CHECK int hooks_state(const struct state *state, pid_t pid, const char *status, struct err *e);

/* Runs the hooks of one kind in order, on the host, in the bundle: the environment is the
 * hook's own and nothing else, stdin is the state, output is kept for the error message.
 * Stops at the first that fails. Its timeout, or the end of our patience (NULL: endless),
 * ends it with SIGKILL. */
MUST_CHECK int hooks_run(enum oci_hook_kind kind, const struct oci_hook_list *hooks,
                         const char *bundle, int state, const struct patience *p, struct err *e);

/* The same in another folder, in the network namespace of a process and in a mount namespace
 * of their own, so that what they mount is not the host's: createContainer hooks of what has
 * no namespaces on this host. */
MUST_CHECK int hooks_run_beside(enum oci_hook_kind kind, const struct oci_hook_list *hooks,
                                const char *folder, int pidfd, int state, const struct patience *p,
                                struct err *e);

/* The same, but one that fails is warned of and the next one runs: poststop hooks.
 * Source: runtime-spec, runtime.md, Lifecycle. */
void hooks_run_each(enum oci_hook_kind kind, const struct oci_hook_list *hooks, const char *bundle,
                    int state, const struct patience *p);
