/* SPDX-License-Identifier: Apache-2.0 */
/* json.c and json_write.c: the grammar, what is refused beyond it, the limits. */
#include "oci-spec/json.h"
#include "oci.h"

static int parse(struct arena *a, const char *text, size_t len, const struct json **ret,
                 struct err *e)
{
	/* A copy of exact size: valgrind and ASan see a byte too many. */
	char *exact = malloc(len > 0 ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	int result = json_parse(a, exact, len, ret, e);
	free(exact);
	return result;
}

/* --- what is accepted ------------------------------------------------------------------ */

static void test_tree(void **state)
{
	static const char text[] =
		" {\"a\": [1, -2.5e3, true, false, null], \"b\": {\"c\": \"d\"}, "
		"\"\": \"\"}\r\n\t";
	ARENA struct arena a;
	const struct json *j;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(parse(&a, text, strlen(text), &j, &e), 0);
	assert_int_equal(j->kind, JSON_OBJECT);
	assert_int_equal(j->count, 3);
	assert_null(j->parent);
	assert_null(j->key);

	const struct json *list = json_member(j, "a");
	assert_int_equal(list->kind, JSON_ARRAY);
	assert_int_equal(list->count, 5);
	assert_ptr_equal(list->parent, j);
	const struct json *item = list->first;
	assert_string_equal(item->text, "1");
	assert_int_equal(item->kind, JSON_NUMBER);
	item = item->next;
	assert_string_equal(item->text, "-2.5e3");
	item = item->next;
	assert_true(item->kind == JSON_BOOL && item->truth);
	item = item->next;
	assert_true(item->kind == JSON_BOOL && !item->truth);
	item = item->next;
	assert_int_equal(item->kind, JSON_NULL);
	assert_null(item->next);

	assert_string_equal(json_member(json_member(j, "b"), "c")->text, "d");
	assert_string_equal(json_member(j, "")->text, "");
	assert_null(json_member(j, "x"));
	assert_null(json_member(list, "a"));
	assert_null(json_member(NULL, "a"));
}

static void test_member_in_another_case(void **state)
{
	static const char text[] = "{\"Ab\":1,\"ab\":2,\"aB\":3,\"[\":4}";
	ARENA struct arena a;
	const struct json *j;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(parse(&a, text, strlen(text), &j, &e), 0);
	assert_string_equal(json_member(j, "ab")->text, "2");
	assert_string_equal(json_member(j, "Ab")->text, "1");
	assert_string_equal(json_member(j, "AB")->text, "1");
	assert_null(json_member(j, "{"));
	assert_null(json_member(j, "abc"));
}

static void test_objects_in_another_case(void **state)
{
	static const char text[] = "{\"x\":{\"a\":1,\"b\":2},\"X\":{\"B\":3,\"c\":4},"
				   "\"y\":{\"d\":5},\"Y\":[{\"e\":6},{\"f\":7}]}";
	ARENA struct arena a;
	const struct json *j;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(parse(&a, text, strlen(text), &j, &e), 0);
	const struct json *x = json_member(j, "x");
	assert_string_equal(json_member(x, "a")->text, "1");
	assert_string_equal(json_member(x, "b")->text, "2");
	assert_string_equal(json_member(x, "C")->text, "4");
	assert_null(json_member(x, "d"));
	assert_null(json_member(json_member(j, "y"), "e"));
	assert_null(json_member(json_member(j, "Y")->first, "f"));
}

static void test_strings(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "\"plain\"", "plain" },
		{ "\"\"", "" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"",
		  "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
		  "\xf4\x8f\xbf\xbf\"",
		  "\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
		  "\xf4\x8f\xbf\xbf" },
		{ "\"\\\\u0000\"", "\\u0000" },
		{ "\"\x7f\"", "\x7f" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;
		const struct json *j;
		struct err e = { 0 };

		arena_init(&a, 0);
		if (parse(&a, cases[i].text, strlen(cases[i].text), &j, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_string_equal(j->text, cases[i].value);
	}
}

/* --- what is refused ----------------------------------------------------------------------- */

struct refused {
	const char *text;
	size_t len; /* 0: strlen */
	const char *error;
};

static void check_refused(const struct refused *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ARENA struct arena a;
		const struct json *j;
		struct err e = { 0 };
		size_t len = list[i].len ? list[i].len : strlen(list[i].text);

		arena_init(&a, 0);
		if (parse(&a, list[i].text, len, &j, &e) == 0)
			fail_msg("accepted: %s", list[i].text);
		if (strcmp(e.text, list[i].error) != 0)
			fail_msg("for %s\nexpected: %s\ngot:      %s", list[i].text, list[i].error,
			         e.text);
		assert_int_equal(e.kind, ERR_SPEC);
	}
}

static void test_syntax(void **state)
{
	static const struct refused list[] = {
		{ "", 0, "line 1, column 1: JSON text is empty" },
		{ " \n\t", 0, "line 1, column 1: JSON text is empty" },
		{ "\0", 1, "line 1, column 1: lexical error: invalid char in json text" },
		{ "\xef\xbb\xbf{}", 0,
		  "line 1, column 1: JSON text begins with a byte order mark: save it without one" },
		{ "{", 0, "line 1, column 1: the text ends before its value does" },
		{ "{\"a\"", 0, "line 1, column 4: the text ends before its value does" },
		{ "[1,", 0, "line 1, column 3: the text ends before its value does" },
		{ "\"abc", 0, "line 1, column 4: the text ends before its value does" },
		{ "{} {}", 0, "line 1, column 4: parse error: trailing garbage" },
		{ "{}\n\nx", 0, "line 3, column 1: parse error: trailing garbage" },
		{ "1 2", 0, "line 1, column 3: parse error: trailing garbage" },
		{ "{} \0", 4, "line 1, column 4: parse error: trailing garbage" },
		{ "[1,]", 0,
		  "line 1, column 4: parse error: unallowed token at this point in JSON text" },
		{ "{\"a\":1,}", 0,
		  "line 1, column 8: parse error: invalid object key (must be a string)" },
		{ "{\"a\" 1}", 0,
		  "line 1, column 6: parse error: object key and value must be separated by a colon "
		  "(':')" },
		{ "{\n\"a\":\n\t[1 2]}", 0,
		  "line 3, column 5: a: parse error: after array element, I expect ',' or ']'" },
		{ "[01]", 0,
		  "line 1, column 3: parse error: after array element, I expect ',' or ']'" },
		{ "[+1]", 0, "line 1, column 2: lexical error: invalid char in json text" },
		{ "[0x10]", 0, "line 1, column 3: lexical error: invalid char in json text" },
		{ "[-]", 0,
		  "line 1, column 2: lexical error: malformed number, a digit is required "
		  "after the minus sign" },
		{ "[1.]", 0,
		  "line 1, column 3: lexical error: malformed number, a digit is required "
		  "after the decimal point" },
		{ "[NaN]", 0, "line 1, column 2: lexical error: invalid char in json text" },
		{ "[True]", 0, "line 1, column 2: lexical error: invalid char in json text" },
		{ "['a']", 0, "line 1, column 2: lexical error: invalid char in json text" },
		{ "// x\n{}", 0,
		  "line 1, column 1: lexical error: probable comment found in input text, comments "
		  "are not enabled" },
		{ "[\"a\nb\"]", 0,
		  "line 1, column 3: lexical error: invalid character inside string" },
		{ "[\"\\x\"]", 0,
		  "line 1, column 3: lexical error: inside a string, '\\' occurs before a character "
		  "which it may not" },
		{ "[\"\\u00g0\"]", 0,
		  "line 1, column 6: lexical error: invalid (non-hex) character occurs after '\\u' "
		  "inside string" },
	};

	(void)state;
	check_refused(list, LEN(list));
}

/* Where two readers could see two different strings. */
static void test_bad_strings(void **state)
{
#define NOT_UTF8 "this string is not valid UTF-8"
#define HALF     "this string holds half of a surrogate pair"
	static const struct refused list[] = {
		{ "{\"a\":[\"x\\u0000y\"]}", 0,
		  "line 1, column 16: a[0]: this string holds a NUL" },
		{ "{\"\\u0000\":1}", 0, "line 1, column 9: a name in this object holds a NUL" },
		{ "{\"a\":{\"\xff\":1}}", 0,
		  "line 1, column 9: a: a name in this object is not valid UTF-8" },
		{ "\"\x80\"", 0, "line 1, column 3: " NOT_UTF8 },
		{ "\"\xc0\x80\"", 0, "line 1, column 4: " NOT_UTF8 },
		{ "\"\xc1\xbf\"", 0, "line 1, column 4: " NOT_UTF8 },
		{ "\"\xc3\"", 0, "line 1, column 3: " NOT_UTF8 },
		{ "\"\xc3z\"", 0, "line 1, column 4: " NOT_UTF8 },
		{ "\"\xe0\x80\x80\"", 0, "line 1, column 5: " NOT_UTF8 },
		{ "\"\xe0\x9f\xbf\"", 0, "line 1, column 5: " NOT_UTF8 },
		{ "\"\xe2\x82\"", 0, "line 1, column 4: " NOT_UTF8 },
		{ "\"\xe2\x82z\"", 0, "line 1, column 5: " NOT_UTF8 },
		{ "\"\xed\xa0\x80\"", 0, "line 1, column 5: " NOT_UTF8 },
		{ "\"\xf0\x8f\xbf\xbf\"", 0, "line 1, column 6: " NOT_UTF8 },
		{ "\"\xf4\x90\x80\x80\"", 0, "line 1, column 6: " NOT_UTF8 },
		{ "\"\xf5\x80\x80\x80\"", 0, "line 1, column 6: " NOT_UTF8 },
		{ "\"\xff\"", 0, "line 1, column 3: " NOT_UTF8 },
		{ "\"\\ud800\"", 0, "line 1, column 8: " HALF },
		{ "\"\\udc00\"", 0, "line 1, column 8: " HALF },
		{ "\"\\ud800\\u0041\"", 0, "line 1, column 14: " HALF },
		{ "\"\\ud800\\ud800\"", 0, "line 1, column 14: " HALF },
		{ "\"\\ud800x\"", 0, "line 1, column 9: " HALF },
		{ "[1 , \"a\" ,\n \"\\udfff\"]", 0, "line 2, column 9: [2]: " HALF },
	};

	(void)state;
	check_refused(list, LEN(list));
}

static void test_duplicates(void **state)
{
	static const struct refused list[] = {
		{ "{\"a\":1,\"a\":1}", 0,
		  "line 1, column 10: a: this name is used twice in its object" },
		{ "{\"\":1,\"b\":2,\n\"\":1}", 0,
		  "line 2, column 2: [\"\"]: this name is used twice in its object" },
		{ "{\"a\":[{\"b.c\":{},\"b\\u002ec\":{}}]}", 0,
		  "line 1, column 26: a[0][\"b.c\"]: this name is used twice in its object" },
	};
	BUF struct buf many = { 0 };
	ARENA struct arena a;
	const struct json *j;
	struct err e = { 0 };

	(void)state;
	check_refused(list, LEN(list));

	/* Sorted, not compared pairwise; the second of the two is named. */
	buf_text(&many, "{\"k7\":0,\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&many, "\"k%d\":%d,\n", (i * 7919) % 1000, i);
	buf_text(&many, "\"z\":0}");
	arena_init(&a, 0);
	assert_int_equal(parse(&a, many.data, many.len, &j, &e), -1);
	/* k7 comes again where i * 7919 is 7 modulo 1000: i = 753. */
	assert_string_equal(e.text,
	                    "line 755, column 4: k7: this name is used twice in its object");
}

/* --- limits ------------------------------------------------------------------------------------
 */

/* Parses and returns the error's text ("" for none), in bounded time and memory. */
static void bomb(const struct buf *text, char ret[static ERR_TEXT_MAX])
{
	ARENA struct arena a;
	const struct json *j;
	struct err e = { 0 };
	double start = seconds_now();

	arena_init(&a, OCI_CONFIG_MAX_ARENA);
	int result = json_parse(&a, text->data, text->len, &j, &e);
	memcpy(ret, result < 0 ? e.text : "", result < 0 ? sizeof(e.text) : 1);
	if (seconds_now() - start > 1.0 && !getenv("SLOW"))
		fail_msg("%.2f s for %zu bytes", seconds_now() - start, text->len);
}

static void put_times(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_text(out, text);
}

static void put_fill(struct buf *out, char c, size_t count)
{
	char *block = malloc(count);

	assert_non_null(block);
	memset(block, c, count);
	buf_add(out, block, count);
	free(block);
}

static void test_depth(void **state)
{
	static const char *const brackets[] = { "[", "{\"a\":" };
	static const size_t depths[] = { 65, 1000, 1000000 };
	char error[ERR_TEXT_MAX];

	(void)state;
	for (size_t b = 0; b < LEN(brackets); b++) {
		for (size_t d = 0; d < LEN(depths); d++) {
			BUF struct buf text = { 0 };

			put_times(&text, brackets[b], depths[d]);
			bomb(&text, error);
			assert_non_null(strstr(error, ": nested deeper than 64 levels"));
		}
	}

	BUF struct buf deepest = { 0 };
	put_times(&deepest, "[", 64);
	put_times(&deepest, "]", 64);
	bomb(&deepest, error);
	assert_string_equal(error, "");
}

static void test_sizes(void **state)
{
	char error[ERR_TEXT_MAX];

	(void)state;
	BUF struct buf huge = { 0 };
	buf_text(&huge, "\"");
	put_fill(&huge, 'x', 100u << 20);
	buf_text(&huge, "\"");
	bomb(&huge, error);
	assert_string_equal(error, "JSON text of 104857602 bytes: at most 16777216 are read");

	BUF struct buf one_too_many = { 0 };
	put_fill(&one_too_many, ' ', OCI_CONFIG_MAX_BYTES + 1);
	bomb(&one_too_many, error);
	assert_string_equal(error, "JSON text of 16777217 bytes: at most 16777216 are read");

	for (int more = 0; more < 2; more++) {
		BUF struct buf text = { 0 };

		buf_text(&text, "[\"");
		put_fill(&text, 'x', OCI_STRING_MAX_BYTES + (size_t)more);
		buf_text(&text, "\"]");
		bomb(&text, error);
		assert_string_equal(error,
		                    more ? "line 1, column 2097156: [0]: this string is longer "
		                           "than 2097152 bytes"
		                         : "");
	}

	BUF struct buf key = { 0 };
	buf_text(&key, "{\"\\n");
	put_fill(&key, 'x', OCI_STRING_MAX_BYTES);
	buf_text(&key, "\":1}");
	bomb(&key, error);
	assert_string_equal(error, "line 1, column 2097157: a name in this object is longer than "
	                           "2097152 bytes");

	BUF struct buf digits = { 0 };
	buf_text(&digits, "[");
	put_fill(&digits, '9', 3 << 20);
	buf_text(&digits, "]");
	bomb(&digits, error);
	assert_string_equal(error, "line 1, column 3145729: [0]: is longer than 2097152 digits");

	BUF struct buf blanks = { 0 };
	put_fill(&blanks, ' ', OCI_CONFIG_MAX_BYTES);
	bomb(&blanks, error);
	assert_string_equal(error, "line 1, column 1: JSON text is empty");
}

static void test_counts(void **state)
{
	char error[ERR_TEXT_MAX];

	(void)state;
	BUF struct buf numbers = { 0 };
	buf_text(&numbers, "[1");
	put_times(&numbers, ",1", 8000000);
	buf_text(&numbers, "]");
	bomb(&numbers, error);
	assert_string_equal(error, "line 1, column 400000: more than 200000 values in all");

	BUF struct buf members = { 0 };
	buf_text(&members, "{\"a\":{\"k0\":0");
	for (int i = 1; i < OCI_CONFIG_MAX_VALUES - 2; i++)
		buf_printf(&members, ",\"k%d\":0", i);
	buf_text(&members, "}}");
	bomb(&members, error);
	assert_string_equal(error, "");
}

/* Long equal beginnings are the worst case of comparing names. */
static void test_long_names(void **state)
{
	static const size_t counts[] = { 16, 17, 500 };
	char error[ERR_TEXT_MAX];

	(void)state;
	for (size_t c = 0; c < LEN(counts); c++) {
		BUF struct buf text = { 0 };

		buf_text(&text, "{");
		for (size_t i = 0; i < counts[c]; i++) {
			buf_text(&text, "\"");
			put_fill(&text, 'k', (15u << 20) / counts[c]);
			buf_printf(&text, "%zu\":1%s", i, i + 1 < counts[c] ? "," : "}");
		}
		bomb(&text, error);
		assert_string_equal(error, "");
	}
}

/* --- paths and cuts --------------------------------------------------------------------------- */

static void test_path(void **state)
{
	static const char text[] = "{\"a\":{\"b_1\":[0,{\"c.d\":1},2],\"\":[1]}}";
	ARENA struct arena a;
	const struct json *j;
	struct err e;
	char path[64], tiny[6];

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(parse(&a, text, strlen(text), &j, &e), 0);
	json_path(j, path, sizeof(path));
	assert_string_equal(path, "");
	j = json_member(json_member(j, "a"), "b_1");
	json_path(j->first->next->first, path, sizeof(path));
	assert_string_equal(path, "a.b_1[1][\"c.d\"]");
	json_path(j->first->next->first, tiny, sizeof(tiny));
	assert_string_equal(tiny, "a.b_");
	json_path(j->next->first, path, sizeof(path));
	assert_string_equal(path, "a[\"\"][0]");
}

static void test_cut(void **state)
{
	(void)state;
	assert_int_equal(json_cut("abc", 3), 3);
	assert_int_equal(json_cut("abc", 2), 2);
	assert_int_equal(json_cut("abc", 0), 0);
	assert_int_equal(json_cut("a\xe2\x82\xac", 4), 4);
	assert_int_equal(json_cut("a\xe2\x82\xac", 3), 1);
	assert_int_equal(json_cut("a\xe2\x82\xac", 2), 1);
	assert_int_equal(json_cut("\xe2\x82\xac", 2), 0);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void write_sample(struct json_writer *w)
{
	json_open(w, '{');
	json_key(w, "empty");
	json_open(w, '{');
	json_close(w, '}');
	json_key(w, "list");
	json_open(w, '[');
	json_i64(w, INT64_MIN);
	json_u64(w, UINT64_MAX);
	json_open(w, '[');
	json_close(w, ']');
	json_bool(w, true);
	json_open(w, '{');
	json_key(w, "x");
	json_null(w);
	json_close(w, '}');
	json_close(w, ']');
	json_key(w, "text");
	json_string(w, "a");
	json_key(w, "none");
	json_string(w, NULL);
	json_close(w, '}');
}

static void test_write(void **state)
{
	(void)state;
	BUF struct buf compact = { 0 };
	write_sample(&(struct json_writer){ .out = &compact, .indent = "" });
	assert_string_equal(compact.data,
	                    "{\"empty\":{},\"list\":[-9223372036854775808,18446744073709551615,[],"
	                    "true,{\"x\":null}],\"text\":\"a\",\"none\":null}");

	BUF struct buf pretty = { 0 };
	write_sample(&(struct json_writer){ .out = &pretty, .indent = "\t" });
	assert_string_equal(pretty.data, "{\n\t\"empty\": {},\n\t\"list\": [\n"
	                                 "\t\t-9223372036854775808,\n\t\t18446744073709551615,\n"
	                                 "\t\t[],\n\t\ttrue,\n\t\t{\n\t\t\t\"x\": null\n\t\t}\n"
	                                 "\t],\n\t\"text\": \"a\",\n\t\"none\": null\n}");
}

/* What is written is read back as the same string. */
static void test_write_strings(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{ "", "\"\"" },
		{ "a/b", "\"a/b\"" },
		{ "\"\\\n\r\t", "\"\\\"\\\\\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "a\xff\xc3", "\"a\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80x", "\"\\ufffd\\ufffd\\ufffdx\"" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		BUF struct buf out = { 0 };
		ARENA struct arena a;
		const struct json *j;
		struct err e = { 0 };

		arena_init(&a, 0);
		json_string(&(struct json_writer){ .out = &out, .indent = "" }, cases[i].text);
		assert_string_equal(out.data, cases[i].written);
		if (parse(&a, out.data, out.len, &j, &e) < 0)
			fail_msg("%s: %s", out.data, e.text);
		if (i < 5)
			assert_string_equal(j->text, cases[i].text);
	}
}

/* Text with escapes is put together in the parser's own memory, which grows. */
static void test_long_escapes(void **state)
{
	enum { LINES = 5000 };
	BUF struct buf text = { 0 }, expected = { 0 };
	ARENA struct arena a;
	const struct json *j;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	buf_text(&text, "[\"");
	for (int i = 0; i < LINES; i++) {
		buf_printf(&text, "line %d\\n", i);
		buf_printf(&expected, "line %d\n", i);
	}
	buf_text(&text, "\", \"\\u00e9\"]");
	assert_int_equal(parse(&a, text.data, text.len, &j, &e), 0);
	assert_string_equal(j->first->text, expected.data);
	assert_string_equal(j->first->next->text, "\xc3\xa9");
}

/* What was read outlives the nodes, whose memory is another's by then. */
static void test_nodes_apart(void **state)
{
	static const char text[] = "{\"k\": [\"plain\", \"esc\\u0061ped\", 12]}";
	enum { BLOCK = 16000 };
	ARENA struct arena a, other;
	struct arena nodes;
	const struct json *j;
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 0);
	arena_init(&other, 0);
	arena_init(&nodes, 0);
	assert_int_equal(json_parse_apart(&a, &nodes, text, strlen(text), &j, &e), 0);
	const char *key = j->first->key, *plain = j->first->first->text;
	const char *escaped = j->first->first->next->text;
	const char *number = j->first->first->next->next->text;

	arena_done(&nodes);
	memset(arena_new(&other, BLOCK), 'x', BLOCK);
	assert_string_equal(key, "k");
	assert_string_equal(plain, "plain");
	assert_string_equal(escaped, "escaped");
	assert_string_equal(number, "12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_member_in_another_case),
		cmocka_unit_test(test_objects_in_another_case),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_bad_strings),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_strings),
		cmocka_unit_test(test_long_escapes),
		cmocka_unit_test(test_nodes_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
