/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of libseccomp's program: shorter, never different, and left alone where it
 * is not understood. Random profiles are in test_seccomp_property.c. */
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "seccomp/decisions.h"
#include "seccomp/filter.h"
#include "tests/unit/bpf_sim.h"
#include "tests/unit/engine_profile.h"
#include "tests/unit/seccomp_model.h"
#include "tests/unit/unit.h"

#define LOAD(word)        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4 * (word))
#define JUMP(op, k, t, f) BPF_JUMP(BPF_JMP | BPF_K | (op), k, t, f)
#define RETURN(k)         BPF_STMT(BPF_RET | BPF_K, k)
#define NAMES(...)                                                  \
	{                                                           \
		(const char *const[]){ __VA_ARGS__, NULL },         \
			LEN(((const char *const[]){ __VA_ARGS__ })) \
	}

static const struct oci_seccomp nothing = { .default_action = OCI_ACT_ALLOW };

static struct filter finish(struct arena *a, const struct sock_filter *code, size_t n)
{
	struct filter filter = { .v = code, .n = n };

	assert_true(filter_finish(a, &nothing, AUDIT_ARCH_X86_64, &filter) == (filter.v != code));
	return filter;
}

static uint32_t run(const struct filter *filter, uint32_t arch, uint32_t nr, uint64_t arg)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch, .args = { arg } };

	return sim_run(filter->v, filter->n, &d);
}

static void test_neighbours_are_one(void **state)
{
	static const struct sock_filter code[] = {
		LOAD(WORD_ARCH),
		JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 0, 8),
		LOAD(WORD_NR),
		JUMP(BPF_JEQ, 10, 5, 0),
		JUMP(BPF_JEQ, 11, 4, 0),
		JUMP(BPF_JEQ, 12, 3, 0),
		JUMP(BPF_JGT, 19, 0, 1),
		JUMP(BPF_JGE, 21, 0, 1),
		RETURN(1),
		RETURN(2),
		RETURN(3),
	};
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	struct filter filter = finish(&a, code, LEN(code));
	/* 10 to 12 and 20 stand out; 3 is another architecture's */
	assert_in_range(filter.n, 1, LEN(code) - 1);
	const struct filter before = { .v = code, .n = LEN(code) };
	for (uint32_t nr = 0; nr < 30; nr++) {
		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, nr, 0),
		                 run(&before, AUDIT_ARCH_X86_64, nr, 0));
		assert_int_equal(run(&filter, AUDIT_ARCH_I386, nr, 0), 3);
	}
	assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, UINT32_MAX, 0), 1);
}

/* More results than a conditional jump can pass over. */
static void test_far_jumps(void **state)
{
	enum { CALLS = 1000 };
	static struct sock_filter code[1 + 2 * CALLS + 1];
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	code[0] = (struct sock_filter)LOAD(WORD_NR);
	for (uint32_t i = 0; i < CALLS; i++) {
		code[1 + 2 * i] = (struct sock_filter)JUMP(BPF_JEQ, 3 * i, 0, 1);
		code[2 + 2 * i] = (struct sock_filter)RETURN(i % 7 == 0 ? 7 : i);
	}
	code[LEN(code) - 1] = (struct sock_filter)RETURN(UINT32_MAX);
	struct filter filter = finish(&a, code, LEN(code));
	assert_ptr_not_equal(filter.v, code);
	for (uint32_t nr = 0; nr < 3 * CALLS; nr++) {
		uint32_t i = nr / 3;

		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, nr, 0), nr % 3 != 0  ? UINT32_MAX
		                                                         : i % 7 == 0 ? 7
		                                                                      : i);
	}
}

/* A thousand tests of arguments, of which each leads far away, too. */
static void test_far_arguments(void **state)
{
	enum { VALUES = 1000 };
	static struct sock_filter code[1 + 2 * VALUES + 1];
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	code[0] = (struct sock_filter)LOAD(4);
	for (uint32_t i = 0; i < VALUES; i++) {
		code[1 + 2 * i] = (struct sock_filter)JUMP(BPF_JEQ, i, 0, 1);
		code[2 + 2 * i] = (struct sock_filter)RETURN(i & 1);
	}
	code[LEN(code) - 1] = (struct sock_filter)RETURN(9);
	struct filter filter = finish(&a, code, LEN(code));
	assert_ptr_not_equal(filter.v, code);
	for (uint32_t i = 0; i < VALUES + 1; i++)
		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, 5, i), i < VALUES ? (i & 1) : 9);
}

