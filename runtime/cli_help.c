/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help on the terminal, from the tables: short enough to be read at once, in 80
 * columns. Descriptions are paragraphs without line breaks; they are wrapped here.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/cli.h"

enum { LINE_WIDTH = 80, INDENT = 2 };

/* Adds the words of one paragraph, `from` columns in, as long as they fit. */
static void add_wrapped(struct buf *ret, const char *text, size_t len, size_t from)
{
	size_t column = from;

	for (const char *word = text; word < text + len;) {
		size_t rest = (size_t)(text + len - word);
		const char *blank = memchr(word, ' ', rest);
		size_t n = blank ? (size_t)(blank - word) : rest;

		if (column > from && column + 1 + n > LINE_WIDTH) {
			buf_printf(ret, "\n%*s", (int)from, "");
			column = from;
		} else if (column > from) {
			buf_text(ret, " ");
			column++;
		}
		buf_add(ret, word, n);
		column += n;
		word += n + (blank ? 1 : 0);
	}
	buf_text(ret, "\n");
}

static void add_paragraphs(struct buf *ret, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);

		buf_text(ret, "\n");
		add_wrapped(ret, text, len, 0);
		text += len + (end ? strlen("\n\n") : 0);
	}
}

static void add_examples(struct buf *ret, const char *text)
{
	buf_text(ret, "\nexamples:\n");
	while (*text) {
		size_t len = strcspn(text, "\n");

		buf_printf(ret, "%*s%.*s\n", INDENT, "", (int)len, text);
		text += len + (text[len] ? 1 : 0);
	}
}

/* "  -b, --bundle DIR" */
static void option_title(const struct option_spec *option, char *ret, size_t room)
{
	char letter[] = { '-', option->letter, ',', ' ', '\0' };

	(void)snprintf(ret, room, "%*s%s--%s%s%s", INDENT, "", option->letter ? letter : "    ",
	               option->name, option->value ? " " : "", option->value ? option->value : "");
}

static size_t title_width(const struct option_spec *option)
{
	char title[LINE_WIDTH];

	option_title(option, title, sizeof(title));
	return strlen(title);
}

static void add_option(struct buf *ret, const struct option_spec *option, size_t width)
{
	char title[LINE_WIDTH];

	option_title(option, title, sizeof(title));
	buf_printf(ret, "%-*s", (int)width, title);
	add_wrapped(ret, option->help, strlen(option->help), width);
}

static void add_options(struct buf *ret, const struct option_spec *options)
{
	size_t width = title_width(&help_option);

	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden && title_width(o) > width)
			width = title_width(o);
	}
	width += INDENT;
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden)
			add_option(ret, o, width);
	}
	add_option(ret, &help_option, width);
}

/* What tests and scripts made for runc look at first, if we are called by its name. */
static void add_title(struct buf *ret, const char *program, const char *command,
                      const char *summary)
{
	if (cli_as_runc(program))
		buf_printf(ret, "NAME:\n   %s%s%s - %s\n\n", program, *command ? " " : "", command,
		           summary);
}

void help_program(const char *program, struct buf *ret)
{
	size_t width = 0;

	add_title(ret, program, "", "Open Container Initiative runtime");
	buf_printf(ret,
	           "usage: %s [OPTION...] COMMAND [ARG...]\n\nRuns OCI containers.\n\ncommands:\n",
	           program);
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden && strlen(commands[i]->name) > width)
			width = strlen(commands[i]->name);
	}
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->hidden)
			buf_printf(ret, "%*s%-*s%s\n", INDENT, "", (int)width + INDENT,
			           commands[i]->name, commands[i]->summary);
	}
	buf_text(ret, "\noptions in front of the command:\n");
	add_options(ret, global_options);
	buf_printf(ret, "\n'%s COMMAND --help' explains a command.\n", program);
}

void help_group(const char *program, const char *group, struct buf *ret)
{
	size_t width = 0;

	add_title(ret, program, group, "a group of commands");
	buf_printf(ret, "usage: %s %s COMMAND [OPTION...] [ARG...]\n\ncommands:\n", program, group);
	for (size_t i = 0; commands[i]; i++) {
		const char *name = command_in_group(commands[i], group);

		if (name && !commands[i]->hidden && strlen(name) > width)
			width = strlen(name);
	}
	for (size_t i = 0; commands[i]; i++) {
		const char *name = command_in_group(commands[i], group);

		if (name && !commands[i]->hidden)
			buf_printf(ret, "%*s%-*s%s\n", INDENT, "", (int)width + INDENT, name,
			           commands[i]->summary);
	}
	buf_printf(ret, "\n'%s %s COMMAND --help' explains a command.\n", program, group);
}

void help_command(const char *program, const struct command *command, struct buf *ret)
{
	add_title(ret, program, command->name, command->summary);
	buf_printf(ret, "usage: %s %s [OPTION...]%s%s\n\n%s: %s\n", program, command->name,
	           *command->arguments ? " " : "", command->arguments, command->name,
	           command->summary);
	add_paragraphs(ret, command->description);
	buf_text(ret, "\noptions:\n");
	add_options(ret, command->options);
	if (command->examples)
		add_examples(ret, command->examples);
}
