/* SPDX-License-Identifier: Apache-2.0 */
/* The few mount operations that several kinds of steps share. */
#pragma once

#include <stdint.h>

/* A detached filesystem, not configured further. Ends init on failure. */
int mount_new(const char *fstype, const char *option, uint32_t attributes);

/* MOUNT_ATTR_* and propagation of the mount at fd; all mounts below too if
 * `recursive`. Whole fields: where an access-time bit changes, all of them do. */
void mount_set(int fd, uint64_t set, uint64_t clear, uint32_t propagation, int recursive,
               const char *what);

/* A private, detached clone of what fd shows. */
int mount_clone(int fd, int recursive, const char *what);

void mount_attach(int tree, int target, const char *what);
