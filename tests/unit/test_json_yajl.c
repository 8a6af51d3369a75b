/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our JSON parser against yajl, which others trust: the same trees, and the same words
 * for what is no JSON. Every beginning of some texts, and many small damages to them, the
 * same in each run; tests/fuzz/fuzz_json.c looks further.
 */
#include <dirent.h>
#include <fcntl.h>

#include "base/fd.h"
#include "json_yajl.h"
#include "oci.h"

enum { CORPUS_MAX = 64, BEGINNINGS_MAX = 1000, DAMAGES = 600 };

static void check(const char *text, size_t len)
{
	/* a copy of exact size: sanitizers see a byte too many */
	char *exact = malloc(len > 0 ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	const char *why = json_disagree(exact, len);
	if (why)
		fail_msg("%s: %.*s", why, (int)len, exact);
	free(exact);
}

static void all_beginnings(const char *text, size_t len)
{
	for (size_t i = 0; i < len && i < BEGINNINGS_MAX; i++)
		check(text, i);
	check(text, len);
}

/* xorshift64 */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One to three changes: a byte becomes another, or some are left out or come twice. */
static void damage(const char *text, size_t len, uint64_t *state)
{
	static const char alphabet[] =
		"{}[],:\"\\/u0919-+.eEtfn \n\t\r\v\f\x01\x7f\x80\xc3\xed\xf4";
	BUF struct buf changed = { 0 };
	uint64_t times = next_random(state) % 3 + 1;

	buf_add(&changed, text, len);
	for (; times > 0 && changed.len > 0; times--) {
		size_t at = next_random(state) % changed.len;
		size_t some = next_random(state) % (changed.len - at) % 16;
		BUF struct buf tail = { 0 };

		switch (next_random(state) % 4) {
		case 0:
			memmove(changed.data + at, changed.data + at + some,
			        changed.len - at - some);
			changed.len -= some;
			break;
		case 1:
			buf_add(&tail, changed.data + at, changed.len - at);
			changed.len = at + some;
			buf_add(&changed, tail.data, tail.len);
			break;
		default:
			changed.data[at] = alphabet[next_random(state) % sizeof(alphabet)];
		}
	}
	check(changed.data, changed.len);
}

static void check_around(const char *text, size_t len)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	all_beginnings(text, len);
	for (int i = 0; i < DAMAGES; i++)
		damage(text, len, &state);
}

static const char *const texts[] = {
	"[0,-0,10,1.5,-1e5,2E+3,3e-3,0.0e0,123456789012345678901234567890]",
	"{\"a\":[true,false,null,\"\"],\"b\":{\"c\":{}},\"\":[[],[[]]]}",
	"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"]",
	"[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 and more than eight plain bytes\"]",
	" \t\r\n{ \"k\" : [ 1 , 2 ] }         \n\n           ",
	"[tru]",
	"[truee]",
	"[nulL]",
	"[fals",
	"[1 2]",
	"{\"a\":1 \"b\":2}",
	"{1:2}",
	"[1,]",
	"[,]",
	"{,}",
	"{\"a\":}",
	"{\"a\",}",
	"]",
	"}",
	",",
	":",
	"[}",
	"{]",
	"[-]",
	"[-a]",
	"[1.]",
	"[1.e3]",
	"[1e]",
	"[1e+]",
	"[.5]",
	"[+1]",
	"[01]",
	"[1.2.3]",
	"\"a\" \"b\"",
	"1 2",
	"{} x",
	"{} \"never ends",
	"1",
	"-",
	"\"",
	"\"\\",
	"\"\\u",
	"// comment",
	"/* comment */ {}",
	"[1] // more",
	"\xef\xbb\xbf{}",
	"\x80",
	"[\x80]",
	"[\"a\nb\"]",
	"[\"\\x\"]",
	"[\"\\u12g4\"]",
	"[\"\x7f\"]",
	"{\"a\":1,\"a\":1}",
};

static void small_texts(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < LEN(texts); i++)
		check_around(texts[i], strlen(texts[i]));
	check("[\0]", 3);
	check("\"a\0b\"", 5);
	check("1\0", 2);
}

/* Each special character at each place of the machine words that strings are read in. */
static void places(void **unused)
{
	static const char *const specials[] = { "\"",   "\\n",  "\\u00e9", "\xc3\xa9",
		                                "\x1f", "\x80", "\xff",    "\x7f",
		                                "\x20", "\x21", "\x23",    "\\" };

	(void)unused;
	for (size_t s = 0; s < LEN(specials); s++) {
		for (int before = 0; before < 18; before++) {
			for (int after = 0; after < 18; after++) {
				BUF struct buf text = { 0 };

				buf_printf(&text, "[\"%.*s%s%.*s\"]", before, "abcdefghijklmnopqr",
				           specials[s], after, "]\"ABCDEFGHIJKLMNOPQR");
				check(text.data, text.len);
			}
		}
	}
}

static void configs(void **unused)
{
	static const char folder[] = SOURCE_DIR "/tests/fuzz/corpus/config";
	DIR *listing = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	(void)unused;
	assert_non_null(listing);
	while ((entry = readdir(listing)) != NULL && count < CORPUS_MAX) {
		BUF struct buf text = { 0 };
		struct err e;

		if (entry->d_name[0] == '.')
			continue;
		assert_int_equal(fd_read_file(dirfd(listing), entry->d_name, OCI_CONFIG_MAX_BYTES,
		                              &text, &e),
		                 0);
		check_around(text.data ? text.data : "", text.len);
		count++;
	}
	(void)closedir(listing);
	assert_true(count > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_texts),
		cmocka_unit_test(places),
		cmocka_unit_test(configs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
