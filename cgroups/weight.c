/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The curve from shares to weight without libm, which would be one more library to
 * load at each start. It needs no power of ten: taking log10 on both sides, weight w
 * is large enough when
 *
 *	612 log2(w) >= log2(10) (l^2 + 125 l - 126)
 *
 * so one logarithm in fixed point serves both sides, and w is found by bisection.
 * Equality occurs for 2, 1024 and 262144 shares alone; for all others the sides differ
 * by more than 10^-7, far more than the fixed point's error and the slack that
 * covers it.
 */
#include "cgroups/weight.h"

enum { FRACTION = 48 }; /* bits after the point */

static const uint64_t log2_of_10 = 935039633142894; /* log2(10) << FRACTION */
static const uint64_t slack = 1 << 16;              /* 2^-32 */

/* log2(n) << FRACTION, n >= 1. Squaring a number in [1, 2) doubles its logarithm:
 * when the square reaches 2, the next bit of the logarithm is one. */
static uint64_t log2_fixed(uint64_t n)
{
	unsigned int whole = 63U - (unsigned int)__builtin_clzll(n);
	uint64_t log = (uint64_t)whole << FRACTION;
	uint64_t m = n << (62 - whole); /* [1, 2), 62 bits after the point */

	for (unsigned int bit = FRACTION; bit-- > 0;) {
		m = (uint64_t)((unsigned __int128)m * m >> 62);
		if (m >> 63) {
			log |= UINT64_C(1) << bit;
			m >>= 1;
		}
	}
	return log;
}

uint64_t cgroup_weight(uint64_t shares)
{
	uint64_t low = 1, high = 10000;

	if (shares <= 2)
		return low;
	if (shares >= 262144)
		return high;

	uint64_t l = log2_fixed(shares);
	uint64_t square = (uint64_t)((unsigned __int128)l * l >> FRACTION);
	uint64_t curve = square + 125 * l - (UINT64_C(126) << FRACTION);
	unsigned __int128 wanted = (unsigned __int128)curve * log2_of_10 >> FRACTION;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if ((unsigned __int128)log2_fixed(middle) * 612 + slack >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
