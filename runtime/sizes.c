/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sizes.h"

#include <inttypes.h>
#include <stdio.h>

void size_text(uint64_t bytes, char ret[SIZE_TEXT_MAX])
{
	static const char units[] = " KMGTPE";
	unsigned int unit = 0;

	/* what would print as 1024 of a unit is one of the next */
	while ((bytes >> (10 * unit)) >= 1024)
		unit++;
	if (unit == 0) {
		(void)snprintf(ret, SIZE_TEXT_MAX, "%" PRIu64 " B", bytes);
		return;
	}
	uint64_t whole = bytes >> (10 * unit);
	uint64_t tenth = ((bytes >> (10 * (unit - 1))) & 1023) * 10 / 1024;

	if (whole >= 100 || tenth == 0)
		(void)snprintf(ret, SIZE_TEXT_MAX, "%" PRIu64 " %ciB", whole, units[unit]);
	else
		(void)snprintf(ret, SIZE_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %ciB", whole, tenth,
		               units[unit]);
}
