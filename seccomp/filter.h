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

/* The same of a rule that filter_compile has accepted. */
uint32_t filter_rule_action(const struct oci_seccomp_rule *rule);

/* libseccomp's number of an architecture's name in config.json; 0: it knows none. */
uint32_t filter_arch(const char *name);

/* The filter has calls of this architecture. */
bool filter_has_arch(const struct oci_seccomp *profile, uint32_t arch);

/* A call that 32-bit x86 has as a part of another one (socketcall, ipc), or that one, in
 * a profile that has this architecture. Its rules there are libseccomp's affair. */
bool filter_is_bundled(const struct oci_seccomp *profile, const char *name);

/* One argument has more than one condition: any of the rule's is enough then. */
bool filter_repeats_argument(const struct oci_seccomp_rule *rule);

/* Compiles the profile with libseccomp; ret lives in the arena. all: with every rule;
 * otherwise with those alone that filter_finish() does not add. */
MUST_CHECK int filter_compile(struct arena *a, const struct oci_seccomp *profile, bool all,
                              struct filter *ret, struct err *e);

/* ERR_SPEC when one call has two rules with the same conditions and different actions:
 * that can only be a mistake. (Rules that are far apart are not compared.) */
MUST_CHECK int filter_check_rules(const struct oci_seccomp *profile, struct err *e);

/* Finishes a filter that was compiled without all rules: adds them, and writes the shortest
 * program that we can. false, and the filter as it was, where that cannot be done
 * and shown to be right. native: the architecture that matters most. */
MUST_CHECK bool filter_finish(struct arena *a, const struct oci_seccomp *profile, uint32_t native,
                              struct filter *filter);

/* What a compiled filter depends on beside its profile. */
struct filter_maker {
	uint32_t native_arch;
	uint32_t version[3];
	struct utsname kernel; /* libseccomp asks what it can do, call by call */
};

void filter_maker(struct filter_maker *ret);
