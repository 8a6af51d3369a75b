/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "unit.h"

static void frames_stand_outermost_first(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	errno = EACCES;
	assert_int_equal(err_sys(&e, "open %s", "/x"), -1);
	assert_int_equal(err_in(&e, "mounts[%d]", 2), -1);
	assert_string_equal(e.text, "mounts[2]: open /x: permission denied");
	assert_int_equal(e.sys, EACCES);
	assert_int_equal(e.kind, ERR_KERNEL);
}

static void words_of_errno_are_lower_case(void **unused)
{
	(void)unused;
	assert_string_equal(err_words(ENOENT), "no such file or directory");
	assert_string_equal(err_words(EPERM), "operation not permitted");
	assert_string_equal(err_words(ESRCH), "no such process");
}

/* The words that musl would change are in a table: it must have said what glibc says. */
static void words_are_those_of_glibc(void **unused)
{
	(void)unused;
	for (int number = 1; number <= EHWPOISON; number++) {
		char words[96];

		(void)snprintf(words, sizeof(words), "%s", strerror(number));
		words[0] = (char)tolower((unsigned char)words[0]);
		assert_string_equal(err_words(number), words);
	}
	assert_string_equal(err_words(EBUSY), "device or resource busy");
}

static void faults_are_joined(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	(void)err_also(&e, "a");
	(void)err_also(&e, "b");
	assert_string_equal(e.text, "a; b");
}

static void first_hint_wins(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	(void)err_hint(&e, "near");
	(void)err_hint(&e, "far");
	assert_string_equal(e.hint, "near");
}

static void long_text_is_cut_not_overrun(void **unused)
{
	char text[2 * ERR_TEXT_MAX];
	struct err e = { 0 };

	(void)unused;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		(void)err_set(&e, ERR_SPEC, "%s", text);
		(void)err_in(&e, "%s", text);
		(void)err_also(&e, "%s", text);
		assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_stand_outermost_first),
		cmocka_unit_test(words_of_errno_are_lower_case),
		cmocka_unit_test(words_are_those_of_glibc),
		cmocka_unit_test(faults_are_joined),
		cmocka_unit_test(first_hint_wins),
		cmocka_unit_test(long_text_is_cut_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
