/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "unit.h"

static void text_is_what_libc_would_say(void **unused)
{
	/* all kinds of days: leap days, ends of years and of centuries, both signs */
	(void)unused;
	for (int64_t t = -3000000000; t < 70000000000; t += 86399 * INT64_C(7)) {
		char ours[CLOCK_TEXT_MAX], libcs[CLOCK_TEXT_MAX];
		struct timespec when = { .tv_sec = t };
		struct tm utc;

		assert_non_null(gmtime_r(&when.tv_sec, &utc));
		assert_true(strftime(libcs, sizeof(libcs), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0);
		clock_text(&when, 0, ours);
		assert_string_equal(ours, libcs);
	}
}

static void nanoseconds_have_nine_digits(void **unused)
{
	char text[CLOCK_TEXT_MAX];
	struct timespec when = { .tv_sec = 951782400, .tv_nsec = 42 };

	(void)unused;
	clock_text(&when, 1, text);
	assert_string_equal(text, "2000-02-29T00:00:00.000000042Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_what_libc_would_say),
		cmocka_unit_test(nanoseconds_have_nine_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
