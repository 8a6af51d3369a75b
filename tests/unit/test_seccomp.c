/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles to filters: each filter is run for calls and arguments, and must say what
 * the profile means. One is loaded into the kernel. */
#include <asm/unistd_64.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "seccomp/seccomp.h"
#include "tests/unit/bpf_sim.h"
#include "tests/unit/engine_profile.h"
#include "tests/unit/seccomp_model.h"
#include "tests/unit/unit.h"

#define SET(n)                            \
	{                                 \
		.set = true, .value = (n) \
	}
#define NAMES(...)                                                  \
	{                                                           \
		(const char *const[]){ __VA_ARGS__, NULL },         \
			LEN(((const char *const[]){ __VA_ARGS__ })) \
	}
#define RULES(array) .rules = (array), .rule_count = LEN(array)
#define ALLOW        SECCOMP_RET_ALLOW
#define ERRNO(n)     (SECCOMP_RET_ERRNO | (uint32_t)(n))

static struct seccomp_program compile(struct arena *a, const struct oci_seccomp *profile)
{
	struct seccomp_program program;
	struct err e = { 0 };

	if (seccomp_compile(a, profile, -1, &program, &e) < 0)
		fail_msg("%s", e.text);
	assert_in_range(program.length, 1, BPF_MAXINSNS);
	return program;
}

static uint32_t ask_arch(const struct seccomp_program *p, uint32_t arch, unsigned int nr,
                         const __u64 args[6])
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch };

	if (args)
		memcpy(data.args, args, sizeof(data.args));
	return sim_run(p->filter, p->length, &data);
}

static uint32_t ask(const struct seccomp_program *p, unsigned int nr, const __u64 args[6])
{
	return ask_arch(p, AUDIT_ARCH_X86_64, nr, args);
}

static void test_actions(void **state)
{
	static const struct {
		enum oci_seccomp_action action;
		struct opt_u32 errno_ret;
		uint32_t result;
	} cases[] = {
		{ OCI_ACT_KILL, { 0 }, SECCOMP_RET_KILL_THREAD },
		{ OCI_ACT_KILL_PROCESS, { 0 }, SECCOMP_RET_KILL_PROCESS },
		{ OCI_ACT_TRAP, { 0 }, SECCOMP_RET_TRAP },
		{ OCI_ACT_ERRNO, { 0 }, ERRNO(EPERM) },
		{ OCI_ACT_ERRNO, SET(0), ERRNO(0) },
		{ OCI_ACT_ERRNO, SET(4094), ERRNO(4094) },
		{ OCI_ACT_TRACE, { 0 }, SECCOMP_RET_TRACE | EPERM },
		{ OCI_ACT_TRACE, SET(65535), SECCOMP_RET_TRACE | 65535 },
		{ OCI_ACT_LOG, { 0 }, SECCOMP_RET_LOG },
		{ OCI_ACT_NOTIFY, { 0 }, SECCOMP_RET_USER_NOTIF },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const bool notifies = cases[i].action == OCI_ACT_NOTIFY;
		struct oci_seccomp_rule rule = { .names = NAMES("getpid", "getppid"),
			                         .action = cases[i].action,
			                         .errno_ret = cases[i].errno_ret };
		struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW,
			                       .listener_path = notifies ? "/run/agent" : NULL,
			                       .rules = &rule,
			                       .rule_count = 1 };
		ARENA struct arena a;

		arena_init(&a, 0);
		struct seccomp_program p = compile(&a, &profile);
		assert_int_equal(ask(&p, __NR_getpid, NULL), cases[i].result);
		assert_int_equal(ask(&p, __NR_getppid, NULL), cases[i].result);
		assert_int_equal(ask(&p, __NR_getuid, NULL), ALLOW);
		assert_int_equal(p.notify, notifies);
		assert_int_equal(seccomp_notifies(&profile), notifies);

		/* and as the default */
		if (notifies)
			continue;
		profile.default_action = cases[i].action;
		profile.default_errno_ret = cases[i].errno_ret;
		rule.action = OCI_ACT_ALLOW;
		rule.errno_ret = (struct opt_u32){ 0 };
		p = compile(&a, &profile);
		assert_int_equal(ask(&p, __NR_getpid, NULL), ALLOW);
		assert_int_equal(ask(&p, __NR_getuid, NULL), cases[i].result);
		assert_int_equal(ask(&p, 9999, NULL), cases[i].action == OCI_ACT_ERRNO
		                                              ? ERRNO(ENOSYS)
		                                              : cases[i].result);
	}
}

