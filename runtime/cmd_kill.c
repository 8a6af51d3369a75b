/* SPDX-License-Identifier: Apache-2.0 */
/* kill: a signal, by name or number, to a container. */
#include <signal.h>

#include "runtime/cmd.h"
#include "runtime/signals.h"

static const struct option_spec kill_options[] = {
	{ .name = "all", .letter = 'a', .help = "signal all processes of the container" },
	{ .name = NULL },
};

static int kill_run(const struct invocation *in, struct err *e)
{
	int signo = SIGTERM;
	const char *id;

	TRY(cmd_id(in, &id, e));
	if (in->args.n > 1)
		signo = signal_number(in->args.v[1]);
	if (signo < 0)
		return err_set(e, ERR_USAGE, "unknown signal \"%s\"", in->args.v[1]);
	return container_kill(&in->context, id, signo, cli_flag(in, "all"), e);
}

const struct command command_kill = {
	.name = "kill",
	.arguments = "ID [SIGNAL]",
	.summary = "send a signal to a container",
	.description =
		"Sends SIGNAL to the container's first process, or with --all to every process in "
		"it. SIGNAL is a name with or without SIG, such as KILL, SIGHUP or RTMIN+3, or a "
		"number; without it TERM is sent.\n"
		"\n"
		"The kernel drops signals that the first process of a pid namespace has no handler "
		"for, but for KILL and STOP.",
	.examples = "caisson kill web\n"
		    "caisson kill web KILL\n",
	.options = kill_options,
	.complete = { COMPLETE_CONTAINER, COMPLETE_SIGNAL },
	.args_min = 1,
	.args_max = 2,
	.stop_at_first = true,
	.run = kill_run,
};
