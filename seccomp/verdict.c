/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's answers by its rules. libseccomp keeps one rule without conditions for a
 * call, whatever else was said of it before or after; and where only rules with
 * conditions are left, a call that none of them matches gets the default. The unit test
 * holds this against the filter itself.
 */
#include "seccomp/verdict.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "seccomp/enosys.h"
#include "seccomp/filter.h"

enum { NUMBERS_MAX = 1024 }; /* beyond every system call of x86-64; x32's are higher */

static const struct {
	const char *name, *text;
	enum verdict_kind kind;
} actions[] = {
	[OCI_ACT_KILL] = { "SCMP_ACT_KILL_THREAD", "kills the thread", VERDICT_REFUSED },
	[OCI_ACT_KILL_PROCESS] = { "SCMP_ACT_KILL_PROCESS", "kills the process", VERDICT_REFUSED },
	[OCI_ACT_TRAP] = { "SCMP_ACT_TRAP", "sends SIGSYS", VERDICT_REFUSED },
	[OCI_ACT_ERRNO] = { "SCMP_ACT_ERRNO", "refused with ", VERDICT_REFUSED },
	[OCI_ACT_TRACE] = { "SCMP_ACT_TRACE", "asks a tracer", VERDICT_ASKED },
	[OCI_ACT_ALLOW] = { "SCMP_ACT_ALLOW", "allowed", VERDICT_ALLOWED },
	[OCI_ACT_LOG] = { "SCMP_ACT_LOG", "allowed and logged", VERDICT_ALLOWED },
	[OCI_ACT_NOTIFY] = { "SCMP_ACT_NOTIFY", "asks an agent", VERDICT_ASKED },
};

static const char *const kind_names[] = {
	[VERDICT_ALLOWED] = "allowed",
	[VERDICT_CONDITIONAL] = "conditional",
	[VERDICT_ASKED] = "asked",
	[VERDICT_REFUSED] = "refused",
};

/* What people name; any other number is written as such. */
static const struct {
	int number;
	const char *name;
} errno_names[] = {
	{ EPERM, "EPERM" },   { ENOENT, "ENOENT" },         { EACCES, "EACCES" },
	{ EINVAL, "EINVAL" }, { ENOSYS, "ENOSYS" },         { EAFNOSUPPORT, "EAFNOSUPPORT" },
	{ ENODEV, "ENODEV" }, { EOPNOTSUPP, "EOPNOTSUPP" }, { EBUSY, "EBUSY" },
};

/* Arguments that have a name everybody knows. */
static const struct {
	const char *call;
	uint32_t index;
	const char *name;
} argument_names[] = {
	{ "clone", 0, "flags" },       { "unshare", 0, "flags" },
	{ "socket", 0, "domain" },     { "socket", 1, "type" },
	{ "socketpair", 0, "domain" }, { "personality", 0, "persona" },
	{ "ioctl", 1, "request" },     { "prctl", 0, "option" },
	{ "fcntl", 1, "command" },     { "mprotect", 2, "protection" },
	{ "mmap", 2, "protection" },   { "kill", 1, "signal" },
	{ "setns", 1, "kind" },        { "keyctl", 0, "operation" },
};

const char *verdict_kind_name(enum verdict_kind kind)
{
	return kind_names[kind];
}

const char *verdict_action_name(enum oci_seccomp_action action)
{
	return actions[action].name;
}

void verdict_action_text(enum oci_seccomp_action action, uint32_t errno_value, struct buf *ret)
{
	buf_text(ret, actions[action].text);
	if (action != OCI_ACT_ERRNO)
		return;
	for (size_t i = 0; i < LEN(errno_names); i++) {
		if ((uint32_t)errno_names[i].number == errno_value) {
			buf_text(ret, errno_names[i].name);
			return;
		}
	}
	buf_printf(ret, "errno %u", errno_value);
}

/* --- rules ------------------------------------------------------------------------------- */

static bool names(const struct oci_seccomp_rule *rule, const char *call)
{
	for (size_t i = 0; i < rule->names.n; i++) {
		if (strcmp(rule->names.v[i], call) == 0)
			return true;
	}
	return false;
}

bool verdict_next_rule(const struct oci_seccomp *profile, const char *name, size_t *at)
{
	for (; profile && *at < profile->rule_count; (*at)++) {
		if (names(&profile->rules[*at], name))
			return true;
	}
	return false;
}

static uint32_t errno_of(enum oci_seccomp_action action, struct opt_u32 given)
{
	if (action != OCI_ACT_ERRNO && action != OCI_ACT_TRACE)
		return 0;
	return given.set ? given.value : EPERM;
}

