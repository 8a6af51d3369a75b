/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel RDT: shares of caches and memory bandwidth, by the kernel's resctrl filesystem
 * (Documentation/filesystems/resctrl.rst). A folder in its root is a class of service,
 * with a file of limits and one of tasks; a folder in the class's mon_groups counts what
 * some of its tasks use.
 *
 * A class that is there already is its administrator's: it is used, its cache and
 * bandwidth are compared with what the config says, and it is never removed.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

#define RESCTRL_PLACE "/sys/fs/resctrl"

/* What a config asks for. Paths are below the root. */
struct resctrl_group {
	const char *class;    /* "." for the root's own */
	const char *monitor;  /* NULL: none */
	const char *limits;   /* lines of l3CacheSchema and memBwSchema; "": none */
	const char *schemata; /* lines that are written last, as they are; "": none */
	bool existing;        /* the class has to be there */
};

/* Reads linux.intelRdt; strings are in the arena. ERR_SPEC for names that resctrl has
 * for itself. */
MUST_CHECK int resctrl_group(struct arena *a, const struct oci_intel_rdt *rdt, const char *id,
                             struct resctrl_group *ret, struct err *e);

bool resctrl_is_mounted(void);

/* The root; ERR_REFUSED where no resctrl is mounted. */
MUST_CHECK int resctrl_open(struct err *e);

/* Makes what is missing. `note` hears the one path that is about to be made, and "" when
 * it was there after all: removing that path undoes everything. */
typedef int resctrl_note(void *context, const char *path, struct err *e);
MUST_CHECK int resctrl_make(int root, const struct resctrl_group *g, resctrl_note *note,
                            void *context, struct err *e);

/* Puts a process into the class and its monitoring group; its children follow. */
MUST_CHECK int resctrl_join(int root, const struct resctrl_group *g, pid_t pid, struct err *e);

/* Gives a class other cache and bandwidth: the kernel takes all lines or none. *ret_before is
 * what held until then, for resctrl_restore. */
MUST_CHECK int resctrl_change(struct arena *a, int root, const char *class,
                              const struct oci_intel_rdt *rdt, const char **ret_before,
                              struct err *e);
void resctrl_restore(int root, const char *class, const char *before);

/* Removes a folder that resctrl_make has noted, if it is there and nobody lives in it. */
MUST_CHECK int resctrl_remove(int root, const char *path, struct err *e);
