/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to a tree. json_lex.c gives the words; here are the order that they may have,
 * the limits, and what is refused because two readers of one file would understand it in
 * two ways: duplicate keys, NUL, UTF-8 that is overlong or encodes surrogates, halves of
 * surrogate pairs.
 *
 * The text is copied once, into the arena. Strings are not copied again: they lie in that
 * copy, escapes resolved in place, with a NUL where the quote behind them was, which has
 * been read by then. Errors are placed by the text as it was.
 *
 * Memory stays bounded: at most OCI_CONFIG_MAX_VALUES nodes, cut from slabs, the copy, and
 * the digits of numbers. Time too: each byte is looked at a fixed number of times, and the
 * keys of a big object are sorted to find a double.
 *
 * A value's node is made and linked first, then judged, so that json_path() can name it in
 * the error.
 */
#include "oci-spec/json.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "oci-spec/json_lex.h"
#include "oci-spec/spec.h"

enum {
	SLAB_NODES = 64,
	PAIRWISE_MAX = 32, /* members that are compared each with each: a record has 20 */
	PATH_ROOM = 256,
};

/* What may come next. */
enum due { DUE_VALUE, DUE_FIRST_VALUE, DUE_KEY, DUE_FIRST_KEY, DUE_COLON, DUE_NEXT, DUE_END };

struct builder {
	struct arena *arena, *nodes_arena;
	struct err *e;
	const char *text;
	struct json_lexer lexer; /* over the copy */
	enum due due;
	struct json *root;
	struct json *open[OCI_CONFIG_MAX_DEPTH]; /* arrays and objects, outermost first */
	struct json *last[OCI_CONFIG_MAX_DEPTH]; /* the newest child of each */
	size_t depth;
	const char *key; /* of the member whose value comes next */
	size_t key_end;
	size_t nodes;
	struct json *node_slab;
	size_t node_slab_left;
};

/* --- positions and errors ---------------------------------------------------------- */

static void position(const char *text, size_t at, size_t *ret_line, size_t *ret_column)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i + 1 < at; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	*ret_line = line;
	*ret_column = at > start ? at - start : 1;
}

/* Ends the parsing with an error: where in the text, where in the tree (at may be
 * NULL), and what is wrong. */
static int PRINTF(4, 5)
	refuse(struct builder *b, const struct json *at, size_t offset, const char *fmt, ...)
{
	char path[PATH_ROOM] = "", why[512];
	size_t line, column;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (at)
		json_path(at, path, sizeof(path));
	position(b->text, offset, &line, &column);
	err_set(b->e, ERR_SPEC, "line %zu, column %zu: %s%s%s", line, column, path,
	        path[0] ? ": " : "", why);
	return -1;
}

static struct json *holder(const struct builder *b)
{
	return b->depth > 0 ? b->open[b->depth - 1] : NULL;
}

/* "lexical error: ..." or "parse error: ...", at what holds the place. */
static int refuse_syntax(struct builder *b, const char *kind, const char *why)
{
	return refuse(b, holder(b), b->lexer.at, "%s error: %s", kind, why);
}

/* --- the tree ---------------------------------------------------------------------------- */

static struct json *new_node(struct builder *b)
{
	if (b->node_slab_left == 0) {
		b->node_slab = arena_array(b->nodes_arena, SLAB_NODES, sizeof(struct json));
		b->node_slab_left = SLAB_NODES;
	}
	b->node_slab_left--;
	return b->node_slab++;
}

/* Makes the node of the value that the lexer is at and links it to what holds it.
 * NULL when the parsing must end. */
static struct json *add_node(struct builder *b, enum json_kind kind)
{
	struct json *in = holder(b);

	if (b->nodes == OCI_CONFIG_MAX_VALUES) {
		(void)refuse(b, in, b->lexer.at, "more than %d values in all",
		             OCI_CONFIG_MAX_VALUES);
		return NULL;
	}

	struct json *j = new_node(b);
	j->kind = kind;
	j->key = b->key;
	j->parent = in;
	j->end = (uint32_t)(b->key ? b->key_end : b->lexer.at);
	b->nodes++;
	b->key = NULL;
	if (!in) {
		b->root = j;
		return j;
	}
	if (b->last[b->depth - 1])
		b->last[b->depth - 1]->next = j;
	else
		in->first = j;
	b->last[b->depth - 1] = j;
	in->count++;
	return j;
}

