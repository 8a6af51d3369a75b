/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a user's home folder in the text of /etc/passwd, passwd(5), as it streams
 * by. Numbers only: a name is never looked at. Memory is fixed, whatever the file
 * holds. No libc: a unit test includes this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PASSWD_LINE_MAX = 64 << 10 }; /* a longer line counts for nothing */

struct passwd_search {
	uint32_t uid;
	char *home; /* takes the field's text and a NUL */
	size_t room;

	/* of the line that is being read */
	size_t line_length, home_length;
	uint64_t number; /* of the uid field */
	uint32_t field, digits;
	bool wrong; /* the line cannot be the one */
};

struct passwd_search passwd_search(uint32_t uid, char *home, size_t room);

/* Reads on. true: home is there, and no more is to be fed. */
bool passwd_feed(struct passwd_search *search, const char *data, size_t length);

/* The file has ended; its last line need not end in a newline. */
bool passwd_end(struct passwd_search *search);
