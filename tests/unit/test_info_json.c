/* SPDX-License-Identifier: Apache-2.0 */
/* The text of `state` and of one entry of `list`, as scripts and engines compare it. */
#include <string.h>

#include "runtime/cmd.h"
#include "unit.h"

static const struct oci_pair annotations[] = { { "b", "2" }, { "a", "say \"1\"" } };

static void running(void **state)
{
	static const struct container_info info = {
		.id = "web",
		.bundle = "/srv/web",
		.rootfs = "/srv/web/rootfs",
		.created = "2026-01-02T03:04:05.123456789Z",
		.status = STATUS_RUNNING,
		.pid = 1234,
		.owner = 0,
		.annotations = { .v = annotations, .n = 2 },
	};
	BUF struct buf out = { 0 };
	struct json_writer w = { .out = &out, .indent = "  " };

	(void)state;
	cmd_info_json(&w, &info, "", NULL);
	assert_string_equal(out.data, "{\n"
	                              "  \"ociVersion\": \"1.3.0\",\n"
	                              "  \"id\": \"web\",\n"
	                              "  \"pid\": 1234,\n"
	                              "  \"status\": \"running\",\n"
	                              "  \"bundle\": \"/srv/web\",\n"
	                              "  \"rootfs\": \"/srv/web/rootfs\",\n"
	                              "  \"created\": \"2026-01-02T03:04:05.123456789Z\",\n"
	                              "  \"annotations\": {\n"
	                              "    \"b\": \"2\",\n"
	                              "    \"a\": \"say \\\"1\\\"\"\n"
	                              "  },\n"
	                              "  \"owner\": \"\"\n"
	                              "}");
}

static void stopped_in_a_list(void **state)
{
	static const struct container_info info = {
		.id = "web",
		.bundle = "/b",
		.rootfs = "/b/r",
		.created = "2026-01-02T03:04:05Z",
		.status = STATUS_STOPPED,
	};
	BUF struct buf out = { 0 };
	struct json_writer w = { .out = &out, .indent = "" };

	(void)state;
	cmd_info_json(&w, &info, "root", NULL);
	assert_string_equal(out.data, "{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"pid\":0,"
	                              "\"status\":\"stopped\",\"bundle\":\"/b\","
	                              "\"rootfs\":\"/b/r\",\"created\":\"2026-01-02T03:04:05Z\","
	                              "\"owner\":\"root\"}");
}

/* One that was killed for want of memory, with all that can be known. */
static void details(void **state)
{
	static const struct container_info info = { .id = "c", .status = STATUS_STOPPED };
	static const struct meter_entry cpu[] = { { "user_usec", 5 }, { "system_usec", 6 } };
	struct container_details d = {
		.hits = { .n = 1,
		          .v = { { .kind = LIMIT_MEMORY,
		                   .count = 2,
		                   .limit = { true, 4096 },
		                   .peak = { true, 4095 },
		                   .text = "gone" } } },
		.status_known = true,
		.exit_status = 137,
		.exit_signal = 9,
		.counted = true,
		.last = { .table[METER_CPU_STAT] = { cpu, 2 },
		          .number[METER_MEMORY_PEAK] = { true, 4095 },
		          .pressure[METER_IO_PRESSURE] = { .set = true,
		                                           .some = { .avg10 = 105, .total = 9 } } },
	};
	BUF struct buf out = { 0 };
	struct json_writer w = { .out = &out, .indent = "" };

	(void)state;
	cmd_info_json(&w, &info, "", &d);
	assert_non_null(strstr(
		out.data,
		"\"owner\":\"\",\"limits\":[{\"resource\":\"memory\",\"event\":\"oom_kill\","
		"\"count\":2,\"limit\":4096,\"peak\":4095,\"text\":\"gone\"}],"
		"\"exit\":{\"status\":137,\"signal\":9,\"oom\":true,"
		"\"rusage\":{\"userUsec\":5,\"systemUsec\":6,\"memoryPeak\":4095},"
		"\"psi\":{\"io\":{\"some\":{\"avg10\":1.05,\"avg60\":0,\"avg300\":0,\"total\":9},"
		"\"full\":{\"avg10\":0,\"avg60\":0,\"avg300\":0,\"total\":0}}}}}"));

	/* nothing to tell: nothing is said */
	d = (struct container_details){ .status_known = false };
	out.len = 0;
	w = (struct json_writer){ .out = &out, .indent = "" };
	cmd_info_json(&w, &info, "", &d);
	assert_string_equal(strstr(out.data, "\"owner\""), "\"owner\":\"\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running),
		cmocka_unit_test(stopped_in_a_list),
		cmocka_unit_test(details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
