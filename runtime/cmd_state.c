/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state and list: what is known of one container, and of all. The JSON has runc's keys
 * in runc's order, because scripts compare it as text. `owner` is the name of the user
 * who made the container; state leaves it empty, as runc does.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/meter_json.h"

/* clang-format off */
static const struct option_spec no_options[] = { { .name = NULL } };

static const struct option_spec list_options[] = {
	{ .name = "format", .letter = 'f', .kind = OPTION_TEXT, .value = "FORMAT",
	  .words = "table json", .help = "table (default) or json" },
	{ .name = "quiet", .letter = 'q', .help = "print ids only" },
	{ .name = NULL },
};
/* clang-format on */

/* --- one ------------------------------------------------------------------------------ */

static void put_usage(struct json_writer *w, const struct meter_reading *last)
{
	json_key(w, "rusage");
	json_open(w, '{');
	json_put_u64(w, "userUsec", meter_get(&last->table[METER_CPU_STAT], "user_usec"));
	json_put_u64(w, "systemUsec", meter_get(&last->table[METER_CPU_STAT], "system_usec"));
	if (last->number[METER_MEMORY_PEAK].set)
		json_put_u64(w, "memoryPeak", last->number[METER_MEMORY_PEAK].value);
	json_close(w, '}');
	json_key(w, "psi");
	meter_pressures_json(w, last);
}

/* How it ended. */
static void put_exit(struct json_writer *w, const struct container_details *d)
{
	bool oom = false;

	for (size_t i = 0; i < d->hits.n; i++)
		oom = oom || d->hits.v[i].kind == LIMIT_MEMORY;
	json_key(w, "exit");
	json_open(w, '{');
	if (d->status_known) {
		json_key(w, "status");
		json_i64(w, d->exit_status);
	}
	if (d->status_known && d->exit_signal) {
		json_key(w, "signal");
		json_i64(w, d->exit_signal);
	}
	if (d->counted) {
		json_put_bool(w, "oom", oom);
		put_usage(w, &d->last);
	}
	json_close(w, '}');
}

static void put_details(struct json_writer *w, const struct container_details *d)
{
	if (d->hits.n > 0) {
		json_key(w, "limits");
		json_open(w, '[');
		for (size_t i = 0; i < d->hits.n; i++)
			limits_json(w, &d->hits.v[i]);
		json_close(w, ']');
	}
	if (d->status_known || d->counted)
		put_exit(w, d);
}

void cmd_info_json(struct json_writer *w, const struct container_info *info, const char *owner,
                   const struct container_details *details)
{
	json_open(w, '{');
	json_put_string(w, "ociVersion", OCI_SPEC_VERSION);
	json_put_string(w, "id", info->id);
	json_key(w, "pid");
	json_i64(w, info->pid);
	json_put_string(w, "status", container_status_name(info->status));
	json_put_string(w, "bundle", info->bundle);
	json_put_string(w, "rootfs", info->rootfs);
	json_put_string(w, "created", info->created);
	if (info->annotations.n > 0) {
		json_key(w, "annotations");
		json_open(w, '{');
		for (size_t i = 0; i < info->annotations.n; i++) {
			json_put_string(w, info->annotations.v[i].key,
			                info->annotations.v[i].value);
		}
		json_close(w, '}');
	}
	json_put_string(w, "owner", owner);
	if (details)
		put_details(w, details);
	json_close(w, '}');
}

static int state_run(const struct invocation *in, struct err *e)
{
	struct container_info info;
	struct container_details details;
	BUF struct buf out = { 0 };
	struct json_writer w = { .out = &out, .indent = "  " };
	const char *id;

	TRY(cmd_id(in, &id, e));
	TRY(container_details(&in->context, in->arena, id, &info, &details, e));
	cmd_info_json(&w, &info, "", &details);
	buf_text(&out, "\n");
	return cmd_print(&out, e);
}

/* --- all ------------------------------------------------------------------------------ */

enum { COLUMNS = 6 };

struct row {
	const char *cell[COLUMNS];
};

/* From /etc/passwd alone, as runc does: other sources of names are loaded as shared
 * libraries, which a static program should not. */
static const char *owner_name(struct arena *a, uint32_t uid)
{
	const char *name = arena_printf(a, "#%u", uid);
	FILE *passwd = fopen("/etc/passwd", "re");
	const struct passwd *entry;

	if (!passwd)
		return name;
	while ((entry = fgetpwent(passwd)) != NULL) {
		if (entry->pw_uid != uid)
			continue;
		name = arena_string(a, entry->pw_name, strlen(entry->pw_name));
		break;
	}
	(void)fclose(passwd);
	return name;
}

