/* SPDX-License-Identifier: Apache-2.0 */
/* libseccomp's memory: blocks that are whole, used again, or malloc's. */
#include "base/scope.h"
#include "seccomp/heap.c" /* NOLINT(bugprone-suspicious-include): what is static there */
#include "tests/unit/unit.h"

static void fill(unsigned char *memory, size_t size, unsigned char with)
{
	for (size_t i = 0; i < size; i++)
		memory[i] = with;
}

static bool holds(const unsigned char *memory, size_t size, unsigned char with)
{
	for (size_t i = 0; i < size; i++) {
		if (memory[i] != with)
			return false;
	}
	return true;
}

/* Blocks of all sizes at once, in both kinds of memory: none lies in another. */
static void test_all_sizes(void **unused)
{
	enum { MOST = SMALL_MAX + 100 };
	static unsigned char *blocks[MOST];

	(void)unused;
	for (size_t size = 0; size < MOST; size++) {
		blocks[size] = heap_malloc(size);
		assert_non_null(blocks[size]);
		assert_int_equal((uintptr_t)blocks[size] % GRAIN, 0);
		assert_int_equal(is_ours(blocks[size]), size <= SMALL_MAX);
		fill(blocks[size], size, (unsigned char)size);
	}
	for (size_t size = 0; size < MOST; size++) {
		assert_true(holds(blocks[size], size, (unsigned char)size));
		heap_free(blocks[size]);
	}
}

static void test_used_again(void **unused)
{
	unsigned char *first = heap_malloc(40), *other = heap_malloc(56);

	(void)unused;
	fill(first, 40, 0xff);
	heap_free(first);
	/* of another size, so it is another block */
	unsigned char *larger = heap_malloc(57);
	assert_ptr_not_equal(larger, first);
	/* the same number of grains, and zeroed although it was not before */
	unsigned char *again = heap_calloc(5, 8);
	assert_ptr_equal(again, first);
	assert_true(holds(again, 40, 0));
	heap_free(again);
	heap_free(other);
	heap_free(larger);
	void *volatile none = NULL;
	heap_free(none);
}

static void test_grows(void **unused)
{
	unsigned char *memory = heap_realloc(NULL, 10);

	(void)unused;
	fill(memory, 10, 7);
	unsigned char *same = heap_realloc(memory, 20);
	assert_ptr_equal(same, memory); /* there was room */
	for (size_t size = 30; size < (size_t)4 * SMALL_MAX; size += size) {
		same = heap_realloc(same, size);
		assert_non_null(same);
		assert_true(holds(same, 10, 7));
		assert_int_equal(is_ours(same), size <= SMALL_MAX);
	}
	heap_free(same);
	/* what strdup(3) made */
	char *foreign = strdup("foreign");
	foreign = heap_realloc(foreign, 100);
	assert_string_equal(foreign, "foreign");
	assert_false(is_ours(foreign));
	heap_free(foreign);
}

static void test_too_much(void **unused)
{
	/* not known to the compiler, which would say it by itself */
	volatile size_t half = SIZE_MAX / 2;

	(void)unused;
	errno = 0;
	assert_null(heap_calloc(half, 3));
	assert_int_equal(errno, ENOMEM);
}

/* When the region is full, malloc(3) has to do; what is returned is used all the same. */
static void test_full(void **unused)
{
	enum { COUNT = REGION / SMALL_MAX + 10 };
	static unsigned char *blocks[COUNT];
	size_t foreign = 0;

	(void)unused;
	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = heap_malloc(SMALL_MAX);
		assert_non_null(blocks[i]);
		fill(blocks[i], SMALL_MAX, (unsigned char)i);
		foreign += !is_ours(blocks[i]);
	}
	assert_in_range(foreign, 1, COUNT / 2);
	heap_free(blocks[0]);
	assert_ptr_equal(heap_malloc(SMALL_MAX), blocks[0]);
	for (size_t i = 1; i < COUNT; i++)
		assert_true(holds(blocks[i], SMALL_MAX, (unsigned char)i));
	for (size_t i = 0; i < COUNT; i++)
		heap_free(blocks[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sizes), cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_grows),     cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
