/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as data: one table of commands and their options is what parses,
 * prints help, and makes the man pages and shell completions, so that none of them
 * can go stale. Grammar as runc's callers use it: --long, -long, --opt=value,
 * --opt value, -o value, flags with =true/=false, options after positionals unless
 * the command says stop_at_first, "--" ends options, every option may be repeated
 * (the last one wins, but for lists). Options of the program stand before the
 * command, those of a command after it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/container.h"

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_NUMBER, /* 0 to CLI_NUMBER_MAX, checked by the parser */
	OPTION_LIST,   /* text that may be given more than once */
};

enum { CLI_NUMBER_MAX = 1 << 20 }; /* more fds than the kernel's fs.nr_open allows */

/* What a shell offers where this argument is typed. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_CONTAINER,
	COMPLETE_SIGNAL,
	COMPLETE_COMMAND, /* of caisson */
};

struct option_spec {
	const char *name; /* long, without dashes */
	char letter;      /* short, or 0 */
	enum option_kind kind;
	const char *value; /* its name in help: "FILE"; NULL for flags */
	const char *words; /* the only values allowed, separated by blanks; NULL: any */
	enum completion complete;
	const char *help; /* one line, no full stop */
	bool hidden;      /* accepted for a caller's sake, but not told */
};

struct invocation;

enum { COMMAND_ARGS_COMPLETED = 2, COMMAND_ARGS_MANY = 1 << 30 };

struct command {
	const char *name;                  /* one word, or two: its group's and its own */
	const char *arguments;             /* "ID [SIGNAL]"; "" for none */
	const char *summary;               /* one line for the list of commands */
	const char *description;           /* paragraphs with an empty line between them */
	const char *examples;              /* shell lines, each with its newline; or NULL */
	const struct option_spec *options; /* ends with a NULL name */
	enum completion complete[COMMAND_ARGS_COMPLETED]; /* the first positionals */
	size_t args_min, args_max;
	bool stop_at_first; /* options end at the first positional (exec, kill, ps) */
	bool hidden;
	int failure; /* exit status when run returns -1; 0 stands for 1 */
	/* Returns the exit status, or -1 with e. */
	int (*run)(const struct invocation *in, struct err *e);
};

/* One option as it was given; the program's and the command's lie in one list. */
struct option_value {
	const struct option_spec *option;
	const char *text; /* NULL for a flag */
	bool flag;
	uint32_t number;
};

struct invocation {
	struct arena *arena; /* holds what is below, and what the command makes of it */
	const char *program; /* argv[0]'s last part */
	const struct command *command;
	struct container_context context;
	const char *cwd;         /* what relative paths start at; absolute */
	struct oci_strings args; /* positionals */
	struct option_value *values;
	size_t value_count;
	int failure; /* exit status while the command has not run */
};

/* What the process has around it; tests forge it. */
struct cli_surroundings {
	const char *cwd;         /* absolute */
	uid_t euid;              /* effective user id */
	bool user_namespace;     /* we are not in the initial one */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR, or NULL */
	const char *user;        /* $USER, or NULL */
	const char *config_home; /* $XDG_CONFIG_HOME, or NULL */
	const char *home;        /* $HOME, or NULL */
};

/* Exit statuses of a command line that names no command we have, as runc's. */
enum { CLI_EXIT_FAILURE = 1, CLI_EXIT_UNKNOWN_COMMAND = 3, CLI_EXIT_EXEC = 255 };

/* Whether we were called by runc's name, as a drop-in for those who look for its texts.
 * program: invocation.program. */
bool cli_as_runc(const char *program);

/* Whether we were called by the name that asks for microVMs. */
bool cli_as_vm(const char *program);

/* Reads argv (ends with NULL). ret is filled as far as argv was understood, also on
 * failure (ERR_USAGE), so that the log it names can be opened. --help and --version
 * give the commands of these names. Does not fill context and cwd. */
MUST_CHECK int cli_parse(struct arena *a, char *const argv[], struct invocation *ret,
                         struct err *e);

/* cli_context.c: what the program's options mean. */
MUST_CHECK int cli_context(struct invocation *in, const struct cli_surroundings *around,
                           struct err *e);
MUST_CHECK int cli_log_open(const struct invocation *in, struct err *e);

/* Values by an option's long name, the command's before the program's of that name;
 * the last one given counts. An option that is in no table was never given. */
bool cli_given(const struct invocation *in, const char *name);
bool cli_flag(const struct invocation *in, const char *name);
const char *cli_text(const struct invocation *in, const char *name); /* NULL: absent or "" */
uint32_t cli_number(const struct invocation *in, const char *name);  /* 0: absent */
struct oci_strings cli_list(const struct invocation *in, const char *name);
/* As cli_text, made absolute: a relative path starts at the current folder. */
const char *cli_path(const struct invocation *in, const char *name);

extern const struct command *const commands[]; /* ends with NULL; sorted by name */
extern const struct option_spec global_options[];
extern const struct option_spec help_option; /* --help: every command has it, in no table */
extern const struct command command_help, command_version; /* in commands[], too */
const struct command *command_find(const char *name);      /* NULL: there is none */

/* "explain" when the command is "policy explain" and the group "policy"; NULL when it
 * is not of the group. */
const char *command_in_group(const struct command *command, const char *group);
bool command_is_group(const char *name); /* a command that is not hidden is in it */
/* The first word of a name of two, in ret; false when it is of one word, or when the
 * command before it in the table is of the same group. Who asks this of each command
 * that is not hidden is told of each group once. */
enum { COMMAND_GROUP_MAX = 32 };
bool command_opens_group(size_t index, char ret[COMMAND_GROUP_MAX]);

/* cli_help.c: the text of `caisson --help`, of `caisson GROUP --help` and of
 * `caisson CMD --help`. */
void help_program(const char *program, struct buf *ret);
void help_group(const char *program, const char *group, struct buf *ret);
void help_command(const char *program, const struct command *command, struct buf *ret);
