/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of one size that are kept for the next who needs one: for arenas and buffers,
 * which hold nearly all of the program's memory. A libc that gives freed memory back to
 * the kernel at once (musl) would take a system call and a page fault for each.
 */
#pragma once

#include <stdbool.h>

enum { POOL_BLOCK = 16 * 1024 }; /* bytes; aligned for everything */

/* A block with whatever is in it; NULL when all are in use, and under a sanitizer, which
 * shall see what is used after it was freed. Then malloc(3) has to do. */
void *pool_take(void);

/* Takes a block back; false: it is not of the pool. */
bool pool_give(void *memory);
