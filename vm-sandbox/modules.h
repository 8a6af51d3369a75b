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
};

/* What modules.dep and modules.builtin hold. */
struct module_index {
	const char *dep, *builtin;
};

/* The files of the `wanted` modules (names with underscores) and of all that they depend
 * on, each behind what it needs; those that are built in are left out. ERR_SPEC names one
 * that the kernel does not have. */
MUST_CHECK int modules_resolve(const struct module_index *index, const char *const *wanted,
                               size_t count, struct arena *a, struct module_list *ret,
                               struct err *e);

/* The name of the module in a file: "kernel/fs/fuse/virtiofs.ko.xz" is "virtiofs", and a
 * dash is an underscore, as the kernel has it. In `room` bytes; false when it is no
 * module's file or does not fit. */
bool module_name(const char *path, size_t len, char *ret, size_t room);
