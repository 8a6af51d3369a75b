/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest's kernel prints on its serial port: written to a log, line by line, up to a
 * limit, and the last lines kept for the message about its end. All of it is the guest's
 * words: bytes that a terminal could take for more than text become dots.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SERIAL_LINE_ROOM = 200,
	SERIAL_LINES_ROOM = 1024,
	SERIAL_LOG_MAX = 1 << 20, /* bytes that are written */
};

struct serial_log {
	int fd; /* lent; -1: none */
	size_t written;
	size_t line_len, lines_len;
	char line[SERIAL_LINE_ROOM];
	char lines[SERIAL_LINES_ROOM]; /* whole lines, the last ones */
	char panic[SERIAL_LINE_ROOM];  /* the first line that told of one, without its end */
};

void serial_log_byte(struct serial_log *l, uint8_t byte);

/* Ends the line that is not ended. */
void serial_log_end(struct serial_log *l);
