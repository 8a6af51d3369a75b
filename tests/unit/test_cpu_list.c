/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of CPUs and memory nodes. */
#include "base/scope.h"
#include "oci-spec/spec.h"
#include "unit.h"

static void lists_are_read_as_the_kernel_reads_them(void **unused)
{
	static const struct {
		const char *list;
		uint64_t first_word;
		int count;
	} cases[] = {
		{ "0", 1, 1 },
		{ "0-3,8", 0x10f, 5 },
		{ " 1 , 2-3 ", 0xe, 3 },
		{ "0-7:1/4", 0x11, 2 },
		{ "2-9:2/3", 0x36c, 6 },
		{ "63", UINT64_C(1) << 63, 1 },
		{ "0-63", UINT64_MAX, 64 },
		{ "0-8191", UINT64_MAX, 8192 },
		{ "1,1,1-1", 2, 1 },
	};

	(void)unused;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint64_t words[OCI_CPU_LIST_WORDS];

		assert_true(oci_cpu_list_valid(cases[i].list));
		assert_int_equal(oci_cpu_list_bits(cases[i].list, words), cases[i].count);
		assert_true(words[0] == cases[i].first_word);
	}
}

static void anything_else_is_no_list(void **unused)
{
	static const char *const bad[] = {
		"",
		" ",
		",",
		"0,",
		"0,,1",
		"-1",
		"1-",
		"3-1",
		"0-3:1",
		"0-3:",
		"0-3:/",
		"0-3:4/2",
		"0-3:0/0",
		"0 1",
		"0x1",
		"1-2-3",
		"a",
		"0;1",
		"0-3:1/4/5",
		"all",
		"+1",
		"1234567890",
		"0-1234567890",
		"0-3:1/1234567890",
	};

	(void)unused;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_false(oci_cpu_list_valid(bad[i]));
}

static void numbers_that_no_kernel_has_are_too_large(void **unused)
{
	uint64_t words[OCI_CPU_LIST_WORDS];

	(void)unused;
	assert_int_equal(oci_cpu_list_bits("8192", words), -1);
	assert_int_equal(oci_cpu_list_bits("0,0-999999999", words), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_as_the_kernel_reads_them),
		cmocka_unit_test(anything_else_is_no_list),
		cmocka_unit_test(numbers_that_no_kernel_has_are_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
