/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where text becomes a number: digits only, the whole string, the
 * full width. No sign where none belongs, no blanks, no 0x, no overflow.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* 0, or -1 when text is not a number from min to max. */
MUST_CHECK int num_u64(const char *text, uint64_t max, uint64_t *ret);
/* As num_u64; one leading '-' is allowed. */
MUST_CHECK int num_i64(const char *text, int64_t min, int64_t max, int64_t *ret);
/* Hexadecimal digits, at most 16, without 0x: as /proc writes masks. */
MUST_CHECK int num_hex64(const char *text, uint64_t *ret);
/* A user or group id: 0 to 2^32-2 (2^32-1 means "do not change" to the kernel). */
MUST_CHECK int num_id(const char *text, uint32_t *ret);
/* A number of bytes, alone or with k, m, g, t or p for its power of 1024, in either case,
 * and b or ib after it if liked: "100m", "2GiB". */
MUST_CHECK int num_bytes(const char *text, uint64_t max, uint64_t *ret);
