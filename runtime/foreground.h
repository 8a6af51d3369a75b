/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runtime that stays in front of its container (run, exec without --detach):
 * passes signals on, carries bytes between our stdio and the pty, reaps, and ends
 * with the process's status.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/* Blocks the signals that foreground_wait will read. Before the process exists, so
 * that none is lost; init undoes it for itself. */
MUST_CHECK int foreground_begin(int *ret_signals, struct err *e);

/* Waits for our child `pid`. master: the pty's, or -1. *ret_status: 0-255, or
 * 128 + signal. */
MUST_CHECK int foreground_wait(pid_t pid, int pidfd, int signals, int master, int *ret_status,
                               struct err *e);
