/* SPDX-License-Identifier: Apache-2.0 */
/* The example messages of FIPS 180-4 and of NIST's secure hashing page, and that
 * the way a message is cut into pieces does not matter. */
#include <string.h>

#include "base/scope.h"
#include "base/sha256.h"
#include "tests/unit/unit.h"

static void assert_hash(struct sha256 *s, const char *expected)
{
	uint8_t hash[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	sha256_end(s, hash);
	sha256_hex(hash, hex);
	assert_string_equal(hex, expected);
}

static void test_known_messages(void **state)
{
	static const struct {
		const char *text, *hash;
	} known[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
		  "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(known); i++) {
		struct sha256 s;

		sha256_init(&s);
		sha256_add(&s, known[i].text, strlen(known[i].text));
		assert_hash(&s, known[i].hash);
	}
}

static void test_a_million_letters(void **state)
{
	struct sha256 s;
	char letters[1000];

	(void)state;
	memset(letters, 'a', sizeof(letters));
	sha256_init(&s);
	for (int i = 0; i < 1000; i++)
		sha256_add(&s, letters, sizeof(letters));
	assert_hash(&s, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_pieces(void **state)
{
	uint8_t message[300], whole[SHA256_BYTES], pieces[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(message); len++) {
		struct sha256 s;

		sha256_init(&s);
		sha256_add(&s, message, len);
		sha256_end(&s, whole);
		for (size_t step = 1; step <= 130; step += 43) {
			sha256_init(&s);
			for (size_t at = 0; at < len; at += step)
				sha256_add(&s, message + at, len - at < step ? len - at : step);
			sha256_end(&s, pieces);
			assert_memory_equal(whole, pieces, sizeof(whole));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_messages),
		cmocka_unit_test(test_a_million_letters),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
