/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks go out once, come back, and go out again; and buffers that grow out of one. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/pool.h"
#include "tests/unit/unit.h"

enum { MORE_THAN_ALL = 1000 };

static void *blocks[MORE_THAN_ALL];

static size_t take_all(void)
{
	size_t n = 0;

	while (n < MORE_THAN_ALL && (blocks[n] = pool_take()) != NULL)
		n++;
	return n;
}

static void give_all(size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(pool_give(blocks[i]));
}

static void blocks_are_distinct_and_come_back(void **unused)
{
	size_t n = take_all();

	(void)unused;
	assert_in_range(n, 0, MORE_THAN_ALL - 1); /* none at all under a sanitizer */
	for (size_t i = 0; i < n; i++) {
		assert_int_equal((uintptr_t)blocks[i] % 16, 0);
		memset(blocks[i], (int)i, POOL_BLOCK);
	}
	for (size_t i = 0; i < n; i++) {
		const unsigned char *b = blocks[i];

		assert_int_equal(b[0], i & 0xff);
		assert_int_equal(b[POOL_BLOCK - 1], i & 0xff);
	}
	give_all(n);
	assert_int_equal(take_all(), n);
	give_all(n);
}

static void others_are_not_taken_back(void **unused)
{
	char mine[16];

	(void)unused;
	assert_false(pool_give(mine));
	assert_false(pool_give(NULL));
}

static void a_buffer_grows_out_of_its_block(void **unused)
{
	struct err e = { 0 };
	size_t before = take_all();

	(void)unused;
	give_all(before);
	{
		BUF struct buf b = { 0 };

		for (int i = 0; i < 3 * POOL_BLOCK; i++)
			buf_add(&b, i % 2 ? "b" : "a", 1);
		assert_int_equal(buf_ok(&b, &e), 0);
		assert_int_equal(strlen(b.data), 3 * POOL_BLOCK);
		for (int i = 0; i < 3 * POOL_BLOCK; i++)
			assert_int_equal(b.data[i], i % 2 ? 'b' : 'a');
	}
	assert_int_equal(take_all(), before);
	give_all(before);
}

/* With the pool used up everything goes on. */
static void a_buffer_does_without(void **unused)
{
	size_t n = take_all();
	BUF struct buf b = { 0 };
	struct err e = { 0 };

	(void)unused;
	buf_text(&b, "text");
	assert_int_equal(buf_ok(&b, &e), 0);
	assert_string_equal(b.data, "text");
	give_all(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_distinct_and_come_back),
		cmocka_unit_test(others_are_not_taken_back),
		cmocka_unit_test(a_buffer_grows_out_of_its_block),
		cmocka_unit_test(a_buffer_does_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
