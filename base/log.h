/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: the only global state. Without a file, a line goes to stderr; with
 * one (--log FILE), an error goes to the file in the chosen format and its bare
 * message to stderr, as engines expect. At the default level a failing command
 * writes exactly one line. Control characters are escaped.
 *
 * Text: time="2026-01-02T03:04:05Z" level=error msg="..."
 * JSON: {"level":"error","msg":"...","time":"2026-01-02T03:04:05Z"}; an error has more
 *       keys after these three, where they are known: phase, pointer, hint, errno
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* path NULL: stderr only. Appends; the file is made with mode 0644. */
MUST_CHECK int log_open(const char *path, bool json, enum log_level level, struct err *e);

void log_err(const struct err *e);
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);
