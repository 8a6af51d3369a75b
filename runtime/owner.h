/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose cgroup is it? A container's own cgroup carries our mark, an extended
 * attribute that names --root and id. It decides one question: a wreck's note names
 * a cgroup, but was that one made for it, or did the create die before it was
 * refused because others live there? Only a marked or an empty group is cleared.
 */
#pragma once

#include "base/err.h"

/* Marks a cgroup that nothing runs in yet. */
MUST_CHECK int owner_mark(int cgroup, const char *root, const char *id, struct err *e);

/* 1: the mark is this container's, 0: there is none or it is another's. */
MUST_CHECK int owner_is(int cgroup, const char *root, const char *id, struct err *e);
