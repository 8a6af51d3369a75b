/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of JSON's words, and no byte beyond it: RFC 8259. Most bytes of a config are
 * inside strings and indents, so these two are looked at in whole machine words.
 *
 * A string is only delimited here, and judged when the parser takes it: what is wrong with
 * the text as JSON is told before what is wrong with one string. The complaints are those
 * of yajl, which users know from other runtimes, at the same places;
 * tests/unit/test_json_yajl.c compares both.
 */
#include "oci-spec/json_lex.h"

#include <stdint.h>
#include <string.h>

#include "oci-spec/json.h"

static const uint64_t ones = UINT64_C(0x0101010101010101);

static uint64_t word_at(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return word;
}

static enum json_token bad(struct json_lexer *l, size_t at, const char *why)
{
	l->at = at < l->len ? at : l->len;
	l->why = why;
	return JSON_TOKEN_BAD;
}

/* --- strings ----------------------------------------------------------------------- */

/* The top bit of each byte that ends a run of plain characters: a quote, a backslash, a
 * control character, anything beyond ASCII. Exact in the lowest byte that is found; above
 * it a borrow may find more. */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
	uint64_t control = (word - ones * 0x20) & ~word;

	quote = (quote - ones) & ~quote;
	backslash = (backslash - ones) & ~backslash;
	return (word | control | quote | backslash) & ones << 7;
}

