/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: what a seccomp agent reads, as the message of a runtime that sends 0 to 4
 * descriptors and as rules. What must hold: no sanitizer speaks; a refusal has a text; a
 * message names a descriptor that came; each rule can be found and has what its action
 * needs.
 */
#include <stdlib.h>

#include "base/scope.h"
#include "oci-spec/agent.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_rules(const struct agent_rules *rules)
{
	must(rules->otherwise.action <= AGENT_LOG);
	for (size_t i = 0; i < rules->n; i++) {
		const struct agent_rule *rule = &rules->v[i];

		must(rule->names.n > 0);
		must(rule->action != AGENT_MKNOD || rule->device_count > 0);
		must(rule->action != AGENT_MOUNT || rule->types.n > 0);
		must(agent_rule_for(rules, rule->metadata ? rule->metadata : "",
		                    rule->names.v[0]) <= rule);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	struct agent_message message;
	struct agent_rules rules;
	ARENA struct arena a;

	arena_init(&a, 0);
	for (size_t fds = 0; fds <= 4; fds++) {
		struct err e = { 0 };

		if (agent_message_parse(&a, text, size, fds, &message, &e) == 0)
			must(message.listener < fds && message.pid > 0 && message.id &&
			     message.metadata);
		else
			must(e.text[0] > ' ');
	}

	struct err e = { 0 };
	if (agent_rules_parse(&a, text, size, &rules, &e) == 0)
		check_rules(&rules);
	else
		must(e.text[0] > ' ');
	return 0;
}
