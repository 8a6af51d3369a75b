/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose cgroup is it? A container's own cgroup carries our mark, an extended
 * attribute that names the container: its id, and its folder by device and inode, so
 * that the spelling of --root does not matter. A record alone only says what the
 * group's path was: the create may have died before it was refused because others
 * live there; since a reboot, or since the container ended, others may have taken
 * the path. Nothing in a group is killed unless the mark, or the container's living
 * first process, says that it is this container's.
 */
#pragma once

#include <sys/stat.h>

#include "base/err.h"

/* Marks a cgroup that nothing runs in yet. folder: the container's. */
MUST_CHECK int owner_mark(int cgroup, const struct stat *folder, const char *id, struct err *e);

/* 1: the mark is this container's, 0: there is none or it is another's. folder: its fd. */
MUST_CHECK int owner_is(int cgroup, int folder, const char *id, struct err *e);
