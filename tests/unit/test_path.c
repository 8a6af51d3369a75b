/* SPDX-License-Identifier: Apache-2.0 */

#include "base/path.h"
#include "unit.h"

static void cleaning_is_by_text_and_stays_below_root(void **unused)
{
	static const struct {
		const char *base, *path, *clean;
	} cases[] = {
		{ "", "/", "/" },
		{ "", "", "/" },
		{ "", "..", "/" },
		{ "", "../../..", "/" },
		{ "/b", "rootfs", "/b/rootfs" },
		{ "/b", "../x", "/x" },
		{ "/b", "/abs", "/abs" },
		{ "/b/", ".", "/b" },
		{ "/b//c/./d", "../e/", "/b/c/e" },
		{ "", "/a/..b/.c/...", "/a/..b/.c/..." },
	};
	ARENA struct arena a = { 0 };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(path_clean(&a, cases[i].base, cases[i].path), cases[i].clean);
}

static void below_means_whole_parts(void **unused)
{
	(void)unused;
	assert_true(path_is_below("/proc", "/proc"));
	assert_true(path_is_below("/proc/1", "/proc"));
	assert_false(path_is_below("/process", "/proc"));
	assert_true(path_is_below("/x", "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleaning_is_by_text_and_stays_below_root),
		cmocka_unit_test(below_means_whole_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
