/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the table, and the few things that they share. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/json.h"
#include "runtime/cli.h"
#include "runtime/container.h"

extern const struct command command_check, command_create, command_delete, command_events,
	command_exec, command_features, command_generate, command_kill, command_list, command_pause,
	command_plan, command_policy_agent, command_policy_audit, command_policy_diff,
	command_policy_explain, command_policy_trace, command_policy_why, command_ps,
	command_resume, command_run, command_spec, command_start, command_state, command_stats,
	command_update, command_vm_prepare;

/* The first positional as a container's id, checked. */
MUST_CHECK int cmd_id(const struct invocation *in, const char **ret, struct err *e);

/* --interval, where it was given: more than nothing. */
MUST_CHECK int cmd_interval(const struct invocation *in, int64_t *ret_ms, struct err *e);

/* Writes the text to stdout; 0, a command's success. */
MUST_CHECK int cmd_print(const struct buf *text, struct err *e);

/* One container as an object, for `state` and, without details (NULL), for `list`. */
void cmd_info_json(struct json_writer *w, const struct container_info *info, const char *owner,
                   const struct container_details *details);

/* cmd_check_host.c: prints what the host can do, and whether containers start on it. */
MUST_CHECK int cmd_check_host(const struct invocation *in, bool json, bool *ret_starts,
                              struct err *e);

/* cmd_policy_why.c: what was refused, as lines on stderr. config_file: of what ran. */
struct trace_result;
MUST_CHECK int cmd_report_refusals(struct arena *a, const char *config_file,
                                   const struct trace_result *result, struct err *e);

/* cmd_ps_table.c: what ps(1) printed, reduced to its first line and the lines whose
 * column PID holds one of the pids. ERR_USAGE when there is no such column. */
MUST_CHECK int ps_table_filter(const char *text, const pid_t *pids, size_t pid_count,
                               struct buf *ret, struct err *e);
