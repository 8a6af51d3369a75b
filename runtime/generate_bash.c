/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion for bash. The script knows for each option, and for each place behind a
 * command, the kind of word that belongs there, and walks the words before the cursor
 * to find out where it stands. bash splits words at "=": it is skipped on the way.
 */
#include <string.h>

#include "runtime/generate.h"
#include "runtime/signals.h"

/* The name of a kind in the script; for an option with fixed words, the words. */
static const char *kind_of(enum completion complete, const char *words)
{
	static const char *const kinds[] = {
		[COMPLETE_NOTHING] = "any",   [COMPLETE_FILE] = "file",
		[COMPLETE_DIR] = "dir",       [COMPLETE_CONTAINER] = "container",
		[COMPLETE_SIGNAL] = "signal", [COMPLETE_COMMAND] = "command",
	};

	return words ? words : kinds[complete];
}

/* Arms of a case over "COMMAND OPTION"; flags take no word and have none. */
static void add_kinds(struct buf *ret, const char *command, const struct option_spec *options)
{
	for (const struct option_spec *o = options; o->name; o++) {
		if (o->hidden || o->kind == OPTION_FLAG)
			continue;
		buf_printf(ret, "\t'%s --%s'", command, o->name);
		if (o->letter)
			buf_printf(ret, " | '%s -%c'", command, o->letter);
		buf_printf(ret, ") kind='%s' ;;\n", kind_of(o->complete, o->words));
	}
}

static void add_option_names(struct buf *ret, const char *command,
                             const struct option_spec *options)
{
	buf_printf(ret, "\t'%s') words='", command);
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden)
			buf_printf(ret, "--%s ", o->name);
	}
	buf_printf(ret, "--%s' ;;\n", help_option.name);
}

/* Behind the first word of a command of two stands the second: the words are the kind. */
static void add_groups(struct buf *ret)
{
	for (size_t i = 0; commands[i]; i++) {
		char group[COMMAND_GROUP_MAX];

		if (!command_opens_group(i, group) || !command_is_group(group))
			continue;
		buf_printf(ret, "\t'%s 0') kind='", group);
		for (size_t k = i; commands[k] && command_in_group(commands[k], group); k++) {
			if (!commands[k]->hidden)
				buf_printf(ret, "%s ", command_in_group(commands[k], group));
		}
		buf_text(ret, "' ;;\n");
	}
}

/* What belongs to each place; and the commands whose options end at the first one. */
static void add_places(struct buf *ret)
{
	buf_text(ret, "# What the word number $2 behind command $1 is.\n"
	              "_caisson_place()\n{\n\tcase \"$1 $2\" in\n\t' 0') kind='command' ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		for (size_t n = 0; n < COMMAND_ARGS_COMPLETED && !commands[i]->hidden; n++) {
			if (commands[i]->complete[n] != COMPLETE_NOTHING)
				buf_printf(ret, "\t'%s %zu') kind='%s' ;;\n", commands[i]->name, n,
				           kind_of(commands[i]->complete[n], NULL));
		}
	}
	add_groups(ret);
	buf_text(ret, "\t*) kind='any' ;;\n\tesac\n}\n\n"
	              "_caisson_stops_at_first()\n{\n\tcase $1 in\n");
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->stop_at_first)
			buf_printf(ret, "\t'%s') return 0 ;;\n", commands[i]->name);
	}
	buf_text(ret, "\t*) return 1 ;;\n\tesac\n}\n\n"
	              "# Whether $1 is the first word of commands of two.\n"
	              "_caisson_is_group()\n{\n\tcase $1 in\n");
	for (size_t i = 0; commands[i]; i++) {
		char group[COMMAND_GROUP_MAX];

		if (command_opens_group(i, group) && command_is_group(group))
			buf_printf(ret, "\t%s) return 0 ;;\n", group);
	}
	buf_text(ret, "\t*) return 1 ;;\n\tesac\n}\n\n");
}

