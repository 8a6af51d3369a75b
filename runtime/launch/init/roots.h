/* SPDX-License-Identifier: Apache-2.0 */
/* The host's root while it is still there. */
#pragma once

#include <stdint.h>

/* A clone (open_tree(2)) of what a path of the host leads to, seen from its root,
 * whatever our root is; -errno if the path leads to nothing, or may not be followed. flags:
 * O_NOFOLLOW (a link is cloned itself) or 0. */
long root_host_clone(const char *path, int recursive, uint64_t flags);

/* The text of a link of the host and its length; -EINVAL if it is no link, or -errno. */
long root_host_link(const char *path, char *ret, uint64_t room);

/* Makes what was just mounted on the root the root. fd: the mount; it is kept. */
void root_replace(int fd);

/* For a child that becomes a hook of the host: its root is the host's again. Its working
 * folder is the container's root, as with runc: hooks find the rootfs there without
 * being told. 0 or -errno. */
long root_leave(void);
