/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
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
	&command_vm_prepare,
	NULL,
};
/* clang-format on */
