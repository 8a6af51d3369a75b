/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/serial_log.h"

#include <string.h>
#include <unistd.h>

static const char panic_words[] = "Kernel panic - not syncing";

/* Makes room by dropping the oldest lines. */
static void keep(struct serial_log *l)
{
	while (l->lines_len + l->line_len >= SERIAL_LINES_ROOM) {
		const char *end = memchr(l->lines, '\n', l->lines_len);
		size_t drop = end ? (size_t)(end - l->lines) + 1 : l->lines_len;

		l->lines_len -= drop;
		memmove(l->lines, l->lines + drop, l->lines_len);
	}
	memcpy(l->lines + l->lines_len, l->line, l->line_len);
	l->lines_len += l->line_len;
	l->lines[l->lines_len] = '\0';
}

/* A log that takes no more is no reason to end the guest. */
static void log_line(struct serial_log *l)
{
	if (l->fd < 0 || l->written + l->line_len > SERIAL_LOG_MAX)
		return;
	if (write(l->fd, l->line, l->line_len) > 0)
		l->written += l->line_len;
}

void serial_log_end(struct serial_log *l)
{
	if (l->line_len == 0)
		return;
	if (!l->panic[0] && memmem(l->line, l->line_len, panic_words, sizeof(panic_words) - 1)) {
		memcpy(l->panic, l->line, l->line_len);
		l->panic[l->line_len] = '\0';
	}
	l->line[l->line_len++] = '\n';
	log_line(l);
	keep(l);
	l->line_len = 0;
}

void serial_log_byte(struct serial_log *l, uint8_t byte)
{
	if (byte == '\n') {
		serial_log_end(l);
		return;
	}
	if (byte == '\r')
		return;
	l->line[l->line_len++] = (char)(byte == '\t' || (byte >= ' ' && byte < 0x7f) ? byte : '.');
	if (l->line_len == SERIAL_LINE_ROOM - 1)
		serial_log_end(l);
}
