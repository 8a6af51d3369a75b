/* SPDX-License-Identifier: Apache-2.0 */
/*
 * argv to an invocation, by the tables alone. The program's options end at the first
 * word that is none: it names the command, whose options follow. An option is looked
 * for by its whole long name first, behind one dash or two, and then by its letter,
 * so that "-bundle" and "-b" both work, as for the runtimes whose callers use us.
 *
 * Nothing here looks at the system. Whatever the words mean together is decided in
 * cli_context.c and by the commands.
 */
#include "runtime/cli.h"

#include <string.h>

#include "base/num.h"
#include "base/scope.h"
#include "runtime/cli_suggest.h"

/* Where the parser stands. */
struct reader {
	struct invocation *in;
	char *const *next; /* the next word of argv */
	const char **args; /* room for all positionals */
};

const struct option_spec help_option = { .name = "help", .letter = 'h', .help = "print help" };

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

const char *command_in_group(const struct command *command, const char *group)
{
	size_t len = strlen(group);

	if (strncmp(command->name, group, len) != 0 || command->name[len] != ' ')
		return NULL;
	return command->name + len + 1;
}

bool command_is_group(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden && command_in_group(commands[i], name))
			return true;
	}
	return false;
}

bool command_opens_group(size_t index, char ret[COMMAND_GROUP_MAX])
{
	const char *name = commands[index]->name;
	size_t len = strcspn(name, " ");

	if (!name[len] || len >= COMMAND_GROUP_MAX)
		return false;
	memcpy(ret, name, len);
	ret[len] = '\0';
	return index == 0 || !command_in_group(commands[index - 1], ret);
}

/* `name` is the len bytes between the dashes and the "=". */
static const struct option_spec *find_option(const struct option_spec *options, const char *name,
                                             size_t len)
{
	for (const struct option_spec *o = options; o->name; o++) {
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	}
	for (const struct option_spec *o = options; o->name && len == 1; o++) {
		if (o->letter == name[0])
			return o;
	}
	return NULL;
}

static bool is_help(const char *name, size_t len)
{
	return (len == 1 && name[0] == help_option.letter) ||
	       (len == strlen(help_option.name) && strncmp(name, help_option.name, len) == 0);
}

/* "see 'caisson create --help'" */
static int usage_hint(const struct invocation *in, struct err *e)
{
	const char *command = in->command ? in->command->name : "";

	return err_hint(e, "see '%s%s%s --help'", in->program, *command ? " " : "", command);
}

/* --- what was probably meant -------------------------------------------------------- */

static const char *nearest_option(struct arena *a, const struct option_spec *options,
                                  const char *name)
{
	size_t room = 0, n = 0;

	while (options[room].name)
		room++;
	const char **names = arena_array(a, room + 1, sizeof(*names));
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden)
			names[n++] = o->name;
	}
	return suggest_nearest(name, names, n);
}

static int unknown_option(const struct invocation *in, const struct option_spec *options,
                          const char *word, size_t len, struct err *e)
{
	char *shown = arena_string(in->arena, word, len);
	const char *name = shown + strspn(shown, "-");
	const char *near = nearest_option(in->arena, options, name);

	err_set(e, ERR_USAGE, "unknown option %s", shown);
	if (in->command && find_option(global_options, name, strlen(name)))
		err_also(e, "it belongs in front of \"%s\"", in->command->name);
	else if (near)
		err_also(e, "did you mean --%s?", near);
	return usage_hint(in, e);
}

/* What could have been typed in the place of `name`: behind a group's name, or first. */
static const char *nearest_command(struct arena *a, const char *group, const char *name)
{
	size_t room = 0, n = 0;
	char first[COMMAND_GROUP_MAX];

	while (commands[room])
		room++;
	const char **names = arena_array(a, room + 1, sizeof(*names));
	for (size_t i = 0; i < room; i++) {
		const char *word = group ? command_in_group(commands[i], group) : commands[i]->name;

		if (commands[i]->hidden || !word)
			continue;
		if (!strchr(word, ' '))
			names[n++] = word;
		else if (command_opens_group(i, first))
			names[n++] = arena_printf(a, "%s", first);
	}
	return suggest_nearest(name, names, n);
}

/* group: the word before it, or NULL. */
static int unknown_command(struct invocation *in, const char *group, const char *name,
                           struct err *e)
{
	const char *near = nearest_command(in->arena, group, name);

	in->failure = CLI_EXIT_UNKNOWN_COMMAND;
	in->command = NULL;
	if (cli_as_runc(in->program))
		err_set(e, ERR_USAGE, "No help topic for '%s'", name);
	else
		err_set(e, ERR_USAGE, "unknown command \"%s%s%s\"", group ? group : "",
		        group ? " " : "", name);
	if (near)
		err_also(e, "did you mean \"%s\"?", near);
	if (group)
		return err_hint(e, "see '%s %s --help'", in->program, group);
	return usage_hint(in, e);
}

