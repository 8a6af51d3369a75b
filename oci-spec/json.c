/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to a tree, by yajl's callbacks. yajl gives the grammar; the limits and
 * what a string may hold are decided here, because yajl lets pass what two readers
 * of one file would understand in two ways: duplicate keys, NUL, UTF-8 that is
 * overlong or encodes surrogates, halves of surrogate pairs.
 *
 * Memory stays bounded: at most OCI_CONFIG_MAX_VALUES nodes, cut from slabs, and
 * no more bytes of strings than the text has. Time too: each byte is looked at a
 * fixed number of times, and the keys of a big object are sorted to find a double.
 *
 * Order inside a callback: the node is made and linked first, then judged, so that
 * json_path() can name it in the error.
 */
#include "oci-spec/json.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "oci-spec/spec.h"

enum {
	SLAB_NODES = 64,
	SLAB_BYTES = 4096,
	PAIRWISE_MAX = 16, /* members that are compared each with each */
	PATH_ROOM = 256,
};

/* yajl's callbacks return these. */
enum { STOP = 0, GO_ON = 1 };

struct builder {
	struct arena *arena;
	struct err *e; /* filled when a callback returned STOP */
	const char *text;
	size_t len;
	yajl_handle parser;
	struct json *root;
	struct json *open[OCI_CONFIG_MAX_DEPTH]; /* arrays and objects, outermost first */
	struct json *last[OCI_CONFIG_MAX_DEPTH]; /* the newest child of each */
	size_t depth;
	const char *key;  /* of the member whose value comes next */
	size_t token_end; /* where the token before this one ended */
	size_t nodes;
	struct json *node_slab;
	size_t node_slab_left;
	char *byte_slab;
	size_t byte_slab_left;
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
	return STOP;
}

/* --- memory -------------------------------------------------------------------------- */

static struct json *new_node(struct builder *b)
{
	if (b->node_slab_left == 0) {
		b->node_slab = arena_array(b->arena, SLAB_NODES, sizeof(struct json));
		b->node_slab_left = SLAB_NODES;
	}
	b->node_slab_left--;
	return b->node_slab++;
}

static const char *new_string(struct builder *b, const void *text, size_t len)
{
	if (len >= SLAB_BYTES)
		return arena_string(b->arena, text, len);
	if (b->byte_slab_left <= len) {
		b->byte_slab = arena_new(b->arena, SLAB_BYTES);
		b->byte_slab_left = SLAB_BYTES;
	}

	char *copy = b->byte_slab;
	memcpy(copy, text, len); /* the slab is zeroed: the NUL is there */
	b->byte_slab += len + 1;
	b->byte_slab_left -= len + 1;
	return copy;
}

/* --- strings ---------------------------------------------------------------------------- */

/* The four digits of \uXXXX at s (at the backslash), or -1 when it is no such escape. */
static long hex_escape(const unsigned char *s, size_t len)
{
	long value = 0;

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		unsigned char c = s[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		value = value * 16 + digit; /* yajl has seen that these are hex digits */
	}
	return value;
}

/* What the escape at s stands for is a character that a C string can hold:
 * its length, or 0 with *ret_why. */
static size_t escape_length(const unsigned char *s, size_t len, const char **ret_why)
{
	long unit = hex_escape(s, len);

	if (unit < 0)
		return 2;
	if (unit == 0) {
		*ret_why = "holds a NUL";
		return 0;
	}
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	long second = unit <= 0xdbff ? hex_escape(s + 6, len - 6) : -1;
	if (second >= 0xdc00 && second <= 0xdfff)
		return 12;
	*ret_why = "holds half of a surrogate pair";
	return 0;
}

/* The bytes at s that are ASCII and no backslash, in whole words: most of most texts. */
static size_t plain_words(const unsigned char *s, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	size_t i = 0;

	for (; i + sizeof(uint64_t) <= len; i += sizeof(uint64_t)) {
		uint64_t word, other;

		memcpy(&word, s + i, sizeof(word));
		other = word ^ ones * '\\'; /* a zero byte where a backslash was */
		if ((word | ((other - ones) & ~other)) & highs)
			break;
	}
	return i;
}

/* Judges a string by its raw token: what is between the quotes, escapes and all.
 * NULL when all is well. */
