/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps of mounts: where they come from, and what they need.
 *
 * In this order: uidMappings and gidMappings of the mount; maps that stand in the
 * option ("idmap=uids=0-1000-10;gids=0-1000-10", as crun takes it); those of the
 * container's user namespace. Maps without an option mean "idmap".
 *
 * A map is written from the filesystem's ids (containerID) to those of the host
 * (hostID), whether the container has a user namespace or not: that is how the kernel
 * takes it, and what the specification says. Only in the option an "@" says that an id
 * is one of the container; it is translated by the container's own map.
 *
 * Source: config.md "Linux mount options" (idmap, ridmap), crun(1) "idmap mount options".
 */
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "runtime/compile_parts.h"

enum { RANGES_MAX = 340 }; /* lines of a map, user_namespaces(7) */

static int bad_map(struct err *e, const char *text)
{
	return err_set(e, ERR_SPEC,
	               "\"%s\": maps are written as uids=FROM-TO-LENGTH#…;gids=FROM-TO-LENGTH#…",
	               text);
}

/* One number of "FROM-TO-LENGTH", up to `end`; *text moves behind it. */
static int read_number(struct arena *a, const char **text, char end, uint32_t *ret, struct err *e)
{
	size_t len = strcspn(*text, "-#;");
	uint64_t number;

	if ((*text)[len] != end && !(end == '\0' && strchr("#;", (*text)[len])))
		return bad_map(e, *text);
	if (num_u64(arena_string(a, *text, len), UINT32_MAX, &number) < 0)
		return bad_map(e, *text);
	*text += len + (end != '\0');
	*ret = (uint32_t)number;
	return 0;
}

/* An id of the container as the host's, by the map of its user namespace. */
static int translate(struct oci_id_mappings maps, struct oci_id_mapping *range, const char *text,
                     struct err *e)
{
	for (size_t i = 0; i < maps.n; i++) {
		const struct oci_id_mapping *m = &maps.v[i];
		uint32_t at = range->host_id - m->container_id;

		if (range->host_id < m->container_id || at >= m->size)
			continue;
		if (range->size > m->size - at)
			break;
		range->host_id = m->host_id + at;
		return 0;
	}
	return err_set(e, ERR_SPEC, "\"%s\": not within one range of the container's own map",
	               text);
}

static int read_range(struct arena *a, const char **text, struct oci_id_mappings own,
                      struct oci_id_mapping *ret, struct err *e)
{
	const char *start = *text;
	bool relative = **text == '@';

	*text += relative;
	TRY(read_number(a, text, '-', &ret->container_id, e));
	TRY(read_number(a, text, '-', &ret->host_id, e));
	TRY(read_number(a, text, '\0', &ret->size, e));
	return relative ? translate(own, ret, start, e) : 0;
}

/* "FROM-TO-LENGTH#…" up to ';' or the end. */
static int read_ranges(struct arena *a, const char **text, struct oci_id_mappings own,
                       struct oci_id_mappings *ret, struct err *e)
{
	struct oci_id_mapping *ranges = arena_array(a, RANGES_MAX, sizeof(*ranges));
	size_t n = 0;

	do {
		*text += **text == '#';
		if (n == RANGES_MAX)
			return err_set(e, ERR_SPEC, "a map has at most %d ranges", RANGES_MAX);
		TRY(read_range(a, text, own, &ranges[n++], e));
	} while (**text == '#');
	*ret = (struct oci_id_mappings){ .v = ranges, .n = n };
	return 0;
}

static int read_maps(struct compile *c, const char *text, struct compile_mount *cm, struct err *e)
{
	const char *rest = text;

	while (*rest) {
		bool uids = strncmp(rest, "uids=", 5) == 0;

		if (!uids && strncmp(rest, "gids=", 5) != 0)
			return bad_map(e, text);
		rest += 5;
		TRY(read_ranges(&c->arena, &rest,
		                uids ? c->linux_->uid_mappings : c->linux_->gid_mappings,
		                uids ? &cm->uid_map : &cm->gid_map, e));
		rest += *rest == ';';
	}
	return cm->uid_map.n && cm->gid_map.n ? 0 : bad_map(e, text);
}

int compile_read_idmap(struct compile *c, const struct oci_mount *m, struct compile_mount *cm,
                       struct err *e)
{
	const struct mount_options *o = &cm->options;
	bool asked = o->idmap || o->idmap_below;

	cm->uid_map = m->uid_mappings;
	cm->gid_map = m->gid_mappings;
	if (!asked && cm->uid_map.n == 0)
		return 0;
	if (!cm->bind)
		return err_set(e, ERR_SPEC, "%s: only a bind mount can be id-mapped", cm->origin);
	if (cm->uid_map.n == 0 && o->idmap_text) {
		if (read_maps(c, o->idmap_text, cm, e) < 0)
			return err_in(e, "%s.options: idmap", cm->origin);
	}
	if (cm->uid_map.n == 0 && !c->user_namespace)
		return err_set(e, ERR_SPEC,
		               "%s.options: \"%s\": there is neither a map nor a user namespace "
		               "that has one",
		               cm->origin, o->idmap_below ? "ridmap" : "idmap");
	cm->idmap = o->idmap_below ? PLAN_BIND_IDMAP_ALL : PLAN_BIND_IDMAP;
	return 0;
}
