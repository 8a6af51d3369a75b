/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Another error takes the place of what was there. */
static void begin(struct err *e, enum err_kind kind, int sys)
{
	e->kind = kind;
	e->sys = sys;
	e->phase[0] = '\0';
	e->pointer[0] = '\0';
	e->part_count = 0;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	va_list ap;

	begin(e, ERR_KERNEL, errno);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);

	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", err_words(e->sys));
	errno = e->sys;
	return -1;
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	begin(e, kind, 0);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int err_in(struct err *e, const char *fmt, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list ap;

	(void)err_point(e, e->text);
	memcpy(inner, e->text, sizeof(inner));
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);

	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", inner);
	for (unsigned int i = 0; i < e->part_count; i++)
		e->parts[i] = (unsigned short)(e->parts[i] + used + 2);
	return -1;
}

int err_also(struct err *e, const char *fmt, ...)
{
	size_t used = strlen(e->text);
	va_list ap;

	if (used > 0 && used + 2 < sizeof(e->text)) {
		memcpy(e->text + used, "; ", 3);
		used += 2;
		if (e->part_count < ERR_PARTS_MAX)
			e->parts[e->part_count++] = (unsigned short)used;
	}
	va_start(ap, fmt);
	(void)vsnprintf(e->text + used, sizeof(e->text) - used, fmt, ap);
	va_end(ap);
	return -1;
}

void err_fault(struct err_faults *f, enum err_kind kind, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (f->any)
		(void)err_also(f->e, "%s", text);
	else
		(void)err_set(f->e, kind, "%s", text);
	f->any = true;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->hint[0] != '\0')
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return -1;
}

int err_phase(struct err *e, const char *phase)
{
	if (!e->phase[0])
		(void)snprintf(e->phase, sizeof(e->phase), "%s", phase);
	return -1;
}

bool err_part(const struct err *e, unsigned int n, struct err *ret)
{
	size_t from = 0, to = strlen(e->text);

	if (n > e->part_count)
		return false;
	if (n > 0)
		from = e->parts[n - 1];
	if (n < e->part_count)
		to = (size_t)e->parts[n] - 2;
	if (from > to || to >= sizeof(e->text))
		return false; /* frames in front have pushed it out */
	*ret = *e;
	memcpy(ret->text, e->text + from, to - from);
	ret->text[to - from] = '\0';
	ret->part_count = 0;
	ret->pointer[0] = '\0';
	(void)err_point(ret, ret->text);
	return true;
}
