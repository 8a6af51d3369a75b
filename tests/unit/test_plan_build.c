/* SPDX-License-Identifier: Apache-2.0 */
/* plan_build.c: what is written is what a reader finds, and plan_check agrees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/launch/plan_build.h"
#include "runtime/launch/plan_check.h"
#include "unit.h"

static const struct plan *finish(struct plan_builder *b, struct buf *ret)
{
	struct err e = { 0 };

	assert_int_equal(plan_finish(b, ret, &e), 0);
	assert_int_equal(plan_check(ret->data, ret->len), 0);
	return (const struct plan *)(const void *)ret->data;
}

/* The last step of every plan. */
static void add_execve(struct plan_builder *b, struct plan_list argv)
{
	struct plan_step *step = plan_add(b, PLAN_EXECVE, "process.args");

	step->exec.file = plan_put_string(b, "/bin/true");
	step->exec.argv = argv;
}

static void test_round_trip(void **state)
{
	static const char *const argv[] = { "true", NULL, "true" };
	static const uint32_t groups[] = { 5, 7, 9 };
	struct plan_builder b;
	BUF struct buf bytes = { 0 };

	(void)state;
	plan_begin(&b, PLAN_CREATE);
	struct plan_list args = plan_put_vector(&b, argv, LEN(argv));
	struct plan_list list = plan_put_array(&b, groups, LEN(groups), sizeof(groups[0]));
	plan_add(&b, PLAN_IDS, "process.user")->ids.groups = list;
	add_execve(&b, args);
	const struct plan *plan = finish(&b, &bytes);

	assert_int_equal(plan->kind, PLAN_CREATE);
	assert_int_equal(plan->size, bytes.len);
	assert_int_equal(plan->steps.count, 2);

	const struct plan_step *step = plan_array(plan, plan->steps);
	assert_int_equal(step[0].op, PLAN_IDS);
	assert_string_equal(plan_text(plan, step[0].origin), "process.user");
	assert_int_equal(step[0].ids.groups.count, 3);
	assert_memory_equal(plan_array(plan, step[0].ids.groups), groups, sizeof(groups));

	const plan_vector_entry *entry = plan_array(plan, step[1].exec.argv);
	assert_int_equal(step[1].exec.argv.count, 3);
	assert_string_equal(plan_text(plan, (plan_str)entry[0]), "true");
	assert_int_equal(entry[1], 0);
	assert_int_equal(entry[0], entry[2]);
	assert_int_equal(entry[3], 0);
}

static void test_strings_are_shared(void **state)
{
	struct plan_builder b;

	(void)state;
	plan_begin(&b, PLAN_CREATE);
	plan_str first = plan_put_string(&b, "mounts");
	assert_int_not_equal(first, 0);
	assert_int_equal(plan_put_string(&b, "mounts"), first);
	assert_int_not_equal(plan_put_string(&b, "mount"), first);
	assert_int_equal(plan_put_string(&b, NULL), 0);
	assert_int_not_equal(plan_put_string(&b, ""), 0);
	plan_abandon(&b);
}

/* More strings than the table begins with; each keeps its one offset. */
static void test_many_strings(void **state)
{
	enum { COUNT = 20000 };
	struct plan_builder b;
	char text[32];
	plan_str *at = calloc(COUNT, sizeof(*at));

	(void)state;
	assert_non_null(at);
	plan_begin(&b, PLAN_CREATE);
	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(text, sizeof(text), "mounts[%d]", i);
		at[i] = plan_put_string(&b, text);
	}
	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(text, sizeof(text), "mounts[%d]", i);
		assert_int_equal(plan_put_string(&b, text), at[i]);
		assert_string_equal(b.bytes.data + at[i], text);
	}
	plan_abandon(&b);
	free(at);
}

static void test_empty_lists(void **state)
{
	struct plan_builder b;

	(void)state;
	plan_begin(&b, PLAN_CREATE);
	struct plan_list none = plan_put_array(&b, NULL, 0, 4);
	assert_int_equal(none.at, 0);
	assert_int_equal(none.count, 0);

	/* An empty vector still has the zero that ends it. */
	struct plan_list vector = plan_put_vector(&b, NULL, 0);
	assert_int_not_equal(vector.at, 0);
	assert_int_equal(vector.count, 0);
	plan_abandon(&b);
}

static void test_arrays_are_aligned(void **state)
{
	static const uint64_t numbers[] = { 1, 2 };
	struct plan_builder b;

	(void)state;
	plan_begin(&b, PLAN_CREATE);
	for (size_t i = 0; i < 9; i++) {
		char text[16] = "xxxxxxxxxx";

		text[i] = '\0';
		(void)plan_put_string(&b, text);
		assert_int_equal(plan_put_array(&b, numbers, 2, 8).at % 8, 0);
	}
	plan_abandon(&b);
}

static void test_too_large(void **state)
{
	struct plan_builder b;
	struct buf bytes = { 0 };
	struct err e = { 0 };
	char *large = calloc(1, PLAN_SIZE_MAX);

	(void)state;
	assert_non_null(large);
	plan_begin(&b, PLAN_CREATE);
	assert_int_equal(plan_put_array(&b, large, PLAN_SIZE_MAX, 1).count, 0);
	assert_int_equal(plan_put_array(&b, large, SIZE_MAX, 8).count, 0);
	add_execve(&b, plan_put_vector(&b, NULL, 0));
	assert_int_equal(plan_finish(&b, &bytes, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_string_equal(e.text, "the launch plan would be larger than 64 MiB");
	assert_null(bytes.data);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_strings_are_shared),
		cmocka_unit_test(test_many_strings),
		cmocka_unit_test(test_empty_lists),
		cmocka_unit_test(test_arrays_are_aligned),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
