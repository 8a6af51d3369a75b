/* SPDX-License-Identifier: Apache-2.0 */
/* events: what happens to a container, a line of JSON each. */
#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/patience.h"

enum { INTERVAL_MS = 5000 };

/* clang-format off */
static const struct option_spec events_options[] = {
	{ .name = "stats", .help = "print the numbers once, and end" },
	{ .name = "interval", .kind = OPTION_TEXT, .value = "DURATION",
	  .help = "time between two events with numbers (default: 5s)" },
	{ .name = NULL },
};
/* clang-format on */

static int events_run(const struct invocation *in, struct err *e)
{
	struct events_request r = { .once = cli_flag(in, "stats"), .interval_ms = INTERVAL_MS };

	TRY(cmd_id(in, &r.id, e));
	TRY(cmd_interval(in, &r.interval_ms, e));
	return container_events(&in->context, &r, cmd_print, e);
}

const struct command command_events = {
	.name = "events",
	.arguments = "ID",
	.summary = "follow what a container uses and what befalls it",
	.description =
		"Prints one line of JSON for each event until the container ends: {\"type\":TYPE,"
		"\"id\":ID,\"data\":{...}}.\n"
		"\n"
		"\"stats\" comes at each interval, in the shape of runc's: CPU time in nanoseconds, "
		"memory in bytes, throttling, processes, block I/O, huge pages, and the time for "
		"which processes waited (psi). Its object \"v2\" holds what only cgroup version 2 "
		"counts, under the names and in the units of the kernel's files. A number whose "
		"controller is missing is not there.\n"
		"\n"
		"\"oom\", without data, comes at the moment when a process was killed because "
		"memory was used up. \"limit\" comes with it, and when a new process was refused "
		"or CPU time was withheld for the first time, and for these two once more when the "
		"container ends: its data names the resource, the count, the limit and the peak.\n"
		"\n"
		"\"exit\" is the last, with the status and the signal, unless the container's "
		"parent was quicker to ask for it and the kernel is older than 6.15. \"state\" "
		"knows it from then on.",
	.examples = "caisson events --interval 1s web\n"
		    "caisson events --stats web | jq .data.memory.usage\n",
	.options = events_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = events_run,
};
