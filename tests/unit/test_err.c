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

static void the_first_of_collected_faults_decides(void **unused)
{
	struct err e = { 0 };
	struct err_faults faults = { .e = &e };

	(void)unused;
	err_fault(&faults, ERR_SPEC, "a: %d", 1);
	assert_true(faults.any);
	err_fault(&faults, ERR_REFUSED, "b: %d", 2);
	assert_string_equal(e.text, "a: 1; b: 2");
	assert_int_equal(e.kind, ERR_SPEC);
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

static void pointers_come_from_paths(void **unused)
{
	static const struct {
		const char *text, *pointer;
	} cases[] = {
		{ "mounts[7].options: \"x\": no", "/mounts/7/options" },
		{ "mounts[7]", "/mounts/7" },
		{ "process: is required", "/process" },
		{ "linux.sysctl[\"net.ipv4.ip_forward\"]: no",
		  "/linux/sysctl/net.ipv4.ip_forward" },
		{ "annotations[\"a/b~c\"]: no", "/annotations/a~1b~0c" },
		{ "hooks.prestart[10].path: no", "/hooks/prestart/10/path" },
		{ "root.path", "/root/path" },
		{ "getcwd: no", "" },
		{ "rootfs: no", "" },
		{ "processes: no", "" },
		{ "mount /proc (mounts[0]): no", "" },
		{ "annotations[\"open", "" },
		{ "", "" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = { 0 };

		(void)err_point(&e, cases[i].text);
		assert_string_equal(e.pointer, cases[i].pointer);
	}
}

static void pointers_are_whole_or_none(void **unused)
{
	char path[ERR_POINTER_MAX * 2] = "annotations[\"";
	struct err e = { 0 };

	(void)unused;
	memset(path + strlen(path), 'x', ERR_POINTER_MAX);
	memcpy(path + ERR_POINTER_MAX + 13, "\"]", 3);
	(void)err_point(&e, path);
	assert_string_equal(e.pointer, "");
}

static void the_innermost_place_counts(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	(void)err_set(&e, ERR_SPEC, "mounts[1].type: no");
	(void)err_in(&e, "config.json");
	(void)err_in(&e, "caisson create failed");
	assert_string_equal(e.pointer, "/mounts/1/type");
	(void)err_set(&e, ERR_KERNEL, "another");
	assert_string_equal(e.pointer, "");
	(void)err_phase(&e, "mount");
	(void)err_phase(&e, "create");
	assert_string_equal(e.phase, "mount");
}

static void joined_faults_come_apart(void **unused)
{
	struct err e = { 0 }, part;

	(void)unused;
	(void)err_set(&e, ERR_SPEC, "process.cwd: a; b");
	(void)err_also(&e, "mounts[0]: c");
	(void)err_also(&e, "and 7 more");
	(void)err_in(&e, "config.json");
	assert_true(err_part(&e, 0, &part));
	assert_string_equal(part.text, "config.json: process.cwd: a; b");
	assert_true(err_part(&e, 1, &part));
	assert_string_equal(part.text, "mounts[0]: c");
	assert_string_equal(part.pointer, "/mounts/0");
	assert_int_equal(part.kind, ERR_SPEC);
	assert_true(err_part(&e, 2, &part));
	assert_string_equal(part.text, "and 7 more");
	assert_string_equal(part.pointer, "");
	assert_false(err_part(&e, 3, &part));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_stand_outermost_first),
		cmocka_unit_test(words_of_errno_are_lower_case),
		cmocka_unit_test(words_are_those_of_glibc),
		cmocka_unit_test(faults_are_joined),
		cmocka_unit_test(the_first_of_collected_faults_decides),
		cmocka_unit_test(first_hint_wins),
		cmocka_unit_test(long_text_is_cut_not_overrun),
		cmocka_unit_test(pointers_come_from_paths),
		cmocka_unit_test(pointers_are_whole_or_none),
		cmocka_unit_test(the_innermost_place_counts),
		cmocka_unit_test(joined_faults_come_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
