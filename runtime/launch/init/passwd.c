/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One character at a time, with a field counter and no buffer but the caller's. A
 * line counts if its third field is exactly the uid in decimal digits, it has a
 * sixth field, that field is not empty and fits, and the whole is not longer than
 * PASSWD_LINE_MAX. The first such line wins. NUL bytes end no string here: a line
 * that has one is wrong.
 */
#include "runtime/launch/init/passwd.h"

enum { FIELD_UID = 2, FIELD_HOME = 5, DIGITS_MAX = 10 };

static void begin_line(struct passwd_search *s)
{
	s->line_length = 0;
	s->home_length = 0;
	s->number = 0;
	s->field = 0;
	s->digits = 0;
	s->wrong = false;
}

struct passwd_search passwd_search(uint32_t uid, char *home, size_t room)
{
	return (struct passwd_search){ .uid = uid, .home = home, .room = room };
}

/* At the end of the uid field: is it the one? */
static bool uid_matches(const struct passwd_search *s)
{
	return s->digits > 0 && s->digits <= DIGITS_MAX && s->number == s->uid;
}

static void take(struct passwd_search *s, char c)
{
	if (++s->line_length > PASSWD_LINE_MAX || c == '\0')
		s->wrong = true;
	if (s->wrong)
		return;
	if (c == ':') {
		if (s->field == FIELD_UID && !uid_matches(s))
			s->wrong = true;
		s->field++;
		return;
	}
	if (s->field == FIELD_UID) {
		if (c < '0' || c > '9' || ++s->digits > DIGITS_MAX)
			s->wrong = true;
		s->number = s->number * 10 + (uint64_t)(c - '0');
	} else if (s->field == FIELD_HOME) {
		if (s->home_length + 1 < s->room)
			s->home[s->home_length++] = c;
		else
			s->wrong = true;
	}
}

bool passwd_end(struct passwd_search *s)
{
	bool found = !s->wrong && s->field >= FIELD_HOME && s->home_length > 0;

	if (found)
		s->home[s->home_length] = '\0';
	begin_line(s);
	return found;
}

bool passwd_feed(struct passwd_search *s, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (data[i] != '\n')
			take(s, data[i]);
		else if (passwd_end(s))
			return true;
	}
	return false;
}
