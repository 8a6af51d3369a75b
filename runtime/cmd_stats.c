/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: what the containers use, for people. On a terminal the table is drawn over the
 * one before; into a pipe goes a line for each container and refresh. What is not known is
 * a dash in the table and no key in the JSON.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/meter_json.h"
#include "runtime/sizes.h"
#include "runtime/stats.h"

enum { INTERVAL_MS = 1000, COLUMNS = 7 };

/* clang-format off */
static const struct option_spec stats_options[] = {
	{ .name = "format", .letter = 'f', .kind = OPTION_TEXT, .value = "FORMAT",
	  .words = "table json", .help = "table (default) or json" },
	{ .name = "interval", .kind = OPTION_TEXT, .value = "DURATION",
	  .help = "time between two refreshes (default: 1s)" },
	{ .name = "no-stream", .help = "print one table, with the CPU time of one interval" },
	{ .name = NULL },
};
/* clang-format on */

static const enum meter_file pressures[] = { METER_CPU_PRESSURE, METER_MEMORY_PRESSURE,
	                                     METER_IO_PRESSURE };

/* Bytes read and written, over all devices; false: nobody counts them. */
static bool io_bytes(const struct meter_reading *r, uint64_t *ret_read, uint64_t *ret_written)
{
	*ret_read = *ret_written = 0;
	for (size_t i = 0; i < r->lines[METER_IO_STAT].n; i++) {
		const struct meter_table *values = &r->lines[METER_IO_STAT].v[i].values;

		*ret_read += meter_get(values, "rbytes");
		*ret_written += meter_get(values, "wbytes");
	}
	return r->lines[METER_IO_STAT].v != NULL;
}

static bool has_limit(const struct meter_reading *r, enum meter_file file)
{
	return r->number[file].set && r->number[file].value != METER_NO_LIMIT;
}

/* --- table ---------------------------------------------------------------------------------- */

struct line {
	const char *cell[COLUMNS];
};

static const char *size_cell(struct arena *a, uint64_t bytes)
{
	char *text = arena_new(a, SIZE_TEXT_MAX);

	size_text(bytes, text);
	return text;
}

static const char *memory_cell(struct arena *a, const struct meter_reading *r)
{
	if (!r->number[METER_MEMORY_CURRENT].set)
		return "-";
	return arena_printf(a, "%s / %s", size_cell(a, r->number[METER_MEMORY_CURRENT].value),
	                    has_limit(r, METER_MEMORY_MAX)
	                            ? size_cell(a, r->number[METER_MEMORY_MAX].value)
	                            : "-");
}

static const char *pids_cell(struct arena *a, const struct meter_reading *r)
{
	if (!r->number[METER_PIDS_CURRENT].set)
		return "-";
	if (!has_limit(r, METER_PIDS_MAX))
		return arena_printf(a, "%" PRIu64 " / -", r->number[METER_PIDS_CURRENT].value);
	return arena_printf(a, "%" PRIu64 " / %" PRIu64, r->number[METER_PIDS_CURRENT].value,
	                    r->number[METER_PIDS_MAX].value);
}

static const char *io_cell(struct arena *a, const struct meter_reading *r)
{
	uint64_t bytes, written;

	if (!io_bytes(r, &bytes, &written))
		return "-";
	return arena_printf(a, "%s / %s", size_cell(a, bytes), size_cell(a, written));
}

static const char *pressure_cell(struct arena *a, const struct meter_reading *r)
{
	const char *text = "";

	for (size_t i = 0; i < LEN(pressures); i++) {
		const struct meter_pressure *p = &r->pressure[pressures[i]];
		const char *between = i > 0 ? " / " : "";

		text = p->set ? arena_printf(a, "%s%s%u.%02u", text, between, p->some.avg10 / 100,
		                             p->some.avg10 % 100)
		              : arena_printf(a, "%s%s-", text, between);
	}
	return text;
}

