/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out. Reading builds a tree in an arena with
 * limits on size, depth and count, and refuses what others let pass: duplicate
 * keys, NUL in a string, invalid UTF-8, text after the value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	bool truth;                /* JSON_BOOL */
	const char *text;          /* JSON_STRING; JSON_NUMBER as it was written */
	const char *key;           /* its name in the object that holds it, or NULL */
	const struct json *parent; /* the array or object that holds it, or NULL */
	const struct json *first;  /* JSON_ARRAY, JSON_OBJECT: children in order */
	const struct json *next;   /* the next sibling */
	uint32_t count;            /* children */
	uint32_t end;              /* where its token (its bracket, its key) ends in the text */
};

/* Reads one JSON text. Errors are ERR_SPEC and name line, column and path. */
MUST_CHECK int json_parse(struct arena *a, const char *text, size_t len, const struct json **ret,
                          struct err *e);

/* The same with the nodes in an arena of their own: what is read from them may outlive them,
 * since their strings are in the other. */
MUST_CHECK int json_parse_apart(struct arena *a, struct arena *nodes, const char *text, size_t len,
                                const struct json **ret, struct err *e);

/* The member of an object with this name, or NULL (also if j is NULL or no object). Without one the
 * first whose name differs in upper and lower case alone, and then the same in objects beside it
 * whose names are that of the object but for their case: Go reads all of these into one, and a
 * limit that runc would set is not to be passed over as a name that nobody knows. */
const struct json *json_member(const struct json *j, const char *key);

/* Where j is in its text: "linux.namespaces[2].path", `annotations["a.b"]`, "" for
 * the whole. Long names are cut, and so is the end where the room is too small. */
void json_path(const struct json *j, char *ret, size_t room);

/* The bytes of text to show in a message (for %.*s): at most max, whole characters. */
int json_cut(const char *text, size_t max);

/* The bytes of the UTF-8 character at text; 0 when there is none. len is at least 1. */
size_t json_utf8(const unsigned char *text, size_t len);

/* --- writing: a tree of calls; commas, quotes and indents are the writer's ------ */

struct json_writer {
	struct buf *out;
	const char *indent; /* per level: "  ", "\t"; "" for one line without blanks */
	unsigned int depth;
	bool needs_comma;
	bool after_key;
};

void json_open(struct json_writer *w, char bracket);  /* '{' or '[' */
void json_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_key(struct json_writer *w, const char *key);
/* NULL: null. A byte that is no UTF-8 (of a file's name, say) becomes U+FFFD. */
void json_string(struct json_writer *w, const char *text);
void json_i64(struct json_writer *w, int64_t value);
void json_u64(struct json_writer *w, uint64_t value);
void json_hundredths(struct json_writer *w, uint64_t value); /* 1250: 12.5 */
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);

/* A key and its value. */
void json_put_string(struct json_writer *w, const char *key, const char *text);
void json_put_u64(struct json_writer *w, const char *key, uint64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