static void test_left_alone(void **state)
{
	static const struct sock_filter arithmetic[] = { LOAD(WORD_NR),
		                                         BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1),
		                                         JUMP(BPF_JEQ, 3, 0, 1), RETURN(1),
		                                         RETURN(2) };
	static const struct sock_filter masked_number[] = {
		LOAD(WORD_NR), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff), JUMP(BPF_JEQ, 3, 0, 1),
		RETURN(1), RETURN(2)
	};
	static const struct sock_filter bit[] = { LOAD(WORD_NR), JUMP(BPF_JSET, 1, 0, 1), RETURN(1),
		                                  RETURN(2) };
	static const struct sock_filter arch_greater[] = { LOAD(WORD_ARCH), JUMP(BPF_JGT, 1, 0, 1),
		                                           RETURN(1), RETURN(2) };
	static const struct sock_filter number_again[] = { LOAD(4),       JUMP(BPF_JEQ, 3, 0, 2),
		                                           LOAD(WORD_NR), JUMP(BPF_JEQ, 3, 1, 0),
		                                           RETURN(1),     RETURN(2) };
	static const struct sock_filter no_end[] = { LOAD(4) };
	static const struct {
		const struct sock_filter *code;
		size_t n;
	} cases[] = {
		{ arithmetic, LEN(arithmetic) },
		{ masked_number, LEN(masked_number) },
		{ bit, LEN(bit) },
		{ arch_greater, LEN(arch_greater) },
		{ number_again, LEN(number_again) },
		{ no_end, LEN(no_end) },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		struct filter filter = finish(&a, cases[i].code, cases[i].n);
		assert_ptr_equal(filter.v, cases[i].code);
		assert_int_equal(filter.n, cases[i].n);
	}
}

/* libseccomp 2.5 compares a lower half with an upper half's limit here. */
static void test_conditions_of_one_argument(void **state)
{
	static const struct oci_seccomp_arg args[] = { { 1, OCI_CMP_MASKED_EQ, 1ull << 32, 0 },
		                                       { 0, OCI_CMP_LE, 1, 0 },
		                                       { 0, OCI_CMP_LT, UINT64_MAX, 0 } };
	const struct oci_seccomp_rule rule = { .names = NAMES("ioctl"),
		                               .action = OCI_ACT_ERRNO,
		                               .args = args,
		                               .arg_count = LEN(args) };
	const struct oci_seccomp rules = { .default_action = OCI_ACT_ALLOW,
		                           .rules = &rule,
		                           .rule_count = 1 };
	/* each condition is a rule of its own, since one argument has two */
	struct seccomp_data d = { .nr = SYS_ioctl,
		                  .arch = AUDIT_ARCH_X86_64,
		                  .args = { UINT32_MAX, 1ull << 32 } };
	struct filter filter;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(filter_compile(&a, &rules, false, &filter, &e), 0);
	assert_true(filter_finish(&a, &rules, AUDIT_ARCH_X86_64, &filter));
	assert_int_equal(sim_run(filter.v, filter.n, &d), SECCOMP_RET_ERRNO | 1);
	d.args[0] = UINT64_MAX;
	assert_int_equal(sim_run(filter.v, filter.n, &d), SECCOMP_RET_ALLOW);
}

