/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager gives its service by environment variables, and the
 * runtime, being the service, passes on to the container: sd_listen_fds(3),
 * sd_notify(3).
 */
#pragma once

#include "base/err.h"

struct activation {
	unsigned int listen_fds; /* sockets that are open from fd 3 on */
	const char *notify;      /* $NOTIFY_SOCKET: where a service tells of itself, or NULL */
};

/* Reads our environment. ERR_USAGE for a number that is none. */
MUST_CHECK int activation_read(struct activation *ret, struct err *e);
