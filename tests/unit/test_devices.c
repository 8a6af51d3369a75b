/* SPDX-License-Identifier: Apache-2.0 */
/* The device program against the meaning of the rules: an interpreter of the few eBPF
 * instructions it uses runs it for every kind of access, and a plain evaluation of the
 * list says what must come out. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "tests/unit/unit.h"

enum { READ = BPF_DEVCG_ACC_READ, WRITE = BPF_DEVCG_ACC_WRITE, MKNOD = BPF_DEVCG_ACC_MKNOD };

/* --- the interpreter --------------------------------------------------------------- */

static bool jumps(uint8_t code, uint64_t a, int32_t imm)
{
	if (BPF_OP(code) == BPF_JA)
		return true;
	if (BPF_OP(code) == BPF_JSET)
		return (a & (uint64_t)(int64_t)imm) != 0;
	assert_int_equal(BPF_OP(code), BPF_JNE);
	if (BPF_CLASS(code) == BPF_JMP32)
		return (uint32_t)a != (uint32_t)imm;
	return a != (uint64_t)(int64_t)imm;
}

static uint64_t compute(uint8_t code, uint64_t a, uint64_t b)
{
	switch (BPF_OP(code)) {
	case BPF_MOV:
		return b;
	case BPF_AND:
		return a & b;
	case BPF_RSH:
		return a >> b;
	default:
		fail_msg("ALU code 0x%02x", code);
		return 0;
	}
}

/* Runs the program; anything out of its bounds fails the test. */
static bool run(const struct bpf_insn *program, size_t count, uint32_t type, uint32_t access,
                uint32_t major, uint32_t minor)
{
	struct bpf_cgroup_dev_ctx ctx = { .access_type = access << 16 | type,
		                          .major = major,
		                          .minor = minor };
	uint64_t r[11] = { 0 };

	for (size_t at = 0; at < count; at++) {
		struct bpf_insn in = program[at];
		uint64_t operand =
			BPF_SRC(in.code) == BPF_X ? r[in.src_reg] : (uint64_t)(int64_t)in.imm;
		uint32_t word;

		switch (BPF_CLASS(in.code)) {
		case BPF_LDX:
			assert_int_equal(in.code, BPF_LDX | BPF_MEM | BPF_W);
			assert_int_equal(in.src_reg, BPF_REG_1);
			assert_in_range(in.off, 0, sizeof(ctx) - sizeof(word));
			memcpy(&word, (char *)&ctx + in.off, sizeof(word));
			r[in.dst_reg] = word;
			break;
		case BPF_ALU64:
			r[in.dst_reg] = compute(in.code, r[in.dst_reg], operand);
			break;
		case BPF_JMP:
		case BPF_JMP32:
			if (in.code == (BPF_JMP | BPF_EXIT))
				return r[0] != 0;
			if (jumps(in.code, r[in.dst_reg], in.imm))
				at += (size_t)in.off;
			break;
		default:
			fail_msg("code 0x%02x", in.code);
		}
	}
	fail_msg("the program has no end");
	return false;
}

/* --- what the rules mean ------------------------------------------------------------- */

static bool is_default(uint32_t type, uint32_t access, uint32_t major, uint32_t minor)
{
	if (access == MKNOD)
		return true;
	if (type != BPF_DEVCG_DEV_CHAR)
		return false;
	switch (major) {
	case 1:
		return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9;
	case 5:
		return minor <= 2;
	case 10:
		return minor == 200;
	default:
		return major == 136;
	}
}

static bool matches(const struct oci_device_rule *rule, uint32_t type, uint32_t major,
                    uint32_t minor)
{
	char letter = type == BPF_DEVCG_DEV_CHAR ? 'c' : 'b';

	return (rule->type == 'a' || rule->type == letter) &&
	       (!rule->major.set || rule->major.value == -1 || rule->major.value == major) &&
	       (!rule->minor.set || rule->minor.value == -1 || rule->minor.value == minor);
}

/* One of read, write and mknod: the last rule that names it decides. */
static bool one_allowed(const struct oci_device_rule *rules, size_t count, uint32_t type,
                        uint32_t access, uint32_t major, uint32_t minor)
{
	if (is_default(type, access, major, minor))
		return true;
	for (size_t i = count; i-- > 0;) {
		bool named = (access == READ && rules[i].read) ||
		             (access == WRITE && rules[i].write) ||
		             (access == MKNOD && rules[i].mknod);

		if (named && matches(&rules[i], type, major, minor))
			return rules[i].allow;
	}
	return false;
}

