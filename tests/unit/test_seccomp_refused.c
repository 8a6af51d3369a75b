/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles that are refused, with their place and the reason. */
#include <string.h>

#include "base/scope.h"
#include "seccomp/seccomp.h"
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

static void assert_refused(const struct oci_seccomp *profile, const char *text)
{
	struct seccomp_program program = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	assert_int_equal(seccomp_compile(&a, profile, -1, &program, &e), -1);
	assert_string_equal(e.text, text);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_null(program.filter);
}

static void test_refused_rules(void **state)
{
	static const struct oci_seccomp_arg sixth = { 6, OCI_CMP_EQ, 0, 0 };
	const struct {
		struct oci_seccomp_rule rule;
		const char *text;
	} bad[] = {
		{ { .names = NAMES("read"), .action = OCI_ACT_KILL, .errno_ret = SET(1) },
		  "linux.seccomp.syscalls[0].errnoRet: the action takes no errno" },
		{ { .names = NAMES("read"), .action = OCI_ACT_ALLOW, .errno_ret = SET(0) },
		  "linux.seccomp.syscalls[0].errnoRet: the action takes no errno" },
		{ { .names = NAMES("read"), .action = OCI_ACT_ERRNO, .errno_ret = SET(4095) },
		  "linux.seccomp.syscalls[0].errnoRet: 4095: must be at most 4094" },
		{ { .names = NAMES("read"), .action = OCI_ACT_TRACE, .errno_ret = SET(65536) },
		  "linux.seccomp.syscalls[0].errnoRet: 65536: must be at most 65535" },
		{ { .names = NAMES("read"),
		    .action = OCI_ACT_TRAP,
		    .args = &sixth,
		    .arg_count = 1 },
		  "linux.seccomp.syscalls[0].args[0].index: 6: must be from 0 to 5" },
		{ { .names = NAMES("getpid", "write"), .action = OCI_ACT_NOTIFY },
		  "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the write "
		  "syscall" },
		{ { .names = NAMES("sendmsg"), .action = OCI_ACT_NOTIFY },
		  "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the sendmsg "
		  "syscall" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_refused(&(struct oci_seccomp){ .default_action = OCI_ACT_LOG,
		                                      .listener_path = "/run/agent",
		                                      .rules = &bad[i].rule,
		                                      .rule_count = 1 },
		               bad[i].text);
}

/* The same rule twice is harmless, and engines do that. */
static void test_contradicting_rules(void **state)
{
	static const struct oci_seccomp_arg one = { 0, OCI_CMP_EQ, 1, 0 };
	const struct oci_seccomp_rule rule = { .names = NAMES("getpid", "chmod"),
		                               .action = OCI_ACT_ERRNO,
		                               .errno_ret = SET(1),
		                               .args = &one,
		                               .arg_count = 1 };
	struct oci_seccomp_rule rules[] = { rule, rule };
	const struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW,
		                             .rules = rules,
		                             .rule_count = LEN(rules) };
	struct seccomp_program program = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(seccomp_compile(&a, &profile, -1, &program, &e), 0);
	rules[1].errno_ret.value = 2;
	assert_refused(&profile, "linux.seccomp.syscalls[1]: an earlier rule for getpid with the "
	                         "same conditions has another action");
	rules[1].action = OCI_ACT_LOG;
	rules[1].errno_ret.set = false;
	assert_refused(&profile, "linux.seccomp.syscalls[1]: an earlier rule for getpid with the "
	                         "same conditions has another action");
}

static void test_refused_profiles(void **state)
{
	const struct oci_seccomp_rule notify = { .names = NAMES("mkdir"),
		                                 .action = OCI_ACT_NOTIFY };

	(void)state;
	assert_refused(&(struct oci_seccomp){ .default_action = OCI_ACT_NOTIFY,
	                                      .listener_path = "/run/agent" },
	               "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default "
	               "action");
	assert_refused(&(struct oci_seccomp){ .default_action = OCI_ACT_ALLOW,
	                                      .rules = &notify,
	                                      .rule_count = 1 },
	               "linux.seccomp.listenerPath: SCMP_ACT_NOTIFY is used, but nobody is named "
	               "to listen");
	assert_refused(&(struct oci_seccomp){ .default_action = OCI_ACT_ALLOW,
	                                      .default_errno_ret = SET(1) },
	               "linux.seccomp.defaultErrnoRet: the action takes no errno");
	assert_refused(&(struct oci_seccomp){ .default_action = OCI_ACT_ALLOW,
	                                      .architectures =
	                                              NAMES("SCMP_ARCH_X86_64", "SCMP_ARCH_VAX") },
	               "linux.seccomp.architectures[1]: \"SCMP_ARCH_VAX\" is not known to "
	               "libseccomp");
	assert_refused(&(struct oci_seccomp){ .default_action = OCI_ACT_ALLOW,
	                                      .flags_set = true,
	                                      .flags = NAMES("SECCOMP_FILTER_FLAG_NEW") },
	               "linux.seccomp.flags[0]: \"SECCOMP_FILTER_FLAG_NEW\" is not supported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_rules),
		cmocka_unit_test(test_contradicting_rules),
		cmocka_unit_test(test_refused_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
