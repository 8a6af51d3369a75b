/* SPDX-License-Identifier: Apache-2.0 */
/* Guest RAM: sizes, the hole below 4 GiB, and that nothing outside is ever handed out. */
#include <string.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/layout.h"
#include "vm-sandbox/memory.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void small_memory_is_one_region(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(guest_memory_new(&m, 128 * MIB, &e), 0);
	assert_int_equal(m.count, 1);
	assert_int_equal(guest_low_end(&m), 128 * MIB);
	assert_ptr_equal(guest_at(&m, 0, 1), m.region[0].host);
	assert_ptr_equal(guest_at(&m, 0, 128 * MIB), m.region[0].host);
	assert_ptr_equal(guest_at(&m, 128 * MIB - 1, 1), m.region[0].host + 128 * MIB - 1);
}

static void large_memory_has_a_hole(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(guest_memory_new(&m, 5 * GIB, &e), 0);
	assert_int_equal(m.count, 2);
	assert_int_equal(guest_low_end(&m), GUEST_LOW_END);
	assert_int_equal(m.region[1].addr, GUEST_4G);
	assert_int_equal(m.region[0].size + m.region[1].size, 5 * GIB);
	assert_non_null(guest_at(&m, GUEST_LOW_END - 1, 1));
	assert_null(guest_at(&m, GUEST_LOW_END - 1, 2));
	assert_null(guest_at(&m, GUEST_LOW_END, 1));
	assert_null(guest_at(&m, GUEST_4G - 1, 1));
	assert_null(guest_at(&m, GUEST_4G - 1, 2));
	assert_ptr_equal(guest_at(&m, GUEST_4G, 8), m.region[1].host);
	for (unsigned int i = 0; i < m.count; i++) /* pages of 2 MiB are so on both sides */
		assert_int_equal((uintptr_t)m.region[i].host % (2 * MIB), 0);
	assert_null(guest_at(&m, GUEST_4G + 2 * GIB, 1));
}

static void nothing_outside_is_handed_out(void **unused)
{
	static const struct {
		uint64_t addr, len;
	} bad[] = {
		{ 0, 0 },
		{ 32 * MIB, 1 },
		{ 32 * MIB - 1, 2 },
		{ 0, 32 * MIB + 1 },
		{ 1, UINT64_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX - 7, 16 },
		{ GUEST_4G, 1 },
	};
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct err e = { 0 };
	char byte = 0;

	(void)unused;
	assert_int_equal(guest_memory_new(&m, 32 * MIB, &e), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(guest_at(&m, bad[i].addr, bad[i].len));
	assert_int_equal(guest_write(&m, 32 * MIB, &byte, 1), -1);
	assert_int_equal(guest_read(&m, 32 * MIB, &byte, 1), -1);
}

static void what_is_written_is_read(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct err e = { 0 };
	char text[8] = { 0 };

	(void)unused;
	assert_int_equal(guest_memory_new(&m, 32 * MIB, &e), 0);
	assert_int_equal(guest_write(&m, 4095, "caisson", 8), 0);
	assert_int_equal(guest_read(&m, 4095, text, 8), 0);
	assert_string_equal(text, "caisson");
}

static void odd_sizes_are_refused(void **unused)
{
	static const uint64_t sizes[] = {
		0, 1, 30 * MIB, 33 * MIB, 32 * MIB + 1, GUEST_MEMORY_MAX + 2 * MIB, UINT64_MAX,
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct guest_memory m = { 0 };
		struct err e = { 0 };

		assert_int_equal(guest_memory_new(&m, sizes[i], &e), -1);
		assert_int_equal(e.kind, ERR_SPEC);
		assert_int_equal(m.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_memory_is_one_region),
		cmocka_unit_test(large_memory_has_a_hole),
		cmocka_unit_test(nothing_outside_is_handed_out),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(odd_sizes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
