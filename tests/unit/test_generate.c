/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is in the table of commands is in the help, the manual pages and each
 * shell's completion, and what is hidden there is in none. That the shells and the
 * formatter accept the texts is tested with them, in tests/cli/usage.bats.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "runtime/cli.h"
#include "runtime/generate.h"
#include "unit.h"

static void expect(const struct buf *text, const char *what, bool there)
{
	if (!text->data || (strstr(text->data, what) != NULL) != there)
		fail_msg("\"%s\" is %s in:\n%s", what, there ? "not" : "", text->data);
}

/* "no-pivot" as troff has to have it: "no\-pivot" */
static const char *troff(struct arena *a, const char *name)
{
	char *text = arena_new(a, 2 * strlen(name) + 1), *out = text;

	for (; *name; name++) {
		if (*name == '-')
			*out++ = '\\';
		*out++ = *name;
	}
	return text;
}

/* "policy explain" as its page is called: "policy\-explain" */
static const char *page_name(struct arena *a, const char *name)
{
	char *text = arena_printf(a, "%s", name);

	for (char *c = text; *c; c++) {
		if (*c == ' ')
			*c = '-';
	}
	return troff(a, text);
}

static void help_has_all(void **state)
{
	BUF struct buf program = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	help_program("caisson", &program);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];
		BUF struct buf text = { 0 };

		expect(&program, arena_printf(&a, "\n  %s ", c->name), !c->hidden);
		help_command("caisson", c, &text);
		expect(&text, arena_printf(&a, "usage: caisson %s ", c->name), true);
		for (const struct option_spec *o = c->options; o->name; o++)
			expect(&text, arena_printf(&a, " --%s ", o->name), !o->hidden);
		expect(&text, "-h, --help", true);
	}
	for (const struct option_spec *o = global_options; o->name; o++)
		expect(&program, arena_printf(&a, " --%s ", o->name), !o->hidden);
}

/* Descriptions are wrapped; only examples may be longer than a terminal is wide. */
static void help_fits(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++) {
		BUF struct buf text = { 0 };

		help_command("caisson", commands[i], &text);
		const char *examples = strstr(text.data, "\nexamples:");
		for (const char *line = text.data; *line && line != examples;) {
			size_t len = strcspn(line, "\n");

			if (len > 80)
				fail_msg("too long: %.*s", (int)len, line);
			line += len;
			if (*line && line != examples)
				line++;
		}
	}
}

static void man_has_all(void **state)
{
	BUF struct buf program = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	generate_man_program(&program);
	for (const struct option_spec *o = global_options; o->name; o++)
		expect(&program, arena_printf(&a, "\\-\\-%s\\fR", troff(&a, o->name)), !o->hidden);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];
		BUF struct buf page = { 0 };

		expect(&program,
		       arena_printf(&a, "\\fBcaisson\\-%s\\fR(1)", page_name(&a, c->name)),
		       !c->hidden);
		generate_man_command(c, &page);
		for (const struct option_spec *o = c->options; o->name; o++)
			expect(&page, arena_printf(&a, "\\-\\-%s\\fR", troff(&a, o->name)),
			       !o->hidden);
	}
}

/* No line of a page but a request may begin with a dot or an apostrophe. */
static void man_escapes(void **state)
{
	static const struct option_spec options[] = {
		{ .name = "x", .kind = OPTION_TEXT, .value = "A\\B", .help = ".a\\b-c" },
		{ .name = NULL },
	};
	static const struct command command = {
		.name = "x",
		.arguments = "",
		.summary = "'s",
		.description = ".first\n\n'second",
		.examples = ".third\nfourth\n'fifth\n",
		.options = options,
	};
	BUF struct buf page = { 0 };

	(void)state;
	generate_man_command(&command, &page);
	expect(&page, "\n.first", false);
	expect(&page, "\n\\&.first", true);
	expect(&page, "\n\\&'second", true);
	expect(&page, "\n\\&.third\nfourth\n\\&'fifth\n", true);
	expect(&page, "\n\\&.a\\eb\\-c.\n", true);
	expect(&page, "\\fIA\\eB\\fR", true);
}

static void completions_have_all(void **state)
{
	BUF struct buf bash = { 0 }, zsh = { 0 }, fish = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	generate_bash(&bash);
	generate_zsh(&zsh);
	generate_fish(&fish);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		expect(&bash, arena_printf(&a, "\t'%s') words='", c->name), !c->hidden);
		const char *blank = strchr(c->name, ' ');

		expect(&zsh, arena_printf(&a, "\t\t'%s:", blank ? blank + 1 : c->name), !c->hidden);
		expect(&zsh, arena_printf(&a, "\t'%s')\n", c->name), !c->hidden);
		expect(&fish, arena_printf(&a, "__caisson_on \"%s\"'", c->name), !c->hidden);
		for (const struct option_spec *o = c->options; o->name; o++) {
			if (o->kind != OPTION_FLAG)
				expect(&bash, arena_printf(&a, "\t'%s --%s'", c->name, o->name),
				       !o->hidden);
			if (o->hidden)
				continue;
			expect(&bash, arena_printf(&a, "--%s ", o->name), true);
			expect(&zsh, arena_printf(&a, "--%s", o->name), true);
			expect(&fish, arena_printf(&a, " -l %s", o->name), true);
		}
	}
	for (const struct option_spec *o = global_options; o->name; o++) {
		expect(&bash, arena_printf(&a, "--%s ", o->name), true);
		expect(&zsh, arena_printf(&a, "--%s", o->name), true);
		expect(&fish, arena_printf(&a, " -l %s ", o->name), true);
	}
	expect(&bash, " list -q", true);
	expect(&zsh, " list -q", true);
	expect(&fish, " list -q", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_has_all),         cmocka_unit_test(help_fits),
		cmocka_unit_test(man_has_all),          cmocka_unit_test(man_escapes),
		cmocka_unit_test(completions_have_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
