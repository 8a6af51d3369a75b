/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manual pages in the old man(7) macros, which every formatter knows. Sources carry no
 * date: a page made twice from one tree is the same page.
 */
#include <ctype.h>
#include <string.h>

#include "runtime/generate.h"

/* Text for troff: a backslash and a dash are commands of it unless they are escaped,
 * and so is a dot or an apostrophe at the beginning of a line. */
static void add_text(struct buf *ret, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool first = i == 0 || text[i - 1] == '\n';

		if (first && (text[i] == '.' || text[i] == '\''))
			buf_text(ret, "\\&");
		if (text[i] == '\\')
			buf_text(ret, "\\e");
		else if (text[i] == '-')
			buf_text(ret, "\\-");
		else
			buf_add(ret, text + i, 1);
	}
}

static void add_string(struct buf *ret, const char *text)
{
	add_text(ret, text, strlen(text));
}

static void add_title(struct buf *ret, const char *command)
{
	buf_text(ret, ".TH CAISSON");
	if (command)
		buf_text(ret, "\\-");
	for (const char *c = command ? command : ""; *c; c++) {
		if (*c == ' ')
			buf_text(ret, "\\-");
		else
			buf_printf(ret, "%c", toupper((unsigned char)*c));
	}
	buf_text(ret, " 1 \"\" \"caisson " CAISSON_VERSION "\" \"User Commands\"\n.SH NAME\n");
}

/* "caisson\-policy\-explain", the name of a command's page */
static void add_page_name(struct buf *ret, const char *command)
{
	buf_text(ret, "caisson\\-");
	for (const char *c = command; *c; c++)
		add_text(ret, *c == ' ' ? "-" : c, 1);
}

static void add_paragraphs(struct buf *ret, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);

		add_text(ret, text, len);
		buf_text(ret, "\n");
		if (end)
			buf_text(ret, ".PP\n");
		text += len + (end ? strlen("\n\n") : 0);
	}
}

static void add_option(struct buf *ret, const struct option_spec *option)
{
	buf_text(ret, ".TP\n");
	if (option->letter)
		buf_printf(ret, "\\fB\\-%c\\fR, ", option->letter);
	buf_text(ret, "\\fB\\-\\-");
	add_string(ret, option->name);
	buf_text(ret, "\\fR");
	if (option->value) {
		buf_text(ret, " \\fI");
		add_string(ret, option->value);
		buf_text(ret, "\\fR");
	}
	buf_text(ret, "\n");
	add_string(ret, option->help);
	if (option->kind == OPTION_LIST)
		buf_text(ret, "; may be repeated");
	buf_text(ret, ".\n");
	if (option->words)
		buf_printf(ret, "One of: %s.\n", option->words);
}

static void add_options(struct buf *ret, const struct option_spec *options)
{
	buf_text(ret, ".SH OPTIONS\n");
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->hidden)
			add_option(ret, o);
	}
	add_option(ret, &help_option);
}

static void add_examples(struct buf *ret, const char *text)
{
	buf_text(ret, ".SH EXAMPLES\n.nf\n");
	add_string(ret, text);
	buf_text(ret, ".fi\n");
}

static void add_exit_status(struct buf *ret)
{
	static const char text[] =
		".SH EXIT STATUS\n"
		"0 on success, 1 on failure, 3 when there is no such command.\n"
		".B run\n"
		"and\n"
		".B exec\n"
		"return the exit status of the process, or 128 plus the number of the signal that\n"
		"ended it; when\n"
		".B exec\n"
		"itself fails, it returns 255.\n";

	buf_text(ret, text);
}

void generate_man_program(struct buf *ret)
{
	add_title(ret, NULL);
	buf_text(ret, "caisson \\- run OCI containers\n"
	              ".SH SYNOPSIS\n"
	              ".B caisson\n"
	              "[\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARG\\fR...]\n"
	              ".SH DESCRIPTION\n"
	              "caisson creates and runs containers from bundles as the OCI runtime\n"
	              "specification describes them: a folder with a config.json and a root\n"
	              "filesystem. Container engines call it; so can you.\n"
	              ".SH COMMANDS\n");
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->hidden)
			continue;
		buf_text(ret, ".TP\n\\fB");
		add_page_name(ret, commands[i]->name);
		buf_text(ret, "\\fR(1)\n");
		add_string(ret, commands[i]->summary);
		buf_text(ret, ".\n");
	}
	add_options(ret, global_options);
	add_exit_status(ret);
	buf_text(ret,
	         ".SH ENVIRONMENT\n"
	         ".TP\n"
	         ".B XDG_RUNTIME_DIR\n"
	         "Where the state of containers lies that are not made by root, in the folder\n"
	         "caisson.\n"
	         ".SH FILES\n"
	         ".TP\n"
	         ".I /run/caisson\n"
	         "The state of root's containers.\n");
}

/* The synopsis's words are names of arguments; brackets and dots are not. */
static void add_arguments(struct buf *ret, const char *text)
{
	for (bool in_word = false;; text++) {
		bool is_word = isalpha((unsigned char)*text) || (in_word && *text == '-');

		if (is_word != in_word)
			buf_text(ret, is_word ? "\\fI" : "\\fR");
		in_word = is_word;
		if (!*text)
			break;
		add_text(ret, text, 1);
	}
}

void generate_man_command(const struct command *command, struct buf *ret)
{
	add_title(ret, command->name);
	add_page_name(ret, command->name);
	buf_text(ret, " \\- ");
	add_string(ret, command->summary);
	buf_printf(ret, "\n.SH SYNOPSIS\n.B caisson %s\n[\\fIOPTION\\fR...]", command->name);
	if (*command->arguments)
		buf_text(ret, " ");
	add_arguments(ret, command->arguments);
	buf_text(ret, "\n.SH DESCRIPTION\n");
	add_paragraphs(ret, command->description);
	add_options(ret, command->options);
	if (command->examples)
		add_examples(ret, command->examples);
	buf_text(ret, ".SH SEE ALSO\n.BR caisson (1)\n");
}
