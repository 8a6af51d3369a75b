/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what create would do, step by step, without doing it. */
#include "base/path.h"
#include "runtime/cmd.h"

/* clang-format off */
static const struct option_spec plan_options[] = {
	{ .name = "bundle", .letter = 'b', .kind = OPTION_TEXT, .value = "DIR",
	  .complete = COMPLETE_DIR, .help = "the bundle's folder (default: the current one)" },
	{ .name = "config", .letter = 'f', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "the bundle's config.json, by another name" },
	{ .name = "no-pivot",
	  .help = "move the root instead of pivoting, for a host whose root is a ramdisk" },
	{ .name = "no-new-keyring", .help = "keep the caller's session keyring" },
	{ .name = "preserve-fds", .kind = OPTION_NUMBER, .value = "N",
	  .help = "pass N more file descriptors, from 3 on" },
	{ .name = NULL },
};
/* clang-format on */

static int plan_run(const struct invocation *in, struct err *e)
{
	const char *bundle = cli_path(in, "bundle");
	const char *config = cli_text(in, "config");
	BUF struct buf out = { 0 };

	if (in->args.n > 0)
		bundle = path_clean(in->arena, in->cwd, in->args.v[0]);

	/* an id takes part in names of the plan, but nobody has chosen one yet */
	const struct create_request request = {
		.id = "plan",
		.bundle = bundle ? bundle : in->cwd,
		.config = config ? config : "config.json",
		.no_pivot = cli_flag(in, "no-pivot"),
		.no_new_keyring = cli_flag(in, "no-new-keyring"),
		.preserve_fds = cli_number(in, "preserve-fds"),
	};
	TRY(container_plan(&in->context, &request, &out, e));
	return cmd_print(&out, e);
}

const struct command command_plan = {
	.name = "plan",
	.arguments = "[BUNDLE]",
	.summary = "print what create would do, and do nothing",
	.description =
		"Reads the bundle's config.json, checks it against this host and prints the launch "
		"plan as JSON: the steps that build the container, in order, with every mount, id, "
		"limit and filter as it will be. Nothing is created. A config.json that create "
		"would refuse is refused here with the same message.",
	.examples = "caisson plan /srv/web\n",
	.options = plan_options,
	.complete = { COMPLETE_DIR },
	.args_max = 1,
	.run = plan_run,
};
