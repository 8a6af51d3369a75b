/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's scope lies: linux.cgroupsPath in the form slice:prefix:name, as
 * engines that use systemd send it, to the names of units and the path of their groups.
 * Names are taken literally, and one with a character that a unit's name may not have is
 * refused; only the id, which names a container that nobody has given a place, is escaped
 * as systemd-escape(1) does it.
 *
 * Source: systemd.unit(5) and systemd.slice(5) for names; cg_escape() of systemd's
 * src/basic/cgroup-util.c for the one difference between a unit's name and its folder's.
 */
#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "cgroups/systemd.h"

enum { UNIT_NAME_MAX = 255 };

#define UNIT_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\"

static const char slice_end[] = ".slice";

/* --- can it be had ------------------------------------------------------------------------ */

static int check_host(const struct cgroup_facts *facts, struct err *e)
{
	if (facts->mode == CGROUP_HYBRID) {
		err_set(e, ERR_REFUSED,
		        "--systemd-cgroup: this host's controllers are in cgroup v1 hierarchies "
		        "(hybrid mode), where systemd keeps its scopes, too");
		return err_hint(e, "boot it with systemd.unified_cgroup_hierarchy=1, or use the "
		                   "cgroupfs driver (--cgroup-manager cgroupfs)");
	}
	if (facts->mode == CGROUP_NONE) {
		err_set(e, ERR_REFUSED, "--systemd-cgroup: this host has no cgroup2 mount");
		return err_hint(e, "mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	}
	if (facts->systemd)
		return 0;
	err_set(e, ERR_REFUSED, "--systemd-cgroup: there is no %s",
	        facts->systemd_user ? "systemd that serves this user" : "systemd on this host");
	if (facts->systemd_user)
		return err_hint(e, "a session or \"loginctl enable-linger\" starts it; or use "
		                   "--cgroup-manager cgroupfs");
	return err_hint(e, "use the cgroupfs driver: --cgroup-manager cgroupfs");
}

/* --- names of units ------------------------------------------------------------------------ */

static int check_name(const char *what, const char *name, struct err *e)
{
	size_t good = strspn(name, UNIT_CHARS);

	if (name[good])
		return err_set(
			e, ERR_SPEC,
			"linux.cgroupsPath: byte 0x%02x in its %s: the name of a systemd unit "
			"has letters, digits and _ . - \\",
			(unsigned char)name[good], what);
	return 0;
}

static int check_length(const char *unit, struct err *e)
{
	if (strlen(unit) <= UNIT_NAME_MAX)
		return 0;
	return err_set(e, ERR_SPEC,
	               "linux.cgroupsPath: the unit's name would have %zu bytes, at most %d",
	               strlen(unit), UNIT_NAME_MAX);
}

/* "a-b.slice" lies in "a.slice": so a dash parts names, of which none is empty. */
static int check_slice(const char *slice, struct err *e)
{
	size_t len = strlen(slice), end = sizeof(slice_end) - 1;

	TRY(check_name("slice", slice, e));
	TRY(check_length(slice, e));
	if (len <= end || strcmp(slice + len - end, slice_end) != 0)
		return err_set(e, ERR_SPEC,
		               "linux.cgroupsPath: \"%s\" is no slice: it does not end in .slice",
		               slice);
	if (strcmp(slice, "-.slice") == 0)
		return 0;
	if (slice[0] == '-' || slice[len - end - 1] == '-' || strstr(slice, "--"))
		return err_set(
			e, ERR_SPEC,
			"linux.cgroupsPath: \"%s\" is no slice: a name between its dashes is "
			"empty",
			slice);
	return 0;
}

/* What no unit's name may have, as \xNN. */
static const char *escape(struct arena *a, const char *id)
{
	char *out = arena_array(a, strlen(id) + 1, 4), *to = out;

	for (; *id; id++) {
		if (strchr(UNIT_CHARS, *id) && *id != '\\') {
			*to++ = *id;
			continue;
		}
		const char *hex = arena_printf(a, "\\x%02x", (unsigned char)*id);
		memcpy(to, hex, 4);
		to += 4;
	}
	*to = '\0';
	return out;
}

/* --- paths ----------------------------------------------------------------------------------- */

/* A file of cgroupfs could have that name, or what it calls its own begins like it. */
static bool could_be_file(const char *name)
{
	static const char *const owners[] = { "cgroup",         "cpu",         "cpuacct",
		                              "cpuset",         "io",          "blkio",
		                              "memory",         "devices",     "pids",
		                              "bpf-firewall",   "bpf-devices", "bpf-foreign",
		                              "bpf-socket-bind" };
	size_t len = strcspn(name, ".");

	if (name[0] == '_' || name[0] == '.')
		return true;
	for (size_t i = 0; name[len] && i < LEN(owners); i++) {
		if (strlen(owners[i]) == len && memcmp(name, owners[i], len) == 0)
			return true;
	}
	return false;
}

static void add_folder(struct buf *path, const char *unit)
{
	buf_printf(path, "/%s%s", could_be_file(unit) ? "_" : "", unit);
}

/* Each slice lies in that of its name up to the last dash. */
static void add_slices(struct arena *a, struct buf *path, const char *slice)
{
	size_t stem = strlen(slice) - (sizeof(slice_end) - 1);

	if (strcmp(slice, "-.slice") == 0)
		return;
	for (size_t end = 1; end <= stem; end++) {
		if (end == stem || slice[end] == '-')
			add_folder(path, arena_printf(a, "%.*s%s", (int)end, slice, slice_end));
	}
}

static int make_path(struct arena *a, const char *base, struct systemd_place *place, struct err *e)
{
	BUF struct buf path = { 0 };

	buf_text(&path, base);
	add_slices(a, &path, place->slice);
	add_folder(&path, place->unit);
	TRY(buf_ok(&path, e));
	if (path.len >= PATH_MAX - 64)
		return err_set(e, ERR_SPEC,
		               "linux.cgroupsPath: the group's path would have %zu bytes",
		               path.len);
	place->path = arena_string(a, path.data, path.len);
	return 0;
}

/* --- the three parts ----------------------------------------------------------------------------
 */

static int read_parts(struct arena *a, const char *text, const char **slice, const char **prefix,
                      const char **name, struct err *e)
{
	const char *first = strchr(text, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;

	if (!second || strchr(second + 1, ':')) {
		/* the words of runc, which its callers know */
		err_set(e, ERR_SPEC,
		        "linux.cgroupsPath: expected cgroupsPath to be of format "
		        "\"slice:prefix:name\" for systemd cgroups, got \"%.200s\" instead",
		        text);
		return err_hint(e, "with --systemd-cgroup systemd makes the group: it has no path "
		                   "of your choice");
	}
	if (first > text)
		*slice = arena_string(a, text, (size_t)(first - text));
	*prefix = arena_string(a, first + 1, (size_t)(second - first - 1));
	*name = second + 1;
	TRY(check_name("prefix", *prefix, e));
	TRY(check_name("name", *name, e));
	if (!**name)
		return err_set(e, ERR_SPEC, "linux.cgroupsPath: \"%s\" has an empty name", text);
	if (strlen(*name) >= sizeof(slice_end) - 1 &&
	    strcmp(*name + strlen(*name) - (sizeof(slice_end) - 1), slice_end) == 0)
		return err_set(e, ERR_REFUSED,
		               "linux.cgroupsPath: \"%s\" names a slice: processes of a container "
		               "are in a scope",
		               *name);
	return 0;
}

int systemd_place(struct arena *a, const struct cgroup_facts *facts, const char *cgroups_path,
                  const char *id, struct systemd_place *ret, struct err *e)
{
	struct systemd_place place = { 0 };
	const char *slice = facts->systemd_user ? "user.slice" : "system.slice";
	const char *prefix = "caisson", *name = NULL;

	TRY(check_host(facts, e));
	if (cgroups_path && cgroups_path[0])
		TRY(read_parts(a, cgroups_path, &slice, &prefix, &name, e));
	else
		name = escape(a, id);
	TRY(check_slice(slice, e));
	place.slice = slice;
	place.unit = arena_printf(a, "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	TRY(check_length(place.unit, e));
	TRY(make_path(a, facts->systemd, &place, e));
	*ret = place;
	return 0;
}
