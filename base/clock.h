/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <time.h>

enum { CLOCK_TEXT_MAX = 64 }; /* bytes of a buffer for clock_text */

/* RFC 3339 in UTC, with nanoseconds if asked for. By our own arithmetic: gmtime_r(3)
 * reads the time zone's files first, at every start of a container. */
void clock_text(const struct timespec *when, int nanoseconds, char ret[CLOCK_TEXT_MAX]);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_ms(void);
