/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and annotations as properties of a unit, read back from the wire. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/systemd.h"
#include "unit.h"

static void print_value(struct dbus_reader *r, const char *type, struct buf *out);

static void print_array(struct dbus_reader *r, const char *element, struct buf *out)
{
	size_t end = dbus_enter_array(r, *element == '(' ? 8 : *element == 'y' ? 1 : 4);

	buf_text(out, "[");
	while (!r->failed && r->at < end) {
		print_value(r, element, out);
		buf_text(out, r->at < end ? " " : "");
	}
	buf_text(out, "]");
	assert_int_equal(r->at, end);
}

static uint64_t get_u64(struct dbus_reader *r)
{
	uint64_t value;

	dbus_skip(r, "t");
	assert_false(r->failed);
	memcpy(&value, r->data + r->at - sizeof(value), sizeof(value));
	return value;
}

static void print_value(struct dbus_reader *r, const char *type, struct buf *out)
{
	switch (*type) {
	case 'y':
		buf_printf(out, "%02x", dbus_get_u8(r));
		break;
	case 'b':
	case 'i':
	case 'u':
		buf_printf(out, "%" PRIu32, dbus_get_u32(r));
		break;
	case 't':
		buf_printf(out, "%" PRIu64, get_u64(r));
		break;
	case 's':
		buf_text(out, dbus_get_string(r));
		break;
	case 'a':
		print_array(r, type + 1, out);
		break;
	default: /* (st) */
		while (r->at % 8)
			(void)dbus_get_u8(r);
		buf_text(out, dbus_get_string(r));
		buf_printf(out, "=%" PRIu64, get_u64(r));
	}
}

/* "Name value; Name value" */
static const char *print(const struct buf *properties, struct buf *out)
{
	struct dbus_reader r = { .data = (const uint8_t *)properties->data,
		                 .len = properties->len };

	buf_text(out, "");
	while (!r.failed && r.at < r.len) {
		while (r.at % 8)
			(void)dbus_get_u8(&r);
		buf_printf(out, "%s%s ", out->len ? "; " : "", dbus_get_string(&r));
		print_value(&r, dbus_get_signature(&r), out);
	}
	assert_false(r.failed);
	return out->data;
}

static void test_limits(void **state)
{
	static const struct {
		const char *file, *value, *properties;
	} cases[] = {
		{ "memory.max", "1000", "MemoryMax 1000" },
		{ "memory.max", "max", "MemoryMax 18446744073709551615" },
		{ "memory.low", "5", "MemoryLow 5" },
		{ "memory.swap.max", "0", "MemorySwapMax 0" },
		{ "memory.high", "7", "MemoryHigh 7" },
		{ "memory.min", "7", "MemoryMin 7" },
		{ "memory.oom.group", "1", "" },
		{ "pids.max", "50", "TasksMax 50" },
		{ "cpu.weight", "100", "CPUWeight 100" },
		{ "cpu.idle", "1", "CPUWeight 0" },
		{ "cpu.idle", "0", "" },
		/* 50 ms of 100 ms, a third (rounded up to 34 %), two CPUs, a period alone */
		{ "cpu.max", "50000 100000",
		  "CPUQuotaPerSecUSec 500000; CPUQuotaPeriodUSec 100000" },
		{ "cpu.max", "33333 100000",
		  "CPUQuotaPerSecUSec 340000; CPUQuotaPeriodUSec 100000" },
		{ "cpu.max", "10000 5000", "CPUQuotaPerSecUSec 2000000; CPUQuotaPeriodUSec 5000" },
		{ "cpu.max", "max 20000",
		  "CPUQuotaPerSecUSec 18446744073709551615; CPUQuotaPeriodUSec 20000" },
		{ "cpu.max", "1000 0", "" },
		{ "cpu.max.burst", "1000", "" },
		{ "cpuset.cpus", "0", "AllowedCPUs [01]" },
		{ "cpuset.cpus", "0-3,8", "AllowedCPUs [0f 01]" },
		{ "cpuset.mems", "1", "AllowedMemoryNodes [02]" },
		{ "cpuset.mems", "", "" },
		{ "io.weight", "200", "IOWeight 200" },
		{ "io.weight", "default 300", "IOWeight 300" },
		{ "io.weight", "8:0 400", "IODeviceWeight [/dev/block/8:0=400]" },
		{ "io.bfq.weight", "500", "" },
		{ "io.max", "8:16 rbps=1000", "IOReadBandwidthMax [/dev/block/8:16=1000]" },
		{ "io.max", "8:16 wbps=max wiops=9",
		  "IOWriteBandwidthMax [/dev/block/8:16=18446744073709551615]; "
		  "IOWriteIOPSMax [/dev/block/8:16=9]" },
		{ "io.max", "8:16 riops=1", "IOReadIOPSMax [/dev/block/8:16=1]" },
		{ "hugetlb.2MB.max", "4096", "" },
		{ "rdma.max", "mlx hca_handle=3", "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct cgroup_write write = { .file = cases[i].file,
			                            .value = cases[i].value };
		BUF struct buf properties = { 0 };
		BUF struct buf out = { 0 };

		systemd_put_limits(&write, 1, &properties);
		assert_string_equal(print(&properties, &out), cases[i].properties);
	}
}

