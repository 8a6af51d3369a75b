/* SPDX-License-Identifier: Apache-2.0 */
/* policy agent: answers the system calls that seccomp profiles hand to an agent. */
#include <fcntl.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/policy_agent.h"

enum { RULES_MAX = 1 << 20 };

/* clang-format off */
static const struct option_spec agent_options[] = {
	{ .name = "listen", .letter = 'l', .kind = OPTION_TEXT, .value = "SOCKET",
	  .complete = COMPLETE_FILE, .help = "where runtimes send listeners; must not exist" },
	{ .name = NULL },
};
/* clang-format on */

static int agent_run(const struct invocation *in, struct err *e)
{
	const char *path = cli_text(in, "listen");
	BUF struct buf text = { 0 };
	struct agent_rules rules;

	if (!path)
		return err_set(e, ERR_USAGE, "--listen is required");
	TRY(fd_read_file(AT_FDCWD, in->args.v[0], RULES_MAX, &text, e));
	if (agent_rules_parse(in->arena, text.data ? text.data : "", text.len, &rules, e) < 0)
		return err_in(e, "%s", in->args.v[0]);
	return policy_agent_run(path, &rules, e);
}

const struct command command_policy_agent = {
	.name = "policy agent",
	.arguments = "RULES",
	.summary = "answer the system calls that a seccomp profile hands to an agent",
	.description =
		"Listens at a socket that profiles name as listenerPath, and answers the calls "
		"that they notify (SCMP_ACT_NOTIFY) by rules from a file of JSON:\n\n"
		"{ \"rules\": [{ \"names\": [...], \"action\": ... }], \"default\": { \"action\": ... "
		"} }\n\n"
		"The first rule that names a call decides; no rule, the default, and without one "
		"EPERM. A rule with \"metadata\" holds only for containers with that "
		"listenerMetadata. Actions are\n\n"
		"allow: the kernel goes on with the call. log: the same, and a line is printed. "
		"errno: the call fails with \"errnoRet\" (default: EPERM).\n\n"
		"mknod: the agent makes the node for the caller of mknod or mknodat, which needs "
		"CAP_MKNOD in its own user namespace for a device, and may make those of "
		"\"devices\" (default: \"c 1:3\", \"c 1:5\", \"c 1:7\", \"c 1:8\", \"c 1:9\" and \"c "
		"5:0\").\n\n"
		"mount: the agent mounts a filesystem of one of \"types\" (tmpfs, devpts) for a "
		"caller with CAP_SYS_ADMIN in its own user namespace; always nosuid, and nodev or "
		"noexec.\n\n"
		"allow and log look at no argument, since the caller could change what an "
		"argument points to after it was looked at. Each call that was not simply "
		"allowed is a line of JSON on stdout. SIGINT and SIGTERM end the agent; calls "
		"that wait for an answer then fail with ENOSYS.",
	.examples = "caisson policy agent --listen /run/agent.sock rules.json\n",
	.options = agent_options,
	.complete = { COMPLETE_FILE },
	.args_min = 1,
	.args_max = 1,
	.run = agent_run,
};
