/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations org.systemd.property.NAME: properties of the container's unit, written as
 * GVariant text ("uint64 5000000", "'mixed'", "['a.service']", "true"). An annotation may
 * come from an image or a cluster's user, and properties of a unit can run programs and
 * open devices (CVE-2024-3154). So there is a list of those that may be set, each with its
 * type; a name that is not on it is refused, never passed on.
 *
 * NAME may end in "Sec" where the property ends in "USec": then the value is in seconds,
 * as in unit files.
 *
 * Source: GVariant Text Format (GLib), org.freedesktop.systemd1(5), systemd.kill(5).
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/scope.h"
#include "cgroups/systemd.h"

#define PREFIX "org.systemd.property."

enum { STRINGS_MAX = 64, STRING_MAX = 1024 };

struct property {
	const char *name, *type;
};

static const struct property allowed[] = {
	/* how and when it ends */
	{ "TimeoutStopUSec", "t" },
	{ "RuntimeMaxUSec", "t" },
	{ "KillMode", "s" },
	{ "KillSignal", "i" },
	{ "FinalKillSignal", "i" },
	{ "SendSIGKILL", "b" },
	{ "SendSIGHUP", "b" },
	{ "OOMPolicy", "s" },
	{ "CollectMode", "s" },
	/* its order among other units, none of which it starts or ends */
	{ "DefaultDependencies", "b" },
	{ "After", "as" },
	{ "Before", "as" },
	/* what config.json has no words for */
	{ "MemoryMin", "t" },
	{ "MemoryHigh", "t" },
	{ "StartupCPUWeight", "t" },
	{ "StartupIOWeight", "t" },
	{ "ManagedOOMSwap", "s" },
	{ "ManagedOOMMemoryPressure", "s" },
	{ "ManagedOOMPreference", "s" },
	{ "Documentation", "as" },
};

static const struct property *find(const char *name, size_t len)
{
	for (size_t i = 0; i < LEN(allowed); i++) {
		if (strlen(allowed[i].name) == len && memcmp(allowed[i].name, name, len) == 0)
			return &allowed[i];
	}
	return NULL;
}

/* "TimeoutStopSec" is TimeoutStopUSec in seconds. */
static const struct property *find_in_seconds(const char *name)
{
	char micro[64];
	size_t len = strlen(name);

	if (len < 4 || len + 2 > sizeof(micro) || strcmp(name + len - 3, "Sec") != 0)
		return NULL;
	(void)snprintf(micro, sizeof(micro), "%.*sUSec", (int)(len - 3), name);
	return find(micro, len + 1);
}

/* --- values ----------------------------------------------------------------------------- */

static const char *after_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* A type in front of a number: "uint64 5" or "@t 5". Where one is, it has to fit. */
static const char *after_type(const char *text, char type)
{
	static const struct {
		const char *word;
		char type;
	} words[] = { { "uint64 ", 't' }, { "@t ", 't' }, { "int32 ", 'i' }, { "@i ", 'i' } };

	for (size_t i = 0; i < LEN(words); i++) {
		if (words[i].type == type &&
		    strncmp(text, words[i].word, strlen(words[i].word)) == 0)
			return after_blanks(text + strlen(words[i].word));
	}
	return text;
}

static bool put_number(const char *text, char type, uint64_t unit, struct buf *ret)
{
	uint64_t value;

	if (type == 'i') {
		if (num_u64(after_type(text, 'i'), INT32_MAX, &value) < 0)
			return false;
		dbus_put_u32(ret, (uint32_t)value);
		return true;
	}
	if (num_u64(unit == 1 ? after_type(text, 't') : text, UINT64_MAX / unit, &value) < 0)
		return false;
	dbus_put_u64(ret, value * unit);
	return true;
}

static bool put_bool(const char *text, struct buf *ret)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return false;
	dbus_put_bool(ret, yes);
	return true;
}

/* A string in quotes of either kind; no escapes: no value of the list needs them. Returns
 * what is behind it, or NULL. */
static const char *put_quoted(const char *text, struct buf *ret)
{
	char value[STRING_MAX];
	const char *end = *text == '\'' || *text == '"' ? strchr(text + 1, *text) : NULL;
	size_t len = end ? (size_t)(end - text - 1) : 0;

	if (!end || len >= sizeof(value))
		return NULL;
	memcpy(value, text + 1, len);
	value[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '\\' || (unsigned char)value[i] < 0x20 || value[i] & 0x80)
			return NULL;
	}
	dbus_put_string(ret, value);
	return end + 1;
}

static bool put_strings(const char *text, struct buf *ret)
{
	struct dbus_array array = dbus_open_array(ret, 4);

	if (*text != '[')
		return false;
	text = after_blanks(text + 1);
	for (int n = 0; *text != ']' && n < STRINGS_MAX; n++) {
		text = put_quoted(text, ret);
		if (!text)
			return false;
		text = after_blanks(text);
		if (*text == ',')
			text = after_blanks(text + 1);
		else if (*text != ']')
			return false;
	}
	dbus_close_array(ret, array);
	return strcmp(text, "]") == 0;
}

static bool put_value(const struct property *p, uint64_t unit, const char *text, struct buf *ret)
{
	const char *end;

	switch (p->type[0]) {
	case 'b':
		return put_bool(text, ret);
	case 's':
		end = put_quoted(text, ret);
		return end && !*after_blanks(end);
	case 'a':
		return put_strings(text, ret);
	default:
		return put_number(text, p->type[0], unit, ret);
	}
}

static const char *type_words(const struct property *p)
{
	switch (p->type[0]) {
	case 'b':
		return "true or false";
	case 's':
		return "a string in quotes, as 'mixed'";
	case 'a':
		return "a list of strings, as ['a.service', 'b.service']";
	default:
		return "a number, as 30 or uint64 30";
	}
}

int systemd_put_annotation(const struct oci_pair *annotation, struct buf *ret, struct err *e)
{
	const char *name = annotation->key + strlen(PREFIX);
	uint64_t unit = 1;

	if (strncmp(annotation->key, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	const struct property *p = find(name, strlen(name));
	if (!p) {
		p = find_in_seconds(name);
		unit = 1000000;
	}
	if (!p) {
		err_set(e, ERR_REFUSED, "annotations['%.200s']: this property may not be set so",
		        annotation->key);
		return err_hint(e, "limits have fields in config.json; what runs, mounts or opens "
		                   "something is not for annotations");
	}
	buf_align(ret, 8);
	dbus_put_string(ret, p->name);
	dbus_put_signature(ret, p->type);
	if (put_value(p, unit, annotation->value, ret))
		return 0;
	return err_set(e, ERR_SPEC, "annotations['%s']: \"%.200s\": must be %s", annotation->key,
	               annotation->value, type_words(p));
}

bool systemd_keeps_failure(struct oci_pairs annotations)
{
	for (size_t i = 0; i < annotations.n; i++) {
		const char *key = annotations.v[i].key;

		if (strcmp(key, PREFIX "RuntimeMaxUSec") == 0 ||
		    strcmp(key, PREFIX "RuntimeMaxSec") == 0)
			return true;
	}
	return false;
}
