/* SPDX-License-Identifier: Apache-2.0 */
/* A profile's filter, for this folder alone. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

struct filter {
	const struct sock_filter *v;
	size_t n;
};

/* An action as libseccomp writes it (SCMP_ACT_*), errno included; EPERM where none is
 * given. ERR_SPEC, without a path, when the action takes none or the number is out of
 * range. */
MUST_CHECK int filter_action(enum oci_seccomp_action action, struct opt_u32 errno_ret,
                             uint32_t *ret, struct err *e);

/* libseccomp's number of an architecture's name in config.json; 0: it knows none. */
uint32_t filter_arch(const char *name);

/* The filter has calls of this architecture. */
bool filter_has_arch(const struct oci_seccomp *profile, uint32_t arch);

/* One argument has more than one condition: any of the rule's is enough then. */
bool filter_repeats_argument(const struct oci_seccomp_rule *rule);

/* Compiles the profile with libseccomp; ret lives in the arena. */
MUST_CHECK int filter_compile(struct arena *a, const struct oci_seccomp *profile,
                              struct filter *ret, struct err *e);

/* Finishes a compiled filter: the profile's conditions on arguments, and the shortest
 * program that we can write. Where that cannot be done, and shown to be right, the filter
 * stays as it is. native: the architecture that matters most. */
void filter_finish(struct arena *a, const struct oci_seccomp *profile, uint32_t native,
                   struct filter *filter);

/* What a compiled filter depends on beside its profile. */
struct filter_maker {
	uint32_t native_arch;
	uint32_t version[3];
	struct utsname kernel; /* libseccomp asks what it can do, call by call */
};

void filter_maker(struct filter_maker *ret);
