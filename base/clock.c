/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>

struct date {
	int64_t year;
	int month, day;
};

/* The proleptic Gregorian calendar, counted in eras of 400 years that begin on the
 * first of March, so that the leap day is an era's and a year's last day. */
static struct date date_of(int64_t days_since_1970)
{
	int64_t days = days_since_1970 + 719468; /* since 0000-03-01 */
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = (int)(of_era - (365 * year + year / 4 - year / 100));
	int month = (5 * of_year + 2) / 153; /* 0 is March */

	return (struct date){
		.year = year + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = of_year - (153 * month + 2) / 5 + 1,
	};
}

void clock_text(const struct timespec *when, int nanoseconds, char ret[CLOCK_TEXT_MAX])
{
	int64_t day = when->tv_sec / 86400;
	int second = (int)(when->tv_sec % 86400);
	char fraction[16] = "";

	if (second < 0) {
		second += 86400;
		day--;
	}
	struct date d = date_of(day);
	if (nanoseconds)
		(void)snprintf(fraction, sizeof(fraction), ".%09ld", when->tv_nsec);
	(void)snprintf(ret, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ",
	               (int)(d.year % 10000), d.month, d.day, second / 3600, second / 60 % 60,
	               second % 60, fraction);
}

int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