/* The first special character from `at` on; the zeros behind the text are such. */
static size_t skip_plain(const char *text, size_t at)
{
	for (;; at += sizeof(uint64_t)) {
		uint64_t special = special_bytes(word_at(text + at));

		if (special)
			return at + (size_t)__builtin_ctzll(special) / 8;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The escape at *at, a backslash: goes behind it. NULL, or what is wrong at *at. */
static const char *lex_escape(const char *text, size_t *at)
{
	char letter = text[*at + 1];

	*at += 1;
	if (letter == '\0' || !strchr("\"\\/bfnrtu", letter))
		return "inside a string, '\\' occurs before a character which it may not";
	*at += 1;
	for (size_t digits = 0; letter == 'u' && digits < 4; digits++, (*at)++) {
		if (!is_hex(text[*at]))
			return "invalid (non-hex) character occurs after '\\u' inside string";
	}
	return NULL;
}

static enum json_token lex_string(struct json_lexer *l)
{
	size_t at = l->at + 1;

	l->from = at;
	l->escapes = l->high = false;
	for (;;) {
		const char *why = NULL;

		at = skip_plain(l->text, at);
		char c = l->text[at];
		if (c == '"') {
			l->at = at + 1;
			return JSON_TOKEN_STRING;
		}
		if (c == '\\') {
			l->escapes = true;
			why = lex_escape(l->text, &at);
		} else if (c & 0x80) {
			l->high = true;
			at++;
		} else {
			why = "invalid character inside string";
		}
		if (why)
			return bad(l, at, at > l->len ? NULL : why);
	}
}

/* --- numbers and words --------------------------------------------------------------- */

static size_t skip_digits(const char *text, size_t at)
{
	while (is_digit(text[at]))
		at++;
	return at;
}

static enum json_token lex_number(struct json_lexer *l)
{
	const char *text = l->text;
	size_t at = l->at, digits;

	l->from = at;
	if (text[at] == '-')
		at++;
	if (!is_digit(text[at]))
		return bad(l, at, "malformed number, a digit is required after the minus sign");
	at = text[at] == '0' ? at + 1 : skip_digits(text, at);
	if (text[at] == '.') {
		digits = at + 1;
		at = skip_digits(text, digits);
		if (at == digits)
			return bad(l, at,
			           "malformed number, a digit is required after the decimal point");
	}
	if ((text[at] | 0x20) == 'e') {
		digits = at + 1;
		if (text[digits] == '+' || text[digits] == '-')
			digits++;
		at = skip_digits(text, digits);
		if (at == digits)
			return bad(l, at,
			           "malformed number, a digit is required after the exponent");
	}
	l->at = at;
	return JSON_TOKEN_NUMBER;
}

static enum json_token lex_word(struct json_lexer *l, const char *word, enum json_token token)
{
	size_t same = 1;

	while (word[same] && l->text[l->at + same] == word[same])
		same++;
	if (word[same])
		return bad(l, l->at + same, "invalid string in json text");
	l->at += same;
	return token;
}

/* --- the call -------------------------------------------------------------------------- */

static void skip_blanks(struct json_lexer *l)
{
	const char *text = l->text;
	size_t at = l->at;

	for (;; at++) {
		while (word_at(text + at) == ones * ' ')
			at += sizeof(uint64_t);
		while (text[at] == ' ')
			at++;
		if (text[at] != '\n' && text[at] != '\t' && text[at] != '\r')
			break;
	}
	l->at = at;
}

enum json_token json_lex_any(struct json_lexer *l)
{
	skip_blanks(l);

	char c = l->text[l->at];
	switch (c) {
	case '"':
		return lex_string(l);
	case '{':
	case '}':
	case '[':
	case ']':
	case ',':
	case ':':
		l->at++;
		return (enum json_token)c;
	case 't':
		return lex_word(l, "true", JSON_TOKEN_TRUE);
	case 'f':
		return lex_word(l, "false", JSON_TOKEN_FALSE);
	case 'n':
		return lex_word(l, "null", JSON_TOKEN_NULL);
	case '/':
		return bad(l, l->at,
		           "probable comment found in input text, comments are not enabled");
	default:
		break;
	}
	if (c == '-' || is_digit(c))
		return lex_number(l);
	if (l->at < l->len)
		return bad(l, l->at + 1, "invalid char in json text");
	l->at = l->len;
	return JSON_TOKEN_END;
}

/* --- what is in a string ------------------------------------------------------------------ */

/* The number of \uXXXX at s, or -1 when it is no such escape. */
static long hex_escape(const char *s, size_t len)
{
	long value = 0;

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++)
		value = value * 16 + (is_digit(s[i]) ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	return value;
}

/* What the escape at s stands for is a character that a C string can hold:
 * its length, or 0 with *ret_why. */
static size_t escape_length(const char *s, size_t len, const char **ret_why)
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

const char *json_string_fault(const char *raw, size_t len)
{
	const char *why = "is not valid UTF-8";

	for (size_t i = 0, step; i < len; i += step) {
		if (raw[i] == '\\')
			step = escape_length(raw + i, len - i, &why);
		else
			step = raw[i] & 0x80 ? json_utf8((const unsigned char *)raw + i, len - i)
			                     : 1;
		if (step == 0)
			return why;
	}
	return NULL;
}

/* RFC 3629, section 3: at most four bytes. */
static size_t put_utf8(char *to, unsigned long c)
{
	size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char leads[] = { 0, 0xc0, 0xe0, 0xf0 };

	to[0] = (char)(leads[more] | c >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
	return more + 1;
}

/* Writes what the escape at s stands for; *ret_length: of the escape. */
static size_t put_escape(char *to, const char *s, size_t len, size_t *ret_length)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	long unit = hex_escape(s, len);

	if (unit < 0) {
		const char *letter = strchr(letters, s[1]);

		*ret_length = 2;
		*to = s[1];
		if (letter)
			*to = meanings[letter - letters];
		return 1;
	}
	*ret_length = 6;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*ret_length = 12;
		unit = 0x10000 + ((unit - 0xd800) << 10) + hex_escape(s + 6, len - 6) - 0xdc00;
	}
	return put_utf8(to, (unsigned long)unit);
}

size_t json_unescape(char *text, size_t len)
{
	size_t to = 0, length;

	/* what an escape stands for is always shorter than the escape */
	for (size_t i = 0; i < len; i += length) {
		length = 1;
		if (text[i] == '\\')
			to += put_escape(text + to, text + i, len - i, &length);
		else
			text[to++] = text[i];
	}
	return to;
}
