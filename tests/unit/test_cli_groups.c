/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of two words, over a table of the test's own: how they are read, what is
 * said of a wrong second word, and that a group explains itself. Help and completion
 * offer the first word once.
 */
#include <string.h>

#include "base/arena.h"
#include "base/scope.h"
#include "runtime/cli.h"
#include "runtime/generate.h"
#include "unit.h"

static const struct option_spec options[] = { { .name = "deep", .help = "x" }, { .name = NULL } };

/* clang-format off */
static const struct command
	alpha = { .name = "alpha", .arguments = "", .summary = "a", .description = "a",
	          .options = options },
	pair_one = { .name = "pair one", .arguments = "WHAT", .summary = "the first",
	             .description = "one", .options = options, .args_min = 1, .args_max = 1 },
	pair_two = { .name = "pair two", .arguments = "", .summary = "the second",
	             .description = "two", .options = options },
	secret = { .name = "secret one", .arguments = "", .summary = "s", .description = "s",
	           .options = options, .hidden = true };

/* instead of the program's */
const struct command *const commands[] = {
	&alpha, &command_help, &pair_one, &pair_two, &secret, NULL,
};
/* clang-format on */

static const struct {
	const char *argv[6];
	const char *read; /* "command | positionals", or the error and its hint */
} lines[] = {
	{ { "alpha" }, "alpha" },
	{ { "pair", "one", "x" }, "pair one x" },
	{ { "pair", "one", "--deep", "x" }, "pair one x" },
	{ { "--debug", "pair", "two" }, "pair two" },
	{ { "pair" }, "help pair" },
	{ { "pair", "--help" }, "help pair" },
	{ { "pair", "-h" }, "help pair" },
	{ { "pair", "one", "--help" }, "help pair one" },
	{ { "help", "pair" }, "help pair" },
	{ { "help", "pair", "two" }, "help pair two" },
	{ { "help", "alpha" }, "help alpha" },
	{ { "pair", "tow" },
	  "!unknown command \"pair tow\"; did you mean \"two\"? (see 'caisson pair --help')" },
	{ { "help", "pair", "tow" },
	  "!unknown command \"pair tow\"; did you mean \"two\"? (see 'caisson pair --help')" },
	{ { "help", "beta", "x" }, "!unknown command \"beta\" (see 'caisson --help')" },
	{ { "pari", "one" },
	  "!unknown command \"pari\"; did you mean \"pair\"? (see 'caisson --help')" },
	{ { "secret" }, "!unknown command \"secret\" (see 'caisson --help')" },
	{ { "pair", "one" },
	  "!pair one: argument WHAT is missing (see 'caisson pair one --help')" },
	{ { "pair", "two", "x" },
	  "!pair two: unexpected argument \"x\" (see 'caisson pair two --help')" },
};

static const char *read_words(struct arena *a, const char *const *words)
{
	char **argv = arena_array(a, 8, sizeof(*argv));
	struct invocation in;
	struct err e = { 0 };

	argv[0] = arena_printf(a, "caisson");
	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = arena_printf(a, "%s", words[i]);
	if (cli_parse(a, argv, &in, &e) < 0)
		return arena_printf(a, "!%s (%s)", e.text, e.hint);

	char *text = arena_printf(a, "%s", in.command->name);
	for (size_t i = 0; i < in.args.n; i++)
		text = arena_printf(a, "%s %s", text, in.args.v[i]);
	return text;
}

static void two_words(void **state)
{
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < LEN(lines); i++)
		assert_string_equal(read_words(&a, lines[i].argv), lines[i].read);
}

static void groups(void **state)
{
	BUF struct buf text = { 0 };
	char group[COMMAND_GROUP_MAX];

	(void)state;
	assert_true(command_is_group("pair"));
	assert_false(command_is_group("alpha"));
	assert_false(command_is_group("pai"));
	assert_false(command_is_group("secret"));
	assert_string_equal(command_in_group(&pair_two, "pair"), "two");
	assert_null(command_in_group(&pair_two, "pai"));
	assert_false(command_opens_group(0, group));
	assert_true(command_opens_group(2, group));
	assert_string_equal(group, "pair");
	assert_false(command_opens_group(3, group));

	help_group("caisson", "pair", &text);
	assert_non_null(strstr(text.data, "\n  one  the first\n  two  the second\n"));
}

static size_t occurrences(const struct buf *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text->data; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* The first word is offered once, the second behind it, the hidden nowhere. */
static void completions(void **state)
{
	BUF struct buf bash = { 0 }, zsh = { 0 }, fish = { 0 };

	(void)state;
	generate_bash(&bash);
	generate_zsh(&zsh);
	generate_fish(&fish);
	assert_int_equal(occurrences(&bash, "'alpha help pair'"), 1);
	assert_int_equal(occurrences(&bash, "'pair 0') kind='one two '"), 1);
	assert_int_equal(occurrences(&zsh, "'pair:a group of commands'"), 1);
	assert_int_equal(occurrences(&zsh, "'two:the second'"), 1);
	assert_int_equal(occurrences(&fish, " pair 'a group of commands'"), 1);
	assert_int_equal(occurrences(&fish, "'__caisson_at \"pair 0\"' -a two"), 1);
	assert_int_equal(occurrences(&bash, "secret"), 0);
	assert_int_equal(occurrences(&zsh, "secret"), 0);
	assert_int_equal(occurrences(&fish, "secret"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_words),
		cmocka_unit_test(groups),
		cmocka_unit_test(completions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
