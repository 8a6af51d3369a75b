/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and the options that stand in front of them. */
#include "runtime/cmd.h"

/* clang-format off */
const struct command *const commands[] = {
	&command_check,
	&command_create,
	&command_delete,
	&command_events,
	&command_exec,
	&command_features,
	&command_generate,
	&command_help,
	&command_kill,
	&command_list,
	&command_pause,
	&command_plan,
	&command_policy_agent,
	&command_policy_audit,
	&command_policy_diff,
	&command_policy_explain,
	&command_policy_trace,
	&command_policy_why,
	&command_ps,
	&command_resume,
	&command_run,
	&command_spec,
	&command_start,
	&command_state,
	&command_stats,
	&command_update,
	&command_version,
	NULL,
};

const struct option_spec global_options[] = {
	{ .name = "root", .kind = OPTION_TEXT, .value = "DIR", .complete = COMPLETE_DIR,
	  .help = "folder of the containers' state (default: /run/caisson)" },
	{ .name = "log", .kind = OPTION_TEXT, .value = "FILE", .complete = COMPLETE_FILE,
	  .help = "append the log to this file" },
	{ .name = "log-format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = "log-level", .kind = OPTION_TEXT, .value = "LEVEL",
	  .words = "error warning info debug", .help = "least important messages to log" },
	{ .name = "debug", .help = "log everything" },
	{ .name = "systemd-cgroup", .help = "let systemd make the cgroup" },
	{ .name = "cgroup-manager", .kind = OPTION_TEXT, .value = "MANAGER",
	  .words = "cgroupfs systemd disabled",
	  .help = "who makes the cgroup; disabled: the container stays in its caller's" },
	{ .name = "rootless", .kind = OPTION_TEXT, .value = "CHOICE", .words = "true false auto",
	  .help = "do without a cgroup where none may be made (default: auto)" },
	{ .name = "version", .letter = 'v', .help = "print the version" },
	{ .name = NULL },
};
/* clang-format on */
