/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), for names and checksums of our own files. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes added so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);

/* Writes the hash; s must be initialized again before it is used again. */
void sha256_end(struct sha256 *s, uint8_t ret[SHA256_BYTES]);

/* 64 lower-case digits and a NUL. */
void sha256_hex(const uint8_t hash[SHA256_BYTES], char ret[2 * SHA256_BYTES + 1]);