static bool allowed(const struct oci_device_rule *rules, size_t count, uint32_t type,
                    uint32_t access, uint32_t major, uint32_t minor)
{
	for (uint32_t bit = 1; bit <= 4; bit <<= 1) {
		if ((access & bit) && !one_allowed(rules, count, type, bit, major, minor))
			return false;
	}
	return true;
}

/* --- the comparison ------------------------------------------------------------------ */

static const uint32_t majors[] = { 0, 1, 5, 8, 10, 136, 4095, 0x80000000, UINT32_MAX };
static const uint32_t minors[] = { 0, 1, 2, 3, 200, 1048575, 0x80000001, UINT32_MAX };

/* All accesses to all the devices above; *ret_all: everything is allowed. */
static void compare(const struct oci_device_rule *rules, size_t count,
                    const struct bpf_insn *program, size_t length, bool *ret_all)
{
	*ret_all = true;
	for (uint32_t n = 0; n < 2 * LEN(majors) * LEN(minors) * 8; n++) {
		uint32_t type = n & 1 ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK;
		uint32_t access = n >> 1 & 7, device = n >> 4;
		uint32_t major = majors[device % LEN(majors)];
		uint32_t minor = minors[device / LEN(majors)];
		bool expected = allowed(rules, count, type, access, major, minor);

		*ret_all &= expected;
		if (program && run(program, length, type, access, major, minor) != expected)
			fail_msg("type %u access %u device %u:%u should be %d", type, access, major,
			         minor, expected);
	}
}

static void check_rules(const struct oci_device_rule *rules, size_t count)
{
	ARENA struct arena a;
	struct err e = { 0 };
	const struct bpf_insn *program;
	size_t length;
	bool all;

	arena_init(&a, 0);
	assert_int_equal(cgroup_devices_compile(&a, rules, count, &program, &length, &e), 0);
	compare(rules, count, program, length, &all);
	if (!program) {
		assert_int_equal(length, 0);
		assert_true(all);
	}
}

static bool needs_program(const struct oci_device_rule *rules, size_t count)
{
	ARENA struct arena a;
	struct err e = { 0 };
	const struct bpf_insn *program;
	size_t length;

	arena_init(&a, 0);
	assert_int_equal(cgroup_devices_compile(&a, rules, count, &program, &length, &e), 0);
	return program != NULL;
}

#define ANY                              \
	{                                \
		.set = true, .value = -1 \
	}
#define NUM(n)                            \
	{                                 \
		.set = true, .value = (n) \
	}
#define RWM .read = true, .write = true, .mknod = true

static void test_no_rules(void **state)
{
	(void)state;
	check_rules(NULL, 0);
	assert_true(needs_program(NULL, 0));
}

static void test_as_engines_write_them(void **state)
{
	static const struct oci_device_rule docker[] = {
		{ .allow = false, .type = 'a', RWM },
		{ .allow = true, .type = 'c', .major = NUM(1), .minor = NUM(5), RWM },
		{ .allow = true, .type = 'c', .major = NUM(1), .minor = NUM(3), RWM },
		{ .allow = true, .type = 'c', .major = NUM(5), .minor = NUM(1), RWM },
		{ .allow = false, .type = 'c', .major = NUM(10), .minor = NUM(229), RWM },
		{ .allow = true, .type = 'b', .major = NUM(8), .minor = NUM(0), .read = true },
	};

	(void)state;
	check_rules(docker, LEN(docker));
	assert_true(needs_program(docker, LEN(docker)));
}

static void test_everything_needs_no_program(void **state)
{
	static const struct oci_device_rule all[] = { { .allow = true, .type = 'a', RWM } };
	static const struct oci_device_rule in_parts[] = {
		{ .allow = false, .type = 'a', .major = ANY, .minor = ANY, RWM },
		{ .allow = true, .type = 'b', .read = true, .write = true },
		{ .allow = false, .type = 'c', .major = NUM(8), .read = true },
		{ .allow = true, .type = 'c', .read = true, .major = ANY },
		{ .allow = true, .type = 'c', .write = true, .minor = ANY },
	};
	static const struct oci_device_rule but_one[] = {
		{ .allow = true, .type = 'a', RWM },
		{ .allow = false, .type = 'b', .major = NUM(8), .minor = NUM(0), .write = true },
	};
	/* the default devices cannot be taken away */
	static const struct oci_device_rule but_null[] = {
		{ .allow = true, .type = 'a', RWM },
		{ .allow = false, .type = 'c', .major = NUM(1), .minor = NUM(3), RWM },
	};

	(void)state;
	assert_false(needs_program(all, LEN(all)));
	assert_false(needs_program(in_parts, LEN(in_parts)));
	assert_false(needs_program(but_null, LEN(but_null)));
	assert_true(needs_program(but_one, LEN(but_one)));
	check_rules(in_parts, LEN(in_parts));
	check_rules(but_one, LEN(but_one));
	check_rules(but_null, LEN(but_null));
}