static const uint64_t edges[] = {
	0,          1,           2,           0x7fffffff,         0x80000000,
	0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff, 0x8000000000000000,
	UINT64_MAX
};

static void test_operators(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 42 * LEN(edges); n++) {
		struct oci_seccomp_arg arg = { .index = n / 7 % 6,
			                       .op = n % 7,
			                       .value = edges[n / 42],
			                       .value_two = edges[n / 42] & 0x8000000100000001 };
		struct oci_seccomp_rule rule = { .names = NAMES("ioctl"),
			                         .action = OCI_ACT_ALLOW,
			                         .args = &arg,
			                         .arg_count = 1 };
		struct oci_seccomp profile = { .default_action = OCI_ACT_ERRNO,
			                       .rules = &rule,
			                       .rule_count = 1 };
		ARENA struct arena a;

		arena_init(&a, 0);
		struct seccomp_program p = compile(&a, &profile);
		for (size_t i = 0; i < LEN(edges); i++) {
			__u64 args[6] = { 7, 7, 7, 7, 7, 7 };

			args[arg.index] = edges[i];
			assert_int_equal(ask(&p, __NR_ioctl, args),
			                 model_holds(&arg, args, true) ? ALLOW : ERRNO(EPERM));
		}
		assert_int_equal(ask(&p, __NR_read, NULL), ERRNO(EPERM));
	}
}

static void test_several_conditions(void **state)
{
	static const struct oci_seccomp_arg both[] = { { 0, OCI_CMP_EQ, 5, 0 },
		                                       { 1, OCI_CMP_GT, 9, 0 } };
	static const struct oci_seccomp_arg either[] = { { 0, OCI_CMP_EQ, 5, 0 },
		                                         { 0, OCI_CMP_EQ, 6, 0 },
		                                         { 2, OCI_CMP_EQ, 1, 0 } };
	const struct oci_seccomp_rule rules[] = {
		{ .names = NAMES("ioctl"), .action = OCI_ACT_ALLOW, .args = both, .arg_count = 2 },
		{ .names = NAMES("fcntl"),
		  .action = OCI_ACT_ALLOW,
		  .args = either,
		  .arg_count = 3 },
	};
	struct oci_seccomp profile = { .default_action = OCI_ACT_ERRNO, RULES(rules) };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct seccomp_program p = compile(&a, &profile);
	for (uint64_t x = 4; x < 8; x++) {
		for (uint64_t y = 8; y < 12; y++) {
			__u64 args[6] = { x, y, y - 8 };

			assert_int_equal(ask(&p, __NR_ioctl, args),
			                 x == 5 && y > 9 ? ALLOW : ERRNO(EPERM));
			assert_int_equal(ask(&p, __NR_fcntl, args),
			                 x == 5 || x == 6 || y - 8 == 1 ? ALLOW : ERRNO(EPERM));
		}
	}
}

static void test_skipped_rules(void **state)
{
	const struct oci_seccomp_rule rules[] = {
		{ .names = NAMES("no_such_call", "getpid", ""), .action = OCI_ACT_ALLOW },
		{ .names = NAMES("getuid"), .action = OCI_ACT_ERRNO, .errno_ret = SET(EPERM) },
		{ .names = NAMES("getgid"), .action = OCI_ACT_ERRNO, .errno_ret = SET(ENOSYS) },
		{ .names = { (const char *const[]){ NULL }, 0 }, .action = OCI_ACT_ALLOW },
	};
	struct oci_seccomp profile = { .default_action = OCI_ACT_ERRNO, RULES(rules) };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct seccomp_program p = compile(&a, &profile);
	assert_int_equal(ask(&p, __NR_getpid, NULL), ALLOW);
	assert_int_equal(ask(&p, __NR_getuid, NULL), ERRNO(EPERM));
	assert_int_equal(ask(&p, __NR_getgid, NULL), ERRNO(ENOSYS));
}

