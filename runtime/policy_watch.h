/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of a container while a command looks on. */
#pragma once

#include "base/err.h"
#include "runtime/cli.h"
#include "seccomp/trace.h"

struct policy_watch {
	struct trace_options options;
	struct trace trace; /* TRACE_NONE before; the caller closes it */
	const char *bundle; /* of what was watched; absolute */
	bool notify;        /* ask at each call instead: `noted`, not `trace` */
	struct trace_result noted;
	uint64_t before_ns, meanwhile_ns; /* of one system call of ours */
};

/* For run_watch.begin, with a struct policy_watch. ERR_REFUSED where there is no cgroup. */
MUST_CHECK int policy_watch_begin(void *context, int cgroup, struct err *e);

/* The first positional is a container's id. */
bool policy_watch_container(const struct invocation *in);

/* Runs the bundle, or watches the container, that the first positional names, until it
 * has ended, for the seconds of --for, or until a signal. *ret_status: how the program
 * ended; left alone for a container. */
MUST_CHECK int policy_watch(const struct invocation *in, struct policy_watch *t, int *ret_status,
                            struct err *e);
