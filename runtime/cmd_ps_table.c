/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of `ps`. ps(1) aligns its columns by blanks only, so that a line is taken
 * apart at them: the field under PID has the number of PID in the first line. This
 * fails for a column in front of PID whose values hold blanks (lstart); then a line
 * is left out, and never one shown that is not the container's by that field.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "runtime/cmd.h"

enum { PID_DIGITS_MAX = 10 };

static const char blanks[] = " \t";

/* The next field of the line that ends at `end`, or NULL; its length in *len. */
static const char *next_field(const char *from, const char *end, size_t *len)
{
	from += strspn(from, blanks);
	if (from >= end)
		return NULL;
	size_t n = strcspn(from, " \t\n");
	*len = n;
	return from;
}

static bool find_column(const char *line, const char *end, size_t *ret)
{
	size_t len = 0;

	*ret = 0;
	for (const char *f = line; (f = next_field(f, end, &len)); f += len, (*ret)++) {
		if (len == strlen("PID") && strncmp(f, "PID", len) == 0)
			return true;
	}
	return false;
}

static bool is_pid(const char *field, size_t len, const pid_t *pids, size_t pid_count)
{
	char digits[PID_DIGITS_MAX + 1] = "";
	uint64_t pid;

	if (len > PID_DIGITS_MAX)
		return false;
	memcpy(digits, field, len);
	if (num_u64(digits, INT32_MAX, &pid) < 0)
		return false;
	for (size_t i = 0; i < pid_count; i++) {
		if (pids[i] == (pid_t)pid)
			return true;
	}
	return false;
}

static bool is_wanted(const char *line, const char *end, size_t column, const pid_t *pids,
                      size_t pid_count)
{
	size_t len = 0;
	const char *field = next_field(line, end, &len);

	for (; field && column > 0; column--)
		field = next_field(field + len, end, &len);
	return field && is_pid(field, len, pids, pid_count);
}

int ps_table_filter(const char *text, const pid_t *pids, size_t pid_count, struct buf *ret,
                    struct err *e)
{
	size_t column = 0;

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		const char *end = line + len;

		if (line == text && !find_column(line, end, &column))
			break;
		if (line == text || is_wanted(line, end, column, pids, pid_count)) {
			buf_add(ret, line, len);
			buf_text(ret, "\n");
		}
		line = *end ? end + 1 : end;
	}
	if (ret->len == 0)
		return err_set(e, ERR_USAGE, "the output of ps has no column PID");
	return 0;
}
