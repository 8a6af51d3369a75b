/* SPDX-License-Identifier: Apache-2.0 */
/* What the text of a group's files means, what is made of it, and a real group. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/stats.h"
#include "runtime/limits.h"
#include "runtime/meter_json.h"
#include "runtime/sizes.h"
#include "tests/unit/unit.h"

static void parse(struct arena *a, enum meter_file file, const char *text,
                  struct meter_reading *ret)
{
	meter_parse(a, file, arena_string(a, text, strlen(text)), ret);
}

static void test_numbers(void **state)
{
	ARENA struct arena a = { 0 };
	struct meter_reading r = { 0 };

	(void)state;
	parse(&a, METER_MEMORY_CURRENT, "4096\n", &r);
	assert_true(r.number[METER_MEMORY_CURRENT].set);
	assert_int_equal(r.number[METER_MEMORY_CURRENT].value, 4096);
	parse(&a, METER_MEMORY_MAX, "max\n", &r);
	assert_true(r.number[METER_MEMORY_MAX].value == METER_NO_LIMIT);
	parse(&a, METER_PIDS_MAX, "-1\n", &r);
	assert_false(r.number[METER_PIDS_MAX].set);
	assert_false(r.number[METER_PIDS_CURRENT].set);
	parse(&a, METER_CPUS, "0-3,7\n", &r);
	assert_string_equal(r.words[METER_CPUS], "0-3,7");
}

static void test_tables(void **state)
{
	ARENA struct arena a = { 0 };
	struct meter_reading r = { 0 };
	const struct meter_table *t = &r.table[METER_CPU_STAT];
	uint64_t value;

	(void)state;
	parse(&a, METER_CPU_STAT, "usage_usec 12\nodd\nnew_key x\nuser_usec 7\n", &r);
	assert_int_equal(t->n, 2);
	assert_int_equal(meter_get(t, "user_usec"), 7);
	assert_false(meter_find(t, "nr_periods", &value));
	assert_int_equal(meter_get(t, "nr_periods"), 0);

	parse(&a, METER_IO_STAT, "8:0 rbytes=1 wbytes=2 rios=3\n8:16 \nbad\n9:1 wios=4\n", &r);
	assert_int_equal(r.lines[METER_IO_STAT].n, 2);
	assert_string_equal(r.lines[METER_IO_STAT].v[0].name, "8:0");
	assert_int_equal(meter_get(&r.lines[METER_IO_STAT].v[0].values, "wbytes"), 2);
	assert_int_equal(meter_get(&r.lines[METER_IO_STAT].v[1].values, "wios"), 4);
}

static void test_pressure(void **state)
{
	ARENA struct arena a = { 0 };
	struct meter_reading r = { 0 };
	const struct meter_pressure *p = &r.pressure[METER_CPU_PRESSURE];

	(void)state;
	parse(&a, METER_CPU_PRESSURE,
	      "some avg10=1.05 avg60=100.00 avg300=0.30 total=123\n"
	      "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
	      &r);
	assert_true(p->set);
	assert_int_equal(p->some.avg10, 105);
	assert_int_equal(p->some.avg60, 10000);
	assert_int_equal(p->some.avg300, 30);
	assert_int_equal(p->some.total, 123);
	assert_int_equal(p->full.total, 5);

	parse(&a, METER_CPU_PRESSURE, "some avg10=1 avg60=2 avg300=3 total=4\n", &r);
	assert_false(p->set);
}

/* --- limits ---------------------------------------------------------------------------- */