/* The file gets what systemd keeps; what it keeps as it is, and what is no quota, stays. */
static void test_rounding(void **state)
{
	static const struct {
		const char *file, *value, *expected;
	} cases[] = {
		{ "cpu.max", "33333 100000", "34000 100000" },
		{ "cpu.max", "500000 900000", "504000 900000" },
		{ "cpu.max", "10000 5000", "10000 5000" },
		{ "cpu.max", "max 20000", "max 20000" },
		{ "cpu.max", "1000 0", "1000 0" },
		{ "cpu.max", "18446744073709 1", "18446744073709 1" },
		{ "cpu.max.burst", "33333", "33333" },
		{ "memory.max", "33333", "33333" },
	};
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct cgroup_write write = { .file = cases[i].file,
			                            .value = cases[i].value };
		struct cgroup_plan plan = { .writes = &write, .write_count = 1 };

		systemd_round(&a, &plan);
		assert_string_equal(plan.writes[0].file, cases[i].file);
		assert_string_equal(plan.writes[0].value, cases[i].expected);
	}
}

static void test_scope(void **state)
{
	static const struct cgroup_write writes[] = { { .file = "memory.max", .value = "4096" } };
	static const struct oci_pair pairs[] = {
		{ "some.other", "thing" },
		{ "org.systemd.property.KillMode", "'mixed'" },
	};
	const struct systemd_place place = { .unit = "a-b.scope", .slice = "m.slice" };
	const struct cgroup_plan plan = { .writes = writes, .write_count = 1 };
	BUF struct buf properties = { 0 };
	BUF struct buf out = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(systemd_properties(&place, "web", &plan,
	                                    (struct oci_pairs){ .v = pairs, .n = LEN(pairs) },
	                                    &properties, &e),
	                 0);
	assert_string_equal(print(&properties, &out),
	                    "Description caisson container web; Slice m.slice; "
	                    "CollectMode inactive-or-failed; Delegate 1; DefaultDependencies 0; "
	                    "MemoryMax 4096; KillMode mixed");
}

#define P "org.systemd.property."

