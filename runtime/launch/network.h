/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace that init does not make itself. */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/* One in the making; there is at most one at a time. */
struct network {
	pid_t maker; /* who makes it, a child that only network_end() reaps; 0: nobody */
};

#define NETWORK __attribute__((cleanup(network_drop)))

/* Begins to make a network namespace with a loopback device that is up. The caller goes
 * on, and stays in its own. */
MUST_CHECK int network_begin(struct network *ret, struct err *e);

/* Waits until it is there: its descriptor, which belongs to the caller. */
MUST_CHECK int network_end(struct network *n, struct err *e);

/* Waits for one that nobody wants any more, and lets it go. */
void network_drop(struct network *n);
