/* SPDX-License-Identifier: Apache-2.0 */
/* What events tells, and how often: counters of a group that are forged in a folder, for
 * the files are read in the same way there. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/events.c" /* NOLINT(bugprone-suspicious-include) */
#include "tests/unit/unit.h"

static char folder[] = "/tmp/caisson-events.XXXXXX";
static char told[4096]; /* since it was last compared */

static int take(const struct buf *line, struct err *e)
{
	(void)e;
	(void)strncat(told, line->data, sizeof(told) - strlen(told) - 1);
	return 0;
}

static void forge(const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void tells(const char *text)
{
	assert_string_equal(told, text);
	told[0] = '\0';
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "memory.events", "memory.max",    "memory.peak",
		                             "pids.events",   "pids.max",      "pids.peak",
		                             "cpu.stat",      "cgroup.events", "cpu.max" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static void begin(struct stream *s, int *group)
{
	struct err e = { 0 };

	forge("cgroup.events", "populated 1\nfrozen 0\n");
	forge("memory.events", "oom_kill 1\n");
	forge("memory.max", "8192\n");
	forge("memory.peak", "8000\n");
	forge("pids.events", "max 0\n");
	forge("pids.max", "20\n");
	forge("pids.peak", "20\n");
	forge("cpu.stat", "nr_periods 9\nnr_throttled 0\nthrottled_usec 0\n");
	forge("cpu.max", "1000 100000\n");
	*group = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*s = (struct stream){
		.id = "c", .tell = take, .pidfd = -1, .numbers = meter_none(), .watch = meter_none()
	};
	assert_int_equal(
		meter_open(*group, limits_files() | METER_BIT(METER_GROUP_EVENTS), &s->watch, &e),
		0);
	assert_int_equal(look(s, true, &e), 1);
	tells("");
}

/* What was before is no news; each OOM kill is told, with runc's line first. */
static void test_oom(void **state)
{
	STREAM struct stream s;
	struct err e = { 0 };
	FD int group = -1;

	(void)state;
	begin(&s, &group);
	assert_int_equal(look(&s, false, &e), 1);
	tells("");
	for (int i = 2; i < 4; i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "oom_kill %d\n", i);
		forge("memory.events", text);
		assert_int_equal(look(&s, false, &e), 1);
		(void)snprintf(text, sizeof(text),
		               "{\"type\":\"oom\",\"id\":\"c\"}\n"
		               "{\"type\":\"limit\",\"id\":\"c\",\"data\":{\"resource\":\"memory\","
		               "\"event\":\"oom_kill\",\"count\":%d,\"limit\":8192,\"peak\":8000,",
		               i);
		assert_memory_equal(told, text, strlen(text));
		told[0] = '\0';
	}
}

/* Forks that are refused and CPU time that is withheld: the first time, and at the end. */
static void test_what_comes_by_the_thousand(void **state)
{
	STREAM struct stream s;
	struct err e = { 0 };
	FD int group = -1;

	(void)state;
	begin(&s, &group);
	forge("pids.events", "max 1\n");
	forge("cpu.stat", "nr_periods 10\nnr_throttled 1\nthrottled_usec 5000\n");
	assert_int_equal(look(&s, false, &e), 1);
	assert_non_null(strstr(told, "\"resource\":\"pids\",\"event\":\"max\",\"count\":1,"
	                             "\"limit\":20,\"peak\":20,"));
	assert_non_null(strstr(told, "\"resource\":\"cpu\",\"event\":\"throttled\",\"count\":1,"
	                             "\"limit\":1000,\"period\":100000,\"periods\":10,"
	                             "\"throttledUsec\":5000,"));
	told[0] = '\0';

	forge("pids.events", "max 700\n");
	assert_int_equal(look(&s, false, &e), 1);
	tells("");
	forge("cgroup.events", "populated 0\nfrozen 0\n");
	assert_int_equal(look(&s, false, &e), 0);
	assert_non_null(strstr(told, "\"event\":\"max\",\"count\":700,"));
	assert_null(strstr(told, "throttled")); /* nothing new */
	told[0] = '\0';
}

/* limits_read asks for the limits only where something was hit. */
static void test_limits_of_a_group(void **state)
{
	ARENA struct arena a = { 0 };
	STREAM struct stream s;
	struct limit_hits hits;
	struct err e = { 0 };
	FD int group = -1;

	(void)state;
	begin(&s, &group);
	forge("memory.events", "oom_kill 0\n");
	assert_int_equal(limits_read(&a, group, &hits, &e), 0);
	assert_int_equal(hits.n, 0);
	forge("pids.events", "max 2\n");
	assert_int_equal(limits_read(&a, group, &hits, &e), 0);
	assert_int_equal(hits.n, 1);
	assert_int_equal(hits.v[0].kind, LIMIT_PIDS);
	assert_true(hits.v[0].limit.set && hits.v[0].limit.value == 20);
	assert_true(hits.v[0].peak.set && hits.v[0].peak.value == 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oom),
		cmocka_unit_test(test_what_comes_by_the_thousand),
		cmocka_unit_test(test_limits_of_a_group),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