/* A rule that says what the default says is none: libseccomp refuses to hold it. */
static bool is_default(const struct oci_seccomp *profile, const struct oci_seccomp_rule *rule)
{
	return rule->action == profile->default_action &&
	       errno_of(rule->action, rule->errno_ret) ==
	               errno_of(profile->default_action, profile->default_errno_ret);
}

static void judge(const struct oci_seccomp *profile, int number, struct verdict *v)
{
	v->action = profile->default_action;
	v->errno_value = errno_of(v->action, profile->default_errno_ret);
	v->kind = actions[v->action].kind;
	for (size_t i = 0; verdict_next_rule(profile, v->name, &i); i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];

		if (is_default(profile, rule))
			continue;
		if (rule->arg_count == 0) {
			v->action = rule->action;
			v->errno_value = errno_of(rule->action, rule->errno_ret);
			v->kind = actions[rule->action].kind;
			return;
		}
		if (actions[rule->action].kind != v->kind)
			v->kind = VERDICT_CONDITIONAL;
	}
	if (enosys_is_newer(profile, number)) {
		v->newer = true;
		v->errno_value = ENOSYS;
	}
}

static void judge_any(const struct oci_seccomp *profile, int number, struct verdict *v)
{
	v->group = syscall_group_of(v->name);
	v->action = OCI_ACT_ALLOW;
	v->kind = VERDICT_ALLOWED;
	if (profile)
		judge(profile, number, v);
}

bool verdict_has_arch(const struct oci_seccomp *profile, uint32_t arch)
{
	return filter_has_arch(profile, arch); /* libseccomp's numbers of them are the kernel's */
}

const char *verdict_call_name(struct arena *a, uint32_t number)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)number);
	const char *ret = name ? arena_printf(a, "%s", name) : NULL;

	free(name);
	return ret;
}

void verdict_all(struct arena *a, const struct oci_seccomp *profile, struct verdict **ret,
                 size_t *count)
{
	struct verdict *v = arena_array(a, NUMBERS_MAX, sizeof(*v));
	size_t n = 0;

	for (int number = 0; number < NUMBERS_MAX; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

		if (!name)
			continue;
		v[n].name = arena_printf(a, "%s", name);
		free(name);
		judge_any(profile, number, &v[n++]);
	}
	*ret = v;
	*count = n;
}

bool verdict_of(const struct oci_seccomp *profile, const char *name, struct verdict *ret)
{
	int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);

	if (number < 0) /* unknown, or of other architectures only */
		return false;
	*ret = (struct verdict){ .name = name };
	judge_any(profile, number, ret);
	return true;
}

/* --- conditions ---------------------------------------------------------------------------- */

static void add_value(struct buf *ret, uint64_t value)
{
	buf_printf(ret, value < 256 ? "%llu" : "0x%llx", (unsigned long long)value);
}

static void add_argument(struct buf *ret, const char *call, uint32_t index)
{
	for (size_t i = 0; i < LEN(argument_names); i++) {
		if (argument_names[i].index == index && strcmp(argument_names[i].call, call) == 0) {
			buf_printf(ret, "%s (argument %u)", argument_names[i].name, index);
			return;
		}
	}
	buf_printf(ret, "argument %u", index);
}

static void add_condition(struct buf *ret, const char *call, const struct oci_seccomp_arg *arg)
{
	static const char *const operators[] = {
		[OCI_CMP_NE] = "!=", [OCI_CMP_LT] = "<",  [OCI_CMP_LE] = "<=",
		[OCI_CMP_EQ] = "==", [OCI_CMP_GE] = ">=", [OCI_CMP_GT] = ">",
	};

	add_argument(ret, call, arg->index);
	if (arg->op == OCI_CMP_MASKED_EQ) {
		buf_text(ret, " & ");
		add_value(ret, arg->value);
		buf_text(ret, " == ");
		add_value(ret, arg->value_two);
	} else {
		buf_printf(ret, " %s ", operators[arg->op]);
		add_value(ret, arg->value);
	}
}

void verdict_conditions(const struct oci_seccomp_rule *rule, const char *call, struct buf *ret)
{
	unsigned int seen = 0;
	bool alternatives = false;

	for (size_t i = 0; i < rule->arg_count; i++) {
		alternatives |= (seen & 1U << rule->args[i].index) != 0;
		seen |= 1U << rule->args[i].index;
	}
	for (size_t i = 0; i < rule->arg_count; i++) {
		if (i > 0)
			buf_text(ret, alternatives ? " or " : " and ");
		add_condition(ret, call, &rule->args[i]);
	}
}
