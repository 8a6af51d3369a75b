/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers of read.h. What decides their strictness: a file that two runtimes
 * would understand differently is refused. So a number is digits only and never
 * rounded or wrapped, and a known field of the wrong type is a fault, while an
 * unknown field is none (config.md, "Extensibility").
 *
 * Faults share one fixed text (struct err): each is cut to LINE_ROOM and no more
 * than FAULTS_SHOWN are kept, so that the last word ("and 7 more") always fits.
 */
#include "oci-spec/read.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

enum { FAULTS_SHOWN = 20, LINE_ROOM = 196, PATH_ROOM = 120 };

static_assert(FAULTS_SHOWN * (LINE_ROOM + 2) + 32 < ERR_TEXT_MAX, "the list of faults fits");

/* --- faults ------------------------------------------------------------------------ */

static void PRINTF(4, 0)
	note(struct reader *r, const char *path, const char *key, const char *fmt, va_list ap)
{
	char line[LINE_ROOM];
	int used = snprintf(line, sizeof(line), "%s%s%s%s", path, path[0] && key ? "." : "",
	                    key ? key : "", path[0] || key ? ": " : "");
	if (used >= 0 && (size_t)used < sizeof(line))
		(void)vsnprintf(line + used, sizeof(line) - (size_t)used, fmt, ap);
	line[json_cut(line, sizeof(line) - 2)] = '\0';
	if (r->faults == 1)
		err_set(r->e, ERR_SPEC, "%s", line);
	else
		err_also(r->e, "%s", line);
}

/* Counts a fault; false when it is not shown any more: then its path is not even
 * looked for, because that takes time in proportion to the length of its list. */
static bool count_fault(struct reader *r)
{
	r->faults++;
	return r->faults <= FAULTS_SHOWN;
}

void fault(struct reader *r, const struct json *at, const char *fmt, ...)
{
	char path[PATH_ROOM];
	va_list ap;

	if (!count_fault(r))
		return;
	json_path(at, path, sizeof(path));
	va_start(ap, fmt);
	note(r, path, NULL, fmt, ap);
	va_end(ap);
}

void fault_member(struct reader *r, const struct json *at, const char *key, const char *fmt, ...)
{
	char path[PATH_ROOM] = "";
	va_list ap;

	if (!count_fault(r))
		return;
	if (at)
		json_path(at, path, sizeof(path));
	va_start(ap, fmt);
	note(r, path, key, fmt, ap);
	va_end(ap);
}

void fault_rule(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	if (!count_fault(r))
		return;
	va_start(ap, fmt);
	note(r, "", NULL, fmt, ap);
	va_end(ap);
}

int faults_end(struct reader *r)
{
	if (r->faults == 0)
		return 0;
	if (r->faults > FAULTS_SHOWN)
		err_also(r->e, "and %zu more", r->faults - FAULTS_SHOWN);
	return -1;
}

/* --- members and their kinds --------------------------------------------------------- */

const struct json *read_member(const struct json *object, const char *key)
{
	const struct json *j = json_member(object, key);

	return j && j->kind != JSON_NULL ? j : NULL;
}

const struct json *read_needed(struct reader *r, const struct json *object, const char *key)
{
	const struct json *j = read_member(object, key);

	if (!j)
		fault_member(r, object, key, "is required");
	return j;
}

