/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name, as `kill` and the shells' completions know them. */
#pragma once

#include <stddef.h>

struct signal_name {
	const char *name; /* without SIG */
	int number;
};

/* Ends with a NULL name; of names with one number the usual one comes first. */
extern const struct signal_name signal_names[];

/* "TERM", "SIGTERM", "sigterm", "RTMIN+3", "SIGRTMAX-1", "15"; 0 is the signal that
 * only asks whether the process lives (kill(2)). -1: there is no such signal. */
int signal_number(const char *text);
