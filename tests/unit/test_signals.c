/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/signals.h"
#include "unit.h"

static void names_and_numbers(void **state)
{
	static const struct {
		const char *text;
		int number;
	} cases[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "term", SIGTERM },
		{ "SigKill", SIGKILL },
		{ "KILL", SIGKILL },
		{ "9", SIGKILL },
		{ "0", 0 },
		{ "64", 64 },
		{ "CLD", SIGCHLD },
		{ "IOT", SIGABRT },
		{ "SYS", SIGSYS },
		{ "RTMIN", 34 },
		{ "SIGRTMIN+3", 37 },
		{ "rtmin+0", 34 },
		{ "RTMIN+30", 64 },
		{ "RTMAX", 64 },
		{ "SIGRTMAX-1", 63 },
		{ "RTMAX-30", 34 },
		{ "", -1 },
		{ "SIG", -1 },
		{ "SIGSIGTERM", -1 },
		{ "FOO", -1 },
		{ "TERM ", -1 },
		{ " TERM", -1 },
		{ "TERMX", -1 },
		{ "65", -1 },
		{ "99999999999999999999", -1 },
		{ "-9", -1 },
		{ "+9", -1 },
		{ "9x", -1 },
		{ "0x9", -1 },
		{ "RTMIN+31", -1 },
		{ "RTMIN+", -1 },
		{ "RTMIN-1", -1 },
		{ "RTMAX+1", -1 },
		{ "RTMAX-31", -1 },
		{ "RTMIN+-1", -1 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		if (signal_number(cases[i].text) != cases[i].number)
			fail_msg("\"%s\": %d", cases[i].text, signal_number(cases[i].text));
	}
}

/* Our table against the headers of this architecture, by libc's names. */
static void table_is_the_kernels(void **state)
{
	(void)state;
	for (int number = 1; number < 32; number++) {
		const char *name = sigabbrev_np(number);

		assert_non_null(name);
		assert_int_equal(signal_number(name), number);
	}
	assert_int_equal(signal_number("RTMIN"), SIGRTMIN);
	assert_int_equal(signal_number("RTMAX"), SIGRTMAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers),
		cmocka_unit_test(table_is_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
