/* SPDX-License-Identifier: Apache-2.0 */
/* The list of findings, and what the rules share. */
#include "runtime/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const char *const severity_names[] = {
	[AUDIT_LOW] = "low",
	[AUDIT_MEDIUM] = "medium",
	[AUDIT_HIGH] = "high",
};

const char *audit_severity_name(enum audit_severity severity)
{
	return severity_names[severity];
}

void audit_add(struct audit *a, enum audit_severity severity, const char *rule, const char *pointer,
               const char *fix, const char *what, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, what);
	(void)vsnprintf(text, sizeof(text), what, ap);
	va_end(ap);
	if (a->n == a->room) {
		size_t room = a->room ? 2 * a->room : 32;
		struct audit_finding *v = arena_array(a->arena, room, sizeof(*v));

		if (a->n > 0)
			memcpy(v, a->v, a->n * sizeof(*v));
		a->v = v;
		a->room = room;
	}
	a->v[a->n++] = (struct audit_finding){
		.severity = severity,
		.rule = rule,
		.what = arena_printf(a->arena, "%s", text),
		.pointer = pointer,
		.fix = fix,
	};
}

static int by_severity(const void *x, const void *y)
{
	const struct audit_finding *a = x, *b = y;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	int order = strcmp(a->rule, b->rule);
	return order ? order : strcmp(a->what, b->what);
}

void audit_sort(struct audit *a)
{
	if (a->n > 1)
		qsort(a->v, a->n, sizeof(*a->v), by_severity);
}

size_t audit_count(const struct audit *a, enum audit_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->v[i].severity == severity;
	return n;
}

bool audit_has_namespace(const struct audit *a, enum oci_namespace_kind kind)
{
	const struct oci_namespace *ns = &a->config->linux_->namespaces[kind];
	static const char first[] = "/proc/1/";

	return ns->wanted && !(ns->path && strncmp(ns->path, first, strlen(first)) == 0);
}

bool audit_has_user_wall(const struct audit *a)
{
	const struct oci_id_mappings *maps = &a->config->linux_->uid_mappings;

	if (!audit_has_namespace(a, OCI_NS_USER))
		return false;
	for (size_t i = 0; i < maps->n; i++) {
		if (maps->v[i].host_id == 0 && maps->v[i].size > 0)
			return false;
	}
	return true;
}

enum audit_severity audit_behind_user_wall(const struct audit *a, enum audit_severity severity)
{
	return severity > AUDIT_LOW && audit_has_user_wall(a) ? severity - 1 : severity;
}

const char *audit_pointer(const struct audit *a, const char *const keys[], const char *value)
{
	const struct json *j = a->tree;
	char *pointer = arena_printf(a->arena, "%s", "");
	unsigned int index = 0;

	for (; *keys; keys++) {
		pointer = arena_printf(a->arena, "%s/%s", pointer, *keys);
		j = json_member(j, *keys);
	}
	for (const struct json *item = j ? j->first : NULL; item; item = item->next, index++) {
		if (item->kind == JSON_STRING && strcmp(item->text, value) == 0)
			return arena_printf(a->arena, "%s/%u", pointer, index);
	}
	return pointer;
}

const char *audit_member(const struct audit *a, const char *object, const char *name)
{
	BUF struct buf pointer = { 0 };

	buf_printf(&pointer, "%s/", object);
	for (; *name; name++) {
		if (*name == '/' || *name == '~')
			buf_text(&pointer, *name == '/' ? "~1" : "~0");
		else
			buf_add(&pointer, name, 1);
	}
	return arena_printf(a->arena, "%s", pointer.data ? pointer.data : "");
}

void audit_config(struct audit *a)
{
	audit_namespaces(a);
	audit_process(a);
	audit_seccomp(a);
	audit_mounts(a);
	audit_devices(a);
	audit_system(a);
	audit_sort(a);
}