static const char *notes_cell(struct arena *a, const struct stats_row *row)
{
	uint64_t kills = meter_get(&row->now.table[METER_MEMORY_EVENTS], "oom_kill");

	if (kills == 0)
		return row->paused ? "paused" : "";
	return arena_printf(a, "%s%" PRIu64 " OOM-killed", row->paused ? "paused, " : "", kills);
}

static struct line table_line(struct arena *a, const struct stats_row *row)
{
	return (struct line){ {
		row->id,
		row->rated
			? arena_printf(a, "%" PRIu64 ".%02" PRIu64, row->cpu / 100, row->cpu % 100)
			: "-",
		memory_cell(a, &row->now),
		pids_cell(a, &row->now),
		io_cell(a, &row->now),
		pressure_cell(a, &row->now),
		notes_cell(a, row),
	} };
}

/* Where the picture goes. */
struct picture {
	bool json, terminal, headed;
	size_t width, height; /* of the terminal; 0: as much as there is */
	struct buf out;
};

static void put_line(struct picture *p, struct arena *a, const struct line *line,
                     const size_t width[COLUMNS])
{
	const char *text = "";

	for (size_t i = 0; i < COLUMNS; i++)
		text = arena_printf(a, "%s%-*s%s", text, (int)width[i], line->cell[i],
		                    i + 1 < COLUMNS ? "   " : "");
	size_t length = strlen(text);
	while (length > 0 && text[length - 1] == ' ')
		length--;
	if (p->width > 0 && length > p->width)
		length = p->width;
	buf_add(&p->out, text, length);
	buf_text(&p->out, p->terminal ? "\033[K\n" : "\n"); /* K: to the line's end */
}

static void draw_table(struct picture *p, struct arena *a, const struct stats_row *rows, size_t n)
{
	struct line *lines = arena_array(a, n + 1, sizeof(*lines));
	size_t width[COLUMNS] = { 0 };
	size_t shown = p->height > 2 && n > p->height - 2 ? p->height - 2 : n;

	lines[0] = (struct line){ { "ID", "CPU %", "MEMORY / LIMIT", "PIDS / LIMIT",
		                    "READ / WRITTEN", "WAITS %: CPU / MEMORY / IO", "" } };
	for (size_t i = 0; i < n; i++)
		lines[i + 1] = table_line(a, &rows[i]);
	for (size_t i = 0; i <= n; i++) {
		for (size_t c = 0; c < COLUMNS; c++) {
			size_t length = strlen(lines[i].cell[c]);

			width[c] = length > width[c] ? length : width[c];
		}
	}
	for (size_t i = p->headed && !p->terminal ? 1 : 0; i <= shown; i++)
		put_line(p, a, &lines[i], width);
	if (shown < n)
		buf_printf(&p->out, "and %zu more\033[K", n - shown);
	p->headed = true;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void put_pair(struct json_writer *w, const char *object, const char *first, uint64_t value,
                     const char *second, const uint64_t *other)
{
	json_key(w, object);
	json_open(w, '{');
	json_put_u64(w, first, value);
	if (other)
		json_put_u64(w, second, *other);
	json_close(w, '}');
}

static void put_usage(struct json_writer *w, const struct stats_row *row)
{
	const struct meter_reading *r = &row->now;

	json_key(w, "cpu");
	json_open(w, '{');
	if (row->rated) {
		json_key(w, "percent");
		json_hundredths(w, row->cpu);
	}
	json_put_u64(w, "usageUsec", meter_get(&r->table[METER_CPU_STAT], "usage_usec"));
	json_close(w, '}');
	if (r->number[METER_MEMORY_CURRENT].set)
		put_pair(w, "memory", "usage", r->number[METER_MEMORY_CURRENT].value, "limit",
		         has_limit(r, METER_MEMORY_MAX) ? &r->number[METER_MEMORY_MAX].value
		                                        : NULL);
	if (r->number[METER_PIDS_CURRENT].set)
		put_pair(w, "pids", "current", r->number[METER_PIDS_CURRENT].value, "limit",
		         has_limit(r, METER_PIDS_MAX) ? &r->number[METER_PIDS_MAX].value : NULL);
}

static void put_row(struct json_writer *w, const struct stats_row *row)
{
	uint64_t bytes, written, kills;

	json_open(w, '{');
	json_put_string(w, "id", row->id);
	json_put_bool(w, "paused", row->paused);
	if (row->counted)
		put_usage(w, row);
	if (io_bytes(&row->now, &bytes, &written))
		put_pair(w, "io", "readBytes", bytes, "writtenBytes", &written);
	json_key(w, "psi");
	meter_pressures_json(w, &row->now);
	if (meter_find(&row->now.table[METER_MEMORY_EVENTS], "oom_kill", &kills))
		json_put_u64(w, "oomKills", kills);
	json_close(w, '}');
}

static void draw_json(struct picture *p, const struct stats_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct json_writer w = { .out = &p->out, .indent = "" };

		put_row(&w, &rows[i]);
		buf_text(&p->out, "\n");
	}
}

