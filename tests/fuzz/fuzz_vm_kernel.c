/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel's file of arbitrary bytes: unpacking reads nothing outside of it, and whatever
 * layout is accepted lies where a kernel may lie, without overlaps.
 */
#include <stdlib.h>
#include <string.h>

#include "vm-sandbox/inflate.h"
#include "vm-sandbox/kernel.h"
#include "vm-sandbox/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layout(const void *head, size_t len)
{
	struct kernel_layout l;
	struct err e = { 0 };

	if (kernel_layout_of(head, len, len, &l, &e) < 0)
		return;
	for (unsigned int i = 0; i < l.count; i++) {
		const struct kernel_segment *s = &l.segment[i];

		if (s->addr < GUEST_KERNEL_MIN || s->addr + s->size > GUEST_LOW_END ||
		    s->file_size > s->size || s->offset + s->file_size > len)
			abort();
		for (unsigned int j = 0; j < i; j++) {
			if (s->addr < l.segment[j].addr + l.segment[j].size &&
			    l.segment[j].addr < s->addr + s->size)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[4096];
	KERNEL_IMAGE struct kernel_image k = { 0 };
	struct err e = { 0 };
	uint8_t *copy = malloc(size ? size : 1); /* of exactly its size, for the sanitizer */

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	(void)inflate_lz4_frames(copy, size, out, sizeof(out));
	if (kernel_unpack("kernel", copy, size, &k, &e) == 0)
		check_layout(k.data, k.len);
	free(copy);
	return 0;
}