static const char *string_fault(const unsigned char *raw, size_t len)
{
	const char *why = "is not valid UTF-8";

	for (size_t i = plain_words(raw, len), step; i < len; i += step) {
		if (raw[i] == '\\')
			step = escape_length(raw + i, len - i, &why);
		else
			step = raw[i] < 0x80 ? 1 : json_utf8(raw + i, len - i);
		if (step == 0)
			return why;
	}
	return NULL;
}

/* The raw token of the string that yajl has just read: from the first quote after
 * the token before it (only blanks, ':' and ',' are between) to the last one. */
static int check_string(struct builder *b, const struct json *at, const char *what, size_t end,
                        size_t len)
{
	size_t from = b->token_end;

	while (from < end - 1 && b->text[from] != '"')
		from++;
	if (from < end - 1)
		from++;
	const char *why = string_fault((const unsigned char *)b->text + from, end - 1 - from);

	if (len > OCI_STRING_MAX_BYTES)
		return refuse(b, at, end, "%s is longer than %d bytes", what, OCI_STRING_MAX_BYTES);
	if (why)
		return refuse(b, at, end, "%s %s", what, why);
	return GO_ON;
}

/* --- the tree ---------------------------------------------------------------------------- */

/* Makes the node of the value that yajl is at and links it to what holds it.
 * NULL when the parsing must end. */
static struct json *add_node(struct builder *b, enum json_kind kind)
{
	struct json *holder = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	size_t end = yajl_get_bytes_consumed(b->parser);

	if (b->nodes == OCI_CONFIG_MAX_VALUES) {
		refuse(b, holder, end, "more than %d values in all", OCI_CONFIG_MAX_VALUES);
		return NULL;
	}

	struct json *j = new_node(b);
	*j = (struct json){ .kind = kind, .key = b->key, .parent = holder };
	j->end = (uint32_t)(b->key ? b->token_end : end);
	b->nodes++;
	b->key = NULL;
	if (!holder) {
		b->root = j;
	} else {
		if (b->last[b->depth - 1])
			b->last[b->depth - 1]->next = j;
		else
			holder->first = j;
		b->last[b->depth - 1] = j;
		holder->count++;
	}
	return j;
}

static void token_done(struct builder *b)
{
	b->token_end = yajl_get_bytes_consumed(b->parser);
}

static int on_null(void *context)
{
	struct builder *b = context;
	const struct json *j = add_node(b, JSON_NULL);

	token_done(b);
	return j ? GO_ON : STOP;
}

static int on_bool(void *context, int truth)
{
	struct builder *b = context;
	struct json *j = add_node(b, JSON_BOOL);

	if (!j)
		return STOP;
	j->truth = truth != 0;
	token_done(b);
	return GO_ON;
}

static int on_number(void *context, const char *text, size_t len)
{
	struct builder *b = context;
	struct json *j = add_node(b, JSON_NUMBER);

	if (!j)
		return STOP;
	if (len > OCI_STRING_MAX_BYTES)
		return refuse(b, j, yajl_get_bytes_consumed(b->parser), "is longer than %d digits",
		              OCI_STRING_MAX_BYTES);
	j->text = new_string(b, text, len);
	token_done(b);
	return GO_ON;
}

static int on_string(void *context, const unsigned char *text, size_t len)
{
	struct builder *b = context;
	struct json *j = add_node(b, JSON_STRING);

	if (!j ||
	    check_string(b, j, "this string", yajl_get_bytes_consumed(b->parser), len) == STOP)
		return STOP;
	j->text = new_string(b, text, len);
	token_done(b);
	return GO_ON;
}

static int on_key(void *context, const unsigned char *text, size_t len)
{
	struct builder *b = context;
	const struct json *object = b->open[b->depth - 1];

	if (check_string(b, object, "a name in this object", yajl_get_bytes_consumed(b->parser),
	                 len) == STOP)
		return STOP;
	b->key = new_string(b, text, len);
	token_done(b);
	return GO_ON;
}

