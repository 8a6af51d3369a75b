/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the path that a message begins with to a JSON pointer (RFC 6901): names joined
 * by dots, indexes and quoted names in brackets, up to ": ", a blank or the end. It is one only if
 * its first name is a field of a config.json, so that other text ("getcwd: …") is none.
 */
#include <string.h>

#include "base/err.h"

static const char *const fields[] = {
	"ociVersion", "root",  "mounts", "process",     "hostname",
	"domainname", "hooks", "linux",  "annotations", "vm",
};

static bool is_name(const char *c)
{
	return *c && !strchr(".[]: ;()\"", *c);
}

static bool begins_with_field(const char *path)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		size_t len = strlen(fields[i]);

		if (strncmp(path, fields[i], len) == 0 && !is_name(path + len))
			return true;
	}
	return false;
}

/* One byte of a name; '~' and '/' have a spelling of their own. */
static bool add(struct err *e, size_t *used, char c)
{
	const char *text = c == '~' ? "~0" : c == '/' ? "~1" : NULL;
	size_t len = text ? 2 : 1;

	if (*used + len >= sizeof(e->pointer))
		return false;
	memcpy(e->pointer + *used, text ? text : &c, len);
	*used += len;
	e->pointer[*used] = '\0';
	return true;
}

/* "/": of the pointer itself */
static bool add_slash(struct err *e, size_t *used)
{
	if (*used + 1 >= sizeof(e->pointer))
		return false;
	e->pointer[(*used)++] = '/';
	e->pointer[*used] = '\0';
	return true;
}

/* What stands in brackets; the byte after it, or NULL when there is no room. */
static const char *add_bracket(struct err *e, size_t *used, const char *c)
{
	bool quoted = c[1] == '"';
	const char *end = quoted ? strstr(c, "\"]") : strchr(c, ']');

	if (!end || !add_slash(e, used))
		return NULL;
	for (c += 1 + quoted; c < end; c++)
		if (!add(e, used, *c))
			return NULL;
	return end + 1 + quoted;
}

int err_point(struct err *e, const char *path)
{
	size_t used = 0;
	const char *c = path;

	if (e->pointer[0] || !begins_with_field(path) || !add_slash(e, &used))
		return -1;
	while (c && *c) {
		if (*c == '[')
			c = add_bracket(e, &used, c);
		else if (*c == '.')
			c = add_slash(e, &used) ? c + 1 : NULL;
		else if (is_name(c))
			c = add(e, &used, *c) ? c + 1 : NULL;
		else
			return -1;
	}
	if (!c) /* half of a pointer would lead elsewhere */
		e->pointer[0] = '\0';
	return -1;
}
