/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion for fish: one `complete` line for each command, option and place. Their
 * conditions ask __caisson_place, which walks the words before the cursor and tells
 * the command and how many words stand behind it: "kill 1".
 */
#include <string.h>

#include "runtime/generate.h"
#include "runtime/signals.h"

/* Text inside '...', where fish knows two escapes. */
static void add_quoted(struct buf *ret, const char *text)
{
	buf_text(ret, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_text(ret, "\\");
		buf_add(ret, text, 1);
	}
	buf_text(ret, "'");
}

static const char *words_of(enum completion complete)
{
	static const char *const words[] = {
		[COMPLETE_NOTHING] = "",
		[COMPLETE_FILE] = "(__fish_complete_path)",
		[COMPLETE_DIR] = "(__fish_complete_directories)",
		[COMPLETE_CONTAINER] = "(__caisson_containers)",
		[COMPLETE_SIGNAL] = "(__caisson_signals)",
		[COMPLETE_COMMAND] = "(__caisson_commands)",
	};

	return words[complete];
}

/* Patterns of a case over "COMMAND OPTION" for options that have a value. */
static void add_value_options(struct buf *ret, const char *command,
                              const struct option_spec *options)
{
	for (const struct option_spec *o = options; o->name; o++) {
		if (o->hidden || o->kind == OPTION_FLAG)
			continue;
		buf_printf(ret, " '%s --%s'", command, o->name);
		if (o->letter)
			buf_printf(ret, " '%s -%c'", command, o->letter);
	}
}

static void add_option(struct buf *ret, const char *command, const struct option_spec *option)
{
	buf_printf(ret, "complete -c caisson -n '__caisson_on \"%s\"'", command);
	if (option->letter)
		buf_printf(ret, " -s %c", option->letter);
	buf_printf(ret, " -l %s", option->name);
	if (option->kind != OPTION_FLAG) {
		buf_text(ret, " -x -a ");
		add_quoted(ret, option->words ? option->words : words_of(option->complete));
	}
	buf_text(ret, " -d ");
	add_quoted(ret, option->help);
	buf_text(ret, "\n");
}

static void add_options(struct buf *ret, const char *command, const struct option_spec *options)
{
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden)
			add_option(ret, command, o);
	}
	add_option(ret, command, &help_option);
}

/* Arms for the second words of commands of two. */
static void add_groups(struct buf *ret)
{
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden && strchr(commands[i]->name, ' '))
			buf_printf(ret,
			           "            case '%s'\n"
			           "                set command \"$command $word\"\n",
			           commands[i]->name);
	}
}

static void add_place(struct buf *ret)
{
	buf_text(ret, "function __caisson_place\n"
	              "    set -l command\n"
	              "    set -l count 0\n"
	              "    set -l skip 0\n"
	              "    set -l words (commandline -opc)\n"
	              "    for word in $words[2..-1]\n"
	              "        if test $skip = 1\n"
	              "            set skip 0\n"
	              "            continue\n"
	              "        end\n"
	              "        switch \"$command $word\"\n"
	              "            case");
	add_value_options(ret, "", global_options);
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden)
			add_value_options(ret, commands[i]->name, commands[i]->options);
	}
	buf_text(ret, "\n                set skip 1\n");
	add_groups(ret);
	buf_text(ret, "            case '* -*'\n"
	              "            case ' *'\n"
	              "                set command $word\n"
	              "            case '*'\n"
	              "                set count (math $count + 1)\n"
	              "        end\n"
	              "    end\n"
	              "    echo \"$command $count\"\n"
	              "end\n\n"
	              "function __caisson_on\n"
	              "    string match -q -- \"$argv[1] *\" (__caisson_place)\n"
	              "end\n\n"
	              "function __caisson_at\n"
	              "    test (__caisson_place) = \"$argv[1]\"\n"
	              "end\n\n");
}

static void add_lists(struct buf *ret)
{
	buf_text(ret, "function __caisson_containers\n"
	              "    set -l words (commandline -opc)\n"
	              "    set -l root\n"
	              "    if set -l at (contains -i -- --root $words)\n"
	              "        set root --root $words[(math $at + 1)]\n"
	              "    end\n"
	              "    string match -q -- '--root=*' $words; and set root (string match -- "
	              "'--root=*' $words)[-1]\n"
	              "    caisson $root list -q 2>/dev/null\n"
	              "end\n\n"
	              "function __caisson_signals\n    printf '%s\\n'");
	for (const struct signal_name *s = signal_names; s->name; s++)
		buf_printf(ret, " %s", s->name);
	buf_text(ret, "\nend\n\nfunction __caisson_commands\n    printf '%s\\t%s\\n'");
	for (size_t i = 0; commands[i]; i++) {
		char group[COMMAND_GROUP_MAX];

		if (command_opens_group(i, group) && command_is_group(group))
			buf_printf(ret, " %s 'a group of commands'", group);
		if (commands[i]->hidden || strchr(commands[i]->name, ' '))
			continue;
		buf_printf(ret, " %s ", commands[i]->name);
		add_quoted(ret, commands[i]->summary);
	}
	buf_text(ret, "\nend\n\n");
}

static void add_second_word(struct buf *ret, const struct command *command)
{
	size_t len = strcspn(command->name, " ");

	if (!command->name[len])
		return;
	buf_printf(ret, "complete -c caisson -n '__caisson_at \"%.*s 0\"' -a %s -d ", (int)len,
	           command->name, command->name + len + 1);
	add_quoted(ret, command->summary);
	buf_text(ret, "\n");
}

void generate_fish(struct buf *ret)
{
	buf_text(ret,
	         "# fish completion for caisson, made by 'caisson generate completion fish'\n\n");
	add_place(ret);
	add_lists(ret);
	buf_text(ret, "complete -c caisson-vm -w caisson\n"
	              "complete -c caisson -f\n"
	              "complete -c caisson -n '__caisson_at \" 0\"' -a '(__caisson_commands)'\n");
	add_options(ret, "", global_options);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];

		if (command->hidden)
			continue;
		add_second_word(ret, command);
		for (size_t n = 0; n < COMMAND_ARGS_COMPLETED; n++) {
			if (command->complete[n] != COMPLETE_NOTHING)
				buf_printf(
					ret,
					"complete -c caisson -n '__caisson_at \"%s %zu\"' -a '%s'\n",
					command->name, n, words_of(command->complete[n]));
		}
		add_options(ret, command->name, command->options);
	}
}
