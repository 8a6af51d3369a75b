/* SPDX-License-Identifier: Apache-2.0 */
/* The host's root while it is still there. */
#pragma once

/* Opens (O_PATH) a path of the host, seen from its root, whatever our root is: the
 * descriptor or -errno; the other ends init on failure. */
long root_host_look(const char *path);
int root_host_path(const char *path);

/* For a child that becomes a hook of the host: its root is the host's again. Its working
 * folder is the container's root, as with runc: hooks find the rootfs there without
 * being told. 0 or -errno. */
long root_leave(void);
