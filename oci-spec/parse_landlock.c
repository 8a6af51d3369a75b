/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock, as the open proposal for the runtime-spec has it (opencontainers/runtime-spec
 * #1241), with ports and scopes beside the filesystem. As long as the specification has no
 * place for it, it is the JSON text of an annotation. What is not handled by the ruleset is
 * not restricted; of what is, only what a rule allows is allowed.
 */
#include <string.h>

#include "base/scope.h"
#include "oci-spec/parse.h"

/* Bits of LANDLOCK_ACCESS_FS_*, _NET_* and LANDLOCK_SCOPE_*: linux/landlock.h */
static const struct word fs_words[] = {
	{ "execute", 1 << 0 },
	{ "write_file", 1 << 1 },
	{ "read_file", 1 << 2 },
	{ "read_dir", 1 << 3 },
	{ "remove_dir", 1 << 4 },
	{ "remove_file", 1 << 5 },
	{ "make_char", 1 << 6 },
	{ "make_dir", 1 << 7 },
	{ "make_reg", 1 << 8 },
	{ "make_sock", 1 << 9 },
	{ "make_fifo", 1 << 10 },
	{ "make_block", 1 << 11 },
	{ "make_sym", 1 << 12 },
	{ "refer", 1 << 13 },
	{ "truncate", 1 << 14 },
	{ "ioctl_dev", 1 << 15 },
	{ 0 },
};
static const struct word net_words[] = { { "bind_tcp", 1 << 0 }, { "connect_tcp", 1 << 1 }, { 0 } };
static const struct word scope_words[] = { { "abstract_unix_socket", 1 << 0 },
	                                   { "signal", 1 << 1 },
	                                   { 0 } };

static const struct word *const words[] = {
	[OCI_LANDLOCK_FS] = fs_words,
	[OCI_LANDLOCK_NET] = net_words,
	[OCI_LANDLOCK_SCOPE] = scope_words,
};

const char *oci_landlock_word(enum oci_landlock_kind kind, unsigned int bit)
{
	for (const struct word *w = words[kind]; w->name; w++) {
		if (w->value == UINT64_C(1) << bit)
			return w->name;
	}
	return NULL;
}

static uint64_t all_of(enum oci_landlock_kind kind)
{
	uint64_t all = 0;

	for (const struct word *w = words[kind]; w->name; w++)
		all |= w->value;
	return all;
}

/* A list of words as bits. */
static uint64_t read_bits(struct reader *r, const struct json *object, const char *key,
                          enum oci_landlock_kind kind)
{
	const struct json *list = read_list(r, object, key, JSON_STRING);
	uint64_t bits = 0, value;

	for (const struct json *j = list->first; j; j = j->next) {
		if (read_word_value(r, j, words[kind], &value))
			bits |= value;
	}
	return bits;
}

/* allowedAccess of a rule, which the ruleset must handle. */
static uint64_t read_access(struct reader *r, const struct json *rule, uint64_t handled,
                            enum oci_landlock_kind kind)
{
	uint64_t access = read_bits(r, rule, "allowedAccess", kind);

	read_needed(r, rule, "allowedAccess");
	if (access & ~handled)
		fault_member(r, rule, "allowedAccess", "allows what the ruleset does not handle");
	return access;
}

/* How many there are in the lists `key` of all rules. */
static size_t count_in(const struct json *rules, const char *key)
{
	size_t n = 0;

	for (const struct json *j = rules->first; j; j = j->next) {
		const struct json *list = read_member(j, key);

		n += list ? list->count : 0;
	}
	return n;
}

static void parse_paths(struct reader *r, const struct json *rules, struct oci_landlock *ret)
{
	const struct json *list = read_list(r, rules, "pathBeneath", JSON_OBJECT);
	struct oci_landlock_path *v =
		arena_array(r->arena, count_in(list, "paths") + 1, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next) {
		const struct json *paths = read_list(r, j, "paths", JSON_STRING);
		uint64_t access = read_access(r, j, ret->fs, OCI_LANDLOCK_FS);

		read_needed(r, j, "paths");
		for (const struct json *p = paths->first; p; p = p->next) {
			read_check_path(r, p, true);
			v[ret->path_count++] =
				(struct oci_landlock_path){ .access = access, .path = p->text };
		}
	}
	ret->paths = v;
}

static void parse_ports(struct reader *r, const struct json *rules, struct oci_landlock *ret)
{
	const struct json *list = read_list(r, rules, "networkPort", JSON_OBJECT);
	struct oci_landlock_port *v =
		arena_array(r->arena, count_in(list, "ports") + 1, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next) {
		const struct json *ports = read_list(r, j, "ports", JSON_NUMBER);
		uint64_t access = read_access(r, j, ret->net, OCI_LANDLOCK_NET);

		read_needed(r, j, "ports");
		for (const struct json *p = ports->first; p; p = p->next) {
			v[ret->port_count++] = (struct oci_landlock_port){
				.access = access, .port = (uint16_t)read_u64_value(r, p, UINT16_MAX)
			};
		}
	}
	ret->ports = v;
}

static struct oci_landlock *parse_object(struct reader *r, const struct json *j)
{
	const struct json *ruleset = read_object(r, j, "ruleset"),
			  *rules = read_object(r, j, "rules");
	struct oci_landlock *ret = arena_new(r->arena, sizeof(*ret));

	ret->strict = read_bool(r, j, "disableBestEffort");
	ret->fs = read_bits(r, ruleset, "handledAccessFS", OCI_LANDLOCK_FS);
	ret->net = read_bits(r, ruleset, "handledAccessNetwork", OCI_LANDLOCK_NET);
	ret->scopes = read_bits(r, ruleset, "scoped", OCI_LANDLOCK_SCOPE);
	ret->fs_implied =
		!read_member(ruleset, "handledAccessFS") && read_member(rules, "pathBeneath");
	ret->net_implied =
		!read_member(ruleset, "handledAccessNetwork") && read_member(rules, "networkPort");
	if (ret->fs_implied)
		ret->fs = all_of(OCI_LANDLOCK_FS);
	if (ret->net_implied)
		ret->net = all_of(OCI_LANDLOCK_NET);
	parse_paths(r, rules, ret);
	parse_ports(r, rules, ret);
	if (!ret->fs && !ret->net && !ret->scopes && r->faults == 0)
		fault_rule(r, "restricts nothing");
	return ret;
}

/* The text is a document of its own: its faults are told behind the annotation's name. */
const struct oci_landlock *parse_landlock(struct reader *r, const struct oci_pairs *annotations)
{
	for (size_t i = 0; i < annotations->n; i++) {
		const char *text = annotations->v[i].value;
		struct err e = { 0 };
		struct reader inner = { .arena = r->arena, .e = &e };

		if (strcmp(annotations->v[i].key, OCI_LANDLOCK_ANNOTATION) != 0)
			continue;
		const struct json *j = parse_text(&inner, text, strlen(text));
		struct oci_landlock *ret = j ? parse_object(&inner, j) : NULL;

		if (j && faults_end(&inner) == 0)
			return ret;
		fault_rule(r, "annotations[\"%s\"]: %s", OCI_LANDLOCK_ANNOTATION, e.text);
	}
	return NULL;
}
