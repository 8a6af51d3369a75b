/* SPDX-License-Identifier: Apache-2.0 */
/* check: whether a bundle would start, and all that keeps it from it; or what the host can
 * do, where no bundle is named. */
#include <string.h>

#include "base/path.h"
#include "runtime/cmd.h"

enum { EXIT_STARTS = 0, EXIT_DOES_NOT = 1 };

/* clang-format off */
static const struct option_spec check_options[] = {
	{ .name = "bundle", .letter = 'b', .kind = OPTION_TEXT, .value = "DIR",
	  .complete = COMPLETE_DIR, .help = "the bundle's folder" },
	{ .name = "config", .letter = 'f', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "the bundle's config.json, by another name" },
	{ .name = "console-socket", .kind = OPTION_TEXT, .value = "SOCKET",
	  .complete = COMPLETE_FILE, .help = "the socket that create would send the terminal to" },
	{ .name = "format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = NULL },
};
/* clang-format on */

static const char *const result_names[] = {
	[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_UNKNOWN] = "unknown"
};

static size_t count(const struct check_verdict *v, size_t n, int result)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += (int)v[i].result == result;
	return found;
}

static void print_json(const char *bundle, const struct check_verdict *v, size_t n, struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "  " };

	json_open(&w, '{');
	json_put_string(&w, "bundle", bundle);
	json_put_bool(&w, "starts", count(v, n, CHECK_FAIL) == 0);
	json_key(&w, "verdicts");
	json_open(&w, '[');
	for (size_t i = 0; i < n; i++) {
		const struct {
			const char *key, *value;
		} entries[] = { { "subject", v[i].subject },
			        { "verdict", result_names[v[i].result] },
			        { "why", v[i].text },
			        { "pointer", v[i].pointer },
			        { "hint", v[i].hint } };

		json_open(&w, '{');
		for (size_t k = 0; k < sizeof(entries) / sizeof(*entries); k++) {
			if (!entries[k].value[0])
				continue;
			json_put_string(&w, entries[k].key, entries[k].value);
		}
		if (v[i].sys) {
			json_key(&w, "errno");
			json_i64(&w, v[i].sys);
		}
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	buf_text(out, "\n");
}

/* A line for each failure, then for each thing that cannot be known. */
static void print_text(const struct check_verdict *v, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].result != CHECK_FAIL)
			continue;
		buf_plain(out, v[i].text);
		if (v[i].hint[0]) {
			buf_text(out, " (");
			buf_plain(out, v[i].hint);
			buf_text(out, ")");
		}
		buf_text(out, "\n");
	}
	for (size_t i = 0; i < n; i++) {
		if (v[i].result != CHECK_UNKNOWN)
			continue;
		buf_text(out, "unknown: ");
		buf_plain(out, v[i].subject);
		buf_text(out, ": ");
		buf_plain(out, v[i].text);
		buf_text(out, "\n");
	}
	if (count(v, n, CHECK_FAIL) == 0)
		buf_printf(out, "would start: %zu things looked at\n", n);
}

static int check_run(const struct invocation *in, struct err *e)
{
	const char *bundle = cli_path(in, "bundle");
	const char *config = cli_text(in, "config"), *format = cli_text(in, "format");
	bool json = format && strcmp(format, "json") == 0, starts;
	struct check_verdict *v;
	BUF struct buf out = { 0 };
	size_t n;

	if (in->args.n > 0)
		bundle = path_clean(in->arena, in->cwd, in->args.v[0]);
	if (!bundle && !config) {
		TRY(cmd_check_host(in, json, &starts, e));
		return starts ? EXIT_STARTS : EXIT_DOES_NOT;
	}

	const struct create_request request = {
		.id = "check",
		.bundle = bundle ? bundle : in->cwd,
		.config = config ? config : "config.json",
		.console_socket = cli_path(in, "console-socket"),
	};
	TRY(container_check(&in->context, &request, in->arena, &v, &n, e));
	if (json)
		print_json(request.bundle, v, n, &out);
	else
		print_text(v, n, &out);
	TRY(cmd_print(&out, e));
	return count(v, n, CHECK_FAIL) == 0 ? EXIT_STARTS : EXIT_DOES_NOT;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[BUNDLE]",
	.summary = "tell what this host can do, or whether a bundle would start on it",
	.description =
		"Without a bundle: prints a line for each thing that containers need of this host, "
		"or that config.json may ask for, which begins with ok or no and, where something "
		"is missing, ends with what to do about it. The exit status is 0 when containers "
		"can be started here, whatever else is missing, and 1 when they cannot.\n\n"
		"With one, in BUNDLE, --bundle or --config (of the current folder): reads the "
		"bundle's config.json as create does, and tries what create would do as "
		"far as that leaves no trace: namespaces are made, filesystems mounted and the "
		"program looked up by a process that ends with the command. Nothing is created, "
		"no hook is run and no cgroup is made.\n\n"
		"Prints one line for each thing that would fail, all of them, in create's words; "
		"the exit status is 0 when the bundle would start and 1 when it would not. With "
		"--format json there is a verdict (pass, fail or unknown) for everything that was "
		"looked at, with the place in config.json.",
	.examples = "caisson check\n"
		    "caisson check /srv/web\n"
		    "caisson check --format json /srv/web\n",
	.options = check_options,
	.complete = { COMPLETE_DIR },
	.args_max = 1,
	.run = check_run,
};