static void add_offers(struct buf *ret)
{
	buf_text(ret, "# Offers words of the kind that begin as the current one does.\n"
	              "_caisson_offer()\n{\n"
	              "\tcase $kind in\n"
	              "\tany) ;;\n"
	              "\tfile) compopt -o filenames; "
	              "mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
	              "\tdir) compopt -o filenames; "
	              "mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
	              "\tcontainer) _caisson_words "
	              "\"$(\"${COMP_WORDS[0]}\" \"${root[@]}\" list -q 2>/dev/null)\" ;;\n"
	              "\tsignal) _caisson_words '");
	for (const struct signal_name *s = signal_names; s->name; s++)
		buf_printf(ret, "%s%s", s == signal_names ? "" : " ", s->name);
	buf_text(ret, "' ;;\n\tcommand) _caisson_words '");
	for (size_t i = 0; commands[i]; i++) {
		char group[COMMAND_GROUP_MAX];

		if (command_opens_group(i, group) && command_is_group(group))
			buf_printf(ret, "%s%s", i == 0 ? "" : " ", group);
		else if (!commands[i]->hidden && !strchr(commands[i]->name, ' '))
			buf_printf(ret, "%s%s", i == 0 ? "" : " ", commands[i]->name);
	}
	buf_text(ret, "' ;;\n\t*) _caisson_words \"$kind\" ;;\n\tesac\n}\n\n");
}

static const char script_head[] =
	"# bash completion for caisson, made by 'caisson generate completion bash'\n"
	"\n"
	"_caisson_words()\n"
	"{\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
	"}\n"
	"\n";

static const char script_tail[] =
	"_caisson()\n"
	"{\n"
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} command='' option='' ended='' kind='' words=''\n"
	"\tlocal place=0 i word\n"
	"\tlocal -a root=()\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word == '=' ]]; then\n"
	"\t\t\tcontinue\n"
	"\t\telif [[ $option ]]; then\n"
	"\t\t\t[[ $option == *-root ]] && root=(--root \"$word\")\n"
	"\t\t\toption=''\n"
	"\t\telif [[ $word == -- ]]; then\n"
	"\t\t\tended=1\n"
	"\t\telif [[ $word == -* && ! $ended ]]; then\n"
	"\t\t\t_caisson_kind \"$command\" \"$word\"\n"
	"\t\t\t[[ $kind ]] && option=$word\n"
	"\t\telif [[ ! $command ]]; then\n"
	"\t\t\tcommand=$word\n"
	"\t\telif _caisson_is_group \"$command\"; then\n"
	"\t\t\tcommand+=\" $word\"\n"
	"\t\telse\n"
	"\t\t\tplace=$((place + 1))\n"
	"\t\t\t_caisson_stops_at_first \"$command\" && ended=1\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t[[ $current == '=' ]] && current=''\n"
	"\tif [[ $option ]]; then\n"
	"\t\t_caisson_kind \"$command\" \"$option\"\n"
	"\telif [[ $current == -* && ! $ended ]]; then\n"
	"\t\t_caisson_options \"$command\"\n"
	"\t\tkind=$words\n"
	"\telse\n"
	"\t\t_caisson_place \"$command\" \"$place\"\n"
	"\tfi\n"
	"\t_caisson_offer\n"
	"}\n"
	"\n"
	"complete -F _caisson caisson caisson-vm\n";

void generate_bash(struct buf *ret)
{
	buf_text(ret, script_head);
	buf_text(ret, "# What the value of option $2 of command $1 is; empty: it has none.\n"
	              "_caisson_kind()\n{\n\tcase \"$1 $2\" in\n");
	add_kinds(ret, "", global_options);
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden)
			add_kinds(ret, commands[i]->name, commands[i]->options);
	}
	buf_text(ret, "\t*) kind='' ;;\n\tesac\n}\n\n"
	              "_caisson_options()\n{\n\tcase $1 in\n");
	add_option_names(ret, "", global_options);
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden)
			add_option_names(ret, commands[i]->name, commands[i]->options);
	}
	buf_text(ret, "\tesac\n}\n\n");
	add_places(ret);
	add_offers(ret);
	buf_text(ret, script_tail);
}
