/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources to writes: values, what is refused and why, and the order. Hosts are
 * forged. The program of the device rules has tests of its own. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"
#include "cgroups/weight.h"
#include "tests/unit/unit.h"

#define SET(n)                            \
	{                                 \
		.set = true, .value = (n) \
	}

static const struct cgroup_facts unified = { .mode = CGROUP_UNIFIED,
	                                     .mount = "/sys/fs/cgroup",
	                                     .controllers = 0xff };
static const struct cgroup_facts hybrid = { .mode = CGROUP_HYBRID,
	                                    .mount = "/sys/fs/cgroup/unified",
	                                    .controllers = CGROUP_HUGETLB };

/* Compiles and prints the writes as "file=value;..." or the error as "!text". */
static const char *compile(struct arena *a, const struct oci_resources *r,
                           const struct cgroup_facts *facts)
{
	struct cgroup_plan plan;
	struct err e = { 0 };
	const char *text = "";

	if (cgroup_compile(a, r, facts, &plan, &e) < 0)
		return arena_printf(a, "!%s", e.text);
	for (size_t i = 0; i < plan.write_count; i++) {
		assert_non_null(plan.writes[i].origin);
		text = arena_printf(a, "%s%s=%s;", text, plan.writes[i].file, plan.writes[i].value);
	}
	return text;
}

static void assert_compiles(const struct oci_resources *r, const struct cgroup_facts *facts,
                            const char *expected)
{
	ARENA struct arena a;

	arena_init(&a, 0);
	assert_string_equal(compile(&a, r, facts), expected);
}

static void test_nothing(void **state)
{
	struct oci_resources empty = { 0 };
	ARENA struct arena a;
	struct cgroup_plan plan;
	struct err e = { 0 };

	(void)state;
	assert_compiles(&empty, &unified, "");
	assert_compiles(NULL, &hybrid, "");

	/* no rules, yet a program: what no rule allows is refused */
	arena_init(&a, 0);
	assert_int_equal(cgroup_compile(&a, NULL, &hybrid, &plan, &e), 0);
	assert_non_null(plan.devices);
	assert_true(plan.device_count > 0);
}

static void test_pids(void **state)
{
	(void)state;
	assert_compiles(&(struct oci_resources){ .pids_limit = SET(100) }, &unified,
	                "pids.max=100;");
	assert_compiles(&(struct oci_resources){ .pids_limit = SET(-1) }, &unified,
	                "pids.max=max;");
	assert_compiles(&(struct oci_resources){ .pids_limit = SET(0) }, &unified, "pids.max=1;");
}

