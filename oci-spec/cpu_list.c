/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of CPUs and memory nodes, as lib/bitmap-str.c of the kernel reads them:
 * "0-3,8,16-31:1/4", blanks around the numbers. Checked when a config is parsed,
 * turned into bits when one is compiled.
 */
#include <string.h>

#include "oci-spec/spec.h"

/* Of each `group` CPUs from first to last, the first `used`. */
struct range {
	uint32_t first, last, used, group;
};

/* Up to nine digits; NULL when there is no such number. */
static const char *read_number(const char *text, uint32_t *ret)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 9)
		return NULL;
	*ret = 0;
	for (const char *end = text + digits; text < end; text++)
		*ret = *ret * 10 + (uint32_t)(*text - '0');
	return text;
}

/* N, N-N or N-N:N/N; NULL for anything else. */
static const char *read_range(const char *text, struct range *ret)
{
	text = read_number(text, &ret->first);
	if (!text)
		return NULL;
	ret->last = ret->first;
	ret->used = ret->group = 1;
	if (*text != '-')
		return text;
	text = read_number(text + 1, &ret->last);
	if (!text || ret->first > ret->last)
		return NULL;
	if (*text != ':')
		return text;
	text = read_number(text + 1, &ret->used);
	if (!text || *text != '/')
		return NULL;
	text = read_number(text + 1, &ret->group);
	return text && ret->used <= ret->group && ret->group > 0 ? text : NULL;
}

/* The next range of the list, or NULL when it has ended or is wrong. */
static const char *next_range(const char *at, struct range *ret, bool *wrong)
{
	at = read_range(at + strspn(at, " "), ret);
	if (at)
		at += strspn(at, " ");
	*wrong = !at || (*at != ',' && *at != '\0');
	return *wrong ? NULL : at;
}

bool oci_cpu_list_valid(const char *list)
{
	struct range range;
	bool wrong;

	do
		list = next_range(list, &range, &wrong);
	while (list && *list++);
	return !wrong;
}

static void set_range(const struct range *range, uint64_t *words)
{
	for (uint32_t bit = range->first; bit <= range->last; bit++) {
		if ((bit - range->first) % range->group < range->used)
			words[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

int oci_cpu_list_bits(const char *list, uint64_t words[OCI_CPU_LIST_WORDS])
{
	struct range range;
	bool wrong;
	int count = 0;

	memset(words, 0, OCI_CPU_LIST_WORDS * sizeof(*words));
	do {
		list = next_range(list, &range, &wrong);
		if (wrong || range.last >= OCI_CPU_LIST_WORDS * 64)
			return -1;
		set_range(&range, words);
	} while (*list++);
	for (size_t i = 0; i < OCI_CPU_LIST_WORDS; i++)
		count += __builtin_popcountll(words[i]);
	return count;
}
