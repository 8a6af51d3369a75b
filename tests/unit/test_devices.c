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

/* Of 32 bits, as all that the program computes. */
static bool jumps(uint8_t code, uint32_t a, uint32_t imm)
{
	if (code == (BPF_JMP | BPF_JA))
		return true;
	assert_int_equal(BPF_CLASS(code), BPF_JMP32);
	assert_int_equal(BPF_SRC(code), BPF_K);
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == imm;
	case BPF_JNE:
		return a != imm;
	case BPF_JSET:
		return (a & imm) != 0;
	default:
		fail_msg("jump code 0x%02x", code);
		return false;
	}
}

static uint32_t compute(uint8_t code, uint32_t a, uint32_t b)
{
	switch (BPF_OP(code)) {
	case BPF_MOV:
		return b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << b;
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
	uint32_t r[11] = { 0 };

	for (size_t at = 0; at < count; at++) {
		struct bpf_insn in = program[at];
		uint32_t operand = BPF_SRC(in.code) == BPF_X ? r[in.src_reg] : (uint32_t)in.imm;
		uint32_t word;

		switch (BPF_CLASS(in.code)) {
		case BPF_LDX:
			assert_int_equal(in.code, BPF_LDX | BPF_MEM | BPF_W);
			assert_int_equal(in.src_reg, BPF_REG_1);
			assert_in_range(in.off, 0, sizeof(ctx) - sizeof(word));
			memcpy(&word, (char *)&ctx + in.off, sizeof(word));
			r[in.dst_reg] = word;
			break;
		case BPF_ALU:
			r[in.dst_reg] = compute(in.code, r[in.dst_reg], operand);
			break;
		case BPF_JMP:
		case BPF_JMP32:
			if (in.code == (BPF_JMP | BPF_EXIT))
				return r[0] != 0;
			assert_in_range(in.off, 0, INT16_MAX); /* forwards: it ends */
			if (jumps(in.code, r[in.dst_reg], operand))
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
		return minor == 0 || minor == 2;
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

/* The kernel's numbers have 12 and 20 bits. Those of rules may have more, and some would
 * be another device's if the excess were cut off or counted with the other number. */
static const uint32_t majors[] = { 0, 1, 5, 8, 10, 136, 4095, 4096, 4097, 0x80000008, UINT32_MAX };
static const uint32_t minors[] = { 0,       1,       2,        3,          200,       1048574,
	                           1048575, 1048576, 0x800001, 0x80000001, UINT32_MAX };
enum { REAL_MAJORS = 7, REAL_MINORS = 7 };

/* A list of rules and what was made of it. */
struct compiled {
	const struct oci_device_rule *rules;
	size_t count;
	const struct bpf_insn *program;
	size_t length;
	bool all; /* all that was asked for so far was allowed */
};

/* Every access to one device. */
static void compare_device(struct compiled *c, uint32_t type, uint32_t major, uint32_t minor)
{
	for (uint32_t access = 0; access < 8; access++) {
		bool expected = allowed(c->rules, c->count, type, access, major, minor);

		c->all &= expected;
		if (c->program &&
		    run(c->program, c->length, type, access, major, minor) != expected)
			fail_msg("type %u access %u device %u:%u should be %d", type, access, major,
			         minor, expected);
	}
}

static void compare(struct compiled *c)
{
	c->all = true;
	for (uint32_t device = 0; device < REAL_MAJORS * REAL_MINORS; device++) {
		uint32_t major = majors[device % REAL_MAJORS];
		uint32_t minor = minors[device / REAL_MAJORS];

		compare_device(c, BPF_DEVCG_DEV_CHAR, major, minor);
		compare_device(c, BPF_DEVCG_DEV_BLOCK, major, minor);
	}
}

static struct compiled compile(struct arena *a, const struct oci_device_rule *rules, size_t count)
{
	struct compiled c = { .rules = rules, .count = count };
	struct err e = { 0 };

	assert_int_equal(cgroup_devices_compile(a, rules, count, &c.program, &c.length, &e), 0);
	return c;
}

static void check_rules(const struct oci_device_rule *rules, size_t count)
{
	ARENA struct arena a;
	struct compiled c;

	arena_init(&a, 0);
	c = compile(&a, rules, count);
	compare(&c);
	if (!c.program) {
		assert_int_equal(c.length, 0);
		assert_true(c.all);
	}
}

static bool needs_program(const struct oci_device_rule *rules, size_t count)
{
	ARENA struct arena a;

	arena_init(&a, 0);
	return compile(&a, rules, count).program != NULL;
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

/* The kernel asks for no such device, so nothing is made of the rules. */
static void test_numbers_of_no_device(void **state)
{
	static const struct oci_device_rule rules[] = {
		{ .allow = true, .type = 'a', .major = NUM(4096), RWM },
		{ .allow = true, .type = 'a', .minor = NUM(1048576), RWM },
		{ .allow = true, .type = 'a', .major = NUM(4097), .minor = NUM(1), RWM },
		{ .allow = true, .type = 'a', .major = NUM(0), .minor = NUM(0x800001), RWM },
	};
	static const struct oci_device_rule last[] = {
		{ .allow = true, .type = 'b', .major = NUM(4095), .minor = NUM(1048575), RWM },
		{ .allow = true, .type = 'b', .major = NUM(4095), .minor = NUM(0), .read = true },
	};
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(compile(&a, rules, LEN(rules)).length, compile(&a, NULL, 0).length);
	check_rules(rules, LEN(rules));
	check_rules(last, LEN(last));
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

/* Many rules for a few devices: exact ones over exact ones, between wildcards. */
static void test_overlapping_lists(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct oci_device_rule rules[40];

		make_rules(&seed, rules, LEN(rules));
		for (size_t i = 0; i < LEN(rules); i++) {
			uint32_t r = next_random(&seed);

			if (r % 8 != 0)
				rules[i].major = (struct opt_i64)NUM(majors[2 + (r >> 3) % 2]);
			if (r % 8 != 1)
				rules[i].minor = (struct opt_i64)NUM(minors[(r >> 5) % 3]);
		}
		check_rules(rules, LEN(rules));
	}
}

/* As many rules as there may be, of each kind that gives much code: what is matched
 * decides a part, and nothing covers anything. */
enum { EXACT, MAJORS, MINORS, MIXED, FULL, SHAPES };

static void make_long_list(int shape, struct oci_device_rule *rules, size_t count)
{
	uint64_t seed = 7;

	for (size_t i = 0; i < count; i++) {
		uint32_t r = next_random(&seed);
		bool write = shape == FULL || (shape == MIXED && (r >> 2 & 1));

		rules[i] = (struct oci_device_rule){ .allow = shape != MIXED || (r & 1),
			                             .type = 'a',
			                             .read = shape != MIXED || (r >> 1 & 1),
			                             .write = write };
		if (shape != MINORS && (shape != MIXED || r % 16 != 0))
			rules[i].major = (struct opt_i64)NUM(4095 - (int64_t)i);
		if (shape != MAJORS && (shape != MIXED || r % 16 != 1))
			rules[i].minor = (struct opt_i64)NUM(1048575 - (int64_t)i * 3);
	}
}

static void test_long_lists(void **state)
{
	static struct oci_device_rule rules[1024];

	(void)state;
	for (int shape = 0; shape < SHAPES; shape++) {
		ARENA struct arena a;
		struct compiled c;

		make_long_list(shape, rules, LEN(rules));
		arena_init(&a, 0);
		c = compile(&a, rules, LEN(rules));
		assert_non_null(c.program);
		for (uint32_t i = 0; i < LEN(rules); i += 31) {
			compare_device(&c, BPF_DEVCG_DEV_CHAR, 4095 - i, 1048575 - i * 3);
			compare_device(&c, BPF_DEVCG_DEV_BLOCK, 4095 - i, 1048575 - i * 3);
			compare_device(&c, BPF_DEVCG_DEV_BLOCK, 4095 - i, 1048574 - i * 3);
			compare_device(&c, BPF_DEVCG_DEV_BLOCK, 4094 - i, 1048575 - i * 3);
		}
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

/* Loads the program for the rules. */
static void load(const struct oci_device_rule *rules, size_t count)
{
	ARENA struct arena a;
	struct compiled c;
	union bpf_attr attr;

	arena_init(&a, 0);
	c = compile(&a, rules, count);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)c.program;
	attr.insn_cnt = (uint32_t)c.length;
	attr.license = (uintptr_t) "Apache-2.0";
	FD int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0 && (errno == EPERM || errno == ENOSYS)) {
		print_message("skipped: loading a program: %s\n", strerror(errno));
		skip();
	}
	if (fd < 0)
		fail_msg("%zu rules, %zu instructions: %s", count, c.length, strerror(errno));
}

/* The kernel's verifier takes what we write, also the longest and most tangled. */
static void test_verifier(void **state)
{
	static struct oci_device_rule rules[1024];
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 50; round++) {
		make_rules(&seed, rules, 12);
		if (needs_program(rules, 12))
			load(rules, 12);
	}
	for (size_t i = 0; i < LEN(rules); i++) {
		make_rules(&seed, &rules[i], 1);
		rules[i].major = (struct opt_i64)NUM(next_random(&seed) % 4096);
		rules[i].minor = (struct opt_i64)NUM(next_random(&seed) % 1048576);
	}
	for (size_t count = 0; count <= LEN(rules); count = count ? count * 4 : 1)
		load(rules, count);
	for (int shape = 0; shape < SHAPES; shape++) {
		make_long_list(shape, rules, LEN(rules));
		load(rules, LEN(rules));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rules),
		cmocka_unit_test(test_as_engines_write_them),
		cmocka_unit_test(test_everything_needs_no_program),
		cmocka_unit_test(test_parts_of_an_access),
		cmocka_unit_test(test_numbers_of_no_device),
		cmocka_unit_test(test_random_lists),
		cmocka_unit_test(test_overlapping_lists),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
