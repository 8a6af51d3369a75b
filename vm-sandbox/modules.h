/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which modules a guest's kernel has to be given, in the order in which they can be
 * loaded. Kernels differ: what is a module in one is built in another, and the
 * dependencies are not the same, either; the kernel's own lists (modules.dep(5)) decide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { MODULES_MAX = 64 };

struct module_list {
	unsigned int count;
	const char *path[MODULES_MAX]; /* below the kernel's folder in /lib/modules */
	unsigned int late;             /* that many, at the end, are for optional ones alone */
};

/* What modules.dep and modules.builtin hold. */
struct module_index {
	const char *dep, *builtin;
};

/* Its name has underscores; a guest can do without one that is optional, and does not wait
 * for it before it runs a container, unless it is early. */
struct module_wanted {
	const char *name;
	bool optional, early;
};

/* The files of the `wanted` modules and of all that they depend on, each behind what it
 * needs; those that are built in are left out, and optional ones that the kernel does not
 * have. ERR_SPEC names another that it does not have. */
MUST_CHECK int modules_resolve(const struct module_index *index, const struct module_wanted *wanted,
                               size_t count, struct arena *a, struct module_list *ret,
                               struct err *e);

/* The name of the module in a file: "kernel/fs/fuse/virtiofs.ko.xz" is "virtiofs", and a
 * dash is an underscore, as the kernel has it. In `room` bytes; false when it is no
 * module's file or does not fit. */
bool module_name(const char *path, size_t len, char *ret, size_t room);
