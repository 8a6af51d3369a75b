/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static int digits(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(unsigned char)*text - '0';

		if (digit > 9)
			return -1;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, digit, &value) || value > max)
			return -1;
	}
	*ret = value;
	return 0;
}

int num_u64(const char *text, uint64_t max, uint64_t *ret)
{
	return digits(text, max, ret);
}

int num_i64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	uint64_t value;

	if (*text == '-') {
		if (min >= 0 || digits(text + 1, (uint64_t)0 - (uint64_t)min, &value) < 0)
			return -1;
		*ret = (int64_t)((uint64_t)0 - value);
		return *ret <= max ? 0 : -1;
	}
	if (max < 0 || digits(text, (uint64_t)max, &value) < 0 || (int64_t)value < min)
		return -1;
	*ret = (int64_t)value;
	return 0;
}

int num_hex64(const char *text, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strspn(text, digits);
	uint64_t value = 0;

	if (len == 0 || len > 16 || text[len])
		return -1;
	for (; *text; text++)
		value = value << 4 | (uint64_t)(strchr(digits, *text) - digits);
	*ret = value;
	return 0;
}

int num_id(const char *text, uint32_t *ret)
{
	uint64_t value;

	if (digits(text, UINT32_MAX - 1, &value) < 0)
		return -1;
	*ret = (uint32_t)value;
	return 0;
}

int num_bytes(const char *text, uint64_t max, uint64_t *ret)
{
	static const char units[] = "kmgtp";
	char number[24];
	size_t length = strspn(text, "0123456789");
	const char *unit = text + length, *power = NULL;
	uint64_t value;

	if (length >= sizeof(number))
		return -1;
	memcpy(number, text, length);
	number[length] = '\0';
	if (digits(number, max, &value) < 0)
		return -1;
	if (*unit)
		power = strchr(units, *unit | 0x20);
	if (power)
		unit++;
	if (*unit && strcasecmp(unit, "b") != 0 && (!power || strcasecmp(unit, "ib") != 0))
		return -1;
	for (const char *p = units; power && p <= power; p++) {
		if (__builtin_mul_overflow(value, (uint64_t)1024, &value) || value > max)
			return -1;
	}
	*ret = value;
	return 0;
}