/* --- command -------------------------------------------------------------------------------- */

static int draw(struct picture *p, struct arena *a, const struct stats_row *rows, size_t n,
                struct err *e)
{
	struct winsize size = { 0 };

	if (p->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		p->width = size.ws_col;
		p->height = size.ws_row;
	}
	p->out.len = 0;
	if (p->terminal) /* home; the first time all is cleared */
		buf_text(&p->out, p->headed ? "\033[H" : "\033[2J\033[H");
	if (p->json)
		draw_json(p, rows, n);
	else
		draw_table(p, a, rows, n);
	if (p->terminal)
		buf_text(&p->out, "\033[J"); /* what is left below */
	return cmd_print(&p->out, e);
}

static void pause_for(int64_t ms)
{
	const struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&span, NULL);
}

static int show(struct stats_board *board, struct picture *p, int64_t interval_ms, bool once,
                struct err *e)
{
	for (bool first = true;; first = false) {
		ARENA struct arena a = { 0 };
		struct stats_row *rows;
		size_t n;

		TRY(stats_refresh(board, &a, &rows, &n, e));
		/* the first has no rate of CPU time yet, which only a redrawn one makes up for */
		if (!first || p->terminal)
			TRY(draw(p, &a, rows, n, e));
		if ((once && !first) || (board->chosen && n == 0))
			return 0;
		pause_for(interval_ms);
	}
}

static int stats_run(const struct invocation *in, struct err *e)
{
	const char *format = cli_text(in, "format");
	bool once = cli_flag(in, "no-stream");
	struct picture p = { .json = format && strcmp(format, "json") == 0 };
	STATS_BOARD struct stats_board board = { 0 };
	int64_t interval_ms = INTERVAL_MS;

	TRY(cmd_interval(in, &interval_ms, e));
	p.terminal = !p.json && !once && isatty(STDOUT_FILENO);
	TRY(stats_open(&in->context, in->args.n > 0 ? &in->args : NULL, &board, e));
	int result = show(&board, &p, interval_ms, once, e);
	buf_done(&p.out);
	return result;
}

const struct command command_stats = {
	.name = "stats",
	.arguments = "[ID...]",
	.summary = "show what the containers use, live",
	.description =
		"Shows a table of all containers that live, or of those named, again at each "
		"interval: CPU time in per cent of one CPU, memory and processes with their limits, "
		"bytes read from and written to block devices, and the part of the last ten seconds "
		"in which some process of the container had to wait for CPU, memory or I/O (PSI). "
		"What is not counted, since the cgroup tree has no such controller, is a dash.\n"
		"\n"
		"On a terminal the table is drawn over the last one; elsewhere a line is printed for "
		"each container and refresh. With --format json each line is an object. Containers "
		"that are started later join in, and with named ones the command ends when all of "
		"these have ended.",
	.examples = "caisson stats\n"
		    "caisson stats --no-stream --format json web | jq .memory\n",
	.options = stats_options,
	.complete = { COMPLETE_CONTAINER, COMPLETE_CONTAINER },
	.args_max = COMMAND_ARGS_MANY,
	.run = stats_run,
};
