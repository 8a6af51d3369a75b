/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's kernel, from the file that a distribution installs to where the first vCPU
 * starts. Two steps, because the first is slow and its result is kept in a cache:
 *
 *	kernel_unpack   bzImage, or an ELF file as it is  ->  the bytes of an ELF vmlinux
 *	kernel_load     an ELF vmlinux                    ->  its segments in guest memory
 *
 * Both take their file for hostile. Entered at the ELF file's entry point by the 64-bit
 * boot protocol (Documentation/arch/x86/boot.rst), the kernel decompresses and moves
 * nothing any more: so no KASLR of its addresses, either.
 */
#pragma once

#include "vm-sandbox/memory.h"

/* The bytes of an unpacked kernel, a mapping of ours. */
struct kernel_image {
	const uint8_t *data;
	size_t len;
};

#define KERNEL_IMAGE __attribute__((cleanup(kernel_image_done)))

/* ERR_SPEC when the file is no kernel for us; the message begins with `name`. */
MUST_CHECK int kernel_unpack(const char *name, const void *file, size_t len,
                             struct kernel_image *ret, struct err *e);
void kernel_image_done(struct kernel_image *k);

enum { KERNEL_SEGMENTS_MAX = 16 };

/* What is to be loaded: checked, in the file's order, not overlapping. */
struct kernel_layout {
	uint64_t entry;      /* guest physical */
	uint64_t start, end; /* of all segments */
	unsigned int count;
	struct kernel_segment {
		uint64_t offset;    /* in the file */
		uint64_t addr;      /* guest physical */
		uint64_t file_size; /* bytes of the file, then zeros up to */
		uint64_t size;
	} segment[KERNEL_SEGMENTS_MAX];
};

/* Checks the ELF headers in the first `len` bytes of a vmlinux of `file_size` bytes. */
MUST_CHECK int kernel_layout_of(const void *head, size_t len, uint64_t file_size,
                                struct kernel_layout *ret, struct err *e);

/* Reads the segments of the vmlinux at fd to where they belong in fresh guest memory. */
MUST_CHECK int kernel_load(int fd, const struct kernel_layout *layout, const struct guest_memory *m,
                           struct err *e);
