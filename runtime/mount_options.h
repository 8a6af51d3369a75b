/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

/* What a mount's options ask for, in the kernel's terms. Option strings exist only
 * on this side of the parser; the plan carries bits. */
struct mount_options {
	bool bind;                                 /* bind or rbind, or that type */
	bool recursive;                            /* rbind */
	bool remount;                              /* of what is mounted there already */
	bool copy_up;                              /* tmpcopyup */
	uint32_t links;                            /* PLAN_SOURCE_…, PLAN_TARGET_NOFOLLOW */
	bool idmap, idmap_below;                   /* idmap, ridmap */
	const char *idmap_text;                    /* what stands behind "idmap=" */
	uint32_t attr_set, attr_clear;             /* MOUNT_ATTR_*, mount_setattr(2) */
	bool attr_named;                           /* one of these was, or its negation */
	uint32_t attr_set_below, attr_clear_below; /* the same for all mounts below too */
	uint32_t propagation;                      /* MS_SHARED … | MS_REC; 0: not said */
	struct oci_strings flags;                  /* of the superblock: "sync", "lazytime" … */
	struct oci_strings data;                   /* what only the filesystem can know */
};

bool mount_type_is(const struct oci_mount *m, const char *type);

/* Reads a mount's options, and of its type whether it is a bind; of contradicting options
 * the last one wins, as with mount(8). */
void mount_options_parse(struct arena *a, const struct oci_mount *m, struct mount_options *ret);

/* The names of the options that are understood, for `features`; NULL behind the last
 * one. */
const char *mount_option_name(size_t index);
