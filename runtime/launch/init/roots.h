/* SPDX-License-Identifier: Apache-2.0 */
/* The host's root while it is still there. */
#pragma once

/* Opens (O_PATH) a path of the host, seen from its root, whatever our root is: the
 * descriptor or -errno; the other ends init on failure. */
long root_host_look(const char *path);
int root_host_path(const char *path);

/* The old root, or -1. */
int root_old(void);