static int on_open(struct builder *b, enum json_kind kind)
{
	struct json *j = add_node(b, kind);

	if (!j)
		return STOP;
	if (b->depth == OCI_CONFIG_MAX_DEPTH)
		return refuse(b, j, yajl_get_bytes_consumed(b->parser),
		              "nested deeper than %d levels", OCI_CONFIG_MAX_DEPTH);
	b->open[b->depth] = j;
	b->last[b->depth] = NULL;
	b->depth++;
	token_done(b);
	return GO_ON;
}

static int on_array(void *context)
{
	return on_open(context, JSON_ARRAY);
}

static int on_object(void *context)
{
	return on_open(context, JSON_OBJECT);
}

static int on_array_end(void *context)
{
	struct builder *b = context;

	b->depth--;
	token_done(b);
	return GO_ON;
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
			if (strcmp(j->key, k->key) == 0)
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

static int on_object_end(void *context)
{
	struct builder *b = context;
	const struct json *object = b->open[b->depth - 1];
	const struct json *again = object->count <= PAIRWISE_MAX
	                                   ? find_double_in_few(object)
	                                   : find_double_in_many(b->arena, object);

	if (again)
		return refuse(b, again, again->end, "this name is used twice in its object");
	b->depth--;
	token_done(b);
	return GO_ON;
}

/* --- the call -------------------------------------------------------------------------------- */

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_object_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

/* Turns yajl's complaint ("lexical error: invalid char in json text.\n") into ours. */
static void refuse_syntax(struct builder *b, size_t at)
{
	unsigned char *words = yajl_get_error(b->parser, 0, NULL, 0);
	const char *text = words ? (const char *)words : "syntax error";
	const struct json *holder = b->depth > 0 ? b->open[b->depth - 1] : NULL;

	if (strstr(text, "premature EOF"))
		refuse(b, holder, at, "the text ends before its value does");
	else
		refuse(b, holder, at, "%.*s", (int)strcspn(text, ".\n"), text);
	yajl_free_error(b->parser, words);
}

static int run_parser(struct builder *b)
{
	yajl_status status = yajl_parse(b->parser, (const unsigned char *)b->text, b->len);

	if (status == yajl_status_error) {
		refuse_syntax(b, yajl_get_bytes_consumed(b->parser));
	} else if (status == yajl_status_ok) {
		status = yajl_complete_parse(b->parser);
		if (status == yajl_status_error)
			refuse_syntax(b, b->len);
	}
	return status == yajl_status_ok ? 0 : -1;
}

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

/* --- yajl's memory: it uses what it is given without a look, so it is the arena's ------ */

/* In front of what yajl gets: realloc has to know how much there was. */
struct parser_block {
	size_t size;
	_Alignas(16) unsigned char bytes[]; /* the struct ends where they begin */
};

static void *parser_malloc(void *arena, size_t size)
{
	struct parser_block *block = arena_new(arena, sizeof(*block) + size);

	block->size = size;
	return block->bytes;
}

static void *parser_realloc(void *arena, void *memory, size_t size)
{
	const struct parser_block *block = NULL;
	void *grown;

	if (memory)
		block = (const void *)((unsigned char *)memory - sizeof(*block));
	if (block && size <= block->size)
		return memory;
	grown = parser_malloc(arena, size);
	if (block)
		memcpy(grown, memory, block->size);
	return grown;
}

static void parser_free(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

int json_parse(struct arena *a, const char *text, size_t len, const struct json **ret,
               struct err *e)
{
	struct builder b = { .arena = a, .e = e, .text = text, .len = len };

	TRY(check_whole(text, len, e));
	yajl_alloc_funcs memory = { parser_malloc, parser_realloc, parser_free, a };
	b.parser = yajl_alloc(&callbacks, &memory, &b);
	if (!b.parser)
		return err_set(e, ERR_KERNEL, "read JSON: out of memory");
	/* string_fault() is stricter, and its errors have a path. */
	yajl_config(b.parser, yajl_dont_validate_strings, 1);

	int result = run_parser(&b);
	yajl_free(b.parser);
	if (result == 0)
		*ret = b.root;
	return result;
}

/* --- looking at a tree -------------------------------------------------------------------------
 */

const struct json *json_member(const struct json *j, const char *key)
{
	if (!j || j->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *member = j->first; member; member = member->next) {
		if (strcmp(member->key, key) == 0)
			return member;
	}
	return NULL;
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
