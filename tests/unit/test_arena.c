/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "unit.h"

static void memory_is_zeroed_and_aligned(void **unused)
{
	ARENA struct arena a = { 0 };

	(void)unused;
	for (size_t size = 1; size < 40000; size = size * 3 + 1) {
		const unsigned char *memory = arena_new(&a, size);

		assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[i], 0);
	}
}

static void texts_of_every_length_are_whole(void **unused)
{
	ARENA struct arena a = { 0 };
	char long_text[600];

	(void)unused;
	for (size_t len = 0; len < sizeof(long_text); len++) {
		memset(long_text, 'x', len);
		long_text[len] = '\0';
		const char *text = arena_printf(&a, "%s", long_text);
		assert_string_equal(text, long_text);
		assert_string_equal(arena_string(&a, long_text, len), long_text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(texts_of_every_length_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
