/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a JSON text, one at a time; for oci-spec/json.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A token is named by the character that it begins with. */
enum json_token {
	JSON_TOKEN_BAD = -1, /* json_lexer.why */
	JSON_TOKEN_END = 0,
	JSON_TOKEN_STRING = '"',
	JSON_TOKEN_NUMBER = '0', /* whatever its first character */
	JSON_TOKEN_TRUE = 't',
	JSON_TOKEN_FALSE = 'f',
	JSON_TOKEN_NULL = 'n',
	/* { } [ ] , : */
};

/* Behind the text there must be one blank, which ends a number, and as many zeros. */
enum { JSON_LEX_ZEROS = 8 };

struct json_lexer {
	char *text;
	size_t len;      /* without what is behind it */
	size_t at;       /* where the last token ended */
	size_t from;     /* where it began: of a string, behind its quote */
	bool escapes;    /* the string has some */
	bool high;       /* the string has bytes beyond ASCII */
	const char *why; /* a bad token: yajl's words for it, or NULL: the text ends in it */
};

/* The next token; `at` and, where it is a string or a number, `from` say where it is. Of
 * a bad one `at` is where it became bad. Source: RFC 8259, section 2. */
enum json_token json_lex_any(struct json_lexer *l);

/* The same; what mostly follows a string has no blank before it. */
static inline enum json_token json_lex(struct json_lexer *l)
{
	char c = l->text[l->at];

	if (c != ',' && c != ':')
		return json_lex_any(l);
	l->at++;
	return (enum json_token)c;
}

/* What is wrong with a string's characters, by its raw text between the quotes, or NULL:
 * it is UTF-8, has no NUL, and surrogates come in pairs (RFC 8259, section 8). */
const char *json_string_fault(const char *raw, size_t len);

/* Replaces the escapes of a raw string that has no fault; returns its new length. */
size_t json_unescape(char *text, size_t len);
