/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON writer. Its state is one depth and two flags, so the caller's calls have
 * to nest as the text does; what belongs between values is put by before_value().
 * Strings go out as UTF-8 with only the escapes that JSON demands: a name reads
 * the same in our output as in config.json.
 */
#include <inttypes.h>
#include <string.h>

#include "oci-spec/json.h"

static void new_line(struct json_writer *w)
{
	if (w->indent[0] == '\0')
		return;
	buf_text(w->out, "\n");
	for (unsigned int i = 0; i < w->depth; i++)
		buf_text(w->out, w->indent);
}

/* The comma, line and indent that come before a value or a key. */
static void before_value(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->needs_comma)
		buf_text(w->out, ",");
	if (w->depth > 0)
		new_line(w);
}

static void put_escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		buf_printf(out, "\\%c", c);
		break;
	case '\n':
		buf_text(out, "\\n");
		break;
	case '\r':
		buf_text(out, "\\r");
		break;
	case '\t':
		buf_text(out, "\\t");
		break;
	default:
		buf_printf(out, "\\u%04x", c < 0x80 ? c : 0xfffd);
	}
}

static void quote(struct json_writer *w, const char *text)
{
	const unsigned char *c = (const unsigned char *)text, *plain = c;
	size_t left = strlen(text);

	buf_text(w->out, "\"");
	while (left > 0) {
		size_t size = json_utf8(c, left);
		bool as_it_is = size > 0 && *c >= 0x20 && *c != '"' && *c != '\\' && *c != 0x7f;

		if (size == 0)
			size = 1;
		if (!as_it_is) {
			buf_add(w->out, plain, (size_t)(c - plain));
			put_escape(w->out, *c);
			plain = c + size;
		}
		c += size;
		left -= size;
	}
	buf_add(w->out, plain, (size_t)(c - plain));
	buf_text(w->out, "\"");
}

void json_open(struct json_writer *w, char bracket)
{
	before_value(w);
	buf_add(w->out, &bracket, 1);
	w->depth++;
	w->needs_comma = false;
}

void json_close(struct json_writer *w, char bracket)
{
	w->depth--;
	if (w->needs_comma) /* not for {} and [] */
		new_line(w);
	buf_add(w->out, &bracket, 1);
	w->needs_comma = true;
}

void json_key(struct json_writer *w, const char *key)
{
	before_value(w);
	quote(w, key);
	buf_text(w->out, w->indent[0] == '\0' ? ":" : ": ");
	w->after_key = true;
}

void json_string(struct json_writer *w, const char *text)
{
	if (!text) {
		json_null(w);
		return;
	}
	before_value(w);
	quote(w, text);
	w->needs_comma = true;
}

void json_i64(struct json_writer *w, int64_t value)
{
	before_value(w);
	buf_printf(w->out, "%" PRId64, value);
	w->needs_comma = true;
}

void json_u64(struct json_writer *w, uint64_t value)
{
	before_value(w);
	buf_printf(w->out, "%" PRIu64, value);
	w->needs_comma = true;
}

void json_hundredths(struct json_writer *w, uint64_t value)
{
	unsigned int rest = (unsigned int)(value % 100);

	before_value(w);
	buf_printf(w->out, "%" PRIu64, value / 100);
	if (rest % 10 != 0)
		buf_printf(w->out, ".%02u", rest);
	else if (rest != 0)
		buf_printf(w->out, ".%u", rest / 10);
	w->needs_comma = true;
}

void json_bool(struct json_writer *w, bool value)
{
	before_value(w);
	buf_text(w->out, value ? "true" : "false");
	w->needs_comma = true;
}

void json_null(struct json_writer *w)
{
	before_value(w);
	buf_text(w->out, "null");
	w->needs_comma = true;
}

/* --- members ----------------------------------------------------------------------------- */

void json_put_string(struct json_writer *w, const char *key, const char *text)
{
	json_key(w, key);
	json_string(w, text);
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
	json_key(w, key);
	json_u64(w, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
	json_key(w, key);
	json_bool(w, value);
}