/* The string that the lexer has just read, in place. NULL when the parsing must end. */
static const char *take_string(struct builder *b, const struct json *at, const char *what)
{
	const struct json_lexer *l = &b->lexer;
	char *string = l->text + l->from;
	size_t len = l->at - 1 - l->from;

	if (l->escapes || l->high) {
		const char *why = json_string_fault(string, len);

		if (why) {
			(void)refuse(b, at, l->at, "%s %s", what, why);
			return NULL;
		}
	}
	if (l->escapes)
		len = json_unescape(string, len);
	if (len > OCI_STRING_MAX_BYTES) {
		(void)refuse(b, at, l->at, "%s is longer than %d bytes", what,
		             OCI_STRING_MAX_BYTES);
		return NULL;
	}
	string[len] = '\0';
	return string;
}

static int add_string(struct builder *b)
{
	struct json *j = add_node(b, JSON_STRING);

	if (!j)
		return -1;
	j->text = take_string(b, j, "this string");
	return j->text ? 0 : -1;
}

static int add_number(struct builder *b)
{
	const struct json_lexer *l = &b->lexer;
	struct json *j = add_node(b, JSON_NUMBER);

	if (!j)
		return -1;
	if (l->at - l->from > OCI_STRING_MAX_BYTES)
		return refuse(b, j, l->at, "is longer than %d digits", OCI_STRING_MAX_BYTES);
	j->text = arena_string(b->arena, l->text + l->from, l->at - l->from);
	return 0;
}

static int add_bool(struct builder *b, bool truth)
{
	struct json *j = add_node(b, JSON_BOOL);

	if (!j)
		return -1;
	j->truth = truth;
	return 0;
}

static int open_holder(struct builder *b, enum json_kind kind)
{
	struct json *j = add_node(b, kind);

	if (!j)
		return -1;
	if (b->depth == OCI_CONFIG_MAX_DEPTH)
		return refuse(b, j, b->lexer.at, "nested deeper than %d levels",
		              OCI_CONFIG_MAX_DEPTH);
	b->open[b->depth] = j;
	b->last[b->depth] = NULL;
	b->depth++;
	return 0;
}

/* --- duplicate keys ------------------------------------------------------------------------ */

/* By name, then by place. */
static int compare_keys(const void *left, const void *right)
{
	const struct json *const *l = left, *const *r = right;
	int order = strcmp((*l)->key, (*r)->key);

	return order != 0 ? order : ((*l)->end > (*r)->end) - ((*l)->end < (*r)->end);
}

static const struct json *find_double_in_few(const struct json *object)
{
	for (const struct json *j = object->first; j; j = j->next) {
		for (const struct json *k = object->first; k != j; k = k->next) {
			if (j->key[0] == k->key[0] && strcmp(j->key, k->key) == 0)
				return j;
		}
	}
	return NULL;
}

static const struct json *find_double_in_many(struct arena *a, const struct json *object)
{
	const struct json **sorted = arena_array(a, object->count, sizeof(const struct json *));
	size_t n = 0;

	for (const struct json *j = object->first; j; j = j->next)
		sorted[n++] = j;
	qsort(sorted, n, sizeof(const struct json *), compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			return sorted[i];
	}
	return NULL;
}

/* --- the order of words ------------------------------------------------------------------- */

static void close_holder(struct builder *b)
{
	b->depth--;
	b->due = b->depth > 0 ? DUE_NEXT : DUE_END;
}

static int close_object(struct builder *b)
{
	const struct json *object = holder(b);
	const struct json *again = object->count <= PAIRWISE_MAX
	                                   ? find_double_in_few(object)
	                                   : find_double_in_many(b->nodes_arena, object);

	if (again)
		return refuse(b, again, again->end, "this name is used twice in its object");
	close_holder(b);
	return 0;
}