/* The first rule that holds decides; one without conditions, whatever others say. */
static void test_order(void **state)
{
	static const struct oci_seccomp_arg small = { 0, OCI_CMP_LT, 10, 0 };
	static const struct oci_seccomp_arg odd = { 0, OCI_CMP_MASKED_EQ, 1, 1 };
	struct oci_seccomp_rule list[] = {
		{ .names = NAMES("ioctl"), .action = OCI_ACT_TRAP, .args = &small, .arg_count = 1 },
		{ .names = NAMES("ioctl"), .action = OCI_ACT_ERRNO, .args = &odd, .arg_count = 1 },
		{ .names = NAMES("getpid"), .action = OCI_ACT_ERRNO },
	};
	struct oci_seccomp rules = { .default_action = OCI_ACT_ALLOW,
		                     .rules = list,
		                     .rule_count = LEN(list) };
	struct filter filter;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (uint64_t arg = 0; arg < 20; arg++) {
		assert_int_equal(filter_compile(&a, &rules, false, &filter, &e), 0);
		assert_true(filter_finish(&a, &rules, AUDIT_ARCH_X86_64, &filter));
		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, SYS_ioctl, arg),
		                 arg < 10  ? SECCOMP_RET_TRAP
		                 : arg & 1 ? SECCOMP_RET_ERRNO | 1u
		                           : SECCOMP_RET_ALLOW);
	}
	list[2].names = (struct oci_strings)NAMES("ioctl");
	assert_int_equal(filter_compile(&a, &rules, false, &filter, &e), 0);
	assert_true(filter_finish(&a, &rules, AUDIT_ARCH_X86_64, &filter));
	for (uint64_t arg = 0; arg < 20; arg++)
		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, SYS_ioctl, arg),
		                 SECCOMP_RET_ERRNO | 1);
}

static const char *const allowed[] = {
#define SYSCALL(name) #name,
	ALLOWED_SYSCALLS
#undef SYSCALL
};

/* An engine's profile: two fifths of libseccomp's program, and the same answers. What does
 * not depend on arguments is decided without a look at them, so that the kernel needs to
 * run no filter for it (kernel/seccomp.c, seccomp_is_const_allow). */
static void test_engine_profile(void **state)
{
	const struct oci_seccomp_rule rule = { .names = { allowed, LEN(allowed) },
		                               .action = OCI_ACT_ALLOW };
	const struct oci_seccomp rules = {
		.default_action = OCI_ACT_ERRNO,
		.architectures = NAMES("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
		.rules = &rule,
		.rule_count = 1,
	};
	struct filter filter, before;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(filter_compile(&a, &rules, true, &before, &e), 0);
	filter = before;
	assert_true(filter_finish(&a, &rules, AUDIT_ARCH_X86_64, &filter));
	assert_in_range(2 * filter.n, 2, before.n);
	struct sock_filter *blind = arena_array(&a, filter.n, sizeof(*blind));
	for (size_t i = 0; i < filter.n; i++) {
		bool argument =
			BPF_CLASS(filter.v[i].code) == BPF_LD && filter.v[i].k > 4 * WORD_ARCH;

		blind[i] = argument ? (struct sock_filter)RETURN(0xdead) : filter.v[i];
	}
	const struct filter without_arguments = { .v = blind, .n = filter.n };
	for (uint32_t nr = 0; nr < 1000; nr++) {
		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, nr, 0),
		                 run(&before, AUDIT_ARCH_X86_64, nr, 0));
		assert_int_equal(run(&without_arguments, AUDIT_ARCH_X86_64, nr, 0),
		                 run(&before, AUDIT_ARCH_X86_64, nr, 0));
		assert_int_equal(run(&filter, AUDIT_ARCH_X86_64, 0x40000000 | nr, 0),
		                 run(&before, AUDIT_ARCH_X86_64, 0x40000000 | nr, 0));
		assert_int_equal(run(&filter, AUDIT_ARCH_I386, nr, 0),
		                 run(&before, AUDIT_ARCH_I386, nr, 0));
		assert_int_equal(run(&filter, AUDIT_ARCH_AARCH64, nr, 0),
		                 run(&before, AUDIT_ARCH_AARCH64, nr, 0));
	}
}

/* The profile of an engine, from tests/cli/profiles. */
static const struct oci_seccomp *read_profile(struct arena *a, const char *name)
{
	const char *path = arena_printf(a, SOURCE_DIR "/tests/cli/profiles/%s.json", name);
	BUF struct buf text = { 0 };
	const struct oci_seccomp *profile = NULL;
	struct err e = { 0 };

	if (fd_read_file(AT_FDCWD, path, 1 << 20, &text, &e) < 0 ||
	    oci_profile_parse(a, text.data, text.len, &profile, &e) < 0)
		fail_msg("%s", e.text);
	return profile;
}

