/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules of linux.seccomp mean, said once more and as simply as possible, and
 * random profiles to hold against it. Source: runtime-spec, config-linux.md, Seccomp;
 * seccomp_rule_add(3).
 *
 * Where conditions of several rules for one call hold at once, and the rules want
 * different things, nothing says which one wins: then the model has several answers.
 */
#pragma once

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "base/scope.h"
#include "oci-spec/spec.h"

#define MODEL_X32 0x40000000u

enum {
	MODEL_ANSWERS = 64,
	MODEL_RULES = 24,
	MODEL_ARGS = 3,
};

/* --- the meaning ---------------------------------------------------------------------- */

/* wide: the architecture's arguments have 64 bits; of others libseccomp compares the lower
 * half of the argument with that of the value. */
static inline bool model_holds(const struct oci_seccomp_arg *cond, const __u64 args[6], bool wide)
{
	const uint64_t bits = wide ? UINT64_MAX : UINT32_MAX;
	const struct oci_seccomp_arg cut = { .index = cond->index,
		                             .op = cond->op,
		                             .value = cond->value & bits,
		                             .value_two = cond->value_two & bits };
	const struct oci_seccomp_arg *arg = &cut;
	uint64_t value = args[arg->index] & bits;

	switch (arg->op) {
	case OCI_CMP_NE:
		return value != arg->value;
	case OCI_CMP_LT:
		return value < arg->value;
	case OCI_CMP_LE:
		return value <= arg->value;
	case OCI_CMP_EQ:
		return value == arg->value;
	case OCI_CMP_GE:
		return value >= arg->value;
	case OCI_CMP_GT:
		return value > arg->value;
	case OCI_CMP_MASKED_EQ:
		return (value & arg->value) == (arg->value_two & arg->value); /* no other bits */
	}
	return false;
}

/* All conditions; any of them, if one argument has several. */
static inline bool model_matches(const struct oci_seccomp_rule *rule, const __u64 args[6],
                                 bool wide)
{
	unsigned int seen = 0;
	bool any = false, all = true, repeats = false;

	for (size_t i = 0; i < rule->arg_count; i++) {
		bool holds = model_holds(&rule->args[i], args, wide);

		repeats |= (seen >> rule->args[i].index & 1) != 0;
		seen |= 1u << rule->args[i].index;
		any |= holds;
		all &= holds;
	}
	return repeats ? any : all;
}