static int at_value(struct builder *b, enum json_token token)
{
	enum due before = b->due;

	b->due = b->depth > 0 ? DUE_NEXT : DUE_END;
	switch ((int)token) {
	case JSON_TOKEN_STRING:
		return add_string(b);
	case JSON_TOKEN_NUMBER:
		return add_number(b);
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_FALSE:
		return add_bool(b, token == JSON_TOKEN_TRUE);
	case JSON_TOKEN_NULL:
		return add_node(b, JSON_NULL) ? 0 : -1;
	case '[':
		b->due = DUE_FIRST_VALUE;
		return open_holder(b, JSON_ARRAY);
	case '{':
		b->due = DUE_FIRST_KEY;
		return open_holder(b, JSON_OBJECT);
	case ']':
		if (before == DUE_FIRST_VALUE) {
			close_holder(b);
			return 0;
		}
		break;
	default:
		break;
	}
	return refuse_syntax(b, "parse", "unallowed token at this point in JSON text");
}

static int at_key(struct builder *b, enum json_token token)
{
	if (token == (enum json_token)'}' && b->due == DUE_FIRST_KEY)
		return close_object(b);
	if (token != JSON_TOKEN_STRING)
		return refuse_syntax(b, "parse", "invalid object key (must be a string)");
	b->key = take_string(b, holder(b), "a name in this object");
	b->key_end = b->lexer.at;
	b->due = DUE_COLON;
	return b->key ? 0 : -1;
}

/* After a value that is held by something. */
static int at_next(struct builder *b, enum json_token token)
{
	bool in_object = holder(b)->kind == JSON_OBJECT;

	if (token == (enum json_token)',') {
		b->due = in_object ? DUE_KEY : DUE_VALUE;
		return 0;
	}
	if (in_object && token == (enum json_token)'}')
		return close_object(b);
	if (!in_object && token == (enum json_token)']') {
		close_holder(b);
		return 0;
	}
	return refuse_syntax(b, "parse",
	                     in_object ? "after key and value, inside map, I expect ',' or '}'"
	                               : "after array element, I expect ',' or ']'");
}

static int at_token(struct builder *b, enum json_token token)
{
	switch (b->due) {
	case DUE_VALUE:
	case DUE_FIRST_VALUE:
		return at_value(b, token);
	case DUE_KEY:
	case DUE_FIRST_KEY:
		return at_key(b, token);
	case DUE_NEXT:
		return at_next(b, token);
	case DUE_COLON:
		b->due = DUE_VALUE;
		if (token == (enum json_token)':')
			return 0;
		return refuse_syntax(b, "parse",
		                     "object key and value must be separated by a colon (':')");
	case DUE_END:
		break;
	}
	return refuse_syntax(b, "parse", "trailing garbage");
}

static int refuse_token(struct builder *b)
{
	if (b->due == DUE_END)
		return refuse_syntax(b, "parse", "trailing garbage");
	if (b->lexer.why)
		return refuse_syntax(b, "lexical", b->lexer.why);
	return refuse(b, holder(b), b->lexer.len, "the text ends before its value does");
}

static int run_parser(struct builder *b)
{
	for (;;) {
		enum json_token token = json_lex(&b->lexer);

		if (token == JSON_TOKEN_END && b->due == DUE_END)
			return 0;
		if (token == JSON_TOKEN_END || token == JSON_TOKEN_BAD)
			return refuse_token(b);
		TRY(at_token(b, token));
	}
}

/* --- the call -------------------------------------------------------------------------------- */

static int check_whole(const char *text, size_t len, struct err *e)
{
	if (len > OCI_CONFIG_MAX_BYTES)
		return err_set(e, ERR_SPEC, "JSON text of %zu bytes: at most %d are read", len,
		               OCI_CONFIG_MAX_BYTES);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return err_set(e, ERR_SPEC,
		               "line 1, column 1: JSON text begins with a byte order "
		               "mark: save it without one");
	for (size_t i = 0; i < len; i++) {
		if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
			return 0;
	}
	return err_set(e, ERR_SPEC, "line 1, column 1: JSON text is empty");
}

