/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static struct {
	int fd; /* of --log, or -1 */
	bool json;
	enum log_level level;
} sink = { .fd = -1, .level = LOG_WARNING };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

int log_open(const char *path, bool json, enum log_level level, struct err *e)
{
	sink.json = json;
	sink.level = level;
	if (!path)
		return 0;
	/* not blocking: a fifo that nobody reads must not hold the command */
	sink.fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	return sink.fd < 0 ? err_sys(e, "open log file %s", path) : 0;
}

/* Escapes control characters, so that text of others can neither fake a line nor
 * drive a terminal; `quoted` text (JSON, logfmt) also '"' and '\\'. Bytes from 0x80
 * are passed on: config.json is valid UTF-8, and a file name is shown as it is. */
static void add_escaped(struct buf *out, const char *text, bool quoted)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			buf_printf(out, "\\u%04x", (unsigned int)(unsigned char)*c);
		else if (quoted && (*c == '"' || *c == '\\'))
			buf_printf(out, "\\%c", *c);
		else
			buf_add(out, c, 1);
	}
}

/* What a program would have to find in the message otherwise. These keys come last:
 * readers that know the first three alone are told nothing new. */
static void add_details(struct buf *out, const struct err *e)
{
	static const char *const by_kind[] = {
		[ERR_NONE] = "",       [ERR_USAGE] = "usage",  [ERR_SPEC] = "config",
		[ERR_STATE] = "state", [ERR_KERNEL] = "host",  [ERR_REFUSED] = "config",
		[ERR_EXEC] = "execve", [ERR_BUG] = "internal",
	};
	const struct {
		const char *key, *text;
	} details[] = {
		{ "phase", e->phase[0] ? e->phase : by_kind[e->kind] },
		{ "pointer", e->pointer },
		{ "hint", e->hint },
	};

	for (size_t i = 0; i < sizeof(details) / sizeof(*details); i++) {
		if (!details[i].text[0])
			continue;
		buf_printf(out, ",\"%s\":\"", details[i].key);
		add_escaped(out, details[i].text, true);
		buf_text(out, "\"");
	}
	if (e->sys)
		buf_printf(out, ",\"errno\":%d", e->sys);
}

static void format_line(struct buf *out, enum log_level level, const char *text,
                        const struct err *e)
{
	char when[CLOCK_TEXT_MAX];
	const struct timespec now = { .tv_sec = time(NULL) };

	clock_text(&now, 0, when);
	if (sink.json)
		buf_printf(out, "{\"level\":\"%s\",\"msg\":\"", level_names[level]);
	else
		buf_printf(out, "time=\"%s\" level=%s msg=\"", when, level_names[level]);
	add_escaped(out, text, true);
	if (!sink.json) {
		buf_text(out, "\"\n");
		return;
	}
	buf_printf(out, "\",\"time\":\"%s\"", when);
	if (e)
		add_details(out, e);
	buf_text(out, "}\n");
}

static void put(int fd, const struct buf *line)
{
	if (!line->failed)
		(void)!write(fd, line->data, line->len);
}

static void write_line(enum log_level level, const char *text, const struct err *e)
{
	BUF struct buf line = { 0 };

	if (level > sink.level)
		return;
	if (sink.fd < 0) {
		/* for people: the bare message; --log-format json asked for a line */
		if (sink.json || level > LOG_WARNING)
			format_line(&line, level, text, e);
		else {
			add_escaped(&line, text, false);
			buf_text(&line, "\n");
		}
		put(STDERR_FILENO, &line);
		return;
	}
	format_line(&line, level, text, e);
	put(sink.fd, &line);
	if (level == LOG_ERROR) {
		BUF struct buf bare = { 0 };

		add_escaped(&bare, text, false);
		buf_text(&bare, "\n");
		put(STDERR_FILENO, &bare);
	}
}

void log_err(const struct err *e)
{
	BUF struct buf text = { 0 };
	struct err whole = *e;

	(void)err_point(&whole, e->text);
	buf_text(&text, e->text);
	if (e->hint[0])
		buf_printf(&text, " (%s)", e->hint);
	if (!text.failed)
		write_line(LOG_ERROR, text.data, &whole);
}

static __attribute__((format(printf, 2, 0))) void write_formatted(enum log_level level,
                                                                  const char *fmt, va_list ap)
{
	char text[ERR_TEXT_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	write_line(level, text, NULL);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_formatted(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_formatted(LOG_DEBUG, fmt, ap);
	va_end(ap);
}