static inline uint32_t model_answer(enum oci_seccomp_action action, struct opt_u32 number)
{
	static const uint32_t answers[] = {
		[OCI_ACT_KILL] = SECCOMP_RET_KILL_THREAD,
		[OCI_ACT_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
		[OCI_ACT_TRAP] = SECCOMP_RET_TRAP,
		[OCI_ACT_ERRNO] = SECCOMP_RET_ERRNO,
		[OCI_ACT_TRACE] = SECCOMP_RET_TRACE,
		[OCI_ACT_ALLOW] = SECCOMP_RET_ALLOW,
		[OCI_ACT_LOG] = SECCOMP_RET_LOG,
		[OCI_ACT_NOTIFY] = SECCOMP_RET_USER_NOTIF,
	};

	if (action != OCI_ACT_ERRNO && action != OCI_ACT_TRACE)
		return answers[action];
	return answers[action] | (number.set ? number.value : EPERM);
}

/* The number as the kernel has it, or -1. */
static inline int64_t model_number(uint32_t arch, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(arch, name);

	return number < 0 ? -1 : number;
}

static inline bool model_has_arch(const struct oci_seccomp *profile, const char *name)
{
	for (size_t i = 0; i < profile->architectures.n; i++) {
		if (strcmp(profile->architectures.v[i], name) == 0)
			return true;
	}
	return false;
}

static inline int64_t model_newest(const struct oci_seccomp *profile, uint32_t arch)
{
	int64_t newest = -1;

	for (size_t i = 0; i < profile->rule_count; i++) {
		for (size_t k = 0; k < profile->rules[i].names.n; k++) {
			int64_t number = model_number(arch, profile->rules[i].names.v[k]);

			newest = number > newest ? number : newest;
		}
	}
	return newest;
}

/* libseccomp's name of the call's architecture, 0 where the profile does not have it. */
static inline uint32_t model_arch(const struct oci_seccomp *profile, const struct seccomp_data *d)
{
	if (d->arch == AUDIT_ARCH_I386)
		return model_has_arch(profile, "SCMP_ARCH_X86") ? SCMP_ARCH_X86 : 0;
	if (d->arch != AUDIT_ARCH_X86_64)
		return 0;
	if ((uint32_t)d->nr < MODEL_X32)
		return SCMP_ARCH_X86_64;
	return model_has_arch(profile, "SCMP_ARCH_X32") ? SCMP_ARCH_X32 : 0;
}

/* What may be answered; returns how many answers there are. */
static inline size_t model_answers(const struct oci_seccomp *profile, const struct seccomp_data *d,
                                   uint32_t ret[MODEL_ANSWERS])
{
	uint32_t arch = model_arch(profile, d), standard;
	size_t n = 0;

	standard = model_answer(profile->default_action, profile->default_errno_ret);
	ret[0] = SECCOMP_RET_KILL_THREAD;
	if (arch == 0)
		return 1;
	ret[0] = SECCOMP_RET_ERRNO | ENOSYS;
	if (profile->default_action == OCI_ACT_ERRNO && model_newest(profile, arch) >= 0 &&
	    (uint32_t)d->nr > model_newest(profile, arch))
		return 1;
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];
		uint32_t answer = model_answer(rule->action, rule->errno_ret);

		for (size_t k = 0; k < rule->names.n; k++) {
			if (model_number(arch, rule->names.v[k]) != (uint32_t)d->nr ||
			    answer == standard ||
			    !model_matches(rule, d->args, arch == SCMP_ARCH_X86_64) ||
			    n == MODEL_ANSWERS)
				continue;
			if (rule->arg_count == 0) { /* whatever the conditions of others say */
				ret[0] = answer;
				return 1;
			}
			ret[n++] = answer;
		}
	}
	if (n == 0)
		ret[n++] = standard;
	return n;
}

/* --- random profiles ------------------------------------------------------------------- */

/* A small generator, so that a failure comes again. */
static inline uint32_t model_random(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*seed >> 33) % below;
}

static inline uint64_t model_value(uint64_t *seed)
{
	static const uint64_t values[] = { 0,
		                           1,
		                           2,
		                           3,
		                           0x7fffffff,
		                           0x80000000,
		                           0xffffffff,
		                           0x100000000,
		                           0x100000001,
		                           0x200000000,
		                           0x7fffffffffffffff,
		                           0x8000000000000000,
		                           UINT64_MAX };

	return values[model_random(seed, LEN(values))];
}

/* Calls that take no argument, change nothing and cannot fail: a kernel's answer is the
 * filter's alone. */
static const char *const model_harmless[] = { "getpid",  "getppid", "getuid",
	                                      "geteuid", "getgid",  "getegid",
	                                      "gettid",  "getpgrp", "sched_yield" };

struct model_profile {
	struct oci_seccomp profile;
	struct oci_seccomp_rule rules[MODEL_RULES];
	struct oci_seccomp_arg args[MODEL_RULES][MODEL_ARGS];
	const char *names[MODEL_RULES][3];
	const char *archs[3];
};

static inline const char *model_name(uint64_t *seed)
{
	static const char *const others[] = { "read",    "ioctl", "openat",     "personality",
		                              "clone",   "mount", "kexec_load", "no_such_call",
		                              "openat2", "futex", "prctl",      "unshare" };
	uint32_t n = model_random(seed, LEN(model_harmless) + LEN(others));

	return n < LEN(model_harmless) ? model_harmless[n] : others[n - LEN(model_harmless)];
}

static inline enum oci_seccomp_action model_action(uint64_t *seed, struct opt_u32 *number)
{
	static const enum oci_seccomp_action actions[] = {
		OCI_ACT_ERRNO, OCI_ACT_ALLOW,        OCI_ACT_ERRNO, OCI_ACT_ALLOW,  OCI_ACT_TRAP,
		OCI_ACT_KILL,  OCI_ACT_KILL_PROCESS, OCI_ACT_TRACE, OCI_ACT_NOTIFY,
	};
	enum oci_seccomp_action action = actions[model_random(seed, LEN(actions))];

	*number = (struct opt_u32){ 0 };
	if ((action == OCI_ACT_ERRNO || action == OCI_ACT_TRACE) && model_random(seed, 2))
		*number = (struct opt_u32){ .set = true, .value = model_random(seed, 200) };
	return action;
}

