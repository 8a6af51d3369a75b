/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile says to each system call of x86-64, as the filter that is made of it
 * will answer: unknown names skipped, rules that repeat the default skipped, newer calls
 * answered with ENOSYS (filter.c says why). For people and tools that compare profiles;
 * nothing that enforces one uses this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "oci-spec/spec.h"
#include "seccomp/groups.h"

enum verdict_kind {
	VERDICT_ALLOWED,     /* done, whatever its arguments are (logged, maybe) */
	VERDICT_CONDITIONAL, /* depends on the arguments */
	VERDICT_ASKED,       /* an agent or a tracer decides */
	VERDICT_REFUSED,     /* an error, a signal or death */
};

struct verdict {
	const char *name;
	enum syscall_group group;
	enum verdict_kind kind;
	/* what happens when no rule with conditions matches */
	enum oci_seccomp_action action;
	uint32_t errno_value; /* of OCI_ACT_ERRNO and OCI_ACT_TRACE */
	bool newer;           /* ENOSYS, because no rule is as new as the call */
};

/* One for each system call of x86-64 that libseccomp knows, in the order of numbers. profile NULL:
 * there is none, all is allowed. */
void verdict_all(struct arena *a, const struct oci_seccomp *profile, struct verdict **ret,
                 size_t *count);

/* The verdict on one call; false when no such call is known. */
bool verdict_of(const struct oci_seccomp *profile, const char *name, struct verdict *ret);

/* The profile's filter has rules for calls of this AUDIT_ARCH_*. */
bool verdict_has_arch(const struct oci_seccomp *profile, uint32_t arch);

/* The name of a number of x86-64, in the arena; NULL: there is no such call. */
const char *verdict_call_name(struct arena *a, uint32_t number);

/* Moves *at to the next rule, from where it stands, that names the call; false when there
 * is none, or no profile. A rule that says what the default says, and one behind a rule
 * without conditions, still counts. */
bool verdict_next_rule(const struct oci_seccomp *profile, const char *name, size_t *at);

const char *verdict_kind_name(enum verdict_kind kind);           /* "allowed" … */
const char *verdict_action_name(enum oci_seccomp_action action); /* "SCMP_ACT_ALLOW" … */
/* "refused with EPERM", "kills the process" … */
void verdict_action_text(enum oci_seccomp_action action, uint32_t errno_value, struct buf *ret);

/* "domain (argument 0) == 1 and argument 2 & 0xff == 0x10"; nothing where the rule has
 * no conditions. Several on one argument are alternatives, as filter.c makes them. */
void verdict_conditions(const struct oci_seccomp_rule *rule, const char *call, struct buf *ret);
