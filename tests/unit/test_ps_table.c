/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/scope.h"
#include "runtime/cmd.h"
#include "unit.h"

static const pid_t pids[] = { 7, 12, 4000000 };

static void keeps_the_containers_lines(void **state)
{
	static const struct {
		const char *text, *kept;
	} cases[] = {
		{ "UID PID PPID CMD\n"
		  "root 1 0 init\n"
		  "root 7 1 sh -c 12\n"
		  "root 70 7 x\n"
		  "ann 12 7 y\n"
		  "root 3 12 z\n",
		  "UID PID PPID CMD\n"
		  "root 7 1 sh -c 12\n"
		  "ann 12 7 y\n" },
		/* numbers are to the right of their column */
		{ "    PID CMD\n"
		  "      1 a\n"
		  "4000000 b\n"
		  "      7",
		  "    PID CMD\n"
		  "4000000 b\n"
		  "      7\n" },
		/* PPID and PIDX are other columns */
		{ "PPID PIDX PID\n7 7 1\n1 1 7\n", "PPID PIDX PID\n1 1 7\n" },
		{ "PID\n", "PID\n" },
		{ "PID", "PID\n" },
		/* lines that are short, empty, or hold no number there */
		{ "A PID\nx\n\n \nx 7x\nx +7\nx 07\nx 99999999999999999999\nx 7\n",
		  "A PID\nx 07\nx 7\n" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		BUF struct buf out = { 0 };
		struct err e = { 0 };

		assert_int_equal(ps_table_filter(cases[i].text, pids, LEN(pids), &out, &e), 0);
		assert_string_equal(out.data, cases[i].kept);
	}
}

static void wants_a_pid_column(void **state)
{
	static const char *const texts[] = { "", "\n", "CMD\n7\n", "PPID\n7\n", "\nPID\n7\n" };

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		BUF struct buf out = { 0 };
		struct err e = { 0 };

		assert_int_equal(ps_table_filter(texts[i], pids, LEN(pids), &out, &e), -1);
		assert_string_equal(e.text, "the output of ps has no column PID");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_containers_lines),
		cmocka_unit_test(wants_a_pid_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
