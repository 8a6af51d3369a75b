/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's options, which stand in front of a command, and what they mean: where the state
 * lies, how groups are made, and what is logged. A default root is one that we can write: root's is
 * /run/caisson; a user's, and that of the root of a user namespace, lies in $XDG_RUNTIME_DIR.
 *
 * The log is opened apart from the rest and first, so that it tells of what is wrong
 * with the rest. Engines want exactly one line in it when a command fails and none
 * when it succeeds: where they ask for a file or for JSON, warnings are left out
 * unless a level is asked for, too.
 */
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "runtime/admin.h"
#include "runtime/cli.h"

/* clang-format off */
const struct option_spec global_options[] = {
	{ .name = "root", .kind = OPTION_TEXT, .value = "DIR", .complete = COMPLETE_DIR,
	  .help = "folder of the containers' state (default: /run/caisson)" },
	{ .name = "log", .kind = OPTION_TEXT, .value = "FILE", .complete = COMPLETE_FILE,
	  .help = "append the log to this file" },
	{ .name = "log-format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = "log-level", .kind = OPTION_TEXT, .value = "LEVEL",
	  .words = "error warning info debug", .help = "least important messages to log" },
	{ .name = "debug", .help = "log everything" },
	{ .name = "systemd-cgroup", .help = "let systemd make the cgroup" },
	{ .name = "cgroup-manager", .kind = OPTION_TEXT, .value = "MANAGER",
	  .words = "cgroupfs systemd disabled",
	  .help = "who makes the cgroup; disabled: the container stays in its caller's" },
	{ .name = "rootless", .kind = OPTION_TEXT, .value = "CHOICE", .words = "true false auto",
	  .help = "do without a cgroup where none may be made (default: auto)" },
	{ .name = "version", .letter = 'v', .help = "print the version" },
	{ .name = NULL },
};
/* clang-format on */

static bool is_absolute(const char *path)
{
	return path && path[0] == '/';
}

/* Root's, or the root's of a user namespace that was set up as a whole machine, as in a
 * nested container: /run and /etc are its own there. Engines decide by the same two
 * variables. */
static bool has_machine(const struct cli_surroundings *around)
{
	bool whole = !is_absolute(around->runtime_dir) ||
	             (around->user && strcmp(around->user, "root") == 0);

	return around->euid == 0 && (!around->user_namespace || whole);
}

static const char *default_root(const struct invocation *in, const struct cli_surroundings *around)
{
	const char *dir = around->runtime_dir;

	if (has_machine(around))
		return "/run/caisson";
	if (is_absolute(dir))
		return path_clean(in->arena, dir, "caisson");
	return arena_printf(in->arena, "/run/user/%u/caisson", around->euid);
}

static const char *config_dir(const struct invocation *in, const struct cli_surroundings *around)
{
	if (has_machine(around))
		return ADMIN_CONFIG_DIR;
	if (is_absolute(around->config_home))
		return path_clean(in->arena, around->config_home, "caisson");
	if (is_absolute(around->home))
		return path_clean(in->arena, around->home, ".config/caisson");
	return NULL;
}

/* --systemd-cgroup and --cgroup-manager say the same; the last one given counts. */
static void read_cgroup_manager(struct invocation *in)
{
	for (size_t i = 0; i < in->value_count; i++) {
		const struct option_value *v = &in->values[i];

		if (strcmp(v->option->name, "systemd-cgroup") == 0) {
			in->context.systemd_cgroup = v->flag;
			in->context.no_cgroup &= !v->flag;
		}
		if (strcmp(v->option->name, "cgroup-manager") != 0)
			continue;
		in->context.systemd_cgroup = strcmp(v->text, "systemd") == 0;
		in->context.no_cgroup = strcmp(v->text, "disabled") == 0;
	}
}

static enum rootless_choice read_rootless(const struct invocation *in)
{
	const char *choice = NULL;

	/* spec has a flag of the same name */
	for (size_t i = 0; i < in->value_count; i++) {
		if (strcmp(in->values[i].option->name, "rootless") == 0 && in->values[i].text)
			choice = in->values[i].text;
	}
	if (!choice || strcmp(choice, "auto") == 0)
		return ROOTLESS_AUTO;
	return strcmp(choice, "true") == 0 ? ROOTLESS_TRUE : ROOTLESS_FALSE;
}

int cli_context(struct invocation *in, const struct cli_surroundings *around, struct err *e)
{
	const char *root = cli_text(in, "root");

	in->cwd = around->cwd;
	read_cgroup_manager(in);
	in->context.rootless = read_rootless(in);
	in->context.config_dir = config_dir(in, around);
	in->context.root_given = cli_given(in, "root");
	if (!in->context.root_given) {
		in->context.root = default_root(in, around);
		return 0;
	}
	in->context.root = root ? path_clean(in->arena, around->cwd, root) : "/";
	if (strcmp(in->context.root, "/") == 0)
		return err_set(e, ERR_USAGE, "--root: must not be empty or /");
	return 0;
}

int cli_log_open(const struct invocation *in, struct err *e)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	const char *file = cli_text(in, "log");
	const char *format = cli_text(in, "log-format");
	const char *wanted = cli_text(in, "log-level");
	bool json = format && strcmp(format, "json") == 0;
	enum log_level level = file || json ? LOG_ERROR : LOG_WARNING;

	for (enum log_level i = LOG_ERROR; wanted && i <= LOG_DEBUG; i++) {
		if (strcmp(wanted, names[i]) == 0)
			level = i;
	}
	if (cli_flag(in, "debug"))
		level = LOG_DEBUG;
	return log_open(file, json, level, e);
}

const char *cli_path(const struct invocation *in, const char *name)
{
	const char *path = cli_text(in, name);

	return path ? path_clean(in->arena, in->cwd, path) : NULL;
}
