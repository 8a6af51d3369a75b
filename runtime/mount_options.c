/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options by name. Four kinds of things hide behind them:
 *
 *   attributes   of one mount (ro, nosuid, noatime …): bits for mount_setattr(2);
 *                with an r in front they hold for the mounts below as well
 *   propagation  (private, rslave …): one value a mount
 *   flags        of a superblock (sync, lazytime …): fsconfig(2) takes their names
 *   data         everything else: the filesystem's own ("size=64k", "newinstance")
 *
 * Some names of the spec's list have nothing to set: "defaults", and silent, loud,
 * iversion and noiversion, which mount(2) had bits for and fsconfig(2) refuses on
 * every filesystem; keeping a version of the inode is a filesystem's own business.
 *
 * Access times are one field of three values (MOUNT_ATTR__ATIME): whoever sets one
 * has to clear the field first. The names that only negate one of them (atime, diratime …)
 * take back what stands before them in the list and say nothing of what a source has, as
 * with mount(8). Source: mount_setattr(2), config-linux.md
 * "mount options", fs/fs_context.c (common_set_sb_flag).
 */
#include "runtime/mount_options.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/scope.h"
#include "runtime/launch/plan.h"

enum effect {
	NOTHING,
	BIND,
	RBIND,
	REMOUNT,
	ATTR,
	ATTR_UNSAID,
	ATTR_BELOW,
	PROPAGATION,
	FLAG,
	COPY_UP,
	LINKS,
	IDMAP,
	IDMAP_BELOW,
};

struct option {
	const char *name;
	enum effect effect;
	uint32_t set, clear; /* ATTR: MOUNT_ATTR_*; PROPAGATION: set is MS_*; LINKS: PLAN_* */
};

#define ATIME MOUNT_ATTR__ATIME