/* --- a profile of the size that engines use ------------------------------------------- */

#define SYSCALL(name) #name,
static const char *const allowed_names[] = { ALLOWED_SYSCALLS NULL };
#undef SYSCALL
#define SYSCALL(name) __NR_##name,
static const unsigned int allowed_numbers[] = { ALLOWED_SYSCALLS };
#undef SYSCALL

/* clone only without new namespaces, socket not for vsock, personality for three values */
static const struct oci_seccomp_arg clone_arg = { 0, OCI_CMP_MASKED_EQ, 0x7e020000, 0 };
static const struct oci_seccomp_arg socket_arg = { 0, OCI_CMP_NE, 40, 0 };
static const struct oci_seccomp_arg personality_args[] = { { 0, OCI_CMP_EQ, 0, 0 },
	                                                   { 0, OCI_CMP_EQ, 8, 0 },
	                                                   { 0, OCI_CMP_EQ, 0xffffffff, 0 } };
static const struct oci_seccomp_rule engine_rules[] = {
	{ .names = { allowed_names, LEN(allowed_names) - 1 }, .action = OCI_ACT_ALLOW },
	{ .names = NAMES("clone"), .action = OCI_ACT_ALLOW, .args = &clone_arg, .arg_count = 1 },
	{ .names = NAMES("clone3"), .action = OCI_ACT_ERRNO, .errno_ret = SET(ENOSYS) },
	{ .names = NAMES("socket"), .action = OCI_ACT_ALLOW, .args = &socket_arg, .arg_count = 1 },
	{ .names = NAMES("personality"),
	  .action = OCI_ACT_ALLOW,
	  .args = personality_args,
	  .arg_count = LEN(personality_args) },
};
static const struct oci_seccomp engine_profile = {
	.default_action = OCI_ACT_ERRNO,
	.default_errno_ret = SET(EPERM),
	.architectures = NAMES("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
	RULES(engine_rules),
};

static uint32_t expected_of_engine(unsigned int nr, const __u64 args[6])
{
	unsigned int newest = __NR_clone3;

	for (size_t i = 0; i < LEN(allowed_numbers); i++)
		newest = allowed_numbers[i] > newest ? allowed_numbers[i] : newest;
	if (nr > newest)
		return ERRNO(ENOSYS);
	for (size_t i = 0; i < LEN(allowed_numbers); i++) {
		if (allowed_numbers[i] == nr)
			return ALLOW;
	}
	switch (nr) {
	case __NR_clone:
		return model_holds(&clone_arg, args, true) ? ALLOW : ERRNO(EPERM);
	case __NR_clone3:
		return ERRNO(ENOSYS);
	case __NR_socket:
		return model_holds(&socket_arg, args, true) ? ALLOW : ERRNO(EPERM);
	case __NR_personality:
		return model_holds(&personality_args[0], args, true) ||
		                       model_holds(&personality_args[1], args, true) ||
		                       model_holds(&personality_args[2], args, true)
		               ? ALLOW
		               : ERRNO(EPERM);
	default:
		return ERRNO(EPERM);
	}
}

static void test_engine_profile(void **state)
{
	static const uint64_t values[] = { 0,          8,          40,          0x20000,
		                           0x10000000, 0xffffffff, 0x100000000, UINT64_MAX };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct seccomp_program p = compile(&a, &engine_profile);
	for (unsigned int nr = 0; nr < 1000; nr++) {
		for (size_t i = 0; i < LEN(values); i++) {
			__u64 args[6] = { values[i], 1, 2, 3, 4, 5 };
			uint32_t answer = ask(&p, nr, args), wanted = expected_of_engine(nr, args);

			if (answer != wanted)
				fail_msg("call %u, argument 0x%llx: 0x%08x, not 0x%08x", nr,
				         (unsigned long long)values[i], answer, wanted);
		}
	}
	/* 32 bit: read, write, execve, mount, clone with and without a namespace */
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 3, NULL), ALLOW);
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 4, NULL), ALLOW);
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 11, NULL), ALLOW);
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 21, NULL), ERRNO(EPERM));
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 120, (__u64[6]){ 0 }), ALLOW);
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 120, (__u64[6]){ 0x10000000 }),
	                 ERRNO(EPERM));
	assert_int_equal(ask(&p, MODEL_X32 | __NR_getpid, NULL), ALLOW);
	assert_int_equal(ask(&p, MODEL_X32 | __NR_mount, NULL), ERRNO(EPERM));
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_AARCH64, 64, NULL), SECCOMP_RET_KILL_THREAD);
}

