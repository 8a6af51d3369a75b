/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy trace: runs a bundle, or watches a container that runs, and writes the smallest
 * seccomp profile with which that would have worked. What was not done while it was
 * watched is not in it: several runs are united with --merge.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/policy_profile.h"
#include "runtime/policy_watch.h"

/* clang-format off */
static const struct option_spec trace_options[] = {
	{ .name = "output", .letter = 'o', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "write the profile to this file (default: stdout)" },
	{ .name = "merge", .letter = 'm', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "allow also what this earlier profile allows" },
	{ .name = "args", .help = "allow some calls only with the arguments that they had" },
	{ .name = "notify",
	  .help = "ask about each call by seccomp: slow, but needs no rights over the host" },
	{ .name = "for", .kind = OPTION_NUMBER, .value = "SECONDS",
	  .help = "watch a container for so long (default: until it ends or SIGINT)" },
	{ .name = NULL },
};
/* clang-format on */

static int tell(const struct policy_watch *t, const struct trace_result *result, size_t named,
                struct err *e)
{
	uint64_t compat = 0;
	uint64_t more = t->meanwhile_ns > t->before_ns ? t->meanwhile_ns - t->before_ns : 0;
	BUF struct buf out = { 0 };

	buf_printf(&out, "the profile names %zu system calls; ", named);
	if (t->notify)
		buf_text(&out,
		         "the workload waited for an answer at each of its calls, which takes "
		         "some 20 times as long\n");
	else
		buf_printf(&out,
		           "each call of every process of this host took about %llu ns longer "
		           "meanwhile\n",
		           (unsigned long long)more);
	for (size_t i = 0; i < TRACE_CALLS; i++)
		compat += result->compat[i];
	if (compat)
		buf_printf(&out,
		           "%llu calls were those of 32-bit programs: the profile has their "
		           "architecture, too\n",
		           (unsigned long long)compat);
	if (result->values_lost)
		buf_text(&out,
		         "warning: there were too many arguments to note: none is narrowed\n");
	return fd_write_all(STDERR_FILENO, out.data, out.len, "stderr", e);
}

static int write_profile(const struct invocation *in, const struct buf *text, struct err *e)
{
	const char *path = cli_path(in, "output");

	TRY(buf_ok(text, e));
	if (!path)
		return cmd_print(text, e);
	return fd_replace_file(AT_FDCWD, path, 0644, text->data, text->len, e);
}

static int trace_run(const struct invocation *in, struct err *e)
{
	struct policy_watch t = { .options = { .arguments = cli_flag(in, "args") },
		                  .trace = TRACE_NONE };
	const char *merge = cli_path(in, "merge");
	struct policy earlier = { 0 };
	struct trace_result result = { 0 };
	BUF struct buf out = { 0 };
	size_t named;
	int status = 0;

	if (merge)
		TRY(policy_profile_read(in->arena, merge, &earlier, e));
	t.notify = cli_flag(in, "notify") || !trace_allowed();
	if (policy_watch(in, &t, &status, e) < 0 ||
	    (!t.notify && trace_read(&t.trace, in->arena, &result, e) < 0)) {
		trace_close(&t.trace);
		return -1;
	}
	trace_close(&t.trace);
	if (t.notify)
		result = t.noted;
	if (trace_profile(in->arena, &result, earlier.seccomp, &out, &named, e) < 0)
		return err_in(e, "%s", merge);
	TRY(write_profile(in, &out, e));
	TRY(tell(&t, &result, named, e));
	return status;
}

const struct command command_policy_trace = {
	.name = "policy trace",
	.arguments = "BUNDLE|ID",
	.summary = "write the seccomp profile that a workload needs",
	.description =
		"Runs a bundle as run does, under its own config.json, and notes each system call "
		"that its processes make, also those that its profile refuses. When it has ended, "
		"the smallest profile with which that works is written. Given a container's id "
		"(a name without a slash), that container is watched until it ends, until the "
		"time of --for is over, or until SIGINT.\n\n"
		"What the workload did not do meanwhile is not in the profile: give the profile of "
		"earlier runs with --merge, and try what it may ever do. With --args, calls like "
		"socket, clone, ioctl and prctl are allowed only with the families, flags, "
		"requests and options that were seen.\n\n"
		"The calls are seen by BPF programs, which need root's rights over the host, and "
		"make every system call of every process a little slower for as long; how much is "
		"told at the end. Without these rights, or with --notify, a bundle is run with a "
		"profile that asks about each call, and is answered as its own would: the workload "
		"is much slower then, and its calls of write and sendmsg are not seen. What caisson "
		"exec starts while a container is watched is noted with it. The exit status is the "
		"workload's.",
	.examples = "caisson policy trace -o web.json /srv/web\n"
		    "caisson policy trace --merge web.json -o web.json --for 60 web1\n",
	.options = trace_options,
	.complete = { COMPLETE_DIR },
	.args_min = 1,
	.args_max = 1,
	.run = trace_run,
};