/* What a process needs to report and to end, whatever the default is. */
static const char *const model_needed[] = { "write", "fork", "wait4", "exit_group",
	                                    "rt_sigreturn" };

static inline void model_make_rule(struct model_profile *p, size_t i, uint64_t *seed)
{
	struct oci_seccomp_rule *rule = &p->rules[i];

	rule->names = (struct oci_strings){ p->names[i], 1 + model_random(seed, 3) };
	for (size_t k = 0; k < rule->names.n; k++)
		p->names[i][k] = model_name(seed);
	rule->action = model_action(seed, &rule->errno_ret);
	rule->args = p->args[i];
	rule->arg_count = model_random(seed, 4) ? model_random(seed, MODEL_ARGS + 1) : 0;
	for (size_t k = 0; k < rule->arg_count; k++) {
		struct oci_seccomp_arg *arg = &p->args[i][k];

		*arg = (struct oci_seccomp_arg){ .index = model_random(seed, 3),
			                         .op = model_random(seed, 7),
			                         .value = model_value(seed) };
		arg->value_two = model_value(seed);
	}
}

static inline void model_make(struct model_profile *p, uint64_t *seed)
{
	static const char *const archs[] = { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" };

	*p = (struct model_profile){ 0 };
	do
		p->profile.default_action = model_action(seed, &p->profile.default_errno_ret);
	while (p->profile.default_action == OCI_ACT_NOTIFY);
	p->profile.listener_path = "/run/agent";
	p->rules[0] = (struct oci_seccomp_rule){
		.names = { model_needed, LEN(model_needed) },
		.action = OCI_ACT_ALLOW,
	};
	p->profile.rules = p->rules;
	p->profile.rule_count = 1 + model_random(seed, MODEL_RULES);
	for (size_t i = 1; i < p->profile.rule_count; i++)
		model_make_rule(p, i, seed);
	for (size_t i = 0; i < LEN(archs); i++) {
		if (model_random(seed, 2))
			p->archs[p->profile.architectures.n++] = archs[i];
	}
	p->profile.architectures.v = p->archs;
}

/* --- classes of arguments --------------------------------------------------------------- */

enum { MODEL_VALUES = 160 };

/* Values of one argument, each of which a condition on it may tell from the others. */
struct model_values {
	uint64_t v[MODEL_VALUES];
	size_t n;
};

static inline void model_add_value(struct model_values *values, uint64_t value)
{
	for (size_t i = 0; i < values->n; i++) {
		if (values->v[i] == value)
			return;
	}
	if (values->n < MODEL_VALUES)
		values->v[values->n++] = value;
}

static inline void model_add_values(struct model_values *values, const struct oci_seccomp_arg *arg)
{
	const uint64_t word = UINT64_C(1) << 32, mask = arg->value;

	for (int d = -1; d <= 1; d++) {
		model_add_value(values, mask + (uint64_t)(int64_t)d);
		model_add_value(values, mask + word * (uint64_t)(int64_t)d);
	}
	if (arg->op == OCI_CMP_MASKED_EQ) {
		model_add_value(values, arg->value_two);
		model_add_value(values, arg->value_two | ~mask);
		model_add_value(values, arg->value_two ^ (mask & -mask));
		model_add_value(values, arg->value_two ^ (mask & ~(mask >> 1)));
	}
}

/* Values for each argument of the call, by the conditions that the profile has for it. */
static inline void model_classes(const struct oci_seccomp *profile, const char *name,
                                 struct model_values ret[6])
{
	for (size_t i = 0; i < 6; i++)
		ret[i] = (struct model_values){ .v = { 7 }, .n = 1 };
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];

		for (size_t k = 0; k < rule->names.n; k++) {
			if (strcmp(rule->names.v[k], name) != 0)
				continue;
			for (size_t j = 0; j < rule->arg_count; j++)
				model_add_values(&ret[rule->args[j].index], &rule->args[j]);
		}
	}
}
