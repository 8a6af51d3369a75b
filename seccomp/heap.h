/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc(3) and its kin for libseccomp alone: the build renames its calls (Makefile). Their
 * memory is as theirs are: zeroed or not, aligned for everything, NULL and ENOMEM.
 */
#pragma once

#include <stddef.h>

void *heap_malloc(size_t size);
void *heap_calloc(size_t count, size_t size);
void *heap_realloc(void *memory, size_t size);
void heap_free(void *memory);
