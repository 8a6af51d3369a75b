/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal of a process in a microVM. The guest has the real one: what echoes, edits lines
 * and makes signals of keys is the guest's kernel. The host's is a pipe for bytes that has a
 * size: whoever has its master, an engine or our own command, finds what it knows.
 */
#pragma once

#include <stdint.h>

#include "runtime/launch/launch.h"

/* Makes one for a plan that wants one, and gives its master to the events' console().
 * *ret_slave: raw, with O_NONBLOCK, the caller's; -1: the plan wants none. */
MUST_CHECK int vm_terminal_make(const struct plan *plan, const struct launch_events *events,
                                int *ret_slave, struct err *e);

/* In a session's first process: the slave is its terminal, so that SIGWINCH comes here, and
 * its standard streams. Closes it. */
MUST_CHECK int vm_terminal_take(int *slave, struct err *e);

struct vm_size {
	uint16_t rows, columns;
};

/* {0, 0}: it has none. */
struct vm_size vm_terminal_size(int slave);