/* Against libseccomp's program for all rules: every number of each architecture, and those
 * around and between, with values on both sides of each condition of engines' profiles. */
static void compare_with_libseccomp(const struct oci_seccomp *rules)
{
	static const uint64_t values[] = { 0,          1,          7,           8,
		                           9,          0x1ffff,    0x20000,     0x20008,
		                           0x7e020000, 0x10000000, 0x02000000,  0xfffffffe,
		                           0xffffffff, 1ull << 32, 0x100000008, UINT64_MAX };
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };
	static const uint32_t from[] = { 0, 0x3ffffff0, 0x40000000, 0x7ffffff0, 0xfffffc00 };
	struct filter filter, all;
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	if (filter_compile(&a, rules, true, &all, &e) < 0 ||
	    filter_compile(&a, rules, false, &filter, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(filter_finish(&a, rules, AUDIT_ARCH_X86_64, &filter));
	for (size_t n = 0; n < LEN(archs) * LEN(from) * 1024 * LEN(values); n++) {
		uint32_t arch = archs[n % LEN(archs)];
		uint32_t nr = from[n / LEN(archs) % LEN(from)] +
		              (uint32_t)(n / LEN(archs) / LEN(from) / LEN(values));
		uint64_t arg = values[n / LEN(archs) / LEN(from) % LEN(values)];

		assert_int_equal(run(&filter, arch, nr, arg), run(&all, arch, nr, arg));
	}
}

static void test_engines_as_libseccomp(void **state)
{
	static const char *const names[] = { "docker", "containers-common", "containerd" };

	(void)state;
	for (size_t i = 0; i < LEN(names); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		compare_with_libseccomp(read_profile(&a, names[i]));
	}
}

enum { NAMES_MAX = 460 };

static const enum oci_seccomp_action some_actions[] = { OCI_ACT_ALLOW, OCI_ACT_ERRNO, OCI_ACT_TRAP,
	                                                OCI_ACT_KILL_PROCESS };

/* One rule for each action, with names that are drawn. A name has one action, by its text:
 * libseccomp refuses two for those that 32-bit x86 bundles. */
static void draw_rules(struct arena *a, uint64_t *seed, struct oci_seccomp_rule *rules)
{
	uint32_t density = 1 + model_random(seed, 5), shift = model_random(seed, 100);

	for (size_t k = 0; k < LEN(some_actions); k++) {
		const char **names = arena_array(a, NAMES_MAX + 1, sizeof(*names));

		rules[k] = (struct oci_seccomp_rule){ .names = { .v = names },
			                              .action = some_actions[k] };
		for (int nr = 0; nr < NAMES_MAX; nr++) {
			FREE char *name = seccomp_syscall_resolve_num_arch(
				model_random(seed, 2) ? SCMP_ARCH_X86_64 : SCMP_ARCH_X86, nr);
			size_t len = name ? strlen(name) : 0;

			if (len > 0 && model_random(seed, density) == 0 &&
			    (len + (size_t)name[len - 1] + shift) % LEN(some_actions) == k)
				names[rules[k].names.n++] = arena_string(a, name, len);
		}
	}
}

/* Rules without conditions, of any calls, for any of the architectures. */
static void test_random_as_libseccomp(void **state)
{
	static const char *const archs[] = { "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_X86_64" };
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct oci_seccomp_rule list[LEN(some_actions)];
		struct oci_seccomp rules = {
			.default_action = some_actions[model_random(&seed, LEN(some_actions))],
			.architectures = { archs + model_random(&seed, 2), model_random(&seed, 3) },
			.rules = list,
			.rule_count = LEN(list),
		};
		ARENA struct arena a;

		arena_init(&a, 0);
		draw_rules(&a, &seed, list);
		compare_with_libseccomp(&rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbours_are_one),
		cmocka_unit_test(test_far_jumps),
		cmocka_unit_test(test_far_arguments),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_conditions_of_one_argument),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_engine_profile),
		cmocka_unit_test(test_engines_as_libseccomp),
		cmocka_unit_test(test_random_as_libseccomp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