/* --- values -------------------------------------------------------------------------- */

/* The spellings of Go's strconv.ParseBool, which runc's callers rely on. */
static int flag_parse(const char *text, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "True", "TRUE" };
	static const char *const no[] = { "0", "f", "F", "false", "False", "FALSE" };

	for (size_t i = 0; i < LEN(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return -1;
}

/* Whether `word` is one of the words of the list. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *next = list; *next; next += strspn(next, " ")) {
		size_t n = strcspn(next, " ");

		if (n == len && strncmp(next, word, n) == 0)
			return true;
		next += n;
	}
	return false;
}

/* "true false auto" to "true, false or auto" */
static const char *word_choice(struct arena *a, const char *list)
{
	size_t n = strcspn(list, " ");
	const char *choice = arena_string(a, list, n);

	for (const char *next = list + n; *next; next += n) {
		next += strspn(next, " ");
		n = strcspn(next, " ");
		choice = arena_printf(a, "%s%s%.*s", choice, next[n] ? ", " : " or ", (int)n, next);
	}
	return choice;
}

/* Reads text, which is NULL only for a flag without "=". */
static int read_value(struct arena *a, const char *text, struct option_value *ret, struct err *e)
{
	const struct option_spec *option = ret->option;
	uint64_t number = 0;

	if (!text || option->kind == OPTION_FLAG) {
		ret->flag = true;
		if (text && flag_parse(text, &ret->flag) < 0)
			return err_set(e, ERR_USAGE, "--%s: \"%s\": must be true or false",
			               option->name, text);
		return 0;
	}
	if (option->kind == OPTION_NUMBER && num_u64(text, CLI_NUMBER_MAX, &number) < 0)
		return err_set(e, ERR_USAGE, "--%s: \"%s\": must be a number from 0 to %d",
		               option->name, text, CLI_NUMBER_MAX);
	if (option->words && !has_word(option->words, text))
		return err_set(e, ERR_USAGE, "--%s: \"%s\": must be %s", option->name, text,
		               word_choice(a, option->words));
	ret->text = text;
	ret->number = (uint32_t)number;
	return 0;
}

/* --- words --------------------------------------------------------------------------- */

/* `caisson CMD --help` is `caisson help CMD`. about: a command, a group, or NULL. */
static void turn_to_help(struct reader *r, const char *about)
{
	r->in->args.n = 0;
	if (about)
		r->args[r->in->args.n++] = about;
	r->in->command = &command_help;
}

/* Reads the option that `word` begins. *ret_done: it was --help, nothing else counts. */
static int read_option(struct reader *r, const struct option_spec *options, const char *word,
                       bool *ret_done, struct err *e)
{
	struct invocation *in = r->in;
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	const char *text = name[len] == '=' ? name + len + 1 : NULL;
	const struct option_spec *option = find_option(options, name, len);

	if (!option && is_help(name, len)) {
		turn_to_help(r, in->command ? in->command->name : NULL);
		*ret_done = true;
		return 0;
	}
	if (!option)
		return unknown_option(in, options, word, (size_t)(name - word) + len, e);
	if (option->kind != OPTION_FLAG && !text) {
		text = *r->next;
		if (!text) {
			err_set(e, ERR_USAGE, "flag needs an argument: --%s", option->name);
			return usage_hint(in, e);
		}
		r->next++;
	}
	struct option_value value = { .option = option };
	if (read_value(in->arena, text, &value, e) < 0)
		return usage_hint(in, e);
	in->values[in->value_count++] = value;
	return 0;
}

/* The second word of a command's name; a group without one explains itself. */
static int read_group(struct reader *r, const char *group, bool *ret_done, struct err *e)
{
	const char *word = *r->next;
	size_t dashes = word ? strspn(word, "-") : 0;

	if (!word || (dashes > 0 && is_help(word + dashes, strlen(word + dashes)))) {
		turn_to_help(r, group);
		*ret_done = true;
		return 0;
	}
	r->in->command = command_find(arena_printf(r->in->arena, "%s %s", group, word));
	if (!r->in->command)
		return unknown_command(r->in, group, word, e);
	r->next++;
	return 0;
}

/* The program's options and the command's name. */
static int read_program(struct reader *r, bool *ret_done, struct err *e)
{
	while (*r->next && is_option(*r->next)) {
		const char *word = *r->next++;

		if (strcmp(word, "--") == 0)
			break;
		TRY(read_option(r, global_options, word, ret_done, e));
		if (*ret_done)
			return 0;
	}
	if (cli_flag(r->in, "version")) {
		r->in->command = &command_version;
		*ret_done = true;
	} else if (!*r->next) {
		turn_to_help(r, NULL);
		*ret_done = true;
	} else if (command_is_group(*r->next)) {
		TRY(read_group(r, *r->next++, ret_done, e));
	} else {
		r->in->command = command_find(*r->next);
		if (!r->in->command)
			return unknown_command(r->in, NULL, *r->next, e);
		r->next++;
	}
	return 0;
}

static int read_command(struct reader *r, bool *ret_done, struct err *e)
{
	const struct command *command = r->in->command;
	bool options = true;

	while (*r->next) {
		const char *word = *r->next++;

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && is_option(word)) {
			TRY(read_option(r, command->options, word, ret_done, e));
			if (*ret_done)
				return 0;
		} else {
			r->args[r->in->args.n++] = word;
			if (command->stop_at_first)
				options = false;
		}
	}
	return 0;
}