static void test_limits(void **state)
{
	ARENA struct arena a = { 0 };
	struct meter_reading r = { 0 };
	struct limit_hits hits;

	(void)state;
	parse(&a, METER_MEMORY_EVENTS, "low 0\nmax 12\noom 2\noom_kill 0\n", &r);
	parse(&a, METER_CPU_STAT, "usage_usec 5\nnr_periods 10\nnr_throttled 0\n", &r);
	limits_find(&a, &r, &hits);
	assert_int_equal(hits.n, 0);

	parse(&a, METER_MEMORY_EVENTS, "oom_kill 1\n", &r);
	parse(&a, METER_MEMORY_MAX, "33554432\n", &r);
	parse(&a, METER_MEMORY_PEAK, "33550336\n", &r);
	parse(&a, METER_PIDS_EVENTS, "max 3\n", &r);
	parse(&a, METER_PIDS_MAX, "max\n", &r);
	parse(&a, METER_CPU_STAT, "nr_periods 10\nnr_throttled 5\nthrottled_usec 123456\n", &r);
	parse(&a, METER_CPU_MAX, "20000 100000\n", &r);
	limits_find(&a, &r, &hits);
	assert_int_equal(hits.n, 3);
	assert_string_equal(hits.v[0].text, "1 process was killed when memory was used up: the "
	                                    "limit is 32 MiB, the peak was 31.9 MiB");
	assert_string_equal(hits.v[1].text, "3 times a new process was refused: no limit of its "
	                                    "own, but a group's");
	assert_string_equal(hits.v[2].text,
	                    "the CPU was withheld in 5 of 10 periods, for 123 ms in all: the limit "
	                    "is 20000 us of CPU time in 100000 us");
	assert_true(limits_remarkable(&hits.v[0]));
	assert_false(limits_remarkable(&hits.v[2]));
	hits.v[2].count = 6;
	assert_true(limits_remarkable(&hits.v[2]));
	hits.v[2].count = hits.v[2].periods = 4; /* soon over */
	assert_false(limits_remarkable(&hits.v[2]));
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 150 * 1024 + 512, "150 KiB" },
		{ UINT64_C(3) << 30, "3 GiB" },
		{ UINT64_MAX, "15.9 EiB" },
	};
	char text[SIZE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		size_text(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* --- JSON -------------------------------------------------------------------------------- */

static void print(const struct meter_reading *r, struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "" };

	out->len = 0;
	meter_stats_json(&w, r);
}

/* What runc prints of a group that has no controllers, key by key; and ours at the end. */
static void test_json_of_nothing(void **state)
{
	static const struct meter_reading none;
	BUF struct buf out = { 0 };

	(void)state;
	print(&none, &out);
	assert_string_equal(
		out.data,
		"{\"cpu\":{\"usage\":{\"kernel\":0,\"user\":0},\"throttling\":{}},"
		"\"cpuset\":{\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,"
		"\"memory_migrate\":0,\"memory_spread_page\":0,\"memory_spread_slab\":0,"
		"\"memory_pressure\":0,\"sched_load_balance\":0,\"sched_relax_domain_level\":0},"
		"\"memory\":{\"usage\":{\"limit\":0,\"failcnt\":0},\"swap\":{\"limit\":0,"
		"\"failcnt\":0},\"kernel\":{\"limit\":0,\"failcnt\":0},\"kernelTCP\":{\"limit\":0,"
		"\"failcnt\":0}},\"pids\":{},\"blkio\":{},\"hugetlb\":{},\"intel_rdt\":{},"
		"\"network_interfaces\":null,\"v2\":{}}");
}

static void assert_has(const struct buf *out, const char *text)
{
	if (!strstr(out->data, text))
		fail_msg("%s is not in %s", text, out->data);
}

static void test_json(void **state)
{
	static const struct meter_huge huge[] = {
		{ .size = "2MB", .current = 2097152, .failures = 3 }
	};
	ARENA struct arena a = { 0 };
	struct meter_reading r = { .huge = huge, .huge_count = 1 };
	BUF struct buf out = { 0 };

	(void)state;
	parse(&a, METER_CPU_STAT, "usage_usec 12\nuser_usec 7\nsystem_usec 5\nnr_throttled 2\n",
	      &r);
	parse(&a, METER_CPUS, "0-2,7", &r);
	parse(&a, METER_MEMS, "0", &r);
	parse(&a, METER_MEMORY_CURRENT, "4096", &r);
	parse(&a, METER_MEMORY_MAX, "8192", &r);
	parse(&a, METER_SWAP_CURRENT, "100", &r);
	parse(&a, METER_SWAP_MAX, "1000", &r);
	parse(&a, METER_MEMORY_EVENTS, "low 0\nmax 9\noom_kill 1\n", &r);
	parse(&a, METER_MEMORY_STAT, "anon 5\nfile 6\n", &r);
	parse(&a, METER_PIDS_CURRENT, "3", &r);
	parse(&a, METER_PIDS_MAX, "max", &r);
	parse(&a, METER_IO_STAT, "8:16 rbytes=1 wbytes=2 rios=3 wios=0 dbytes=0 dios=0\n", &r);
	parse(&a, METER_RDMA_CURRENT, "mlx5_0 hca_handle=2 hca_object=20\n", &r);
	parse(&a, METER_MISC_CURRENT, "sev 4\n", &r);
	print(&r, &out);
	assert_has(&out, "{\"usage\":{\"total\":12000,\"kernel\":5000,\"user\":7000},"
	                 "\"throttling\":{\"throttledPeriods\":2}}");
	assert_has(&out, "{\"cpus\":[0,1,2,7],\"cpu_exclusive\":0,\"mems\":[0],");
	assert_has(&out, "{\"cache\":6,\"usage\":{\"limit\":8192,\"usage\":4096,\"failcnt\":9},"
	                 "\"swap\":{\"limit\":9192,\"usage\":4196,\"failcnt\":0}");
	assert_has(&out, "\"raw\":{\"anon\":5,\"file\":6}}");
	assert_has(&out, "\"memory.events\":{\"max\":9,\"oom_kill\":1}"); /* no zeros */
	assert_has(&out, "\"pids\":{\"current\":3}");
	assert_has(&out, "\"ioServiceBytesRecursive\":[{\"major\":8,\"minor\":16,\"op\":\"Read\","
	                 "\"value\":1},{\"major\":8,\"minor\":16,\"op\":\"Write\",\"value\":2},"
	                 "{\"major\":8,\"minor\":16,\"op\":\"Discard\"}]");
	assert_has(&out, "\"hugetlb\":{\"2MB\":{\"usage\":2097152,\"failcnt\":3}}");
	assert_has(&out, "\"rdma.current\":{\"mlx5_0\":{\"hca_handle\":2,\"hca_object\":20}}");
	assert_has(&out, "\"misc.current\":{\"sev\":4}");

	/* without a limit */
	parse(&a, METER_MEMORY_MAX, "max", &r);
	print(&r, &out);
	assert_has(&out, "\"swap\":{\"limit\":18446744073709551615,");
}

/* --- a real group ------------------------------------------------------------------------ */

static void test_group(void **state)
{
	ARENA struct arena a = { 0 };
	METER struct meter meter = meter_none();
	struct cgroup_facts facts;
	struct meter_reading r;
	struct err e = { 0 };
	char path[64];
	bool made;

	(void)state;
	(void)snprintf(path, sizeof(path), "/caisson-meter-%d", (int)getpid());
	if (cgroup_probe(false, &facts, &e) < 0 || facts.mode == CGROUP_NONE || geteuid() != 0) {
		print_message("needs root and a cgroup2 mount\n");
		skip();
	}
	FD int group = cgroup_create(&facts, path, 0, &made, &e);
	if (group < 0) {
		print_message("%s\n", e.text);
		skip();
	}
	assert_int_equal(meter_open(group, METER_ALL, &meter, &e), 0);
	assert_int_equal(meter_read(&meter, &a, &r, &e), 1);
	assert_true(meter_find(&r.table[METER_CPU_STAT], "usage_usec", &(uint64_t){ 0 }));
	assert_int_equal(meter_get(&r.table[METER_GROUP_EVENTS], "populated"), 0);
	/* no controllers were asked for */
	assert_false(r.number[METER_MEMORY_CURRENT].set);
	assert_int_equal(r.table[METER_MEMORY_EVENTS].n, 0);

	assert_int_equal(cgroup_destroy(&facts, path, 1000, &e), 0);
	assert_int_equal(meter_read(&meter, &a, &r, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),         cmocka_unit_test(test_tables),
		cmocka_unit_test(test_pressure),        cmocka_unit_test(test_limits),
		cmocka_unit_test(test_json_of_nothing), cmocka_unit_test(test_json),
		cmocka_unit_test(test_sizes),           cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
