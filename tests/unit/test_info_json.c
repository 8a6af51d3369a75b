/* SPDX-License-Identifier: Apache-2.0 */
/* The text of `state` and of one entry of `list`, as scripts and engines compare it. */
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
	cmd_info_json(&w, &info, "");
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
	cmd_info_json(&w, &info, "root");
	assert_string_equal(out.data, "{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"pid\":0,"
	                              "\"status\":\"stopped\",\"bundle\":\"/b\","
	                              "\"rootfs\":\"/b/r\",\"created\":\"2026-01-02T03:04:05Z\","
	                              "\"owner\":\"root\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running),
		cmocka_unit_test(stopped_in_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