static void test_memory(void **state)
{
	static const struct {
		struct oci_memory memory;
		const char *expected;
	} cases[] = {
		{ { .limit = SET(4096) }, "memory.max=4096;" },
		{ { .limit = SET(INT64_MAX) }, "memory.max=9223372036854775807;" },
		{ { .limit = SET(0), .swap = SET(0), .reservation = SET(0) }, "" },
		{ { .limit = SET(-1) }, "memory.max=max;memory.swap.max=max;" },
		{ { .limit = SET(-1), .swap = SET(-1) }, "memory.max=max;memory.swap.max=max;" },
		{ { .limit = SET(100), .swap = SET(-1) }, "memory.max=100;memory.swap.max=max;" },
		{ { .limit = SET(100), .swap = SET(300) }, "memory.max=100;memory.swap.max=200;" },
		{ { .limit = SET(100), .swap = SET(100) }, "memory.max=100;memory.swap.max=0;" },
		{ { .limit = SET(100), .swap = SET(99) },
		  "!linux.resources.memory.swap: 99: must be at least memory.limit (100), for it "
		  "includes memory" },
		{ { .swap = SET(100) },
		  "!linux.resources.memory.swap: it includes memory, so it needs "
		  "linux.resources.memory.limit" },
		{ { .limit = SET(-1), .swap = SET(100) },
		  "!linux.resources.memory.swap: it includes memory, so it needs "
		  "linux.resources.memory.limit" },
		{ { .swap = SET(-1) }, "memory.swap.max=max;" },
		{ { .swap = SET(0) }, "memory.swap.max=0;" },
		{ { .limit = SET(100), .swap = SET(0) }, "memory.max=100;" },
		{ { .reservation = SET(7) }, "memory.low=7;" },
		{ { .reservation = SET(-1) }, "memory.low=max;" },
		{ { .kernel = SET(5) },
		  "!linux.resources.memory.kernel: cgroup v2 has no limit for kernel memory" },
		{ { .kernel = SET(-1), .kernel_tcp = SET(0) }, "" },
		{ { .kernel_tcp = SET(5) },
		  "!linux.resources.memory.kernelTCP: cgroup v2 has no limit for TCP buffers" },
		{ { .swappiness = SET(0) },
		  "!linux.resources.memory.swappiness: cgroup v2 has no swappiness" },
		{ { .disable_oom_killer = SET(true) },
		  "!linux.resources.memory.disableOOMKiller: cgroup v2 cannot switch it off" },
		{ { .disable_oom_killer = SET(false),
		    .use_hierarchy = SET(true),
		    .check_before_update = SET(true) },
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		assert_compiles(&(struct oci_resources){ .memory = &cases[i].memory }, &unified,
		                cases[i].expected);
}

static void test_cpu(void **state)
{
	static const struct {
		struct oci_cpu cpu;
		const char *expected;
	} cases[] = {
		{ { .quota = SET(50000) }, "cpu.max=50000 100000;" },
		{ { .quota = SET(50000), .period = SET(20000) }, "cpu.max=50000 20000;" },
		{ { .quota = SET(-1) }, "cpu.max=max 100000;" },
		{ { .period = SET(20000) }, "cpu.max=max 20000;" },
		{ { .quota = SET(0), .period = SET(0), .burst = SET(0) }, "cpu.max.burst=0;" },
		{ { .quota = SET(5000), .burst = SET(3000) },
		  "cpu.max=5000 100000;cpu.max.burst=3000;" },
		{ { .shares = SET(1024) }, "cpu.weight=100;" },
		{ { .shares = SET(0) }, "" },
		{ { .idle = SET(1) }, "cpu.idle=1;" },
		{ { .idle = SET(0), .shares = SET(2) }, "cpu.idle=0;cpu.weight=1;" },
		{ { .idle = SET(1), .shares = SET(2) },
		  "!linux.resources.cpu.shares: an idle cgroup (cpu.idle) has no shares" },
		{ { .cpus = "0-3", .mems = "0" }, "cpuset.cpus=0-3;cpuset.mems=0;" },
		{ { .realtime_period = SET(0), .realtime_runtime = SET(0) }, "" },
		{ { .realtime_period = SET(1), .realtime_runtime = SET(2) },
		  "!linux.resources.cpu.realtimePeriod: cgroup v2 has no realtime limits; "
		  "linux.resources.cpu.realtimeRuntime: cgroup v2 has no realtime limits" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		assert_compiles(&(struct oci_resources){ .cpu = &cases[i].cpu }, &unified,
		                cases[i].expected);
}

static void test_hugepages(void **state)
{
	static const struct oci_hugepage_limit limits[] = { { "2MB", 4194304 },
		                                            { "1GB", 0 },
		                                            { "64KB", UINT64_MAX } };
	struct oci_resources r = { .hugepage_limits = limits, .hugepage_limit_count = 3 };
	struct cgroup_facts poor = unified;
	struct cgroup_plan plan;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	assert_compiles(&r, &unified,
	                "hugetlb.2MB.max=4194304;hugetlb.2MB.rsvd.max=4194304;"
	                "hugetlb.1GB.max=0;hugetlb.1GB.rsvd.max=0;"
	                "hugetlb.64KB.max=18446744073709551615;"
	                "hugetlb.64KB.rsvd.max=18446744073709551615;");
	arena_init(&a, 0);
	assert_int_equal(cgroup_compile(&a, &r, &unified, &plan, &e), 0);
	assert_int_equal(cgroup_file_controller(plan.writes[1].file), CGROUP_HUGETLB);
	assert_string_equal(plan.writes[1].origin, "linux.resources.hugepageLimits[0].limit");
	assert_string_equal(plan.writes[2].origin, "linux.resources.hugepageLimits[1].limit");

	/* one refusal for the list */
	poor.controllers = CGROUP_MEMORY;
	assert_compiles(&r, &poor,
	                "!linux.resources.hugepageLimits: this host's cgroup2 tree has no hugetlb "
	                "controller");
	r.hugepage_limit_count = 0;
	assert_compiles(&r, &poor, "");
}

/* More than there are single fields: the room for writes grows with the list. */
static void test_many_hugepages(void **state)
{
	static struct oci_hugepage_limit limits[100];
	struct oci_resources r = { .hugepage_limits = limits, .hugepage_limit_count = LEN(limits) };
	struct cgroup_plan plan;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(limits); i++)
		limits[i] = (struct oci_hugepage_limit){ "2MB", i };
	assert_int_equal(cgroup_compile(&a, &r, &unified, &plan, &e), 0);
	assert_int_equal(plan.write_count, 200);
	assert_string_equal(plan.writes[199].value, "99");
}

static void test_what_version_2_lacks(void **state)
{
	static const struct oci_weight_device device = { 8, 0, { 0 }, SET(100) };
	static const struct oci_block_io leaf = { .leaf_weight = SET(100),
		                                  .weight_devices = &device,
		                                  .weight_device_count = 1 };

	(void)state;
	assert_compiles(&(struct oci_resources){ .block_io = &leaf, .network.class_id = SET(7) },
	                &unified,
	                "!linux.resources.blockIO.leafWeight: cgroup v2 has no leaf weights; "
	                "linux.resources.blockIO.weightDevice[0].leafWeight: cgroup v2 has no leaf "
	                "weights; "
	                "linux.resources.network: cgroup v2 has no class id and no priorities");
}

static void test_block_io(void **state)
{
	static const struct oci_block_io zero = { .weight = SET(0), .leaf_weight = SET(0) };
	static const struct oci_weight_device devices[] = { { 8, 0, SET(10), { 0 } },
		                                            { 8, 16, SET(1000), { 0 } } };
	static const struct oci_block_io weights = { .weight = SET(505),
		                                     .weight_devices = devices,
		                                     .weight_device_count = LEN(devices) };
	static const struct oci_throttle_device a = { 8, 0, 1048576 }, none = { 8, 16, 0 };
	static const struct oci_block_io throttles = { .read_bps = { &a, 1 },
		                                       .write_bps = { &none, 1 },
		                                       .read_iops = { &a, 1 },
		                                       .write_iops = { &a, 1 } };

	(void)state;
	assert_compiles(&(struct oci_resources){ .block_io = &zero }, &unified, "");
	assert_compiles(&(struct oci_resources){ .block_io = &weights }, &unified,
	                "io.bfq.weight=505;io.weight=5000;"
	                "io.bfq.weight=8:0 10;io.weight=8:0 1;"
	                "io.bfq.weight=8:16 1000;io.weight=8:16 10000;");
	assert_compiles(&(struct oci_resources){ .block_io = &throttles }, &unified,
	                "io.max=8:0 rbps=1048576;io.max=8:16 wbps=max;"
	                "io.max=8:0 riops=1048576;io.max=8:0 wiops=1048576;");
	assert_compiles(&(struct oci_resources){ .block_io = &weights }, &hybrid,
	                "!linux.resources.blockIO.weight: this host's io controller is in a "
	                "cgroup v1 hierarchy, cgroup2 has none; "
	                "linux.resources.blockIO.weightDevice[0].weight: this host's io controller "
	                "is in a cgroup v1 hierarchy, cgroup2 has none; "
	                "linux.resources.blockIO.weightDevice[1].weight: this host's io controller "
	                "is in a cgroup v1 hierarchy, cgroup2 has none");
}

/* Only one of a pair is written: the second where the first is not there. */
static void test_io_weight_pairs(void **state)
{
	static const struct oci_block_io io = { .weight = SET(100) };
	struct cgroup_plan plan;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(
		cgroup_compile(&a, &(struct oci_resources){ .block_io = &io }, &unified, &plan, &e),
		0);
	assert_int_equal(plan.write_count, 2);
	assert_false(plan.writes[0].instead);
	assert_true(plan.writes[1].instead);
}

static void test_rdma(void **state)
{
	static const struct oci_rdma_limit limits[] = { { "mlx5_0", SET(3), SET(4) },
		                                        { "mlx5_1", { 0 }, SET(0) },
		                                        { "mlx5_2", { 0 }, { 0 } } };

	(void)state;
	assert_compiles(&(struct oci_resources){ .rdma = limits, .rdma_count = LEN(limits) },
	                &unified,
	                "rdma.max=mlx5_0 hca_handle=3 hca_object=4;rdma.max=mlx5_1 hca_object=0;");
}

static void test_unified(void **state)
{
	static const struct oci_pair lines[] = { { "io.max", "7:0 riops=3\n\n7:1 riops=5\n" },
		                                 { "memory.high", "" } };
	static const struct oci_pair good[] = { { "memory.max", "5" },
		                                { "io.weight", "default 50" },
		                                { "cgroup.max.depth", "3" } };
	static const struct {
		const char *file, *why;
	} evil[] = {
		{ "", "the specified key has not the form CONTROLLER.VALUE ``" },
		{ ".", "the specified key has not the form CONTROLLER.VALUE `.`" },
		{ "..", "the specified key has not the form CONTROLLER.VALUE `..`" },
		{ "../memory.max",
		  "the specified key has not the form CONTROLLER.VALUE `../memory.max`" },
		{ "a/memory.max",
		  "the specified key has not the form CONTROLLER.VALUE `a/memory.max`" },
		{ "/memory.max",
		  "the specified key has not the form CONTROLLER.VALUE `/memory.max`" },
		{ "memory.max/..",
		  "the specified key has not the form CONTROLLER.VALUE `memory.max/..`" },
		{ "memory", "the specified key has not the form CONTROLLER.VALUE `memory`" },
		{ ".memory.max",
		  "the specified key has not the form CONTROLLER.VALUE `.memory.max`" },
		{ "cgroup.procs", "the file is not a resource" },
		{ "cgroup.kill", "the file is not a resource" },
		{ "cgroup.subtree_control", "the file is not a resource" },
		{ "memoryx.max",
		  "the requested cgroup controller `memoryx` is not available: cgroup v2 has none of this name" },
		{ "mem.max",
		  "the requested cgroup controller `mem` is not available: cgroup v2 has none of this name" },
	};
	ARENA struct arena a;

	(void)state;
	/* last, so that it overrides */
	assert_compiles(&(struct oci_resources){ .memory = &(struct oci_memory){ .limit = SET(9) },
	                                         .unified = { good, LEN(good) } },
	                &unified,
	                "memory.max=9;memory.max=5;io.weight=default 50;cgroup.max.depth=3;");
	assert_compiles(&(struct oci_resources){ .unified = { lines, LEN(lines) } }, &unified,
	                "io.max=7:0 riops=3;io.max=7:1 riops=5;memory.high=;");
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(evil); i++) {
		struct oci_pair pair = { evil[i].file, "1" };
		struct oci_resources r = { .unified = { &pair, 1 } };

		assert_string_equal(compile(&a, &r, &unified),
		                    arena_printf(&a, "!linux.resources.unified[\"%s\"]: %s",
		                                 evil[i].file, evil[i].why));
	}
}

static void test_hosts_without_controllers(void **state)
{
	struct cgroup_facts none = { .mode = CGROUP_NONE }, poor = unified;
	struct oci_memory limit = { .limit = SET(4096) };
	struct oci_resources r = { .memory = &limit };
	struct cgroup_plan plan;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	poor.controllers = CGROUP_PIDS;
	assert_compiles(&r, &hybrid,
	                "!linux.resources.memory.limit: this host's memory controller is in a "
	                "cgroup v1 hierarchy, cgroup2 has none");
	assert_compiles(&r, &poor,
	                "!linux.resources.memory.limit: this host's cgroup2 tree has no memory "
	                "controller");
	assert_compiles(&r, &none, "!linux.resources.memory.limit: this host has no cgroup2 mount");
	assert_compiles(
		&(struct oci_resources){
			.unified = { &(struct oci_pair){ "io.max", "8:0 rbps=1" }, 1 } },
		&hybrid,
		"!linux.resources.unified[\"io.max\"]: this host's io controller is in a "
		"cgroup v1 hierarchy, cgroup2 has none");

	/* "unlimited" is what a host without the controller gives anyway */
	limit.limit.value = -1;
	r.pids_limit = (struct opt_i64)SET(-1);
	assert_compiles(&r, &hybrid, "");
	assert_compiles(&r, &none, "");

	arena_init(&a, 0);
	limit.limit.value = 1;
	assert_int_equal(cgroup_compile(&a, &r, &hybrid, &plan, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_string_not_equal(e.hint, "");
}

static void test_origins(void **state)
{
	ARENA struct arena a;
	struct cgroup_plan plan;
	struct err e = { 0 };
	struct oci_cpu cpu = { .period = SET(1000) };
	struct oci_resources r = { .cpu = &cpu };

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cgroup_compile(&a, &r, &unified, &plan, &e), 0);
	assert_string_equal(plan.writes[0].origin, "linux.resources.cpu.period");
	cpu.quota = (struct opt_i64)SET(1000);
	assert_int_equal(cgroup_compile(&a, &r, &unified, &plan, &e), 0);
	assert_string_equal(plan.writes[0].origin, "linux.resources.cpu.quota");
}

static void test_controllers(void **state)
{
	char text[128];

	(void)state;
	assert_int_equal(cgroup_file_controller("memory.max"), CGROUP_MEMORY);
	assert_int_equal(cgroup_file_controller("cpuset.cpus"), CGROUP_CPUSET);
	assert_int_equal(cgroup_file_controller("cpu.weight"), CGROUP_CPU);
	assert_int_equal(cgroup_file_controller("cgroup.max.depth"), 0);
	assert_int_equal(cgroup_file_controller("memor.max"), 0);
	assert_int_equal(cgroup_file_controller(""), 0);
	assert_int_equal(cgroup_controllers_parse(""), 0);
	assert_int_equal(cgroup_controllers_parse("\n"), 0);
	assert_int_equal(cgroup_controllers_parse("cpuset cpu new_one pids\n"),
	                 CGROUP_CPUSET | CGROUP_CPU | CGROUP_PIDS);
	cgroup_controllers_print(CGROUP_CPUSET | CGROUP_MISC, "+", text, sizeof(text));
	assert_string_equal(text, "+cpuset +misc");
}

/* Against the formula itself in floating point, for all shares. Only this test wants
 * libm, so it takes it from where it is. */
static void test_weight(void **state)
{
	void *libm = dlopen("libm.so.6", RTLD_NOW);
	double (*log2_of)(double), (*power)(double, double), (*ceiling)(double);

	(void)state;
	assert_non_null(libm);
	*(void **)&log2_of = dlsym(libm, "log2");
	*(void **)&power = dlsym(libm, "pow");
	*(void **)&ceiling = dlsym(libm, "ceil");
	assert_true(log2_of && power && ceiling);
	for (uint64_t shares = 3; shares < 262144; shares++) {
		double l = log2_of((double)shares);
		double exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
		uint64_t expected = (uint64_t)ceiling(power(10, exponent));

		if (cgroup_weight(shares) != expected)
			fail_msg("%d shares: %d, not %d", (int)shares, (int)cgroup_weight(shares),
			         (int)expected);
	}
	assert_int_equal(cgroup_weight(0), 1);
	assert_int_equal(cgroup_weight(2), 1);
	assert_int_equal(cgroup_weight(262144), 10000);
	assert_int_equal(cgroup_weight(UINT64_MAX), 10000);
	(void)dlclose(libm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_hugepages),
		cmocka_unit_test(test_many_hugepages),
		cmocka_unit_test(test_what_version_2_lacks),
		cmocka_unit_test(test_block_io),
		cmocka_unit_test(test_io_weight_pairs),
		cmocka_unit_test(test_rdma),
		cmocka_unit_test(test_unified),
		cmocka_unit_test(test_hosts_without_controllers),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_controllers),
		cmocka_unit_test(test_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
