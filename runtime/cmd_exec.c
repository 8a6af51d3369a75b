/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: another process in a container that runs. It fails with 255, so that a caller
 * can tell our failure from an exit status that a program is likely to have.
 */
#include "runtime/cmd.h"
#include "runtime/patience.h"

/* clang-format off */
static const struct option_spec exec_options[] = {
	{ .name = "process", .letter = 'p', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "what to run, as the JSON of config.json's process" },
	{ .name = "tty", .letter = 't', .help = "give the process a terminal" },
	{ .name = "cwd", .kind = OPTION_TEXT, .value = "DIR",
	  .help = "working folder, a path in the container" },
	{ .name = "env", .letter = 'e', .kind = OPTION_LIST, .value = "NAME=VALUE",
	  .help = "add to the environment" },
	{ .name = "user", .letter = 'u', .kind = OPTION_TEXT, .value = "UID[:GID]",
	  .help = "run as this user of the container" },
	{ .name = "additional-gids", .letter = 'g', .kind = OPTION_LIST, .value = "GID",
	  .help = "add a supplementary group" },
	{ .name = "cap", .letter = 'c', .kind = OPTION_LIST, .value = "CAP_NAME",
	  .help = "add a capability" },
	{ .name = "no-new-privs", .help = "set no_new_privs for the process" },
	{ .name = "apparmor", .kind = OPTION_TEXT, .value = "PROFILE",
	  .help = "AppArmor profile of the process" },
	{ .name = "process-label", .kind = OPTION_TEXT, .value = "LABEL",
	  .help = "SELinux label of the process" },
	{ .name = "cgroup", .kind = OPTION_LIST, .value = "PATH",
	  .help = "run in this cgroup below the container's" },
	{ .name = "ignore-paused", .help = "allow it in a paused container: it runs on resume" },
	{ .name = "deadline", .kind = OPTION_TEXT, .value = "DURATION",
	  .help = "kill the process if it has not ended by then (5s, 1m30s)" },
	{ .name = "detach", .letter = 'd', .help = "return as soon as the process runs" },
	{ .name = "console-socket", .kind = OPTION_TEXT, .value = "SOCKET",
	  .complete = COMPLETE_FILE, .help = "send the terminal's master end to this socket" },
	{ .name = "pidfd-socket", .kind = OPTION_TEXT, .value = "SOCKET",
	  .complete = COMPLETE_FILE, .help = "send a pidfd of the process to this socket" },
	{ .name = "pid-file", .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "write the process's pid to this file" },
	{ .name = "preserve-fds", .kind = OPTION_NUMBER, .value = "N",
	  .help = "pass N more file descriptors, from 3 on" },
	{ .name = NULL },
};
/* clang-format on */

static int read_request(const struct invocation *in, struct exec_request *ret, struct err *e)
{
	*ret = (struct exec_request){
		.args = { .v = in->args.v + 1, .n = in->args.n - 1 },
		.process = cli_path(in, "process"),
		.console_socket = cli_text(in, "console-socket"),
		.pidfd_socket = cli_text(in, "pidfd-socket"),
		.pid_file = cli_path(in, "pid-file"),
		.cwd = cli_text(in, "cwd"),
		.env = cli_list(in, "env"),
		.user = cli_given(in, "user") && !cli_text(in, "user") ? "" : cli_text(in, "user"),
		.groups = cli_list(in, "additional-gids"),
		.caps = cli_list(in, "cap"),
		.apparmor = cli_text(in, "apparmor"),
		.process_label = cli_text(in, "process-label"),
		.cgroups = cli_list(in, "cgroup"),
		.deadline = cli_text(in, "deadline"),
		.tty = cli_flag(in, "tty"),
		.detach = cli_flag(in, "detach"),
		.no_new_privs = cli_flag(in, "no-new-privs"),
		.ignore_paused = cli_flag(in, "ignore-paused"),
		.preserve_fds = cli_number(in, "preserve-fds"),
	};
	if (!ret->process && ret->args.n == 0) {
		err_set(e, ERR_USAGE, "no command is given");
		return err_hint(e, "name one after the id, or a file with --process");
	}
	if (ret->deadline && patience_parse(ret->deadline, &ret->deadline_ms, e) < 0)
		return err_in(e, "--deadline");
	return cmd_id(in, &ret->id, e);
}

static int exec_run(const struct invocation *in, struct err *e)
{
	struct exec_request request;
	int status = 0;

	if (read_request(in, &request, e) < 0 ||
	    container_exec(&in->context, &request, &status, e) < 0)
		return err_in(e, "exec failed");
	return status;
}

const struct command command_exec = {
	.name = "exec",
	.arguments = "ID [COMMAND [ARG...]]",
	.summary = "run another process in a container",
	.description =
		"Runs COMMAND in the container's namespaces and cgroup, with the rights of the "
		"container's own process unless an option says otherwise. All words after ID belong "
		"to the command. With --process the file says what to run, and no COMMAND is "
		"needed.\n"
		"\n"
		"A paused container is refused, and one that is paused before the process runs ends "
		"the exec with an error; with --ignore-paused the process waits for \"resume\". When "
		"the time of --deadline is over, the process and its process group are killed; with "
		"--detach it is the time until the process runs.\n"
		"\n"
		"Returns the exit status of the process, or 128 plus the number of the signal that "
		"ended it, or 255 when it could not be run, or had no end in time.",
	.examples = "caisson exec web ps aux\n"
		    "caisson exec --tty --env TERM=$TERM --cwd /srv web sh\n",
	.options = exec_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = COMMAND_ARGS_MANY,
	.stop_at_first = true,
	.failure = CLI_EXIT_EXEC,
	.run = exec_run,
};