static void test_parts_of_an_access(void **state)
{
	static const struct oci_device_rule rules[] = {
		{ .allow = true, .type = 'b', .major = NUM(8), .minor = NUM(1), RWM },
		{ .allow = false, .type = 'b', .major = NUM(8), .minor = ANY, .write = true },
		{ .allow = true, .type = 'c', .major = NUM(8), .read = true },
		{ .allow = true, .type = 'c', .minor = NUM(1), .write = true },
		{ .allow = true, .type = 'a', .major = NUM(0x80000000), .read = true },
		{ .allow = true, .type = 'a' }, /* no access at all: says nothing */
	};

	(void)state;
	check_rules(rules, LEN(rules));
}

/* A small generator, so that a failure comes again. */
static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*seed >> 33);
}

static void make_rules(uint64_t *seed, struct oci_device_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t r = next_random(seed);

		rules[i] = (struct oci_device_rule){ .allow = r & 1,
			                             .type = "abc"[(r >> 1) % 3],
			                             .read = r >> 8 & 1,
			                             .write = r >> 9 & 1,
			                             .mknod = r >> 10 & 1 };
		if (r >> 11 & 1)
			rules[i].major =
				(struct opt_i64)NUM(majors[next_random(seed) % LEN(majors)]);
		if (r >> 12 & 1)
			rules[i].minor =
				(struct opt_i64)NUM(minors[next_random(seed) % LEN(minors)]);
	}
}

static void test_random_lists(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct oci_device_rule rules[12];
		size_t count = next_random(&seed) % (LEN(rules) + 1);

		make_rules(&seed, rules, count);
		check_rules(rules, count);
	}
}

static void test_refused(void **state)
{
	static const struct {
		struct oci_device_rule rule;
		const char *text;
	} bad[] = {
		{ { .type = 'c', .major = NUM(-2), RWM },
		  "linux.resources.devices[1].major: -2: must be from 0 to 4294967295, or -1 for "
		  "any" },
		{ { .type = 'c', .minor = NUM(4294967296), RWM },
		  "linux.resources.devices[1].minor: 4294967296: must be from 0 to 4294967295, or "
		  "-1 for any" },
	};
	ARENA struct arena a;
	struct err e = { 0 };
	const struct bpf_insn *program;
	size_t length;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		struct oci_device_rule rules[] = { { .type = 'a', RWM }, bad[i].rule };

		assert_int_equal(cgroup_devices_compile(&a, rules, 2, &program, &length, &e), -1);
		assert_string_equal(e.text, bad[i].text);
	}

	struct oci_device_rule *many = arena_array(&a, 1025, sizeof(*many));
	assert_int_equal(cgroup_devices_compile(&a, many, 1025, &program, &length, &e), -1);
	assert_string_equal(e.text, "linux.resources.devices: 1025 rules, at most 1024");
}

/* The kernel's verifier takes what we write, also the longest and most tangled. */
static void test_verifier(void **state)
{
	static struct oci_device_rule rules[1024];
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < LEN(rules); i++) {
		make_rules(&seed, &rules[i], 1);
		rules[i].major = (struct opt_i64)NUM(next_random(&seed) % 4096);
		rules[i].minor = (struct opt_i64)NUM(next_random(&seed) % 1048576);
	}
	for (size_t count = 0; count <= LEN(rules); count = count ? count * 4 : 1) {
		ARENA struct arena a;
		struct err e = { 0 };
		const struct bpf_insn *program;
		size_t length;
		union bpf_attr attr;

		arena_init(&a, 0);
		assert_int_equal(cgroup_devices_compile(&a, rules, count, &program, &length, &e),
		                 0);
		memset(&attr, 0, sizeof(attr));
		attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
		attr.insns = (uintptr_t)program;
		attr.insn_cnt = (uint32_t)length;
		attr.license = (uintptr_t) "Apache-2.0";
		FD int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

		if (fd < 0 && (errno == EPERM || errno == ENOSYS)) {
			print_message("skipped: loading a program: %s\n", strerror(errno));
			skip();
		}
		if (fd < 0)
			fail_msg("%zu rules, %zu instructions: %s", count, length, strerror(errno));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rules),
		cmocka_unit_test(test_as_engines_write_them),
		cmocka_unit_test(test_everything_needs_no_program),
		cmocka_unit_test(test_parts_of_an_access),
		cmocka_unit_test(test_random_lists),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
