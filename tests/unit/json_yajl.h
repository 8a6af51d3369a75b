/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of oci-spec/json.c beside yajl's, for a test and for a fuzzer: what they
 * make of a text as a line of words, and where and why they refuse it.
 *
 * What came where a comma between members was missing, yajl places by its beginning, more
 * or less; ours is its end, as for everything else.
 *
 * Ours may refuse more: what is JSON but has two readings (duplicate keys, NUL ...), what
 * is beyond the limits, and three things that yajl lets pass against RFC 8259: form feeds
 * and vertical tabs between tokens, a string after the value that never ends, and, with
 * its own check of strings off as here, invalid UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/arena.h"
#include "base/buf.h"
#include "oci-spec/json.h"
#include "oci-spec/spec.h"

/* --- what yajl reads ---------------------------------------------------------------- */

static int yajl_word(void *out, const char *word)
{
	buf_text(out, word);
	return 1;
}

static int yajl_counted(void *out, char kind, const void *text, size_t len)
{
	buf_printf(out, "%c%zu:", kind, len);
	buf_add(out, text, len);
	return 1;
}

static int yajl_on_null(void *out)
{
	return yajl_word(out, "n");
}

static int yajl_on_bool(void *out, int truth)
{
	return yajl_word(out, truth ? "t" : "f");
}

static int yajl_on_number(void *out, const char *text, size_t len)
{
	return yajl_counted(out, '0', text, len);
}

static int yajl_on_string(void *out, const unsigned char *text, size_t len)
{
	return yajl_counted(out, 's', text, len);
}

static int yajl_on_key(void *out, const unsigned char *text, size_t len)
{
	return yajl_counted(out, 'k', text, len);
}

static int yajl_on_object(void *out)
{
	return yajl_word(out, "{");
}

static int yajl_on_object_end(void *out)
{
	return yajl_word(out, "}");
}

static int yajl_on_array(void *out)
{
	return yajl_word(out, "[");
}

static int yajl_on_array_end(void *out)
{
	return yajl_word(out, "]");
}

static const yajl_callbacks yajl_words = {
	.yajl_null = yajl_on_null,
	.yajl_boolean = yajl_on_bool,
	.yajl_number = yajl_on_number,
	.yajl_string = yajl_on_string,
	.yajl_start_map = yajl_on_object,
	.yajl_map_key = yajl_on_key,
	.yajl_end_map = yajl_on_object_end,
	.yajl_start_array = yajl_on_array,
	.yajl_end_array = yajl_on_array_end,
};

/* True with what was read in *ret, or false with yajl's complaint there, and where. */
static bool yajl_reads(const char *text, size_t len, struct buf *ret, size_t *ret_at)
{
	yajl_handle parser = yajl_alloc(&yajl_words, NULL, ret);

	yajl_config(parser, yajl_dont_validate_strings, 1);
	yajl_status status = yajl_parse(parser, (const unsigned char *)text, len);
	*ret_at = yajl_get_bytes_consumed(parser);
	if (status == yajl_status_ok) {
		status = yajl_complete_parse(parser);
		*ret_at = len;
	}
	if (status != yajl_status_ok) {
		unsigned char *words = yajl_get_error(parser, 0, NULL, 0);
		const char *complaint = (const char *)words;

		ret->len = 0;
		if (strstr(complaint, "premature EOF"))
			buf_text(ret, "the text ends before its value does");
		else
			buf_add(ret, complaint, strcspn(complaint, ".\n"));
		yajl_free_error(parser, words);
	}
	yajl_free(parser);
	return status == yajl_status_ok;
}

/* --- what we read --------------------------------------------------------------------- */

static void json_words(const struct json *j, struct buf *out)
{
	static const char *const plain[] = {
		[JSON_NULL] = "n", [JSON_ARRAY] = "[", [JSON_OBJECT] = "{"
	};

	if (j->key)
		yajl_counted(out, 'k', j->key, strlen(j->key));
	if (j->kind == JSON_BOOL)
		buf_text(out, j->truth ? "t" : "f");
	else if (j->kind == JSON_NUMBER || j->kind == JSON_STRING)
		yajl_counted(out, j->kind == JSON_NUMBER ? '0' : 's', j->text, strlen(j->text));
	else
		buf_text(out, plain[j->kind]);
	for (const struct json *child = j->first; child; child = child->next)
		json_words(child, out);
	if (j->kind == JSON_ARRAY || j->kind == JSON_OBJECT)
		buf_text(out, j->kind == JSON_ARRAY ? "]" : "}");
}

/* --- both --------------------------------------------------------------------------------- */

static bool same_text(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), of_end = strlen(end);

	return len >= of_end && strcmp(text + len - of_end, end) == 0;
}

/* Whether our error is about more than the grammar, which is all that yajl looks at. */
static bool is_beyond_grammar(const char *error)
{
	static const char *const ends[] = {
		": this string holds a NUL",
		": this string holds half of a surrogate pair",
		": this string is not valid UTF-8",
		": a name in this object holds a NUL",
		": a name in this object holds half of a surrogate pair",
		": a name in this object is not valid UTF-8",
		": this name is used twice in its object",
		": nested deeper than 64 levels",
		"line 1, column 1: JSON text begins with a byte order mark: save it without one",
		"line 1, column 1: JSON text is empty",
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends_with(error, ends[i]))
			return true;
	}
	return false;
}

static bool same_error(const char *text, size_t at, const struct buf *theirs, const char *ours)
{
	BUF struct buf place = { 0 };
	size_t line = 1, start = 0;

	for (size_t i = 0; i + 1 < at; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	buf_printf(&place, "line %zu, column %zu: ", line, at > start ? at - start : 1);
	return ends_with(ours, theirs->data) && (ends_with(ours, "I expect ',' or '}'") ||
	                                         strncmp(ours, place.data, place.len) == 0);
}

/* NULL when they agree, as far as they should; or what they do not agree about. */
static const char *json_disagree(const char *text, size_t len)
{
	BUF struct buf ours = { 0 }, theirs = { 0 };
	const struct json *j;
	struct err e = { 0 };
	ARENA struct arena a;
	size_t at;

	arena_init(&a, OCI_CONFIG_MAX_ARENA);
	bool we = json_parse(&a, text, len, &j, &e) == 0;
	bool they = yajl_reads(text, len, &theirs, &at);

	if (we) {
		json_words(j, &ours);
		if (!they)
			return "yajl refuses it";
		return same_text(&ours, &theirs) ? NULL : "yajl reads something else";
	}
	if (is_beyond_grammar(e.text) || memchr(text, '\v', len) || memchr(text, '\f', len))
		return NULL;
	if (they)
		return ends_with(e.text, "trailing garbage") ? NULL : "yajl takes it";
	return same_error(text, at, &theirs, e.text) ? NULL : "yajl has another complaint";
}
