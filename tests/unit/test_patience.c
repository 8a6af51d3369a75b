/* SPDX-License-Identifier: Apache-2.0 */
/* patience.c: spans of time, and what ends a wait. */
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "runtime/patience.h"
#include "unit.h"

static void spans_of_time(void **unused)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "5s", 5000 },  { "100ms", 100 }, { "1m30s", 90000 },   { "1h", 3600000 },
		{ "0.5s", 500 }, { ".5s", 500 },   { "1.s", 1000 },      { "1ns", 1 },
		{ "1500us", 2 }, { "0s", 0 },      { "1.25h", 4500000 }, { "2147483s", 2147483000 },
	};
	int64_t ms;

	(void)unused;
	for (size_t i = 0; i < LEN(good); i++) {
		struct err e = { 0 };

		assert_int_equal(patience_parse(good[i].text, &ms, &e), 0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void no_spans_of_time(void **unused)
{
	static const char *const bad[] = {
		"",         "5",     "s",
		"-5s",      "+5s",   " 5s",
		"5s ",      "5 s",   "5x",
		".s",       "1..5s", "5sm",
		"0x5s",     "1e3s",  "99999999999999999999s",
		"2147484s", "597h",  "0.0000000001s",
		"590h590h", "5S",
	};

	(void)unused;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = { 0 };
		int64_t ms = 42;

		if (patience_parse(bad[i], &ms, &e) == 0)
			fail_msg("\"%s\" was taken for %lld ms", bad[i], (long long)ms);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(ms, 42);
	}
}

static void what_is_awaited(void **unused)
{
	struct patience p = PATIENCE_ENDLESS;
	struct err e = { 0 };
	int ends[2];

	(void)unused;
	assert_int_equal(pipe(ends), 0);
	FD int from = ends[0];
	FD int to = ends[1];
	struct pollfd one = { .fd = from, .events = POLLIN };
	int64_t before = clock_ms();

	assert_int_equal(patience_poll(&p, &one, 1, 0, &e), 0);
	assert_int_equal(patience_poll(NULL, &one, 1, 50, &e), 0);
	assert_true(clock_ms() - before >= 50);
	assert_int_equal(write(to, "x", 1), 1);
	assert_int_equal(patience_poll(&p, &one, 1, -1, &e), 1);
	assert_int_equal(one.revents, POLLIN);
	assert_int_equal(patience_wait(NULL, from, &e), 0);
	fd_drop(&to);
	assert_int_equal(patience_wait(&p, from, &e), 0);
}

static void the_deadline(void **unused)
{
	struct patience p = PATIENCE_ENDLESS;
	struct err e = { 0 };
	int ends[2];

	(void)unused;
	assert_int_equal(pipe(ends), 0);
	FD int from = ends[0];
	FD int to = ends[1];
	int64_t before = clock_ms();

	p.deadline = before + 50;
	p.limit = "50ms";
	assert_int_equal(patience_wait(&p, from, &e), -1);
	assert_true(clock_ms() - before >= 50);
	assert_int_equal(e.kind, ERR_STATE);
	assert_string_equal(e.text, "not done within 50ms");
	/* it holds also while the peer keeps talking */
	assert_int_equal(write(to, "x", 1), 1);
	assert_int_equal(patience_wait(&p, from, &e), -1);
}

static void a_signal(void **unused)
{
	struct patience p = PATIENCE_ENDLESS;
	struct err e = { 0 };
	sigset_t set, old;
	int ends[2];

	(void)unused;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(pipe(ends), 0);
	FD int from = ends[0];
	FD int to = ends[1];
	FD int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	p.signals = signals;
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(patience_wait(&p, from, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_string_equal(e.text, "interrupted by SIGTERM");
	/* it was taken; others end nothing */
	assert_int_equal(write(to, "x", 1), 1);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(patience_wait(&p, from, &e), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_of_time),   cmocka_unit_test(no_spans_of_time),
		cmocka_unit_test(what_is_awaited), cmocka_unit_test(the_deadline),
		cmocka_unit_test(a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