/* Mostly they are one user's, and the file is read once. */
static const char **owner_names(struct arena *a, const struct container_info *all, size_t n)
{
	const char **names = arena_array(a, n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = i > 0 && all[i].owner == all[i - 1].owner ? names[i - 1]
		                                                     : owner_name(a, all[i].owner);
	return names;
}

/* Without printf: there may be thousands. */
static void add_row(struct buf *out, const struct row *row, const size_t width[COLUMNS])
{
	static const char blanks[] = "                                ";

	for (size_t i = 0; i + 1 < COLUMNS; i++) {
		buf_text(out, row->cell[i]);
		for (size_t n = width[i] - strlen(row->cell[i]); n > 0;) {
			size_t some = n < sizeof(blanks) - 1 ? n : sizeof(blanks) - 1;

			buf_add(out, blanks, some);
			n -= some;
		}
	}
	buf_text(out, row->cell[COLUMNS - 1]);
	buf_text(out, "\n");
}

/* Columns are as wide as their longest cell and three blanks. */
static void list_table(struct arena *a, const struct container_info *all, size_t n, struct buf *out)
{
	struct row *rows = arena_array(a, n + 1, sizeof(*rows));
	const char **owners = owner_names(a, all, n);
	size_t width[COLUMNS] = { 0 };

	rows[0] = (struct row){ { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" } };
	for (size_t i = 0; i < n; i++)
		rows[i + 1] = (struct row){ {
			all[i].id,
			arena_printf(a, "%d", all[i].pid),
			container_status_name(all[i].status),
			all[i].bundle,
			all[i].created,
			owners[i],
		} };
	for (size_t i = 0; i <= n; i++) {
		for (size_t c = 0; c < COLUMNS; c++) {
			size_t wanted = strlen(rows[i].cell[c]) + strlen("   ");

			width[c] = wanted > width[c] ? wanted : width[c];
		}
	}
	for (size_t i = 0; i <= n; i++)
		add_row(out, &rows[i], width);
}

/* One line; no containers at all are null, as Go prints an empty slice. */
static void list_json(struct arena *a, const struct container_info *all, size_t n, struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "" };

	if (n == 0) {
		json_null(&w);
	} else {
		const char **owners = owner_names(a, all, n);

		json_open(&w, '[');
		for (size_t i = 0; i < n; i++)
			cmd_info_json(&w, &all[i], owners[i], NULL);
		json_close(&w, ']');
	}
	buf_text(out, "\n");
}

static int list_run(const struct invocation *in, struct err *e)
{
	const char *format = cli_text(in, "format");
	struct container_info *all;
	BUF struct buf out = { 0 };
	size_t n;

	TRY(container_list(&in->context, in->arena, &all, &n, e));
	if (cli_flag(in, "quiet")) {
		for (size_t i = 0; i < n; i++)
			buf_printf(&out, "%s\n", all[i].id);
	} else if (format && strcmp(format, "json") == 0) {
		list_json(in->arena, all, n, &out);
	} else {
		list_table(in->arena, all, n, &out);
	}
	return cmd_print(&out, e);
}

const struct command command_state = {
	.name = "state",
	.arguments = "ID",
	.summary = "print a container's state as JSON",
	.description =
		"Prints what the OCI runtime specification calls the state: id, pid, "
		"status (created, running, paused or stopped), bundle, and when the container "
		"was created. The pid is 0 when the process has ended.\n"
		"\n"
		"Two more keys are there when there is something to tell. \"limits\" lists the "
		"limits that the container ran into, with the limit, the peak and a sentence: "
		"processes killed for want of memory, new processes refused, CPU time withheld. "
		"\"exit\" is of one that has ended: its exit status, where a \"run --keep\" "
		"or \"events\" saw it, whether memory ran out, the CPU time and the peak of memory that "
		"all its processes used, and for how long they waited (PSI). It is kept until "
		"delete.",
	.examples = "caisson state web\n",
	.options = no_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = 1,
	.run = state_run,
};

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.summary = "list the containers",
	.description = "Lists all containers below the root folder (see --root of the program), "
		       "sorted by id.",
	.examples = "caisson list\n"
		    "caisson list --format json\n",
	.options = list_options,
	.args_max = 0,
	.run = list_run,
};
