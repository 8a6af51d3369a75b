/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp profile, as it answers (seccomp/verdict.h). */
#include <string.h>

#include "base/scope.h"
#include "runtime/audit.h"
#include "seccomp/verdict.h"

/* A call that is worse than what most programs need anyway. */
static enum audit_severity weigh(const struct audit *a, enum syscall_group group)
{
	bool worse = group == GROUP_KERNEL || group == GROUP_MOUNTS || group == GROUP_OBSERVATION;

	return worse ? audit_behind_user_wall(a, AUDIT_MEDIUM) : AUDIT_LOW;
}

static void check_calls(struct audit *a, const struct oci_seccomp *profile)
{
	struct verdict *v;
	size_t n;

	verdict_all(a->arena, profile, &v, &n);
	for (size_t i = 0; i < n; i++) {
		const char *why = syscall_danger(v[i].name);
		size_t rule = 0;

		if (!why || v[i].kind != VERDICT_ALLOWED ||
		    !verdict_next_rule(profile, v[i].name, &rule))
			continue;
		audit_add(a, weigh(a, v[i].group), "dangerous-syscall",
		          arena_printf(a->arena, "/linux/seccomp/syscalls/%zu", rule),
		          "take the call out, if the program works without it", "%s: %s", v[i].name,
		          why);
	}
}

void audit_seccomp(struct audit *a)
{
	const struct oci_seccomp *profile = a->config->linux_->seccomp;

	if (!profile) {
		audit_add(a, AUDIT_MEDIUM, "no-seccomp", "/linux/seccomp",
		          "give a profile that allows what the program needs",
		          "all system calls of the kernel can be reached");
		return;
	}
	if (profile->default_action == OCI_ACT_ALLOW || profile->default_action == OCI_ACT_LOG)
		audit_add(a, AUDIT_MEDIUM, "seccomp-allows-by-default",
		          "/linux/seccomp/defaultAction",
		          "use SCMP_ACT_ERRNO, and name what is allowed",
		          "every system call that the profile does not name is allowed");
	for (size_t i = 0; i < profile->flags.n; i++) {
		if (strcmp(profile->flags.v[i], "SECCOMP_FILTER_FLAG_SPEC_ALLOW") == 0)
			audit_add(a, AUDIT_LOW, "speculation",
			          arena_printf(a->arena, "/linux/seccomp/flags/%zu", i),
			          "leave the flag out",
			          "the processor's mitigation of speculative stores is off");
	}
	check_calls(a, profile);
}
