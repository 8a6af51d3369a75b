/* SPDX-License-Identifier: Apache-2.0 */
/* start, pause, resume, delete: the steps of a container's life that need only its id. */
#include "runtime/cmd.h"

static const struct option_spec no_options[] = { { .name = NULL } };

static const struct option_spec delete_options[] = {
	{ .name = "force",
	  .letter = 'f',
	  .help = "end it first if it runs; an unknown ID is fine" },
	{ .name = NULL },
};

static int start_run(const struct invocation *in, struct err *e)
{
	const char *id;

	TRY(cmd_id(in, &id, e));
	return container_start(&in->context, id, e);
}

static int pause_run(const struct invocation *in, struct err *e)
{
	const char *id;

	TRY(cmd_id(in, &id, e));
	return container_pause(&in->context, id, e);
}

static int resume_run(const struct invocation *in, struct err *e)
{
	const char *id;

	TRY(cmd_id(in, &id, e));
	return container_resume(&in->context, id, e);
}

static int delete_run(const struct invocation *in, struct err *e)
{
	const char *id;

	TRY(cmd_id(in, &id, e));
	return container_delete(&in->context, id, cli_flag(in, "force"), e);
}

const struct command command_start = {
	.name = "start",
	.arguments = "ID",
	.summary = "run the process of a created container",
	.description = "Lets the process run that create has prepared, and returns at once; with "
		       "$NOTIFY_SOCKET, given to create as well, when it is ready.",
	.examples = "caisson create --bundle /srv/web web\n"
		    "caisson start web\n",
	.options = no_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = start_run,
};

const struct command command_pause = {
	.name = "pause",
	.arguments = "ID",
	.summary = "freeze all processes of a container",
	.description = "No process of the container runs until \"resume\". Signals wait, but for "
		       "SIGKILL.",
	.options = no_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = pause_run,
};

const struct command command_resume = {
	.name = "resume",
	.arguments = "ID",
	.summary = "let a paused container go on",
	.description = "Thaws all processes of a container that \"pause\" has frozen.",
	.options = no_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = resume_run,
};

const struct command command_delete = {
	.name = "delete",
	.arguments = "ID",
	.summary = "remove a container that has ended",
	.description =
		"Removes the container's state and its cgroup. A container that was created and "
		"never started is ended first; one that runs is removed only with --force.\n"
		"\n"
		"The bundle and what the container wrote to its root filesystem stay as they are.",
	.examples = "caisson delete web\n"
		    "caisson delete --force web\n",
	.options = delete_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = delete_run,
};