/* Sorted by kind, not by name: it is read more often than it is searched. */
static const struct option options[] = {
	{ "bind", BIND, 0, 0 },
	{ "rbind", RBIND, 0, 0 },
	{ "remount", REMOUNT, 0, 0 },

	{ "ro", ATTR, MOUNT_ATTR_RDONLY, 0 },
	{ "rw", ATTR, 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", ATTR, MOUNT_ATTR_NOSUID, 0 },
	{ "suid", ATTR, 0, MOUNT_ATTR_NOSUID },
	{ "nodev", ATTR, MOUNT_ATTR_NODEV, 0 },
	{ "dev", ATTR, 0, MOUNT_ATTR_NODEV },
	{ "noexec", ATTR, MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", ATTR, 0, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", ATTR, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", ATTR, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", ATTR, MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", ATTR_UNSAID, 0, MOUNT_ATTR_NODIRATIME },
	{ "relatime", ATTR, MOUNT_ATTR_RELATIME, ATIME },
	{ "norelatime", ATTR_UNSAID, 0, ATIME },
	{ "noatime", ATTR, MOUNT_ATTR_NOATIME, ATIME },
	{ "atime", ATTR_UNSAID, 0, ATIME },
	{ "strictatime", ATTR, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "nostrictatime", ATTR_UNSAID, 0, ATIME },

	{ "rro", ATTR_BELOW, MOUNT_ATTR_RDONLY, 0 },
	{ "rrw", ATTR_BELOW, 0, MOUNT_ATTR_RDONLY },
	{ "rnosuid", ATTR_BELOW, MOUNT_ATTR_NOSUID, 0 },
	{ "rsuid", ATTR_BELOW, 0, MOUNT_ATTR_NOSUID },
	{ "rnodev", ATTR_BELOW, MOUNT_ATTR_NODEV, 0 },
	{ "rdev", ATTR_BELOW, 0, MOUNT_ATTR_NODEV },
	{ "rnoexec", ATTR_BELOW, MOUNT_ATTR_NOEXEC, 0 },
	{ "rexec", ATTR_BELOW, 0, MOUNT_ATTR_NOEXEC },
	{ "rnosymfollow", ATTR_BELOW, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "rsymfollow", ATTR_BELOW, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rnodiratime", ATTR_BELOW, MOUNT_ATTR_NODIRATIME, 0 },
	{ "rdiratime", ATTR_BELOW, 0, MOUNT_ATTR_NODIRATIME },
	{ "rrelatime", ATTR_BELOW, MOUNT_ATTR_RELATIME, ATIME },
	{ "rnorelatime", ATTR_BELOW, MOUNT_ATTR_RELATIME, ATIME },
	{ "rnoatime", ATTR_BELOW, MOUNT_ATTR_NOATIME, ATIME },
	{ "ratime", ATTR_BELOW, MOUNT_ATTR_RELATIME, ATIME },
	{ "rstrictatime", ATTR_BELOW, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "rnostrictatime", ATTR_BELOW, MOUNT_ATTR_RELATIME, ATIME },

	{ "shared", PROPAGATION, MS_SHARED, 0 },
	{ "rshared", PROPAGATION, MS_SHARED | MS_REC, 0 },
	{ "slave", PROPAGATION, MS_SLAVE, 0 },
	{ "rslave", PROPAGATION, MS_SLAVE | MS_REC, 0 },
	{ "private", PROPAGATION, MS_PRIVATE, 0 },
	{ "rprivate", PROPAGATION, MS_PRIVATE | MS_REC, 0 },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE, 0 },
	{ "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC, 0 },

	{ "sync", FLAG, 0, 0 },
	{ "async", FLAG, 0, 0 },
	{ "dirsync", FLAG, 0, 0 },
	{ "mand", FLAG, 0, 0 },
	{ "nomand", FLAG, 0, 0 },
	{ "lazytime", FLAG, 0, 0 },
	{ "nolazytime", FLAG, 0, 0 },

	{ "defaults", NOTHING, 0, 0 },
	{ "silent", NOTHING, 0, 0 },
	{ "loud", NOTHING, 0, 0 },
	{ "iversion", NOTHING, 0, 0 },
	{ "noiversion", NOTHING, 0, 0 },

	{ "tmpcopyup", COPY_UP, 0, 0 },
	{ "src-nofollow", LINKS, PLAN_SOURCE_NOFOLLOW, 0 },
	{ "copy-symlink", LINKS, PLAN_SOURCE_LINK, 0 },
	{ "dest-nofollow", LINKS, PLAN_TARGET_NOFOLLOW, 0 },
	{ "idmap", IDMAP, 0, 0 },
	{ "ridmap", IDMAP_BELOW, 0, 0 },

};

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < LEN(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

const char *mount_option_name(size_t index)
{
	return index < LEN(options) ? options[index].name : NULL;
}

/* Later options win: what is set anew is no longer to be cleared, and the reverse. */
static void change(uint32_t *set, uint32_t *clear, const struct option *o)
{
	*set = (*set & ~o->clear) | o->set;
	*clear = (*clear & ~o->set) | o->clear;
}

/* idmap may carry its maps, "idmap=uids=…": they are kept for compile_idmap.c. */
static bool take_maps(struct mount_options *m, const char *text)
{
	if (strncmp(text, "idmap=", 6) == 0)
		m->idmap = true;
	else if (strncmp(text, "ridmap=", 7) == 0)
		m->idmap_below = true;
	else
		return false;
	m->idmap_text = strchr(text, '=') + 1;
	return true;
}

static void add(struct oci_strings *list, const char **room, const char *text)
{
	room[list->n++] = text;
	list->v = room;
}

static void apply(struct mount_options *m, const struct option *o)
{
	switch (o->effect) {
	case RBIND:
		m->recursive = true;
		m->bind = true;
		break;
	case BIND:
		m->bind = true;
		break;
	case ATTR:
		change(&m->attr_set, &m->attr_clear, o);
		m->attr_named = true;
		break;
	case ATTR_UNSAID:
		m->attr_set &= ~o->clear;
		m->attr_clear &= ~o->clear;
		m->attr_named = true;
		break;
	case ATTR_BELOW:
		change(&m->attr_set_below, &m->attr_clear_below, o);
		break;
	case PROPAGATION:
		m->propagation = o->set;
		break;
	case REMOUNT:
		m->remount = true;
		break;
	case COPY_UP:
		m->copy_up = true;
		break;
	case LINKS:
		m->links |= o->set;
		break;
	case IDMAP:
		m->idmap = true;
		break;
	case IDMAP_BELOW:
		m->idmap_below = true;
		break;
	case NOTHING:
	case FLAG: /* kept as text by the caller */
		break;
	}
}

bool mount_type_is(const struct oci_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

void mount_options_parse(struct arena *a, const struct oci_mount *mount, struct mount_options *ret)
{
	const struct oci_strings list = mount->options;
	struct mount_options m = { .recursive = mount_type_is(mount, "rbind") };
	const char **flags = arena_array(a, list.n + 1, sizeof(*flags));
	const char **data = arena_array(a, list.n + 1, sizeof(*data));

	m.bind = m.recursive || mount_type_is(mount, "bind");
	for (size_t i = 0; i < list.n; i++) {
		const char *text = list.v[i];
		const struct option *o = find(text);

		if (!text[0] || take_maps(&m, text)) /* empty: Podman sends such */
			continue;
		if (!o)
			add(&m.data, data, text);
		else if (o->effect == FLAG)
			add(&m.flags, flags, text);
		else
			apply(&m, o);
	}
	*ret = m;
}