/* Names the first missing or spare positional. */
static int check_args(const struct invocation *in, struct err *e)
{
	const struct command *command = in->command;
	const char *name = command->arguments;

	if (in->args.n > command->args_max) {
		err_set(e, ERR_USAGE, "%s: unexpected argument \"%s\"", command->name,
		        in->args.v[command->args_max]);
		return usage_hint(in, e);
	}
	if (in->args.n >= command->args_min)
		return 0;
	for (size_t i = 0; i < in->args.n; i++)
		name += strcspn(name, " ") + 1;
	err_set(e, ERR_USAGE, "%s: argument %.*s is missing", command->name,
	        (int)strcspn(name, " "), name);
	return usage_hint(in, e);
}

/* `caisson help policy explain`: two words become the one name. */
static int read_topic(struct reader *r, struct err *e)
{
	struct invocation *in = r->in;
	const char *first = in->args.n > 0 ? in->args.v[0] : NULL;

	if (!first || command_find(first) || (in->args.n == 1 && command_is_group(first)))
		return 0;
	if (!command_is_group(first))
		return unknown_command(in, NULL, first, e);
	r->args[0] = arena_printf(in->arena, "%s %s", first, in->args.v[1]);
	if (!command_find(r->args[0]))
		return unknown_command(in, first, in->args.v[1], e);
	r->args[1] = NULL;
	in->args.n = 1;
	return 0;
}

bool cli_as_runc(const char *program)
{
	return strcmp(program, "runc") == 0;
}

bool cli_as_vm(const char *program)
{
	return strcmp(program, "caisson-vm") == 0;
}

int cli_parse(struct arena *a, char *const argv[], struct invocation *ret, struct err *e)
{
	size_t count = 0;
	bool done = false;

	while (argv[count])
		count++;
	const char *slash = count > 0 ? strrchr(argv[0], '/') : NULL;
	*ret = (struct invocation){
		.arena = a,
		.program = slash       ? slash + 1
		           : count > 0 ? argv[0]
		                       : "caisson",
		.values = arena_array(a, count + 1, sizeof(*ret->values)),
		.failure = CLI_EXIT_FAILURE,
	};
	/* one more than argv: the name that turn_to_help puts in, and the final NULL */
	struct reader r = {
		.in = ret,
		.next = count > 0 ? argv + 1 : argv,
		.args = arena_array(a, count + 2, sizeof(*r.args)),
	};

	ret->args.v = r.args;
	TRY(read_program(&r, &done, e));
	if (done)
		return 0;
	TRY(read_command(&r, &done, e));
	if (done)
		return 0;
	TRY(check_args(ret, e));
	return ret->command == &command_help ? read_topic(&r, e) : 0;
}

/* --- asking -------------------------------------------------------------------------- */

/* The option of this name that is meant: the command's own hides the program's. */
static const struct option_spec *option_named(const struct invocation *in, const char *name)
{
	const struct option_spec *own = NULL;

	if (in->command)
		own = find_option(in->command->options, name, strlen(name));
	return own ? own : find_option(global_options, name, strlen(name));
}

static const struct option_value *last_value(const struct invocation *in, const char *name)
{
	const struct option_spec *option = option_named(in, name);

	for (size_t i = in->value_count; i > 0; i--) {
		if (in->values[i - 1].option == option)
			return &in->values[i - 1];
	}
	return NULL;
}

bool cli_given(const struct invocation *in, const char *name)
{
	return last_value(in, name) != NULL;
}

bool cli_flag(const struct invocation *in, const char *name)
{
	const struct option_value *value = last_value(in, name);

	return value && value->flag;
}

const char *cli_text(const struct invocation *in, const char *name)
{
	const struct option_value *value = last_value(in, name);

	return value && value->text[0] ? value->text : NULL;
}

uint32_t cli_number(const struct invocation *in, const char *name)
{
	const struct option_value *value = last_value(in, name);

	return value ? value->number : 0;
}

struct oci_strings cli_list(const struct invocation *in, const char *name)
{
	const char **all = arena_array(in->arena, in->value_count + 1, sizeof(*all));
	const struct option_spec *option = option_named(in, name);
	size_t n = 0;

	for (size_t i = 0; i < in->value_count; i++) {
		if (in->values[i].option == option)
			all[n++] = in->values[i].text;
	}
	return (struct oci_strings){ .v = all, .n = n };
}