/* What the big filter says for numbers of the other two architectures must be what a
 * filter for the one call with that number says: libseccomp writes the small ones as a
 * chain of a few tests, the big one as a tree. */
static void test_engine_profile_elsewhere(void **state)
{
	enum { NUMBERS = 600 };
	static bool allowed[2][NUMBERS];
	ARENA struct arena big;

	(void)state;
	for (size_t i = 0; allowed_names[i]; i++) {
		struct oci_seccomp_rule rule = { .names = { &allowed_names[i], 1 },
			                         .action = OCI_ACT_ALLOW };
		struct oci_seccomp one = engine_profile;
		ARENA struct arena a;

		arena_init(&a, 0);
		one.rules = &rule;
		one.rule_count = 1;
		struct seccomp_program p = compile(&a, &one);
		for (unsigned int nr = 0; nr < NUMBERS; nr++) {
			allowed[0][nr] |= ask_arch(&p, AUDIT_ARCH_I386, nr, NULL) == ALLOW;
			allowed[1][nr] |= ask(&p, MODEL_X32 | nr, NULL) == ALLOW;
		}
	}

	arena_init(&big, 0);
	struct seccomp_program p = compile(&big, &engine_profile);
	__u64 args[6] = { 40 }; /* refused for socket and personality, fine for clone */
	for (unsigned int nr = 0; nr < NUMBERS; nr++) {
		if (nr != 120) /* clone */
			assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, nr, args) == ALLOW,
			                 allowed[0][nr]);
		if (nr != __NR_clone)
			assert_int_equal(ask(&p, MODEL_X32 | nr, args) == ALLOW, allowed[1][nr]);
	}
}

/* A small generator, so that a failure comes again. */
static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*seed >> 33);
}

static const struct {
	enum oci_seccomp_action action;
	uint32_t result;
} random_actions[] = {
	{ OCI_ACT_ALLOW, ALLOW },
	{ OCI_ACT_ERRNO, ERRNO(EPERM) },
	{ OCI_ACT_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS },
	{ OCI_ACT_LOG, SECCOMP_RET_LOG },
	{ OCI_ACT_TRAP, SECCOMP_RET_TRAP },
};

struct random_rule {
	size_t action; /* in random_actions; 0 is the default: no rule */
	struct oci_seccomp_arg args[2];
	size_t arg_count;
};

/* One rule for each call that is drawn; returns how many. */
static size_t make_random(uint64_t *seed, struct random_rule *drawn, struct oci_seccomp_rule *rules)
{
	uint32_t density = 1 + next_random(seed) % 8;
	size_t count = 0;

	for (size_t i = 0; i < LEN(allowed_numbers); i++) {
		struct random_rule *r = &drawn[i];

		*r = (struct random_rule){ 0 };
		if (next_random(seed) % density != 0)
			continue;
		r->action = next_random(seed) % LEN(random_actions);
		r->arg_count = next_random(seed) % 8 == 0 ? 1 + next_random(seed) % 2 : 0;
		for (uint32_t k = 0; k < 2; k++)
			r->args[k] = (struct oci_seccomp_arg){
				.index = k * 3 + next_random(seed) % 3,
				.op = next_random(seed) % 7,
				.value = edges[next_random(seed) % LEN(edges)],
			};
		/* bits outside the mask could never be equal; libseccomp ignores them */
		for (uint32_t k = 0; k < 2; k++)
			r->args[k].value_two =
				edges[next_random(seed) % LEN(edges)] & r->args[k].value;
		rules[count++] = (struct oci_seccomp_rule){
			.names = { &allowed_names[i], 1 },
			.action = random_actions[r->action].action,
			.args = r->args,
			.arg_count = r->arg_count,
		};
	}
	return count;
}

