/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock from the annotation to the plan: how it is read, what is a fault, and what
 * becomes of it on kernels that know less. tests/cli/landlock.bats has the wall itself.
 */
#include "plan_case.h"

#define LANDLOCK(text) .top = "\"annotations\":{\"io.caisson.landlock\":\"" text "\"}"
#define FILES \
	"\\\"ruleset\\\":{\\\"handledAccessFS\\\":[\\\"read_file\\\",\\\"truncate\\\",\\\"ioctl_dev\\\"]}"
#define PATHS                                                                            \
	"\\\"rules\\\":{\\\"pathBeneath\\\":[{\\\"allowedAccess\\\":[\\\"read_file\\\"," \
	"\\\"truncate\\\"],\\\"paths\\\":[\\\"/a\\\",\\\"/b\\\"]},"                      \
	"{\\\"allowedAccess\\\":[\\\"ioctl_dev\\\"],\\\"paths\\\":[\\\"/dev\\\"]}]}"
#define STRICT "\\\"disableBestEffort\\\":true"
#define NET \
	"\\\"rules\\\":{\\\"networkPort\\\":[{\\\"allowedAccess\\\":[\\\"connect_tcp\\\"],\\\"ports\\\":[443,80]}]}"
#define SCOPES "\\\"ruleset\\\":{\\\"scoped\\\":[\\\"signal\\\"]}"

static struct host_facts with_abi(int abi)
{
	struct host_facts facts = plan_case_root;

	facts.landlock_abi = abi;
	return facts;
}

static void it_is_in_the_plan(void **state)
{
	const struct host_facts facts = with_abi(7);

	(void)state;
	PLAN_CASE(plan, LANDLOCK("{" FILES "," PATHS "}"), .facts = &facts);
	const struct plan_step *s = plan_case_step(plan, PLAN_LANDLOCK, 0);
	const struct plan_landlock *rule = plan_array(plan, s->landlock.rules);

	assert_int_equal(s->landlock.fs, 1 << 2 | 1 << 14 | 1 << 15);
	assert_int_equal(s->landlock.net, 0);
	assert_int_equal(s->landlock.strict, 0);
	assert_int_equal(s->landlock.rules.count, 3);
	assert_string_equal(plan_text(plan, rule[1].path), "/b");
	assert_int_equal(rule[1].access, 1 << 2 | 1 << 14);
	assert_string_equal(plan_text(plan, rule[2].path), "/dev");
	/* behind the last mount, in front of what needs a right of root's */
	int at = plan_case_find(plan, PLAN_LANDLOCK, 0);
	assert_true(at > plan_case_find(plan, PLAN_PIVOT, 0));
	assert_true(at > plan_case_find(plan, PLAN_ENVIRONMENT, 0));
	assert_true(at < plan_case_find(plan, PLAN_BOUNDING, 0));
}

static void no_annotation_no_step(void **state)
{
	const struct host_facts facts = with_abi(7);

	(void)state;
	PLAN_CASE(plan, .facts = &facts);
	assert_int_equal(plan_case_find(plan, PLAN_LANDLOCK, 0), -1);
	assert_true(plan_case_find(plan, PLAN_ENVIRONMENT, 0) > plan_case_find(plan, PLAN_CAPS, 0));
}

/* What is not named is all that there is, as far as the kernel knows it. */
static void rules_alone_restrict_all(void **state)
{
	const struct host_facts facts = with_abi(4);

	(void)state;
	PLAN_CASE(plan, LANDLOCK("{" NET "," STRICT "}"), .facts = &facts);
	const struct plan_step *s = plan_case_step(plan, PLAN_LANDLOCK, 0);
	const struct plan_landlock *rule = plan_array(plan, s->landlock.rules);

	assert_int_equal(s->landlock.fs, 0);
	assert_int_equal(s->landlock.net, 3);
	assert_int_equal(s->landlock.strict, 1);
	assert_int_equal(s->landlock.rules.count, 2);
	assert_int_equal(rule[0].access, 2);
	assert_int_equal(rule[0].port, 443);
	assert_int_equal(rule[0].path, 0);
}

static void older_kernels_know_less(void **state)
{
	const struct host_facts abi2 = with_abi(2);

	(void)state;
	PLAN_CASE(second, LANDLOCK("{" FILES "," PATHS "}"), .facts = &abi2);
	const struct plan_step *s = plan_case_step(second, PLAN_LANDLOCK, 0);
	const struct plan_landlock *rule = plan_array(second, s->landlock.rules);
	assert_int_equal(s->landlock.fs, 1 << 2);
	assert_int_equal(s->landlock.rules.count, 2); /* that of /dev says nothing any more */
	assert_int_equal(rule[0].access, 1 << 2);
}

static void kernels_without_it_get_none(void **state)
{
	const struct host_facts none = with_abi(0);

	(void)state;
	PLAN_CASE(plan, LANDLOCK("{" FILES "," PATHS "}"), .facts = &none);
	assert_int_equal(plan_case_find(plan, PLAN_LANDLOCK, 0), -1);
}

static void nothing_left_is_no_step(void **state)
{
	const struct host_facts abi5 = with_abi(5);

	(void)state;
	PLAN_CASE(plan, LANDLOCK("{" SCOPES "}"), .facts = &abi5);
	assert_int_equal(plan_case_find(plan, PLAN_LANDLOCK, 0), -1);
}

static void strict_wants_it_all(void **state)
{
	static const struct {
		int abi;
		const char *text, *error;
	} cases[] = {
		{ 2, "{" FILES "," PATHS "," STRICT "}",
		  "annotations[\"io.caisson.landlock\"]: this kernel's Landlock (ABI 2) does not know "
		  "\"truncate\"" },
		{ 0, "{" FILES "," STRICT "}",
		  "annotations[\"io.caisson.landlock\"]: this kernel has no Landlock" },
		{ 5, "{" SCOPES "," STRICT "}",
		  "annotations[\"io.caisson.landlock\"]: this kernel's Landlock (ABI 5) does not know "
		  "\"signal\"" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct host_facts facts = with_abi(cases[i].abi);
		struct err e = { 0 };
		ARENA struct arena a;
		BUF struct buf plan = { 0 };

		arena_init(&a, 0);
		const struct plan_case c = {
			.top = arena_printf(&a, "\"annotations\":{\"io.caisson.landlock\":\"%s\"}",
			                    cases[i].text),
			.facts = &facts,
		};
		assert_int_equal(plan_case_compile(&a, &c, &plan, &e), -1);
		assert_string_equal(e.text, cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_in_the_plan),
		cmocka_unit_test(no_annotation_no_step),
		cmocka_unit_test(rules_alone_restrict_all),
		cmocka_unit_test(older_kernels_know_less),
		cmocka_unit_test(strict_wants_it_all),
		cmocka_unit_test(kernels_without_it_get_none),
		cmocka_unit_test(nothing_left_is_no_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