static void test_annotations(void **state)
{
	static const struct {
		const char *key, *value, *properties;
	} cases[] = {
		{ P "TimeoutStopUSec", "uint64 5000", "TimeoutStopUSec 5000" },
		{ P "TimeoutStopUSec", "@t 5000", "TimeoutStopUSec 5000" },
		{ P "TimeoutStopUSec", "18446744073709551615",
		  "TimeoutStopUSec 18446744073709551615" },
		{ P "TimeoutStopSec", "30", "TimeoutStopUSec 30000000" },
		{ P "KillSignal", "int32 9", "KillSignal 9" },
		{ P "KillMode", "\"process\"", "KillMode process" },
		{ P "SendSIGHUP", "true", "SendSIGHUP 1" },
		{ P "DefaultDependencies", "false", "DefaultDependencies 0" },
		{ P "After", "['a.service', \"b.target\"]", "After [a.service b.target]" },
		{ P "After", "[]", "After []" },
		{ "org.systemd.other", "x", "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct oci_pair pair = { cases[i].key, cases[i].value };
		BUF struct buf properties = { 0 };
		BUF struct buf out = { 0 };
		struct err e = { 0 };

		if (systemd_put_annotation(&pair, &properties, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(print(&properties, &out), cases[i].properties);
	}
}

static void test_refused_annotations(void **state)
{
	static const struct {
		const char *key, *value;
		enum err_kind kind;
	} cases[] = {
		/* what runs, mounts, opens or belongs to somebody else */
		{ P "ExecStart", "'/bin/sh'", ERR_REFUSED },
		{ P "ExecStopPost", "'/bin/sh'", ERR_REFUSED },
		{ P "ExecReload", "'/bin/sh'", ERR_REFUSED },
		{ P "User", "'root'", ERR_REFUSED },
		{ P "Environment", "['LD_PRELOAD=x']", ERR_REFUSED },
		{ P "DevicePolicy", "'auto'", ERR_REFUSED },
		{ P "DeviceAllow", "[('/dev/sda','rwm')]", ERR_REFUSED },
		{ P "BPFProgram", "'x'", ERR_REFUSED },
		{ P "Delegate", "false", ERR_REFUSED },
		{ P "Slice", "'-.slice'", ERR_REFUSED },
		{ P "PIDs", "[1]", ERR_REFUSED },
		{ P "Wants", "['x.service']", ERR_REFUSED },
		{ P "Requires", "['x.service']", ERR_REFUSED },
		{ P "OnFailure", "['x.service']", ERR_REFUSED },
		{ P "Conflicts", "['sshd.service']", ERR_REFUSED },
		{ P "MemoryMax", "uint64 1", ERR_REFUSED },
		{ P "Controller", "'x'", ERR_REFUSED },
		{ P "", "true", ERR_REFUSED },
		{ P "Sec", "1", ERR_REFUSED },
		/* another type */
		{ P "KillMode", "mixed", ERR_SPEC },
		{ P "KillMode", "'mixed' ", ERR_NONE },
		{ P "KillMode", "'mi\\xed'", ERR_SPEC },
		{ P "KillMode", "'a' 'b'", ERR_SPEC },
		{ P "KillMode", "'a\nb'", ERR_SPEC },
		{ P "KillMode", "7", ERR_SPEC },
		{ P "SendSIGKILL", "1", ERR_SPEC },
		{ P "SendSIGKILL", "'true'", ERR_SPEC },
		{ P "TimeoutStopUSec", "-1", ERR_SPEC },
		{ P "TimeoutStopUSec", "int32 5", ERR_SPEC },
		{ P "TimeoutStopUSec", "18446744073709551616", ERR_SPEC },
		{ P "TimeoutStopSec", "18446744073710", ERR_SPEC },
		{ P "KillSignal", "uint64 9", ERR_SPEC },
		{ P "KillSignal", "2147483648", ERR_SPEC },
		{ P "After", "'a.service'", ERR_SPEC },
		{ P "After", "['a'", ERR_SPEC },
		{ P "After", "['a' 'b']", ERR_SPEC },
		{ P "After", "['a'] x", ERR_SPEC },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct oci_pair pair = { cases[i].key, cases[i].value };
		BUF struct buf properties = { 0 };
		struct err e = { 0 };

		(void)!systemd_put_annotation(&pair, &properties, &e);
		if (e.kind != cases[i].kind)
			fail_msg("%s=%s: %s", pair.key, pair.value, e.text);
		if (e.kind)
			assert_non_null(strstr(e.text, "annotations['org.systemd.property."));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_refused_annotations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
