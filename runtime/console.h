/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <termios.h>

#include "base/err.h"

/* Whether terminal, --detach (create always is) and --console-socket go together:
 * somebody has to hold the pty's master. */
MUST_CHECK int console_check(bool terminal, bool detached, const char *console_socket,
                             struct err *e);

/* Connects to the socket of --console-socket, before anything is created: a bad
 * socket must not cost a container. */
MUST_CHECK int console_connect(const char *path, struct err *e);

/* Hands the pty's master over: one message, the slave's name as its payload. */
MUST_CHECK int console_hand_over(int sock, int master, const char *name, struct err *e);

/* Makes the pty whose master we keep fit to be shown on our own terminal, or to be read
 * from a pipe: that terminal's size, and no carriage return added to a newline, which
 * our terminal adds itself. */
void console_attach(int master);

/* The terminal that we were called from, in raw mode, and how it was before. */
struct console_raw {
	bool raw;
	struct termios before;
};

/* Raw mode for stdin, if that is a terminal; output is still processed. */
void console_make_raw(struct console_raw *c);
void console_restore(struct console_raw *c);

/* Gives the pty the size of our own terminal, if we have one. */
void console_resize(int master);
