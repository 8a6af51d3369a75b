/* SPDX-License-Identifier: Apache-2.0 */
/* The host's root while it is still there. */
#pragma once

/* A clone (open_tree(2)) of what a path of the host leads to, seen from its root,
 * whatever our root is; -errno if the path leads to nothing, or may not be followed. */
long root_host_clone(const char *path, int recursive);

/* For a child that becomes a hook of the host: its root is the host's again. Its working
 * folder is the container's root, as with runc: hooks find the rootfs there without
 * being told. 0 or -errno. */
long root_leave(void);
