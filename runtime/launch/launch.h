/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher: the parent's side of a plan. It clones init, hands it the plan and
 * its descriptors, answers its packets and turns its errors into words. It is all
 * that a microVM's guest agent needs to start a container.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "runtime/launch/plan.h"

/* What happens outside while init works. Every call may be NULL. */
struct launch_events {
	void *context;
	/* The process exists (stopped before anything it could do); record it. */
	int (*born)(void *context, pid_t pid, int pidfd, struct err *e);
	/* Namespaces and mounts are there: run prestart and createRuntime hooks.
	 * *ret_state: fd of the state for createContainer hooks, or -1. */
	int (*hooks)(void *context, pid_t pid, int *ret_state, struct err *e);
	/* The pty's master is here; the callee owns it. */
	int (*console)(void *context, int master, const char *name, struct err *e);
};

struct launch {
	pid_t pid;
	int pidfd;  /* owned */
	int socket; /* to init, owned; -1 after it was let go */
	const struct plan *plan;
};

struct launch_options {
	int cgroup;          /* fd of the cgroup to be born in, or -1 */
	int container_pidfd; /* fills PLAN_FD_CONTAINER */
	int listener;        /* fills PLAN_FD_LISTENER */
	struct launch_events events;
};

/* Clones init and leads it up to READY. On failure the process is dead and reaped. */
MUST_CHECK int launch_prepare(const struct plan *plan, const struct launch_options *options,
                              struct launch *ret, struct err *e);

/* START over `socket` (the launch's own, or one connected to the listener), then
 * waits until init has executed the program (0) or failed (-1). state: fd for
 * startContainer hooks or -1. listener: takes the seccomp notify fd, or NULL. */
MUST_CHECK int launch_start(const struct plan *plan, int socket, int init_pidfd, int state,
                            int *ret_listener, struct err *e);

/* Kills init and reaps it, if it still is our child. */
void launch_abort(struct launch *l);
void launch_done(struct launch *l);
