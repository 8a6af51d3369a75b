/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel a microVM's guest gets when nobody has named one: the host's own newest. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct guest_kernel {
	const char *path;    /* "/boot/vmlinuz-6.12.9-amd64" */
	const char *version; /* "6.12.9-amd64" */
	const char *modules; /* "/lib/modules/6.12.9-amd64"; NULL: there is no list of them */
};

/* Looks below `root` ("" but in tests). ERR_REFUSED when there is none that we may read;
 * strings are in the arena. */
MUST_CHECK int guest_kernel_find(struct arena *a, const char *root, struct guest_kernel *ret,
                                 struct err *e);
