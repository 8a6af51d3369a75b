/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracing for who has no rights over the host: the bundle is run with a seccomp profile
 * that asks about every call, and a child of ours that notes it and lets it pass, or
 * answers as the bundle's own profile would. Much slower than seccomp/trace.h, and it
 * costs nobody else anything. Refusals of others than that profile are seen where the
 * child may follow the processes (runtime/policy_follow.h).
 */
#pragma once

#include "base/err.h"
#include "runtime/container.h"
#include "seccomp/trace.h"

/* Runs the request's bundle, and fills ret, whose values lie in the arena. */
MUST_CHECK int policy_notify_run(const struct container_context *context,
                                 const struct create_request *request,
                                 const struct trace_options *options, struct arena *a,
                                 struct trace_result *ret, int *ret_status, struct err *e);
