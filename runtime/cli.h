/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as data: one table of commands and their options is what parses,
 * prints help, and makes the man pages and shell completions, so that none of them
 * can go stale. Grammar as runc's callers use it: --long, -long, --opt=value,
 * --opt value, -o value, flags with =true/=false, options after positionals unless
 * the command says stop_at_first, "--" ends options, global options may be repeated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/container.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST /* may be repeated */ };

struct option_spec {
	const char *name; /* long, without dashes */
	char letter;      /* short, or 0 */
	enum option_kind kind;
	const char *value;    /* its name in help: "FILE"; NULL for flags */
	const char *help;     /* one line, no full stop */
	const char *complete; /* what completes it: "file", "dir", "container", "signal", or words;
	                         NULL */
	bool hidden;
};

struct invocation;

struct command {
	const char *name;
	const char *arguments;             /* "ID [SIGNAL]" */
	const char *summary;               /* one line for the list of commands */
	const char *description;           /* paragraphs for --help and the man page */
	const char *examples;              /* shell lines for both, or NULL */
	const struct option_spec *options; /* ends with a NULL name */
	const char *complete;              /* what completes the positionals */
	size_t args_min, args_max;
	bool stop_at_first; /* options end at the first positional (exec, kill, ps) */
	bool hidden;
	int failure; /* exit status when run returns -1 (exec: 255, else 1) */
	/* Returns the exit status, or -1 with e. */
	int (*run)(const struct invocation *in, struct err *e);
};

struct invocation {
	const struct command *command;
	struct container_context context;
	const char *program;     /* argv[0]'s last part */
	struct oci_strings args; /* positionals */
	const struct option_value *values;
	size_t value_count;
};

/* Values by an option's long name; asking for one that the command lacks is a bug. */
bool cli_flag(const struct invocation *in, const char *name);
const char *cli_text(const struct invocation *in, const char *name); /* NULL: not given */
struct oci_strings cli_list(const struct invocation *in, const char *name, struct arena *a);

extern const struct command *const commands[]; /* ends with NULL; sorted by name */
extern const struct option_spec global_options[];
