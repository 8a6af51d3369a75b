/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <endian.h>
#include <string.h>

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of
 * the first 64 primes. */
static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static inline uint32_t rotate(uint32_t x, unsigned int by)
{
	return x >> by | x << (32 - by);
}

/* One round. Instead of moving all eight words down by one, the caller names them one
 * place further each time. */
static inline void one_round(const uint32_t *a, const uint32_t *b, const uint32_t *c, uint32_t *d,
                             const uint32_t *e, const uint32_t *f, const uint32_t *g, uint32_t *h,
                             uint32_t word)
{
	uint32_t t1 = *h + (rotate(*e, 6) ^ rotate(*e, 11) ^ rotate(*e, 25)) +
	              ((*e & *f) ^ (~*e & *g)) + word;
	uint32_t t2 = (rotate(*a, 2) ^ rotate(*a, 13) ^ rotate(*a, 22)) +
	              ((*a & *b) ^ (*a & *c) ^ (*b & *c));

	*d += t1;
	*h = t1 + t2;
}

static void compress(uint32_t state[8], const uint8_t block[64])
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	uint32_t w[64];

	for (size_t i = 0; i < 16; i++) {
		memcpy(&w[i], block + 4 * i, 4);
		w[i] = be32toh(w[i]);
	}
	for (size_t i = 16; i < 64; i++) {
		uint32_t x = w[i - 15], y = w[i - 2];

		w[i] = w[i - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + w[i - 7] +
		       (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
	}
	for (size_t i = 0; i < 64; i += 8) {
		const uint32_t *k = round_constants + i, *v = w + i;

		one_round(&a, &b, &c, &d, &e, &f, &g, &h, k[0] + v[0]);
		one_round(&h, &a, &b, &c, &d, &e, &f, &g, k[1] + v[1]);
		one_round(&g, &h, &a, &b, &c, &d, &e, &f, k[2] + v[2]);
		one_round(&f, &g, &h, &a, &b, &c, &d, &e, k[3] + v[3]);
		one_round(&e, &f, &g, &h, &a, &b, &c, &d, k[4] + v[4]);
		one_round(&d, &e, &f, &g, &h, &a, &b, &c, k[5] + v[5]);
		one_round(&c, &d, &e, &f, &g, &h, &a, &b, k[6] + v[6]);
		one_round(&b, &c, &d, &e, &f, &g, &h, &a, k[7] + v[7]);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void sha256_init(struct sha256 *s)
{
	/* FIPS 180-4, 5.3.3 */
	*s = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		                         0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *next = data;
	size_t held = s->length % sizeof(s->block);

	s->length += len;
	if (held + len >= sizeof(s->block) && held > 0) {
		size_t rest = sizeof(s->block) - held;

		memcpy(s->block + held, next, rest);
		compress(s->state, s->block);
		next += rest;
		len -= rest;
		held = 0;
	}
	for (; len >= sizeof(s->block); next += sizeof(s->block), len -= sizeof(s->block))
		compress(s->state, next);
	if (len > 0)
		memcpy(s->block + held, next, len);
}

void sha256_end(struct sha256 *s, uint8_t ret[SHA256_BYTES])
{
	static const uint8_t padding[64] = { 0x80 };
	uint64_t bits = htobe64(s->length * 8);
	size_t held = s->length % sizeof(s->block);

	sha256_add(s, padding, (held < 56 ? 56 : 120) - held);
	sha256_add(s, &bits, sizeof(bits));
	for (size_t i = 0; i < 8; i++) {
		uint32_t word = htobe32(s->state[i]);

		memcpy(ret + 4 * i, &word, sizeof(word));
	}
}

void sha256_hex(const uint8_t hash[SHA256_BYTES], char ret[2 * SHA256_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		*ret++ = digits[hash[i] >> 4];
		*ret++ = digits[hash[i] & 15];
	}
	*ret = '\0';
}
