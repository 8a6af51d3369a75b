/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime that stays in front of its container (run, exec without --detach):
 * passes signals on, carries bytes between our stdio and the pty, reaps, and ends
 * with the process's status.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "runtime/patience.h"

/* Blocks the signals that foreground_wait will read. Before the process exists, so
 * that none is lost; init undoes it for itself. *ret_signals: a signalfd of those that
 * end us while nobody is there to pass them on to (struct patience). */
MUST_CHECK int foreground_begin(int *ret_signals, struct err *e);

struct foreground {
	pid_t pid; /* our child */
	int pidfd;
	const struct patience *patience; /* with the signals of foreground_begin */
	int master;                      /* the pty's, or -1 */
	/* The socket for sd_notify(3), or -1: closed once the process is ready. NULL: none. */
	int *notify;
	const char *manager; /* $NOTIFY_SOCKET */
};

struct foreground_end {
	int status; /* 0-255, or 128 + signal */
	int signal; /* that ended it, or 0 */
};

/* Waits until the process has ended, at most until the deadline. -1 and ERR_STATE when
 * that has passed: the process is left as it is. */
MUST_CHECK int foreground_wait(const struct foreground *f, struct foreground_end *ret,
                               struct err *e);
