/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's signals on x86-64 (signal(7)), by our own table: libc's knows no real-time
 * signals by name, and its SIGRTMIN is a function call. The first real-time signal
 * is 34, as for all users of glibc, musl and systemd: 32 and 33 belong to libc.
 */
#include "runtime/signals.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

enum { RT_FIRST = 34, RT_LAST = 64 };

const struct signal_name signal_names[] = {
	{ "HUP", 1 },     { "INT", 2 },    { "QUIT", 3 },         { "ILL", 4 },
	{ "TRAP", 5 },    { "ABRT", 6 },   { "IOT", 6 },          { "BUS", 7 },
	{ "FPE", 8 },     { "KILL", 9 },   { "USR1", 10 },        { "SEGV", 11 },
	{ "USR2", 12 },   { "PIPE", 13 },  { "ALRM", 14 },        { "TERM", 15 },
	{ "STKFLT", 16 }, { "CHLD", 17 },  { "CLD", 17 },         { "CONT", 18 },
	{ "STOP", 19 },   { "TSTP", 20 },  { "TTIN", 21 },        { "TTOU", 22 },
	{ "URG", 23 },    { "XCPU", 24 },  { "XFSZ", 25 },        { "VTALRM", 26 },
	{ "PROF", 27 },   { "WINCH", 28 }, { "IO", 29 },          { "POLL", 29 },
	{ "PWR", 30 },    { "SYS", 31 },   { "RTMIN", RT_FIRST }, { "RTMAX", RT_LAST },
	{ NULL, 0 },
};

/* "RTMIN+N" counts up from the first real-time signal, "RTMAX-N" down from the last.
 * -1 for anything else. */
static int real_time_number(const char *name)
{
	static const char up[] = "RTMIN+", down[] = "RTMAX-";
	bool is_up = strncasecmp(name, up, strlen(up)) == 0;
	uint64_t offset;

	if (!is_up && strncasecmp(name, down, strlen(down)) != 0)
		return -1;
	if (num_u64(name + strlen(up), RT_LAST - RT_FIRST, &offset) < 0)
		return -1;
	return is_up ? RT_FIRST + (int)offset : RT_LAST - (int)offset;
}

int signal_number(const char *text)
{
	uint64_t number;

	if (isdigit((unsigned char)text[0]))
		return num_u64(text, RT_LAST, &number) == 0 ? (int)number : -1;
	if (strncasecmp(text, "SIG", strlen("SIG")) == 0)
		text += strlen("SIG");
	for (const struct signal_name *s = signal_names; s->name; s++) {
		if (strcasecmp(text, s->name) == 0)
			return s->number;
	}
	return real_time_number(text);
}
