/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/scope.h"
#include "runtime/cli_suggest.h"
#include "unit.h"

static void distances(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} cases[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "list", "list", 0 },
		{ "list", "lists", 1 },
		{ "list", "lst", 1 },
		{ "list", "lost", 1 },
		{ "list", "lsit", 1 },
		{ "ab", "ba", 1 },
		{ "ca", "abc", 3 },
		{ "create", "craete", 1 },
		{ "kitten", "sitting", 3 },
	};
	char longest[64] = "", too_long[65] = "";

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(suggest_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(suggest_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
	memset(longest, 'x', 63);
	memset(too_long, 'x', 64);
	assert_int_equal(suggest_distance(longest, ""), 63);
	assert_int_equal(suggest_distance(longest, longest), 0);
	assert_true(suggest_distance(too_long, "") == SIZE_MAX);
	assert_true(suggest_distance("", too_long) == SIZE_MAX);
}

static void nearest(void **state)
{
	static const char *const words[] = { "create", "delete", "exec", "kill",
		                             "list",   "start",  "state" };
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{ "creat", "create" }, { "craete", "create" }, { "delte", "delete" },
		{ "lits", "list" },    { "ls", NULL },         { "stop", NULL },
		{ "sta", "start" },    { "star", "start" },    { "stat", "start" },
		{ "stae", "state" },   { "x", NULL },          { "", NULL },
		{ "kil", "kill" },     { "ki", "kill" },       { "checkpoint", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *got = suggest_nearest(cases[i].word, words, LEN(words));

		if (!cases[i].meant)
			assert_null(got);
		else if (!got || strcmp(got, cases[i].meant) != 0)
			fail_msg("\"%s\": %s", cases[i].word, got ? got : "nothing");
	}
	assert_null(suggest_nearest("create", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
