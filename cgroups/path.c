/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's cgroup lies. The answer is always a clean absolute path below
 * the cgroup2 mount: never the root itself, never out of it. It is taken literally,
 * so that what a config says is what `ls` shows; only "//" and "." are cleaned away.
 */
#include "base/path.h"

#include <limits.h>
#include <string.h>

#include "cgroups/cgroup.h"

/* One component of length len; the kernel itself refuses only '/' and '\n'. */
static int check_component(const char *part, size_t len, struct err *e)
{
	if (len == 2 && memcmp(part, "..", 2) == 0)
		return err_set(e, ERR_SPEC, "linux.cgroupsPath: \"..\" is not allowed in it");
	if (len > NAME_MAX)
		return err_set(e, ERR_SPEC,
		               "linux.cgroupsPath: a name in it has %zu bytes, at most %d", len,
		               NAME_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)part[i];

		if (byte < 0x20 || byte == 0x7f)
			return err_set(e, ERR_SPEC, "linux.cgroupsPath: control byte 0x%02x in it",
			               byte);
	}
	return 0;
}

/* slice:prefix:name, which is two colons and no slash. */
static bool is_systemd_form(const char *path)
{
	const char *colon = strchr(path, ':');

	return colon && !strchr(path, '/') && strchr(colon + 1, ':');
}

int cgroup_path(struct arena *a, const struct cgroup_facts *facts, const char *cgroups_path,
                const char *id, const char **ret, struct err *e)
{
	bool wanted = cgroups_path && cgroups_path[0];
	const char *path = wanted ? cgroups_path : id;

	if (strlen(path) >= PATH_MAX - 64) /* the mount comes before, a file's name after it */
		return err_set(e, ERR_SPEC, "linux.cgroupsPath: %zu bytes are too long",
		               strlen(path));
	for (const char *part = path; *part;) {
		size_t len = strcspn(part, "/");

		TRY(check_component(part, len, e));
		part += len + (part[len] == '/');
	}
	if (is_systemd_form(path)) {
		err_set(e, ERR_REFUSED,
		        "linux.cgroupsPath: \"%s\" is in the form slice:prefix:name of systemd's "
		        "driver, which was not asked for",
		        path);
		return err_hint(e,
		                "give --systemd-cgroup, or let the engine use its cgroupfs driver");
	}

	const char *clean = path_clean(a, "/", path);
	if (clean[1] == '\0')
		return err_set(e, ERR_SPEC, "linux.cgroupsPath: \"%s\" is the root of all cgroups",
		               path);
	if (!facts->limited || path[0] == '/') {
		*ret = clean;
		return 0;
	}
	if (!facts->base && wanted) {
		err_set(e, ERR_REFUSED,
		        "linux.cgroupsPath: \"%s\" is relative, but no cgroup is delegated to us",
		        path);
		return err_hint(e, "leave it out, or start caisson in a delegated group: "
		                   "systemd-run --user --scope");
	}
	*ret = facts->base ? arena_printf(a, "%s%s", facts->base, clean) : NULL;
	return 0;
}
