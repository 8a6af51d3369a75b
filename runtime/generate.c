/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: what `make install` puts beside the program. Hidden, because nobody needs
 * it afterwards; a command, because only the program has the tables.
 */
#include "runtime/generate.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/cmd.h"

static const struct option_spec no_options[] = { { .name = NULL } };

static int write_page(int dir, const char *name, const struct buf *page, struct err *e)
{
	TRY(buf_ok(page, e));
	return fd_replace_file(dir, name, 0644, page->data, page->len, e);
}

static int generate_man(const struct invocation *in, const char *folder, struct err *e)
{
	FD int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	BUF struct buf program = { 0 };

	if (dir < 0)
		return err_sys(e, "open %s", folder);
	generate_man_program(&program);
	TRY(write_page(dir, "caisson.1", &program, e));
	for (size_t i = 0; commands[i]; i++) {
		BUF struct buf page = { 0 };

		if (commands[i]->hidden)
			continue;
		generate_man_command(commands[i], &page);
		char *name = arena_printf(in->arena, "caisson-%s.1", commands[i]->name);
		for (char *c = name; *c; c++) {
			if (*c == ' ')
				*c = '-';
		}
		TRY(write_page(dir, name, &page, e));
	}
	return 0;
}

static int generate_completion(const char *shell, struct err *e)
{
	BUF struct buf out = { 0 };

	if (strcmp(shell, "bash") == 0)
		generate_bash(&out);
	else if (strcmp(shell, "zsh") == 0)
		generate_zsh(&out);
	else if (strcmp(shell, "fish") == 0)
		generate_fish(&out);
	else
		return err_set(e, ERR_USAGE, "shell \"%s\": must be bash, zsh or fish", shell);
	return cmd_print(&out, e);
}

static int generate_run(const struct invocation *in, struct err *e)
{
	const char *what = in->args.v[0], *where = in->args.v[1];

	if (strcmp(what, "man") == 0)
		return generate_man(in, where, e);
	if (strcmp(what, "completion") == 0)
		return generate_completion(where, e);
	return err_set(e, ERR_USAGE, "\"%s\": must be man or completion", what);
}

const struct command command_generate = {
	.name = "generate",
	.arguments = "KIND PLACE",
	.summary = "make manual pages and shell completions",
	.description =
		"\"man DIR\" writes the manual pages to a folder. \"completion SHELL\" prints "
		"the script that completes caisson's command line in bash, zsh or fish.",
	.examples = "caisson generate man /usr/local/share/man/man1\n"
		    "caisson generate completion bash\n",
	.options = no_options,
	.args_min = 2,
	.args_max = 2,
	.hidden = true,
	.run = generate_run,
};
