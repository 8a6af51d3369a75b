/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's configuration. What is misspelled there would be believed to hold,
 * so unlike in a bundle's config a member that nobody knows is a fault. */
#include <string.h>

#include "base/scope.h"
#include "oci-spec/admin.h"
#include "oci-spec/parse.h"

enum { PROFILES_MAX = 1000, MEMORY_MIN = 64 << 20, VCPUS_MAX = 64 };

static const struct word isolations[] = { { "container", ADMIN_CONTAINER },
	                                  { "vm", ADMIN_VM },
	                                  { 0 } };

enum admin_isolation admin_isolation_of(const char *word)
{
	for (const struct word *w = isolations; w->name; w++)
		if (strcmp(w->name, word) == 0)
			return (enum admin_isolation)w->value;
	return ADMIN_UNSET;
}

static bool is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	return *text && strspn(text, allowed) == strlen(text);
}

static void parse_one(struct reader *r, const struct json *j, struct admin_profile *ret)
{
	static const char *const known[] = { "kernel", "initrd", "parameters", "vcpus", "memory" };

	if (!read_is(r, j, JSON_OBJECT))
		return;
	read_only(r, j, known, LEN(known));
	if (!is_name(j->key))
		fault(r, j, "a profile's name has letters, digits, _, . and - only");
	*ret = (struct admin_profile){
		.name = j->key,
		.kernel = read_path(r, j, "kernel"),
		.initrd = read_path(r, j, "initrd"),
		.parameters = read_texts(r, j, "parameters"),
		.vcpus = read_u32(r, j, "vcpus", VCPUS_MAX),
		.memory = read_u64(r, j, "memory", UINT64_MAX),
	};
	if (ret->vcpus.set && ret->vcpus.value == 0)
		fault_member(r, j, "vcpus", "must be at least 1");
	if (ret->memory.set && ret->memory.value < MEMORY_MIN)
		fault_member(r, j, "memory", "must be at least %d bytes", MEMORY_MIN);
}

static void parse_profiles(struct reader *r, const struct json *config, struct admin_config *ret)
{
	const struct json *j = read_object(r, config, "profiles");
	struct admin_profile *profiles;

	if (!j)
		return;
	if (j->count > PROFILES_MAX) {
		fault(r, j, "more than %d", PROFILES_MAX);
		return;
	}
	profiles = read_room(r, j, sizeof(*profiles));
	for (const struct json *p = j->first; p; p = p->next)
		parse_one(r, p, &profiles[ret->profile_count++]);
	ret->profiles = profiles;
}

const struct admin_profile *admin_profile_find(const struct admin_config *c, const char *name)
{
	for (size_t i = 0; i < c->profile_count; i++)
		if (c->profiles[i].name && strcmp(c->profiles[i].name, name) == 0)
			return &c->profiles[i];
	return NULL;
}

int admin_config_parse(struct arena *a, const char *text, size_t len, struct admin_config *ret,
                       struct err *e)
{
	static const char *const known[] = { "isolation", "annotations", "profile", "profiles" };
	struct reader r = { .arena = a, .e = e };
	const struct json *j = parse_text(&r, text, len);
	struct admin_config c = { 0 };
	uint64_t isolation;

	if (!j)
		return -1;
	read_only(&r, j, known, LEN(known));
	if (read_word(&r, j, "isolation", isolations, &isolation))
		c.isolation = (enum admin_isolation)isolation;
	c.annotations = read_bool(&r, j, "annotations");
	parse_profiles(&r, j, &c);

	const char *name = read_text(&r, j, "profile");
	if (name)
		c.preset = admin_profile_find(&c, name);
	if (name && !c.preset)
		fault_member(&r, j, "profile", "\"%.*s\": there is no such profile", SHOWN(name));
	TRY(faults_end(&r));
	*ret = c;
	return 0;
}
