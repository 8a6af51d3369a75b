/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets by path, of any length: names go through /proc/self/fd, because
 * sun_path ends at 107 bytes. No abstract names: anyone may connect to those. */
#pragma once

#include "base/err.h"

/* Connects to the socket at path (type SOCK_STREAM or SOCK_SEQPACKET); gives up
 * after timeout_ms when nobody accepts. The fd has that timeout for sends, too. */
MUST_CHECK int unix_connect(int dir, const char *path, int type, int timeout_ms, struct err *e);

/* A socket bound to dir/name with mode 0600. */
MUST_CHECK int unix_bind(int dir, const char *name, int type, struct err *e);

/* The same, listening. */
MUST_CHECK int unix_listen(int dir, const char *name, int type, struct err *e);
