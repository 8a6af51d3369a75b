/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The features document. It says what works: engines decide by it (containerd
 * reads linux without asking whether it is there, and takes "rro" among the mount
 * options and mountExtensions.idmap as promises). So whoever makes a thing work
 * that is false here, makes it true here in the same commit.
 */
#include "oci-spec/features.h"

#include <stdio.h>

#include "base/scope.h"
#include "oci-spec/json.h"
#include "oci-spec/spec.h"

#define OCI_VERSION_MIN "1.0.0"

/* "key": { "enabled": value } */
static void put_enabled(struct json_writer *w, const char *key, bool value)
{
	json_key(w, key);
	json_open(w, '{');
	json_put_bool(w, "enabled", value);
	json_close(w, '}');
}

static void put_list(struct json_writer *w, const char *key, const char *const *list)
{
	json_key(w, key);
	json_open(w, '[');
	for (; *list; list++)
		json_string(w, *list);
	json_close(w, ']');
}

static void put_hooks(struct json_writer *w)
{
	json_key(w, "hooks");
	json_open(w, '[');
	for (int kind = 0; kind < OCI_HOOK_KINDS; kind++)
		json_string(w, oci_hook_kind_name((enum oci_hook_kind)kind));
	json_close(w, ']');
}

static void put_namespaces(struct json_writer *w)
{
	json_key(w, "namespaces");
	json_open(w, '[');
	for (int kind = 0; kind < OCI_NS_KINDS; kind++)
		json_string(w, oci_namespace_name((enum oci_namespace_kind)kind));
	json_close(w, ']');
}

static void put_capabilities(struct json_writer *w)
{
	json_key(w, "capabilities");
	json_open(w, '[');
	for (int i = 0; oci_capability_name(i); i++)
		json_string(w, oci_capability_name(i));
	json_close(w, ']');
}

static void put_cgroup(struct json_writer *w)
{
	json_key(w, "cgroup");
	json_open(w, '{');
	json_put_bool(w, "v1", false);
	json_put_bool(w, "v2", true);
	json_put_bool(w, "systemd", true);
	json_put_bool(w, "systemdUser", true);
	json_put_bool(w, "rdma", false);
	json_close(w, '}');
}

static void put_seccomp(struct json_writer *w, const struct oci_features_input *in)
{
	json_key(w, "seccomp");
	json_open(w, '{');
	json_put_bool(w, "enabled", true);
	put_list(w, "actions", in->seccomp_actions);
	put_list(w, "operators", in->seccomp_operators);
	put_list(w, "archs", in->seccomp_archs);
	put_list(w, "knownFlags", in->seccomp_known_flags);
	put_list(w, "supportedFlags", in->seccomp_supported_flags);
	json_close(w, '}');
}

static void put_memory_policy(struct json_writer *w)
{
	json_key(w, "memoryPolicy");
	json_open(w, '{');
	json_key(w, "modes");
	json_open(w, '[');
	for (size_t i = 0; oci_memory_mode_name(i); i++)
		json_string(w, oci_memory_mode_name(i));
	json_close(w, ']');
	json_key(w, "flags");
	json_open(w, '[');
	for (size_t i = 0; oci_memory_flag_name(i); i++)
		json_string(w, oci_memory_flag_name(i));
	json_close(w, ']');
	json_close(w, '}');
}

/* Not in the specification: what the annotation may ask for. */
static void put_landlock(struct json_writer *w)
{
	static const char *const keys[] = {
		[OCI_LANDLOCK_FS] = "accessFS",
		[OCI_LANDLOCK_NET] = "accessNetwork",
		[OCI_LANDLOCK_SCOPE] = "scopes",
	};

	json_key(w, "landlock");
	json_open(w, '{');
	json_put_bool(w, "enabled", true);
	json_put_string(w, "annotation", OCI_LANDLOCK_ANNOTATION);
	for (enum oci_landlock_kind kind = OCI_LANDLOCK_FS; kind <= OCI_LANDLOCK_SCOPE; kind++) {
		json_key(w, keys[kind]);
		json_open(w, '[');
		for (unsigned int bit = 0; oci_landlock_word(kind, bit); bit++)
			json_string(w, oci_landlock_word(kind, bit));
		json_close(w, ']');
	}
	json_close(w, '}');
}

static void put_linux(struct json_writer *w, const struct oci_features_input *in)
{
	json_key(w, "linux");
	json_open(w, '{');
	put_namespaces(w);
	put_capabilities(w);
	put_cgroup(w);
	put_seccomp(w, in);
	put_enabled(w, "apparmor", false);
	put_enabled(w, "selinux", false);
	json_key(w, "intelRdt");
	json_open(w, '{');
	json_put_bool(w, "enabled", true);
	json_put_bool(w, "schemata", true);
	json_put_bool(w, "monitoring", true);
	json_close(w, '}');
	put_memory_policy(w);
	put_landlock(w);
	json_key(w, "mountExtensions");
	json_open(w, '{');
	put_enabled(w, "idmap", true);
	json_close(w, '}');
	put_enabled(w, "netDevices", true);
	json_close(w, '}');
}

/* Our version and the limits on what is read; values of annotations are strings. */
static void put_annotations(struct json_writer *w)
{
	static const struct {
		const char *key;
		int limit;
	} limits[] = {
		{ "io.caisson.limits.configBytes", OCI_CONFIG_MAX_BYTES },
		{ "io.caisson.limits.configDepth", OCI_CONFIG_MAX_DEPTH },
		{ "io.caisson.limits.configValues", OCI_CONFIG_MAX_VALUES },
		{ "io.caisson.limits.stringBytes", OCI_STRING_MAX_BYTES },
		{ "io.caisson.limits.argsAndEnvBytes", OCI_ARGS_ENV_MAX_BYTES },
		{ "io.caisson.limits.mounts", OCI_MOUNTS_MAX },
	};

	json_key(w, "annotations");
	json_open(w, '{');
	json_put_string(w, "io.caisson.version", CAISSON_VERSION);
	for (size_t i = 0; i < LEN(limits); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", limits[i].limit);
		json_put_string(w, limits[i].key, text);
	}
	json_close(w, '}');
}

void oci_features_write(const struct oci_features_input *in, struct buf *ret)
{
	struct json_writer w = { .out = ret, .indent = "    " };

	json_open(&w, '{');
	json_put_string(&w, "ociVersionMin", OCI_VERSION_MIN);
	json_put_string(&w, "ociVersionMax", OCI_SPEC_VERSION);
	put_hooks(&w);
	put_list(&w, "mountOptions", in->mount_options);
	put_linux(&w, in);
	put_annotations(&w);
	if (in->unsafe_annotations[0])
		put_list(&w, "potentiallyUnsafeConfigAnnotations", in->unsafe_annotations);
	json_close(&w, '}');
	buf_text(ret, "\n");
}
