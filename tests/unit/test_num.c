/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "unit.h"

static void ids_are_digits_of_full_width(void **unused)
{
	/* what runtimes were fooled with: signs, blanks, wrap-around, other bases */
	static const char *const bad[] = {
		"",           "-1",         "+1",
		" 1",         "1 ",         "0x10",
		"4294967295", "4294967296", "18446744073709551616",
		"1e3",        "1.0",        "99999999999",
		"one",        "1\n",        "--1",
		"\xd9\xa1",   "0b1",        "1_000",
	};
	uint32_t id = 7;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(num_id(bad[i], &id), -1);
		assert_int_equal(id, 7);
	}
	assert_int_equal(num_id("0", &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(num_id("4294967294", &id), 0);
	assert_int_equal(id, 4294967294u);
	assert_int_equal(num_id("0001", &id), 0);
	assert_int_equal(id, 1);
}

static void signed_numbers_reach_both_ends(void **unused)
{
	int64_t v;

	(void)unused;
	assert_int_equal(num_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(num_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(num_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v), -1);
	assert_int_equal(num_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &v), -1);
	assert_int_equal(num_i64("-1", 0, 5, &v), -1);
	assert_int_equal(num_i64("-1", -1, 5, &v), 0);
	assert_int_equal(num_i64("3", -9, -1, &v), -1);
	assert_int_equal(num_i64("-", -9, 9, &v), -1);
}

static void unsigned_numbers_reach_the_end(void **unused)
{
	uint64_t v;

	(void)unused;
	assert_int_equal(num_u64("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(num_u64("18446744073709551616", UINT64_MAX, &v), -1);
	assert_int_equal(num_u64("11", 10, &v), -1);
}

static void bytes_have_units(void **unused)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },           { "512", 512 },      { "7b", 7 },           { "1k", 1024 },
		{ "2KB", 2048 },      { "3Kib", 3072 },    { "100m", 104857600 }, { "1G", 1 << 30 },
		{ "1t", 1ull << 40 }, { "1P", 1ull << 50 }
	};
	static const char *const bad[] = { "",    "m",    "-1",  "1.5g", "1 m",   "1mm",
		                           "1ib", "1mbb", "1e3", "0x10", "16384p" };
	uint64_t v;

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(num_bytes(good[i].text, UINT64_MAX, &v), 0);
		assert_true(v == good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(num_bytes(bad[i], UINT64_MAX, &v), -1);
	assert_int_equal(num_bytes("2k", 2047, &v), -1);
}

static void masks_are_hexadecimal(void **unused)
{
	static const char *const bad[] = { "", "0x1", "1 ", "-1", "g", "11111111111111111", "A" };
	uint64_t v = 7;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(num_hex64(bad[i], &v), -1);
	assert_true(v == 7);
	assert_int_equal(num_hex64("00000000a80425fb", &v), 0);
	assert_true(v == 0xa80425fb);
	assert_int_equal(num_hex64("ffffffffffffffff", &v), 0);
	assert_true(v == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_digits_of_full_width),
		cmocka_unit_test(signed_numbers_reach_both_ends),
		cmocka_unit_test(unsigned_numbers_reach_the_end),
		cmocka_unit_test(bytes_have_units),
		cmocka_unit_test(masks_are_hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