int json_parse_apart(struct arena *a, struct arena *nodes, const char *text, size_t len,
                     const struct json **ret, struct err *e)
{
	struct builder b = {
		.arena = a, .nodes_arena = nodes, .e = e, .text = text, .due = DUE_VALUE
	};

	TRY(check_whole(text, len, e));
	b.lexer.text = arena_new(a, len + 1 + JSON_LEX_ZEROS);
	b.lexer.len = len;
	memcpy(b.lexer.text, text, len);
	b.lexer.text[len] = ' ';
	TRY(run_parser(&b));
	*ret = b.root;
	return 0;
}

int json_parse(struct arena *a, const char *text, size_t len, const struct json **ret,
               struct err *e)
{
	return json_parse_apart(a, a, text, len, ret, e);
}

/* --- looking at a tree -------------------------------------------------------------------------
 */

static bool same_letter(char a, char b)
{
	return (a | 0x20) == (b | 0x20);
}

/* The first whose name is the same but for its case; the exact one, if it is there. */
static const struct json *find_member(const struct json *j, const char *key)
{
	const struct json *similar = NULL;

	for (const struct json *member = j->first; member; member = member->next) {
		if (!same_letter(member->key[0], key[0]))
			continue;
		if (strcmp(member->key, key) == 0)
			return member;
		if (!similar && strcasecmp(member->key, key) == 0)
			similar = member;
	}
	return similar;
}

const struct json *json_member(const struct json *j, const char *key)
{
	if (!j || j->kind != JSON_OBJECT)
		return NULL;

	const struct json *found = find_member(j, key);

	if (found || !j->parent || j->parent->kind != JSON_OBJECT)
		return found;
	for (const struct json *twin = j->parent->first; twin && !found; twin = twin->next) {
		if (twin != j && twin->kind == JSON_OBJECT &&
		    same_letter(twin->key[0], j->key[0]) && strcasecmp(twin->key, j->key) == 0)
			found = find_member(twin, key);
	}
	return found;
}

/* RFC 3629, section 4. */
size_t json_utf8(const unsigned char *text, size_t len)
{
	unsigned char lead = text[0], low = 0x80, high = 0xbf;
	size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;

	if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || len <= more)
		return 0;
	if (lead == 0xe0)
		low = 0xa0; /* below: overlong */
	else if (lead == 0xed)
		high = 0x9f; /* above: surrogates */
	else if (lead == 0xf0)
		low = 0x90; /* below: overlong */
	else if (lead == 0xf4)
		high = 0x8f; /* above: beyond U+10FFFF */
	for (size_t i = 1; i <= more; i++) {
		if (text[i] < low || text[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return more + 1;
}

int json_cut(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return (int)len;
	len = max;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return (int)len;
}

static bool is_plain_name(const char *key)
{
	return key[0] != '\0' && key[strspn(key, "abcdefghijklmnopqrstuvwxyz"
	                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static size_t index_of(const struct json *j)
{
	size_t index = 0;

	for (const struct json *k = j->parent->first; k != j; k = k->next)
		index++;
	return index;
}

/* Appends the step from j's holder to j; returns the bytes used then. */
static size_t put_step(const struct json *j, char *ret, size_t used, size_t room)
{
	enum { NAME_MAX_SHOWN = 48 };
	int more;

	if (!j->key)
		more = snprintf(ret + used, room - used, "[%zu]", index_of(j));
	else if (is_plain_name(j->key))
		more = snprintf(ret + used, room - used, "%s%.*s", used > 0 ? "." : "",
		                json_cut(j->key, NAME_MAX_SHOWN), j->key);
	else
		more = snprintf(ret + used, room - used, "[\"%.*s\"]",
		                json_cut(j->key, NAME_MAX_SHOWN), j->key);
	used += more > 0 ? (size_t)more : 0;
	return used < room ? used : room - 1;
}

void json_path(const struct json *j, char *ret, size_t room)
{
	const struct json *steps[OCI_CONFIG_MAX_DEPTH]; /* the root is none */
	size_t depth = 0, used = 0;

	for (; j->parent && depth < OCI_CONFIG_MAX_DEPTH; j = j->parent)
		steps[depth++] = j;
	ret[0] = '\0';
	while (depth > 0)
		used = put_step(steps[--depth], ret, used, room);
	ret[json_cut(ret, room - 2)] = '\0';
}
