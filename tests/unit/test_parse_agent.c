/* SPDX-License-Identifier: Apache-2.0 */
/* What a seccomp agent reads: rules, and the messages of runtimes. */
#include <string.h>
#include <sys/stat.h>

#include "base/scope.h"
#include "oci-spec/agent.h"
#include "tests/unit/unit.h"

static void assert_rules_refused(const char *text, const char *said)
{
	struct agent_rules rules = { 0 };
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	assert_int_equal(agent_rules_parse(&a, text, strlen(text), &rules, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	if (!strstr(e.text, said))
		fail_msg("%s: %s", text, e.text);
	assert_null(rules.v);
}

static void test_rules(void **state)
{
	static const char text[] =
		"{\"rules\": [{\"names\": [\"mknod\", \"mknodat\"], \"action\": \"mknod\"},"
		"{\"names\": [\"mknod\"], \"action\": \"allow\"},"
		"{\"names\": [\"chmod\"], \"metadata\": \"m\", \"action\": \"errno\", \"errnoRet\": 5},"
		"{\"names\": [\"chmod\"], \"action\": \"errno\"},"
		"{\"names\": [\"x\"], \"action\": \"allow\", \"metadata\": null}]}";
	struct agent_rules rules;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(agent_rules_parse(&a, text, strlen(text), &rules, &e), 0);
	assert_int_equal(rules.n, 5);
	assert_ptr_equal(agent_rule_for(&rules, "", "mknod"), &rules.v[0]);
	assert_int_equal(rules.v[0].device_count, 6);
	assert_int_equal(rules.v[0].devices[0].type, S_IFCHR);
	assert_int_equal(agent_rule_for(&rules, "m", "chmod")->errno_ret, 5);
	assert_int_equal(agent_rule_for(&rules, "other", "chmod")->errno_ret, 1);
	assert_ptr_equal(agent_rule_for(&rules, "m", "read"), &rules.otherwise);
	assert_int_equal(rules.otherwise.action, AGENT_ERRNO);
	assert_int_equal(rules.otherwise.errno_ret, 1);
}

static void test_refused_rules(void **state)
{
	(void)state;
	assert_rules_refused("[]", "must be an object");
	assert_rules_refused("{\"rules\": [{\"names\": [\"mknod\"], \"action\": \"mknod\","
	                     "\"devices\": [\"c 1:99999999\"]}]}",
	                     "rules[0].devices[0]: \"c 1:99999999\": must be like");
	assert_rules_refused("{\"rules\": [{\"names\": [\"mknod\"], \"action\": \"mknod\","
	                     "\"devices\": [\"c\", \"\", \"p 1:3\", \"c 1:3 \", \"c :\"]}]}",
	                     "rules[0].devices[4]");
	assert_rules_refused("{\"rules\": [{\"names\": [\"mount\", \"mknod\"], "
	                     "\"action\": \"mount\", \"types\": [\"tmpfs\"]}]}",
	                     "rules[0].names: \"mknod\": cannot be done by mount");
	assert_rules_refused("{\"default\": {}}", "default.action: is required");
	/* without the member it would hold for all containers */
	assert_rules_refused("{\"rules\": [{\"names\": [\"chmod\"], \"metdata\": \"m\","
	                     "\"action\": \"allow\"}]}",
	                     "rules[0].metdata: is not known");
	assert_rules_refused("{\"rule\": []}", "rule: is not known");
	assert_rules_refused("{\"default\": {\"action\": \"allow\", \"names\": []}}",
	                     "default.names: is not known");
}

static void assert_message_refused(const char *text, size_t fds, const char *said)
{
	struct agent_message message;
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	assert_int_equal(agent_message_parse(&a, text, strlen(text), fds, &message, &e), -1);
	if (!strstr(e.text, said))
		fail_msg("%s: %s", text, e.text);
}

static void test_messages(void **state)
{
	static const char text[] = "{\"fds\": [\"pidFd\", \"seccompFd\", \"seccompFd\"],"
				   "\"pid\": 7, \"state\": {\"id\": \"c\"}}";
	struct agent_message message;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(agent_message_parse(&a, text, strlen(text), 2, &message, &e), 0);
	assert_int_equal(message.listener, 1);
	assert_int_equal(message.pid, 7);
	assert_string_equal(message.id, "c");
	assert_string_equal(message.metadata, "");

	assert_message_refused(text, 1, "fds: names no seccompFd among those that came");
	assert_message_refused(text, 0, "fds: names no seccompFd");
	assert_message_refused("{\"fds\": [\"seccompFd\"]}", 1, "pid: is required");
	assert_message_refused("{\"fds\": [\"seccompFd\"], \"pid\": 0}", 1, "pid: ");
	assert_message_refused("{\"fds\": \"seccompFd\", \"pid\": 1}", 1, "fds: ");
	assert_message_refused("7", 1, "must be an object");
	assert_message_refused("", 1, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_refused_rules),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
