/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was traced, as a profile: names, values of arguments, and earlier profiles. The
 * programs are tested where the kernel runs them, in tests/cli/trace.bats; here only that
 * they fit, and that no jump of theirs leads outside.
 */
#include <asm/unistd_64.h>
#include <string.h>

#include "base/scope.h"
#include "oci-spec/json.h"
#include "seccomp/trace.h"
#include "seccomp/verdict.h"
#include "tests/unit/unit.h"

static const struct oci_seccomp *read_profile(struct arena *a, const char *text)
{
	const struct oci_seccomp *profile;
	struct err e = { 0 };

	if (oci_profile_parse(a, text, strlen(text), &profile, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return profile;
}

/* The profile as it is read again. */
static const struct oci_seccomp *profile_of(struct arena *a, const struct trace_result *result,
                                            const struct oci_seccomp *earlier, size_t *ret_count)
{
	BUF struct buf text = { 0 };
	struct err e = { 0 };

	if (trace_profile(a, result, earlier, &text, ret_count, &e) < 0)
		fail_msg("%s", e.text);
	return read_profile(a, text.data);
}

static enum verdict_kind says(const struct oci_seccomp *profile, const char *name)
{
	struct verdict v;

	assert_true(verdict_of(profile, name, &v));
	return v.kind;
}

/* The index of the next rule, which is there. */
static size_t rule_of(const struct oci_seccomp *profile, const char *name, size_t from)
{
	assert_true(verdict_next_rule(profile, name, &from));
	return from;
}

static void only_what_was_seen(void **state)
{
	struct trace_result result = { 0 };
	struct verdict *v;
	ARENA struct arena a;
	size_t n, named, allowed = 0;

	(void)state;
	arena_init(&a, 0);
	result.calls[__NR_read] = 5;
	result.calls[__NR_statx] = 1;
	result.calls[1000] = 7; /* no such call */
	const struct oci_seccomp *profile = profile_of(&a, &result, NULL, &named);
	assert_int_equal(named, 2);
	assert_int_equal(profile->default_action, OCI_ACT_ERRNO);
	verdict_all(&a, profile, &v, &n);
	for (size_t i = 0; i < n; i++)
		allowed += v[i].kind == VERDICT_ALLOWED;
	assert_int_equal(allowed, 2);
	assert_int_equal(says(profile, "read"), VERDICT_ALLOWED);
}

static void nothing_seen_is_nothing_allowed(void **state)
{
	static struct trace_result result;
	ARENA struct arena a;
	size_t named;

	(void)state;
	arena_init(&a, 0);
	const struct oci_seccomp *profile = profile_of(&a, &result, NULL, &named);
	assert_int_equal(named, 0);
	assert_int_equal(profile->rule_count, 0);
}

static void arguments_are_narrow(void **state)
{
	static const struct trace_value values[] = { { __NR_socket, 0, 2 },
		                                     { __NR_socket, 0, 10 },
		                                     { __NR_clone, 0, 0x1200011 } };
	struct trace_result result = { .values = values, .value_count = LEN(values) };
	ARENA struct arena a;
	size_t named;

	(void)state;
	arena_init(&a, 0);
	result.calls[__NR_socket] = 2;
	result.calls[__NR_clone] = 1;
	const struct oci_seccomp *profile = profile_of(&a, &result, NULL, &named);
	assert_int_equal(named, 2);
	assert_int_equal(profile->rule_count, 3);
	assert_int_equal(says(profile, "socket"), VERDICT_CONDITIONAL);
	size_t rule = rule_of(profile, "socket", 0);
	assert_int_equal(profile->rules[rule].args[0].op, OCI_CMP_MASKED_EQ);
	assert_int_equal(profile->rules[rule].args[0].value, UINT32_MAX);
	assert_int_equal(profile->rules[rule].args[0].value_two, 2);
	rule = rule_of(profile, "clone", 0); /* its flags are wide */
	assert_int_equal(profile->rules[rule].args[0].op, OCI_CMP_EQ);
	assert_int_equal(profile->rules[rule].args[0].value, 0x1200011);

	/* where values are missing, a rule would forbid what was done */
	result.values_lost = true;
	assert_int_equal(says(profile_of(&a, &result, NULL, &named), "socket"), VERDICT_ALLOWED);
}

/* Names hold for all architectures of a profile: what a 32-bit program did is open. */
static void other_architecture_is_named(void **state)
{
	enum { I386_STAT64 = 195, I386_SOCKET = 359 };
	static const struct trace_value values[] = { { __NR_socket, 0, 2 } };
	struct trace_result result = { .values = values, .value_count = LEN(values) };
	ARENA struct arena a;
	size_t named;

	(void)state;
	arena_init(&a, 0);
	result.calls[__NR_socket] = 1;
	result.compat[I386_STAT64] = 1;
	result.compat[I386_SOCKET] = 1;
	result.compat[1000] = 1; /* no such call */
	const struct oci_seccomp *profile = profile_of(&a, &result, NULL, &named);
	assert_int_equal(named, 2);
	assert_int_equal(profile->architectures.n, 2);
	assert_string_equal(profile->architectures.v[1], "SCMP_ARCH_X86");
	assert_int_equal(says(profile, "socket"), VERDICT_ALLOWED);
	(void)rule_of(profile, "stat64", 0);

	/* and stays so when a run without any is merged, and is not there without */
	const struct trace_result nothing = { 0 };
	const struct oci_seccomp *merged = profile_of(&a, &nothing, profile, &named);
	assert_int_equal(named, 2);
	assert_int_equal(merged->architectures.n, 2);
	(void)rule_of(merged, "stat64", 0);
	assert_int_equal(profile_of(&a, &nothing, NULL, &named)->architectures.n, 1);
}

static void many_values_say_nothing(void **state)
{
	struct trace_value values[25];
	struct trace_result result = { .values = values, .value_count = LEN(values) };
	ARENA struct arena a;
	size_t named;

	(void)state;
	arena_init(&a, 0);
	for (uint32_t i = 0; i < LEN(values); i++)
		values[i] = (struct trace_value){ __NR_ioctl, 1, i };
	result.calls[__NR_ioctl] = LEN(values);
	assert_int_equal(says(profile_of(&a, &result, NULL, &named), "ioctl"), VERDICT_ALLOWED);
}

static void earlier_profiles_add_up(void **state)
{
	static const struct trace_value values[] = { { __NR_socket, 0, 2 } };
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		"\"value\":4294967295,\"valueTwo\":2,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
		"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		"\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		"\"value\":17,\"op\":\"SCMP_CMP_EQ\"}]}]}";
	struct trace_result result = { .values = values, .value_count = LEN(values) };
	ARENA struct arena a;
	size_t named;

	(void)state;
	arena_init(&a, 0);
	result.calls[__NR_socket] = 1;
	result.calls[__NR_read] = 1;
	const struct oci_seccomp *earlier = read_profile(&a, text);
	const struct oci_seccomp *profile = profile_of(&a, &result, earlier, &named);
	assert_int_equal(named, 4); /* read, write, socket, clone */
	assert_int_equal(says(profile, "write"), VERDICT_ALLOWED);
	assert_int_equal(says(profile, "read"), VERDICT_ALLOWED);
	assert_int_equal(says(profile, "clone"), VERDICT_CONDITIONAL);
	/* the value that both have is there once, the earlier one's own beside it */
	size_t first = rule_of(profile, "socket", 0);
	size_t second = rule_of(profile, "socket", first + 1);
	assert_int_equal(profile->rules[first].args[0].value_two, 2);
	assert_int_equal(profile->rules[second].args[0].value, 1);
	size_t third = second + 1;
	assert_false(verdict_next_rule(profile, "socket", &third));

	/* without --args what was narrow is open */
	result.value_count = 0;
	assert_int_equal(says(profile_of(&a, &result, earlier, &named), "socket"), VERDICT_ALLOWED);
}

static void other_profiles_are_refused(void **state)
{
	static const char *const texts[] = {
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_TRAP\"}]}",
	};
	static struct trace_result result;

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		BUF struct buf text = { 0 };
		struct err e = { 0 };
		ARENA struct arena a;
		size_t named;

		arena_init(&a, 0);
		assert_int_equal(
			trace_profile(&a, &result, read_profile(&a, texts[i]), &text, &named, &e),
			-1);
		assert_int_equal(e.kind, ERR_SPEC);
		assert_int_equal(text.len, 0);
	}
}

static void programs_are_whole(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		for (int enter = 0; enter < 2; enter++) {
			const struct trace_maps maps = { 3,
				                         4,
				                         kind & 1 ? 5 : -1,
				                         kind & 2 ? 6 : -1,
				                         kind & 2 ? 7 : -1,
				                         kind & 2 ? 8 : -1 };
			struct bpf_insn code[TRACE_PROGRAM_MAX];
			size_t n = trace_program(&maps, enter != 0, code);

			assert_in_range(n, 20, TRACE_PROGRAM_MAX - 1);
			assert_int_equal(code[n - 1].code, BPF_JMP | BPF_EXIT);
			for (size_t i = 0; i < n; i++) {
				if (code[i].code == BPF_DW)
					i++; /* the other half of it */
				else if (BPF_CLASS(code[i].code) == BPF_JMP &&
				         BPF_OP(code[i].code) != BPF_CALL &&
				         BPF_OP(code[i].code) != BPF_EXIT)
					assert_in_range(i + 1 + (size_t)code[i].off, i + 1, n - 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_seen),
		cmocka_unit_test(nothing_seen_is_nothing_allowed),
		cmocka_unit_test(arguments_are_narrow),
		cmocka_unit_test(other_architecture_is_named),
		cmocka_unit_test(many_values_say_nothing),
		cmocka_unit_test(earlier_profiles_add_up),
		cmocka_unit_test(other_profiles_are_refused),
		cmocka_unit_test(programs_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
