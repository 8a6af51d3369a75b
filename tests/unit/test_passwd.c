/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

/* init is no part of the library that tests are linked with */
#include "runtime/launch/init/passwd.c" /* NOLINT(bugprone-suspicious-include) */
#include "unit.h"

static char home[16];

/* The home of uid in `text`, fed in pieces of `piece` bytes; NULL: none. */
static const char *find_in_pieces(uint32_t uid, const char *text, size_t length, size_t piece)
{
	struct passwd_search search = passwd_search(uid, home, sizeof(home));

	for (size_t at = 0; at < length; at += piece) {
		size_t left = length - at < piece ? length - at : piece;

		if (passwd_feed(&search, text + at, left))
			return home;
	}
	return passwd_end(&search) ? home : NULL;
}

static const char *find(uint32_t uid, const char *text)
{
	return find_in_pieces(uid, text, strlen(text), SIZE_MAX / 2);
}

static void expect_home(uint32_t uid, const char *text, const char *wanted)
{
	for (size_t piece = 1; piece < 40; piece++) {
		const char *found = find_in_pieces(uid, text, strlen(text), piece);

		assert_non_null(found);
		assert_string_equal(found, wanted);
	}
}

static void a_home_is_found_however_the_file_is_cut(void **unused)
{
	const char *text = "root:x:0:0:root:/root:/bin/sh\n"
			   "a:x:1000:1000:A,,,:/home/a:/bin/sh\n"
			   "b:x:1001:1001::/home/b:\n"
			   "c:x:1002:1002::/home/c";

	(void)unused;
	expect_home(0, text, "/root");
	expect_home(1000, text, "/home/a");
	expect_home(1001, text, "/home/b");
	expect_home(1002, text, "/home/c"); /* no newline at the end */
	assert_null(find(1003, text));
	assert_null(find(100, text));
	assert_null(find(1, text));
}

static void the_first_line_that_counts_wins(void **unused)
{
	(void)unused;
	expect_home(5, "a:x:5:5::/one:\nb:x:5:5::/two:\n", "/one");
	expect_home(5, "a:x:5:5:::\nb:x:5:5::/two:\n", "/two"); /* empty home */
	expect_home(5, "a:x:5\nb:x:5:5::/two:\n", "/two");      /* no home */
}

static void a_number_is_digits_and_nothing_else(void **unused)
{
	static const char *const not_five[] = {
		"a:x:+5:5::/h:\n",
		"a:x: 5:5::/h:\n",
		"a:x:5 :5::/h:\n",
		"a:x:-5:5::/h:\n",
		"a:x::5::/h:\n",
		"5:x:a:5::/h:\n",
		"a:x:0x5:5::/h:\n",
		"a:5:6:5::/h:\n",
		"a:x:4294967301:5::/h:\n",           /* 2^32 + 5 */
		"a:x:18446744073709551621:5::/h:\n", /* 2^64 + 5 */
		"a:x:55555555555555555555555555555555:5::/h:\n",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(not_five) / sizeof(*not_five); i++)
		assert_null(find(5, not_five[i]));
	expect_home(5, "a:x:005:5::/h:\n", "/h");
	expect_home(UINT32_MAX - 1, "a:x:4294967294:5::/h:\n", "/h");
	assert_null(find(0, "a:x::5::/h:\n"));
}

static void a_home_that_does_not_fit_is_none(void **unused)
{
	(void)unused;
	expect_home(5, "a:x:5:5::/3456789abcdefg:\n", "/3456789abcdefg"); /* 15 bytes */
	assert_null(find(5, "a:x:5:5::/3456789abcdefgh:\n"));
	expect_home(5, "a:x:5:5::/3456789abcdefgh:\nb:x:5:5::/h:\n", "/h");
}

static void a_line_without_end_is_skipped(void **unused)
{
	size_t length = PASSWD_LINE_MAX + 100;
	char *text = malloc(length);

	(void)unused;
	assert_non_null(text);
	/* NOLINTBEGIN(bugprone-not-null-terminated-result): lines, not strings */
	memset(text, 'a', length);
	memcpy(text, "a:x:5:5:", 8);
	memcpy(text + length - 5, ":/h:\n", 5);
	assert_null(find_in_pieces(5, text, length, 4096));
	memcpy(text + length - 18, "\nb:x:5:5::/home:x\n", 18);
	/* NOLINTEND(bugprone-not-null-terminated-result) */
	assert_non_null(find_in_pieces(5, text, length, 4096));
	assert_string_equal(home, "/home");
	free(text);
}

static void a_nul_byte_spoils_its_line(void **unused)
{
	(void)unused;
	assert_null(find_in_pieces(5, "a:x:5:5::/h\0/x:\n", 16, 100));
	assert_null(find_in_pieces(5, "a\0:x:5:5::/h:\n", 14, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_is_found_however_the_file_is_cut),
		cmocka_unit_test(the_first_line_that_counts_wins),
		cmocka_unit_test(a_number_is_digits_and_nothing_else),
		cmocka_unit_test(a_home_that_does_not_fit_is_none),
		cmocka_unit_test(a_line_without_end_is_skipped),
		cmocka_unit_test(a_nul_byte_spoils_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
