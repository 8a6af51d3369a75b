/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a command waits for others: init that works, a hook, a process that ends.
 * Without a limit it waits for ever, but whoever stands before it can always end it.
 */
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct patience {
	int signals;       /* a signalfd of the signals that end us; -1: none */
	int freezer;       /* cgroup_watch() of a cgroup that must not freeze; -1: it may */
	int64_t deadline;  /* clock_ms(); -1: none */
	const char *limit; /* the deadline as it was given ("5s"), for the message */
};

#define PATIENCE_ENDLESS                                     \
	{                                                    \
		.signals = -1, .freezer = -1, .deadline = -1 \
	}

/* A span of time as runc's callers write it: a sum of numbers with the units h, m, s, ms,
 * us or ns ("1m30s", "0.5s"), as milliseconds, rounded up; at most 2^31-1 of them. */
MUST_CHECK int patience_parse(const char *text, int64_t *ret_ms, struct err *e);

/* poll(2) on `fds`, at most timeout_ms (-1: as long as the patience lasts). Returns how
 * many are ready, 0 when timeout_ms are over. -1 and ERR_STATE when the patience ends
 * first: a signal (which is taken, so that a later wait is not ended by it as well), the
 * deadline, or a cgroup that freezes. p NULL: it never does. */
MUST_CHECK int patience_poll(const struct patience *p, struct pollfd *fds, size_t count,
                             int64_t timeout_ms, struct err *e);

/* Waits until fd can be read, or has ended. */
MUST_CHECK int patience_wait(const struct patience *p, int fd, struct err *e);
