/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json as a whole: config.md of the runtime-spec. Also the entry points,
 * which all do the same: text to tree, tree to structs, rules across objects, and
 * one error that lists everything found.
 */
#include "oci-spec/parse.h"

#include <limits.h>
#include <string.h>

#include "base/scope.h"

/* --- ociVersion ---------------------------------------------------------------------- */

/* Skips a number without leading zeros; NULL when there is none. */
static const char *skip_version_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && (digits == 1 || text[0] != '0') ? text + digits : NULL;
}

/* MAJOR.MINOR.PATCH[-pre][+build] of SemVer 2.0.0, with major 1. */
static bool is_version(const char *text)
{
	static const char label[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-.";

	if (strncmp(text, "1.", 2) != 0)
		return false;
	text = skip_version_number(text + 2);
	if (!text || *text != '.')
		return false;
	text = skip_version_number(text + 1);
	if (!text)
		return false;
	for (const char *mark = "-+"; *mark; mark++) {
		if (*text != *mark)
			continue;
		size_t len = strspn(text + 1, label);
		if (len == 0)
			return false;
		text += 1 + len;
	}
	return *text == '\0';
}

static const char *parse_version(struct reader *r, const struct json *config)
{
	const char *version = read_needed_text(r, config, "ociVersion");

	if (version && !is_version(version))
		fault_member(r, config, "ociVersion",
		             "\"%.*s\": must be a version 1.x.y of the runtime-spec",
		             SHOWN(version));
	return version;
}

/* --- mounts -------------------------------------------------------------------------- */

static struct oci_mount parse_mount(struct reader *r, const struct json *j)
{
	struct oci_mount mount = {
		.destination = read_needed_text(r, j, "destination"),
		.type = read_text(r, j, "type"),
		.source = read_text(r, j, "source"),
		.options = read_texts(r, j, "options"),
		.uid_mappings = parse_id_mappings(r, j, "uidMappings"),
		.gid_mappings = parse_id_mappings(r, j, "gidMappings"),
	};

	if (mount.destination)
		read_check_path(r, read_member(j, "destination"), false);
	if ((mount.uid_mappings.n > 0) != (mount.gid_mappings.n > 0))
		fault(r, j, "uidMappings and gidMappings must be given both or neither");
	return mount;
}

static void parse_mounts(struct reader *r, const struct json *config, struct oci_config *ret)
{
	const struct json *list = read_list(r, config, "mounts", JSON_OBJECT);
	struct oci_mount *v;

	if (list->count > OCI_MOUNTS_MAX) {
		fault(r, list, "%u mounts: at most %d", list->count, OCI_MOUNTS_MAX);
		return;
	}
	v = read_room(r, list, sizeof(*v));
	for (const struct json *j = list->first; j; j = j->next)
		v[ret->mount_count++] = parse_mount(r, j);
	ret->mounts = v;
}

/* --- hooks ------------------------------------------------------------------------------ */

static const char *const hook_names[OCI_HOOK_KINDS] = {
	[OCI_HOOK_PRESTART] = "prestart",
	[OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
	[OCI_HOOK_CREATE_CONTAINER] = "createContainer",
	[OCI_HOOK_START_CONTAINER] = "startContainer",
	[OCI_HOOK_POSTSTART] = "poststart",
	[OCI_HOOK_POSTSTOP] = "poststop",
};

const char *oci_hook_kind_name(enum oci_hook_kind kind)
{
	return hook_names[kind];
}

static struct opt_u32 parse_hook_timeout(struct reader *r, const struct json *j)
{
	struct opt_i64 timeout = read_i64(r, j, "timeout", 1, INT_MAX);

	return (struct opt_u32){ .set = timeout.set, .value = (uint32_t)timeout.value };
}

static struct oci_hook_list parse_hook_list(struct reader *r, const struct json *hooks,
                                            const char *kind)
{
	const struct json *list = read_list(r, hooks, kind, JSON_OBJECT);
	struct oci_hook *v = read_room(r, list, sizeof(*v));
	size_t n = 0;

	for (const struct json *j = list->first; j; j = j->next) {
		v[n++] = (struct oci_hook){
			.path = read_needed_path(r, j, "path"),
			.args = read_texts(r, j, "args"),
			.env = read_texts(r, j, "env"),
			.env_set = read_member(j, "env") != NULL,
			.timeout = parse_hook_timeout(r, j),
		};
	}
	return (struct oci_hook_list){ .v = v, .n = n };
}

static void parse_hooks(struct reader *r, const struct json *config, struct oci_config *ret)
{
	const struct json *hooks = read_object(r, config, "hooks");

	for (size_t i = 0; i < OCI_HOOK_KINDS; i++)
		ret->hooks[i] = parse_hook_list(r, hooks, hook_names[i]);
}

/* --- the whole ---------------------------------------------------------------------------- */

static void parse_root(struct reader *r, const struct json *config, struct oci_config *ret)
{
	const struct json *root = read_needed(r, config, "root");

	if (!root || !read_is(r, root, JSON_OBJECT))
		return;
	ret->root_path = read_needed_text(r, root, "path");
	ret->root_readonly = read_bool(r, root, "readonly");
	if (ret->root_path)
		read_check_path(r, read_member(root, "path"), false);
}

static const struct oci_config *parse_config(struct reader *r, const struct json *j)
{
	struct oci_config *config = arena_new(r->arena, sizeof(*config));

	config->oci_version = parse_version(r, j);
	parse_root(r, j, config);
	parse_mounts(r, j, config);
	config->process = parse_process(r, read_object(r, j, "process"));
	config->hostname = read_text(r, j, "hostname");
	config->domainname = read_text(r, j, "domainname");
	parse_hooks(r, j, config);
	config->annotations = read_pairs(r, j, "annotations");
	config->landlock = parse_landlock(r, &config->annotations);
	config->linux_ = parse_linux(r, read_object(r, j, "linux"));
	config->vm = parse_vm(r, read_object(r, j, "vm"));
	return config;
}

const struct json *parse_text(struct reader *r, const char *text, size_t len)
{
	const struct json *j;

	if (json_parse_apart(r->arena, r->nodes ? r->nodes : r->arena, text, len, &j, r->e) < 0)
		return NULL;
	if (j->kind != JSON_OBJECT) {
		err_set(r->e, ERR_SPEC, "line 1, column %u: must be an object", j->end);
		return NULL;
	}
	return j;
}

/* The tree is larger than what is read from it. Its memory is given back, so that what comes
 * next does not need as many fresh pages. */
int oci_config_parse(struct arena *a, const char *text, size_t len, const struct oci_config **ret,
                     struct err *e)
{
	ARENA struct arena nodes;
	struct reader r = { .arena = a, .nodes = &nodes, .e = e };

	arena_init(&nodes, a->limit);
	const struct json *j = parse_text(&r, text, len);

	if (!j)
		return -1;
	const struct oci_config *config = parse_config(&r, j);
	check_config(&r, config);
	TRY(faults_end(&r));
	*ret = config;
	return 0;
}

int oci_process_parse(struct arena *a, const char *text, size_t len, const struct oci_process **ret,
                      struct err *e)
{
	struct reader r = { .arena = a, .e = e };
	const struct json *j = parse_text(&r, text, len);

	if (!j)
		return -1;
	const struct oci_process *process = parse_process(&r, j);
	TRY(faults_end(&r));
	*ret = process;
	return 0;
}

int oci_resources_parse(struct arena *a, const char *text, size_t len,
                        const struct oci_resources **ret, struct err *e)
{
	struct reader r = { .arena = a, .e = e };
	const struct json *j = parse_text(&r, text, len);

	if (!j)
		return -1;
	const struct oci_resources *resources = parse_resources(&r, j);
	TRY(faults_end(&r));
	*ret = resources;
	return 0;
}