static uint32_t expected_of_random(const struct random_rule *r, const __u64 args[6])
{
	for (size_t i = 0; i < r->arg_count; i++) {
		if (!model_holds(&r->args[i], args, true))
			return ALLOW;
	}
	return random_actions[r->action].result;
}

static void test_random_profiles(void **state)
{
	static struct random_rule drawn[LEN(allowed_numbers)];
	static struct oci_seccomp_rule rules[LEN(allowed_numbers)];
	uint64_t seed = 3;

	(void)state;
	for (int round = 0; round < 60; round++) {
		size_t count = make_random(&seed, drawn, rules);
		struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW,
			                       .rules = rules,
			                       .rule_count = count };
		ARENA struct arena a;

		arena_init(&a, 0);
		struct seccomp_program p = compile(&a, &profile);
		for (size_t i = 0; i < LEN(allowed_numbers); i++) {
			for (int tries = drawn[i].arg_count ? 20 : 1; tries > 0; tries--) {
				__u64 args[6];

				for (size_t k = 0; k < 6; k++)
					args[k] = edges[next_random(&seed) % LEN(edges)];
				assert_int_equal(ask(&p, allowed_numbers[i], args),
				                 expected_of_random(&drawn[i], args));
			}
		}
		assert_int_equal(ask(&p, __NR_mount, NULL), ALLOW);
		assert_int_equal(ask(&p, 5000, NULL), ALLOW);
	}
}

static void test_foreign_architectures(void **state)
{
	const struct oci_seccomp_rule rules[] = { { .names = NAMES("getpid"),
		                                    .action = OCI_ACT_ERRNO } };
	struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW, RULES(rules) };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	/* only the native one, whatever the list says beside it */
	struct seccomp_program p = compile(&a, &profile);
	assert_int_equal(ask(&p, __NR_getpid, NULL), ERRNO(EPERM));
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 20, NULL), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(ask(&p, MODEL_X32 | __NR_getpid, NULL), SECCOMP_RET_KILL_THREAD);

	profile.architectures = (struct oci_strings)NAMES("SCMP_ARCH_X86");
	p = compile(&a, &profile);
	assert_int_equal(ask(&p, __NR_getpid, NULL), ERRNO(EPERM));
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 20, NULL), ERRNO(EPERM));
}

