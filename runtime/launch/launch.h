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

/* What happens outside while init works. A call may be NULL. */
struct launch_events {
	void *context;
	/* Waits until fd can be read, or has ended; -1: waits no longer, and the launch is
	 * given up. NULL: as long as it takes. */
	int (*wait)(void *context, int fd, struct err *e);
	/* Init is at work and needs nobody: what does not have to come before it. With a
	 * scope of systemd's, init is in it when this returns. */
	int (*busy)(void *context, struct err *e);
	/* Namespaces and mounts are there: run prestart and createRuntime hooks.
	 * *ret_state: fd of the state for createContainer hooks, or -1; given away. */
	int (*hooks)(void *context, pid_t pid, int *ret_state, struct err *e);
	/* The pty's master is here; it belongs to the callee now. */
	int (*console)(void *context, int master, const char *name, struct err *e);
	/* The rootfs is about to be mounted where it outlasts init; id: PLAN_MOUNT_ID. -1: no. */
	int (*mount)(void *context, pid_t pid, uint64_t id, struct err *e);
	/* The process has loaded its filter: the seccomp notify fd, which stays ours. It
	 * must be with whoever answers when this returns, since the process's next
	 * system call may ask. Source: seccomp_unotify(2). */
	int (*listener)(void *context, pid_t pid, int notify, struct err *e);
};

struct launch_options {
	int cgroup;          /* fd of the cgroup to be born in, or -1  */
	int container_pidfd; /* fills PLAN_FD_CONTAINER                */
	int listener;        /* fills PLAN_FD_LISTENER                 */
	/* of the backend whose process hears commands: where it shall, and for an exec a
	 * connection to it, with the group below the container's, NULL or "": that itself */
	int commands;
	const char *group;
	/* a microVM's terminal is shown on the caller's, which adds the carriage returns */
	bool plain_terminal;
	struct launch_events events;
};

/* A container's process that waits for START. */
struct launch {
	pid_t pid;                    /* in our pid namespace */
	uint64_t start_time;          /* of pid: proc_stat */
	int pidfd;                    /* owned; -1: none                           */
	int socket;                   /* to init, owned; -1 after it was let go    */
	struct netdev_moves *devices; /* network devices that moved; NULL: none */
};

#define LAUNCH __attribute__((cleanup(launch_done)))
#define LAUNCH_NONE                                 \
	{                                           \
		.pid = 0, .pidfd = -1, .socket = -1 \
	}

/* Clones init and leads it up to READY. On failure the process is dead and reaped. */
MUST_CHECK int launch_prepare(const struct plan *plan, const struct launch_options *options,
                              struct launch *ret, struct err *e);

/* Lets a prepared process outlive us: from now on it waits for whoever connects to
 * the listener. A process that was not let go ends when its launcher does. */
MUST_CHECK int launch_let_go(struct launch *l, struct err *e);

/* How a prepared process is reached, perhaps by another of our programs. */
struct launch_start {
	int socket; /* the launch's own, or one connected to the listener */
	pid_t pid;
	int pidfd;
	int state;                          /* for startContainer hooks, or -1 */
	const struct launch_events *events; /* `wait` and `listener` may come */
	bool later; /* than the command that has made it: others may have had it meanwhile */
};

/* START, then waits until init has executed the program (0) or failed (-1). */
MUST_CHECK int launch_start(const struct plan *plan, const struct launch_start *s, struct err *e);

/* Kills and reaps the process; whatever it was doing ends with it. */
void launch_abort(struct launch *l);

/* Closes what the launch holds; the process is left alone. */
void launch_done(struct launch *l);
