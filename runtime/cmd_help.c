/* SPDX-License-Identifier: Apache-2.0 */
/* help and version: also what --help and --version become. */

#include "runtime/cmd.h"
#include "seccomp/seccomp.h"

static const struct option_spec no_options[] = { { .name = NULL } };

static int help_run(const struct invocation *in, struct err *e)
{
	BUF struct buf out = { 0 };

	if (in->args.n == 0)
		help_program(in->program, &out);
	else if (!command_find(in->args.v[0])) /* the parser has made sure that it is a group */
		help_group(in->program, in->args.v[0], &out);
	else
		help_command(in->program, command_find(in->args.v[0]), &out);
	return cmd_print(&out, e);
}

/* Engines look for the word "version" in the first line and for "commit:". */
static int version_run(const struct invocation *in, struct err *e)
{
	char libseccomp[32];
	BUF struct buf out = { 0 };

	seccomp_library_version(libseccomp, sizeof(libseccomp));
	buf_printf(&out, "%s version %s\ncommit: %s\nspec: %s\nlibseccomp: %s\n", in->program,
	           CAISSON_VERSION, CAISSON_COMMIT, OCI_SPEC_VERSION, libseccomp);
	return cmd_print(&out, e);
}

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "explain the program or a command",
	.description =
		"Prints the list of commands, or what COMMAND does and which options it has. Where "
		"COMMAND is the name of a group, its commands are listed.",
	.options = no_options,
	.complete = { COMPLETE_COMMAND },
	.args_max = 2,
	.run = help_run,
};

const struct command command_version = {
	.name = "version",
	.arguments = "",
	.summary = "print the version",
	.description =
		"Prints the versions of the program, of the OCI runtime specification that it "
		"follows, and of libseccomp.",
	.options = no_options,
	.args_max = 0,
	.run = version_run,
};