/* A call that is newer than all that the profile names is missing, not forbidden. */
static void test_newer_calls(void **state)
{
	const struct oci_seccomp_rule rules[] = {
		{ .names = NAMES("openat2", "read"), .action = OCI_ACT_ALLOW } /* 437 everywhere */
	};
	struct oci_seccomp profile = { .default_action = OCI_ACT_ERRNO,
		                       .architectures = NAMES("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"),
		                       RULES(rules) };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct seccomp_program p = compile(&a, &profile);
	assert_int_equal(ask(&p, __NR_read, NULL), ALLOW);
	assert_int_equal(ask(&p, 436, NULL), ERRNO(EPERM));
	assert_int_equal(ask(&p, 437, NULL), ALLOW);
	assert_int_equal(ask(&p, 438, NULL), ERRNO(ENOSYS));
	assert_int_equal(ask(&p, MODEL_X32 - 1, NULL), ERRNO(ENOSYS));
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 436, NULL), ERRNO(EPERM));
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 437, NULL), ALLOW);
	assert_int_equal(ask_arch(&p, AUDIT_ARCH_I386, 438, NULL), ERRNO(ENOSYS));
	assert_int_equal(ask(&p, MODEL_X32 | 438, NULL), SECCOMP_RET_KILL_THREAD);

	profile.architectures = (struct oci_strings)NAMES("SCMP_ARCH_X32");
	p = compile(&a, &profile);
	assert_int_equal(ask(&p, 438, NULL), ERRNO(ENOSYS));
	assert_int_equal(ask(&p, MODEL_X32 | 436, NULL), ERRNO(EPERM));
	assert_int_equal(ask(&p, MODEL_X32 | 437, NULL), ALLOW);
	assert_int_equal(ask(&p, MODEL_X32 | 438, NULL), ERRNO(ENOSYS));

	profile.default_errno_ret = (struct opt_u32)SET(ENOSYS);
	p = compile(&a, &profile);
	assert_int_equal(ask(&p, 436, NULL), ERRNO(ENOSYS));
	profile.rule_count = 0;
	profile.default_errno_ret = (struct opt_u32){ 0 };
	p = compile(&a, &profile);
	assert_int_equal(ask(&p, 9999, NULL), ERRNO(EPERM));
}

/* What `features` says is what libseccomp takes (or says itself that it cannot mix). */
static void test_names(void **state)
{
	char version[32];

	(void)state;
	for (size_t i = 0; seccomp_arch_names[i]; i++) {
		struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW,
			                       .architectures = NAMES(seccomp_arch_names[i]) };
		struct seccomp_program program;
		struct err e = { 0 };
		ARENA struct arena a;

		arena_init(&a, 0);
		if (seccomp_compile(&a, &profile, -1, &program, &e) < 0)
			assert_null(strstr(e.text, "not known"));
	}
	seccomp_library_version(version, sizeof(version));
	assert_true(strspn(version, "0123456789.") == strlen(version) && strlen(version) >= 5);
}

static void test_flags(void **state)
{
	const struct oci_seccomp_rule notify[] = { { .names = NAMES("mkdir"),
		                                     .action = OCI_ACT_NOTIFY } };
	struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(compile(&a, &profile).flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	profile.flags_set = true;
	assert_int_equal(compile(&a, &profile).flags, 0);
	profile.flags = (struct oci_strings)NAMES(
		"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
	assert_int_equal(compile(&a, &profile).flags, SECCOMP_FILTER_FLAG_TSYNC |
	                                                      SECCOMP_FILTER_FLAG_LOG |
	                                                      SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	/* an agent is told, whether a rule asks it or not */
	profile.listener_path = "/run/agent";
	assert_true(compile(&a, &profile).flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
	profile.rules = notify;
	profile.rule_count = 1;
	assert_int_equal(compile(&a, &profile).flags,
	                 SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
	                         SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER |
	                         SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
	                         SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

/* --- the kernel ----------------------------------------------------------------------- */

/* In a child: loads the program and tries two calls; 0 when all went as it should. */
static int try_in_kernel(const struct seccomp_program *p)
{
	struct sock_fprog program = { .len = (unsigned short)p->length,
		                      .filter = (struct sock_filter *)(uintptr_t)p->filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->flags, &program) < 0)
		return 2;
	if (syscall(SYS_getpid) <= 0)
		return 3;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 4;
	if (syscall(SYS_unshare, 0) != -1 || errno != EPERM)
		return 5;
	return 0;
}

static void test_kernel(void **state)
{
	ARENA struct arena a;
	int status;

	(void)state;
	arena_init(&a, 0);
	struct seccomp_program p = compile(&a, &engine_profile);
	pid_t pid = fork();
	if (pid == 0)
		_exit(try_in_kernel(&p));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_several_conditions),
		cmocka_unit_test(test_skipped_rules),
		cmocka_unit_test(test_engine_profile),
		cmocka_unit_test(test_engine_profile_elsewhere),
		cmocka_unit_test(test_random_profiles),
		cmocka_unit_test(test_foreign_architectures),
		cmocka_unit_test(test_newer_calls),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
