/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion for zsh, by its _arguments: one call for the program's options and the
 * command, one for what follows the command. A description must not end the brackets
 * and quotes that it stands in: add_quoted() escapes those.
 */
#include <string.h>

#include "runtime/generate.h"
#include "runtime/signals.h"

/* Text inside '...', and inside [...] or before a colon there. */
static void add_quoted(struct buf *ret, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			buf_text(ret, "'\\''");
		else if (strchr("[]:\\", *text))
			buf_printf(ret, "\\%c", *text);
		else
			buf_add(ret, text, 1);
	}
}

static const char *action_of(enum completion complete)
{
	static const char *const actions[] = {
		[COMPLETE_NOTHING] = " ",
		[COMPLETE_FILE] = "_files",
		[COMPLETE_DIR] = "_files -/",
		[COMPLETE_CONTAINER] = "_caisson_containers",
		[COMPLETE_SIGNAL] = "_caisson_signals",
		[COMPLETE_COMMAND] = "_caisson_commands",
	};

	return actions[complete];
}

/* '(-b --bundle)'{-b,--bundle=}'[the folder]:DIR:_files -/' */
static void add_option(struct buf *ret, const struct option_spec *option)
{
	bool flag = option->kind == OPTION_FLAG;
	const char *equals = flag ? "" : "=";

	buf_text(ret, " \\\n\t\t");
	if (option->letter && option->kind == OPTION_LIST)
		buf_printf(ret, "'*'{-%c,--%s=}'[", option->letter, option->name);
	else if (option->letter)
		buf_printf(ret, "'(-%c --%s)'{-%c,--%s%s}'[", option->letter, option->name,
		           option->letter, option->name, equals);
	else
		buf_printf(ret, "'%s--%s%s[", option->kind == OPTION_LIST ? "*" : "", option->name,
		           equals);
	add_quoted(ret, option->help);
	buf_text(ret, "]");
	if (!flag) {
		buf_text(ret, ":");
		add_quoted(ret, option->value);
		if (option->words)
			buf_printf(ret, ":(%s)", option->words);
		else
			buf_printf(ret, ":%s", action_of(option->complete));
	}
	buf_text(ret, "'");
}

static void add_options(struct buf *ret, const struct option_spec *options)
{
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden)
			add_option(ret, o);
	}
	add_option(ret, &help_option);
}

static void add_command(struct buf *ret, const struct command *command)
{
	buf_printf(ret, "\t'%s')\n\t\t_arguments%s", command->name,
	           command->stop_at_first ? " -A '-*'" : "");
	add_options(ret, command->options);
	for (size_t n = 0; n < COMMAND_ARGS_COMPLETED; n++) {
		if (command->complete[n] != COMPLETE_NOTHING)
			buf_printf(ret, " \\\n\t\t'%zu: :%s'", n + 1,
			           action_of(command->complete[n]));
	}
	buf_text(ret, "\n\t\t;;\n");
}

static void add_described(struct buf *ret, const char *word, const char *summary)
{
	buf_printf(ret, "\t\t'%s:", word);
	add_quoted(ret, summary);
	buf_text(ret, "'\n");
}

/* A command of two words is the first of them with its second shifted in. */
static void add_groups(struct buf *ret)
{
	for (size_t i = 0; commands[i]; i++) {
		char group[COMMAND_GROUP_MAX];

		if (!command_opens_group(i, group) || !command_is_group(group))
			continue;
		buf_printf(ret, "\tif [[ $command == %s ]]; then\n\t\tlocal -a list=(\n", group);
		for (size_t k = i; commands[k] && command_in_group(commands[k], group); k++) {
			if (!commands[k]->hidden)
				add_described(ret, command_in_group(commands[k], group),
				              commands[k]->summary);
		}
		buf_text(ret, "\t\t)\n"
		              "\t\tif (( CURRENT == 2 )); then\n"
		              "\t\t\t_describe command list\n"
		              "\t\t\treturn\n"
		              "\t\tfi\n"
		              "\t\tcommand+=\" $words[2]\"\n"
		              "\t\tshift words\n"
		              "\t\t(( CURRENT-- ))\n"
		              "\tfi\n");
	}
}

static void add_lists(struct buf *ret)
{
	buf_text(ret, "_caisson_commands() {\n\tlocal -a list=(\n");
	for (size_t i = 0; commands[i]; i++) {
		char group[COMMAND_GROUP_MAX];

		if (command_opens_group(i, group) && command_is_group(group))
			buf_printf(ret, "\t\t'%s:a group of commands'\n", group);
		if (!commands[i]->hidden && !strchr(commands[i]->name, ' '))
			add_described(ret, commands[i]->name, commands[i]->summary);
	}
	buf_text(ret, "\t)\n\t_describe command list\n}\n\n"
	              "_caisson_signals() {\n\tcompadd --");
	for (const struct signal_name *s = signal_names; s->name; s++)
		buf_printf(ret, " %s", s->name);
	buf_text(ret, "\n}\n\n"
	              "_caisson_containers() {\n"
	              "\tlocal -a list=(${(f)\"$(caisson ${root:+--root=$root} list -q "
	              "2>/dev/null)\"})\n"
	              "\tcompadd -a list\n"
	              "}\n\n");
}

void generate_zsh(struct buf *ret)
{
	buf_text(ret,
	         "#compdef caisson caisson-vm\n"
	         "# zsh completion for caisson, made by 'caisson generate completion zsh'\n\n");
	add_lists(ret);
	buf_text(ret, "_caisson() {\n"
	              "\tlocal curcontext=$curcontext context state line root\n"
	              "\tlocal -A opt_args\n\n"
	              "\t_arguments -C -A '-*'");
	add_options(ret, global_options);
	buf_text(ret, " \\\n\t\t'1: :_caisson_commands' \\\n\t\t'*:: :->command'\n"
	              "\t[[ $state == command ]] || return\n"
	              "\troot=$opt_args[--root]\n"
	              "\tlocal command=$words[1]\n");
	add_groups(ret);
	buf_text(ret, "\tcase $command in\n");
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden)
			add_command(ret, commands[i]);
	}
	buf_text(ret, "\tesac\n}\n\n_caisson \"$@\"\n");
}
