/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "unit.h"

/* beside the test's own malloc, that of the program */
#define HEAP_TEST
#define malloc  heap_malloc
#define free    heap_free
#define calloc  heap_calloc
#define realloc heap_realloc
void *heap_malloc(size_t size);
void heap_free(void *memory);
void *heap_calloc(size_t count, size_t size);
void *heap_realloc(void *memory, size_t size);
#include "base/heap.c" /* NOLINT(bugprone-suspicious-include) */
#undef malloc
#undef free
#undef calloc
#undef realloc

static void blocks_are_apart_and_aligned(void **unused)
{
	unsigned char *block[200];

	(void)unused;
	for (size_t i = 0; i < LEN(block); i++) {
		block[i] = heap_malloc(i * 7);
		assert_non_null(block[i]);
		assert_int_equal((uintptr_t)block[i] % 16, 0);
		memset(block[i], (int)i, i * 7);
	}
	for (size_t i = 0; i < LEN(block); i++) {
		for (size_t k = 0; k < i * 7; k++)
			assert_int_equal(block[i][k], i);
		heap_free(block[i]);
	}
	heap_free(NULL);
}

static void freed_blocks_are_used_again(void **unused)
{
	(void)unused;
	heap_free(heap_malloc(5000));

	size_t used = pool_used;
	for (int i = 0; i < 1000; i++)
		heap_free(heap_malloc(5000));
	assert_int_equal(pool_used, used);
}

static void content_moves_along(void **unused)
{
	char *text = heap_realloc(NULL, 4);

	(void)unused;
	memcpy(text, "abc", 4);
	for (size_t size = 8; size <= 16 << 20; size *= 2) {
		text = heap_realloc(text, size);
		assert_string_equal(text, "abc");
		text[size - 1] = 'x';
	}
	heap_free(text);
}

static void blocks_beyond_the_pool_are_mapped(void **unused)
{
	char *big = heap_malloc(POOL_BYTES);

	(void)unused;
	assert_non_null(big);
	assert_false(in_pool((struct head *)(void *)big - 1));
	big[POOL_BYTES - 1] = 'x';
	heap_free(big);
}

static void counted_blocks_are_zero(void **unused)
{
	char *old = heap_malloc(100);

	(void)unused;
	memset(old, 'x', 100);
	heap_free(old);

	char *zeros = heap_calloc(10, 10);
	for (int i = 0; i < 100; i++)
		assert_int_equal(zeros[i], 0);
	heap_free(zeros);
}

static void too_much_is_refused(void **unused)
{
	(void)unused;
	errno = 0;
	assert_null(heap_malloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(heap_malloc(SIZE_MAX / 2));
	errno = 0;
	assert_null(heap_calloc(SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
}

/* The signal that a child ends with which frees this. */
static int signal_of_free(void *memory)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		heap_free(memory);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void what_is_not_a_block_ends_the_program(void **unused)
{
	char *sound = heap_malloc(100), *twice = heap_malloc(100), *neighbour = heap_malloc(100);

	(void)unused;
	assert_int_equal(signal_of_free(sound), 0);
	heap_free(twice);
	assert_int_equal(signal_of_free(twice), SIGABRT);
	assert_int_equal(signal_of_free(sound + 16), SIGABRT);
	memset(neighbour - sizeof(struct head), 'x', 1);
	assert_int_equal(signal_of_free(neighbour), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_apart_and_aligned),
		cmocka_unit_test(freed_blocks_are_used_again),
		cmocka_unit_test(content_moves_along),
		cmocka_unit_test(blocks_beyond_the_pool_are_mapped),
		cmocka_unit_test(counted_blocks_are_zero),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(what_is_not_a_block_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
