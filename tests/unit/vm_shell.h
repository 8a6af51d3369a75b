/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the shell, for tests: rm, diff, iasl. Their words are the tests' own. */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

/* The exit status as system(3) has it. */
static inline int shell(const char *fmt, ...) PRINTF(1, 2);
static inline int shell(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command); /* NOLINT(cert-env33-c) */
}