bool read_is(struct reader *r, const struct json *j, enum json_kind kind)
{
	static const char *const kinds[] = {
		[JSON_NULL] = "null",       [JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
		[JSON_ARRAY] = "a list",    [JSON_OBJECT] = "an object",
	};

	if (j->kind == kind)
		return true;
	fault(r, j, "must be %s, not %s", kinds[kind], kinds[j->kind]);
	return false;
}

void read_only(struct reader *r, const struct json *object, const char *const *known, size_t count)
{
	for (const struct json *j = object->first; j; j = j->next) {
		bool found = false;

		for (size_t i = 0; i < count; i++)
			found = found || strcmp(j->key, known[i]) == 0;
		if (!found)
			fault(r, j, "is not known");
	}
}

/* The member if it is there and of this kind. */
static const struct json *read_kind(struct reader *r, const struct json *object, const char *key,
                                    enum json_kind kind)
{
	const struct json *j = read_member(object, key);

	return j && read_is(r, j, kind) ? j : NULL;
}

const struct json *read_object(struct reader *r, const struct json *object, const char *key)
{
	return read_kind(r, object, key, JSON_OBJECT);
}

const struct json *read_list(struct reader *r, const struct json *object, const char *key,
                             enum json_kind of)
{
	static const struct json empty = { .kind = JSON_ARRAY };
	const struct json *list = read_kind(r, object, key, JSON_ARRAY);
	size_t before = r->faults;

	if (!list)
		return &empty;
	for (const struct json *j = list->first; j; j = j->next)
		read_is(r, j, of);
	return r->faults == before ? list : &empty;
}

void *read_room(struct reader *r, const struct json *list, size_t size)
{
	return list && list->count > 0 ? arena_array(r->arena, list->count, size) : NULL;
}

bool read_bool(struct reader *r, const struct json *object, const char *key)
{
	return read_opt_bool(r, object, key).value;
}

struct opt_bool read_opt_bool(struct reader *r, const struct json *object, const char *key)
{
	const struct json *j = read_kind(r, object, key, JSON_BOOL);

	return (struct opt_bool){ .set = j != NULL, .value = j && j->truth };
}

/* --- numbers ---------------------------------------------------------------------------- */

/* Says why text, which is a JSON number, is not a whole one from min to max. */
static void fault_number(struct reader *r, const struct json *j, int64_t min, uint64_t max)
{
	const char *text = j->text;

	if (strpbrk(text, ".eE"))
		fault(r, j, "%.*s: must be a whole number, without fraction or exponent",
		      SHOWN(text));
	else if (text[0] != '-')
		fault(r, j, "%.*s: must be at most %" PRIu64, SHOWN(text), max);
	else if (min == -1)
		fault(r, j, "%.*s: must be -1 or at least 0", SHOWN(text));
	else
		fault(r, j, "%.*s: must be at least %" PRId64, SHOWN(text), min);
}

uint64_t read_u64_value(struct reader *r, const struct json *j, uint64_t max)
{
	uint64_t value = 0;

	if (read_is(r, j, JSON_NUMBER) && num_u64(j->text, max, &value) < 0)
		fault_number(r, j, 0, max);
	return value;
}

struct opt_u64 read_u64(struct reader *r, const struct json *object, const char *key, uint64_t max)
{
	const struct json *j = read_member(object, key);

	if (!j)
		return (struct opt_u64){ 0 };
	return (struct opt_u64){ .set = true, .value = read_u64_value(r, j, max) };
}

struct opt_u32 read_u32(struct reader *r, const struct json *object, const char *key, uint32_t max)
{
	struct opt_u64 wide = read_u64(r, object, key, max);

	return (struct opt_u32){ .set = wide.set, .value = (uint32_t)wide.value };
}

struct opt_i64 read_i64(struct reader *r, const struct json *object, const char *key, int64_t min,
                        int64_t max)
{
	const struct json *j = read_kind(r, object, key, JSON_NUMBER);
	struct opt_i64 ret = { .set = j != NULL };

	if (j && num_i64(j->text, min, max, &ret.value) < 0) {
		if (j->text[0] != '-' && min > 0 && !strpbrk(j->text, ".eE") &&
		    num_i64(j->text, 0, max, &ret.value) == 0)
			fault(r, j, "%.*s: must be at least %" PRId64, SHOWN(j->text), min);
		else
			fault_number(r, j, min, (uint64_t)max);
		ret.value = 0;
	}
	return ret;
}

struct opt_u32 read_id(struct reader *r, const struct json *object, const char *key)
{
	return read_u32(r, object, key, UINT32_MAX - 1);
}

/* --- strings ------------------------------------------------------------------------------- */

const char *read_text(struct reader *r, const struct json *object, const char *key)
{
	const struct json *j = read_kind(r, object, key, JSON_STRING);

	return j && j->text[0] ? j->text : NULL;
}

const char *read_needed_text(struct reader *r, const struct json *object, const char *key)
{
	const struct json *j = read_needed(r, object, key);

	if (!j || !read_is(r, j, JSON_STRING))
		return NULL;
	if (!j->text[0]) {
		fault(r, j, "\"\": must not be empty");
		return NULL;
	}
	return j->text;
}

void read_check_path(struct reader *r, const struct json *at, bool absolute)
{
	if (absolute && at->text[0] != '/')
		fault(r, at, "\"%.*s\": must be an absolute path", SHOWN(at->text));
	if (strnlen(at->text, PATH_MAX) == PATH_MAX)
		fault(r, at, "path of more than %d bytes", PATH_MAX - 1);
}

const char *read_path(struct reader *r, const struct json *object, const char *key)
{
	const char *path = read_text(r, object, key);

	if (path)
		read_check_path(r, read_member(object, key), true);
	return path;
}

const char *read_needed_path(struct reader *r, const struct json *object, const char *key)
{
	const char *path = read_needed_text(r, object, key);

	if (path)
		read_check_path(r, read_member(object, key), true);
	return path;
}

struct oci_strings read_strings(struct reader *r, const struct json *list)
{
	const char **v;
	size_t n = 0;

	if (list->count == 0)
		return (struct oci_strings){ 0 };
	v = arena_array(r->arena, (size_t)list->count + 1, sizeof(const char *));
	for (const struct json *j = list->first; j; j = j->next)
		v[n++] = j->text;
	return (struct oci_strings){ .v = v, .n = n };
}

struct oci_strings read_texts(struct reader *r, const struct json *object, const char *key)
{
	return read_strings(r, read_list(r, object, key, JSON_STRING));
}

struct oci_strings read_paths(struct reader *r, const struct json *object, const char *key)
{
	const struct json *list = read_list(r, object, key, JSON_STRING);

	for (const struct json *j = list->first; j; j = j->next)
		read_check_path(r, j, true);
	return read_strings(r, list);
}

struct oci_pairs read_pairs(struct reader *r, const struct json *object, const char *key)
{
	const struct json *map = read_object(r, object, key);
	struct oci_pair *v = read_room(r, map, sizeof(*v));
	size_t n = 0;

	if (!v)
		return (struct oci_pairs){ 0 };
	for (const struct json *j = map->first; j; j = j->next) {
		if (!read_is(r, j, JSON_STRING))
			continue;
		if (j->key[0] == '\0')
			fault(r, map, "\"\": a name must not be empty");
		v[n++] = (struct oci_pair){ .key = j->key, .value = j->text };
	}
	return (struct oci_pairs){ .v = v, .n = n };
}

const char *read_cpu_list(struct reader *r, const struct json *object, const char *key)
{
	const char *list = read_text(r, object, key);

	if (list && !oci_cpu_list_valid(list))
		fault_member(r, object, key, "\"%.*s\": must be a list like 0-3,8", SHOWN(list));
	return list;
}

/* --- words ------------------------------------------------------------------------------------ */

/* Short tables are shown whole; a long one would hide the word that is wrong. */
static void fault_word(struct reader *r, const struct json *j, const struct word *words)
{
	enum { LIST_MAX = 100 };
	char list[LIST_MAX] = "";
	size_t used = 0;

	for (const struct word *w = words; w->name; w++) {
		int more = snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "",
		                    w->name);

		used += more > 0 ? (size_t)more : 0;
		if (used >= sizeof(list)) {
			fault(r, j, "\"%.*s\": is not known", SHOWN(j->text));
			return;
		}
	}
	fault(r, j, "\"%.*s\": must be one of %s", SHOWN(j->text), list);
}

bool read_word_value(struct reader *r, const struct json *j, const struct word *words,
                     uint64_t *ret)
{
	if (!read_is(r, j, JSON_STRING))
		return false;
	for (const struct word *w = words; w->name; w++) {
		if (strcmp(w->name, j->text) == 0) {
			*ret = w->value;
			return true;
		}
	}
	fault_word(r, j, words);
	return false;
}

bool read_word(struct reader *r, const struct json *object, const char *key,
               const struct word *words, uint64_t *ret)
{
	const struct json *j = read_member(object, key);

	if (!j || (j->kind == JSON_STRING && j->text[0] == '\0'))
		return false;
	return read_word_value(r, j, words, ret);
}
