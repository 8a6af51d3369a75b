/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.mounts to steps, in the order of the file.
 *
 * A mount is a bind if its options or its type say so; all others are new
 * filesystems, made inside the container's namespaces. A bind keeps the flags of
 * its source unless an option says otherwise, as mount(8) does it.
 *
 * Nothing but a procfs may be mounted on /proc, and only a few files known from
 * lxcfs below it: a label or a sysctl would else be written into what an image or a
 * volume has put there (CVE-2019-16884 and its followers). The host's own /proc is
 * as good as a new one: engines bind it where the pid namespace is the host's.
 *
 * A mount onto / is the root from then on, for all that follows.
 *
 * cgroup mounts of either version become cgroup2, the only version there is here.
 * Without a cgroup namespace a new mount would show, and let change, the whole
 * host's groups: such a container gets its own group as a read-only bind
 * (CVE-2023-25809).
 */
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/num.h"
#include "base/path.h"
#include "base/scope.h"
#include "runtime/compile_parts.h"

/* Each takes a slot until it is attached, and there are not many (plan_check.c). */
enum { SHARED_SOURCES_MAX = 128 };

static bool is_cgroup(const struct oci_mount *m)
{
	return mount_type_is(m, "cgroup") || mount_type_is(m, "cgroup2");
}

/* Files that lxcfs and engines put over those of procfs; runc allows the same. */
static bool is_known_proc_file(const char *target)
{
	static const char *const known[] = {
		"/proc/cpuinfo",
		"/proc/diskstats",
		"/proc/meminfo",
		"/proc/stat",
		"/proc/swaps",
		"/proc/uptime",
		"/proc/loadavg",
		"/proc/slabinfo",
		"/proc/sys/kernel/ns_last_pid",
		"/proc/net/dev",
		"/proc/sys/crypto/fips_enabled",
	};

	for (size_t i = 0; i < LEN(known); i++)
		if (strcmp(known[i], target) == 0)
			return true;
	return false;
}

static int check_proc(const struct oci_mount *m, const struct compile_mount *cm, struct err *e)
{
	if (!path_is_below(cm->target, "/proc"))
		return 0;
	if (strcmp(cm->target, "/proc") == 0) {
		if (cm->bind ? strcmp(cm->source, "/proc") == 0 : mount_type_is(m, "proc"))
			return 0;
		return err_set(e, ERR_REFUSED,
		               "%s.destination: only a procfs may be mounted on /proc", cm->origin);
	}
	if (cm->bind && is_known_proc_file(cm->target))
		return 0;
	return err_set(e, ERR_REFUSED, "%s.destination: %s: nothing may be mounted inside of /proc",
	               cm->origin, cm->target);
}

/* What holds for all mounts decides for the first one as well ("ro,rrw" is rw): it
 * is what mount(8) and other runtimes do last. Then the two have no bit in common,
 * and without mounts below there is only one of them. */
static struct plan_attr split_attributes(const struct mount_options *o, bool recursive)
{
	struct plan_attr a = {
		.set_all = o->attr_set_below,
		.clear_all = o->attr_clear_below,
	};
	uint32_t decided = a.set_all | a.clear_all;

	if (decided & MOUNT_ATTR__ATIME)
		decided |= MOUNT_ATTR__ATIME;
	a.set = o->attr_set & ~decided;
	a.clear = o->attr_clear & ~decided;
	if (!recursive)
		a = (struct plan_attr){
			.set_all = a.set_all | a.set,
			.clear_all = a.clear_all | a.clear,
		};
	return a;
}

/* The superblock may be the host's too, and is not this mount's to change. */
static int check_remount(const struct compile_mount *cm, struct err *e)
{
	const struct mount_options *o = &cm->options;

	if (o->idmap || o->idmap_below)
		return err_set(e, ERR_SPEC,
		               "%s.options: \"idmap\": what is mounted already cannot be id-mapped",
		               cm->origin);
	if (o->data.n == 0 && o->flags.n == 0 && !o->copy_up)
		return 0;
	return err_set(e, ERR_REFUSED,
	               "%s.options: \"%s\": \"remount\" changes the flags of a mount, not its "
	               "filesystem",
	               cm->origin,
	               o->data.n    ? o->data.v[0]
	               : o->flags.n ? o->flags.v[0]
	                            : "tmpcopyup");
}

/* What a filesystem alone knows was decided when it was mounted: mount(8) leaves it out of
 * a bind. A word without a value may be a misspelt flag, though. */
static int check_bind_data(const struct compile *c, const struct compile_mount *cm, struct err *e)
{
	for (size_t i = 0; i < cm->options.data.n; i++) {
		const char *text = cm->options.data.v[i];

		if (!strchr(text, '='))
			return err_set(e, ERR_SPEC,
			               "%s.options: \"%s\": not an option of a bind mount",
			               cm->origin, text);
		if (c->warn)
			c->warn("%s.options: \"%s\" is left out: a bind mount has the options "
			        "of the filesystem that it shows",
			        cm->origin, text);
	}
	return 0;
}

static int check_bind(const struct compile *c, const struct oci_mount *m,
                      const struct compile_mount *cm, struct err *e)
{
	if (!m->source || !*m->source)
		return err_set(e, ERR_SPEC, "%s.source: required for a bind mount", cm->origin);
	TRY(check_bind_data(c, cm, e));
	if (cm->options.copy_up)
		return err_set(e, ERR_SPEC, "%s.options: \"tmpcopyup\": only a tmpfs can",
		               cm->origin);
	return 0;
}

static int check_new(const struct compile *c, const struct oci_mount *m,
                     const struct compile_mount *cm, struct err *e)
{
	if (!m->type || !*m->type || strcmp(m->type, "none") == 0)
		return err_set(e, ERR_SPEC, "%s.type: required unless it is a bind mount",
		               cm->origin);
	if (cm->options.links)
		return err_set(e, ERR_SPEC,
		               "%s.options: only a bind mount has a source that could be a link",
		               cm->origin);
	if (cm->options.copy_up && !mount_type_is(m, "tmpfs"))
		return err_set(e, ERR_SPEC, "%s.options: \"tmpcopyup\": only a tmpfs can",
		               cm->origin);
	if (is_cgroup(m) && c->facts->cgroup.mode == CGROUP_NONE) {
		err_set(e, ERR_REFUSED, "%s: this host has no cgroup2", cm->origin);
		return err_hint(e, "mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	}
	return 0;
}

const char *compile_target(struct arena *a, const char *rootfs, const char *destination)
{
	const char *target = path_clean(a, "/", destination);

	if (strcmp(rootfs, "/") == 0 || !path_is_below(target, rootfs))
		return target;
	return target[strlen(rootfs)] ? target + strlen(rootfs) : "/";
}

/* Below these are magic links (proc(5)), which lead to what a process has open: to mounts
 * of its namespace, that nobody in another one can clone. */
static bool is_magic(const char *source)
{
	static const char *const places[] = { "/proc/self", "/proc/thread-self", "/dev/fd" };
	size_t digits = strncmp(source, "/proc/", 6) == 0 ? strspn(source + 6, "0123456789") : 0;

	for (size_t i = 0; i < LEN(places); i++)
		if (path_is_below(source, places[i]))
			return true;
	return digits > 0 && source[6 + digits] == '/';
}

/* Such a source is the launcher's to look up: once, before anything of the container
 * runs. Its clone does not have the flags that a user namespace locks. */
static int read_magic_source(struct compile *c, struct compile_mount *cm, struct err *e)
{
	if (!is_magic(cm->source) || cm->options.links)
		return 0;
	if (c->user_namespace) {
		err_set(e, ERR_REFUSED,
		        "%s.source: %s: what a process has open cannot be bound with a new user "
		        "namespace, whose root could change the mount's flags",
		        cm->origin, cm->source);
		return err_hint(e, "name it by its path");
	}
	cm->slot = compile_add_fd(
		c, &(struct plan_fd){
			   .kind = PLAN_FD_TREE,
			   .path = plan_put_string(&c->plan, cm->source),
			   .recursive = cm->options.recursive,
			   .origin = plan_put_string(
				   &c->plan, arena_printf(&c->arena, "%s.source", cm->origin)),
		   });
	return 0;
}

static int read_mount(struct compile *c, size_t index, struct compile_mount *cm, struct err *e)
{
	const struct oci_mount *m = &c->config->mounts[index];

	cm->origin = arena_printf(&c->arena, "mounts[%zu]", index);
	cm->slot = PLAN_NO_SLOT;
	cm->target = compile_target(
		&c->arena, path_clean(&c->arena, c->bundle, c->config->root_path), m->destination);
	mount_options_parse(&c->arena, m, &cm->options);
	cm->remount = cm->options.remount;
	if (cm->remount)
		return check_remount(cm, e);
	if (strcmp(cm->target, "/") == 0 && c->shares_mounts)
		return err_set(e, ERR_REFUSED,
		               "%s.destination: another root needs a mount namespace of its own",
		               cm->origin);

	cm->bind = cm->options.bind;
	if (cm->bind) {
		TRY(check_bind(c, m, cm, e));
		cm->source = path_clean(&c->arena, c->bundle, m->source);
		TRY(read_magic_source(c, cm, e));
	} else {
		TRY(check_new(c, m, cm, e));
	}
	TRY(compile_read_idmap(c, m, cm, e));
	if (cm->slot != PLAN_NO_SLOT && cm->idmap)
		return err_set(e, ERR_REFUSED,
		               "%s.source: %s: what a process has open cannot be id-mapped: name "
		               "it by its path",
		               cm->origin, cm->source);
	return check_proc(m, cm, e);
}

/* One that stays a peer of the host's mount. As with runc and crun, a root that is not shared
 * cuts all off from the host: `shared` makes new peers then. An id-mapped one is a mount of
 * its own, and can be a peer of new ones only; nothing is ever mounted below a link. */
static bool is_shared_bind(const struct compile *c, const struct compile_mount *cm)
{
	return (c->linux_->rootfs_propagation & MS_SHARED) && cm->bind && !cm->refused &&
	       !cm->idmap && !cm->options.links && cm->slot == PLAN_NO_SLOT &&
	       (cm->options.propagation & MS_SHARED);
}

int compile_read_mounts(struct compile *c, struct err *e)
{
	size_t count = c->config->mount_count, shared = 0;

	c->mounts = arena_array(&c->arena, count, sizeof(*c->mounts));
	for (size_t i = 0; i < count; i++) {
		int result = read_mount(c, i, &c->mounts[i], e);

		c->mounts[i].refused = result < 0;
		TRY(compile_go_on(c, result, e));
		shared += is_shared_bind(c, &c->mounts[i]);
	}
	if (shared > SHARED_SOURCES_MAX)
		return err_set(e, ERR_REFUSED, "mounts: %zu shared binds, at most %d are possible",
		               shared, SHARED_SOURCES_MAX);
	return 0;
}

void compile_shared_sources(struct compile *c)
{
	uint32_t slot = (uint32_t)(c->fds.len / sizeof(struct plan_fd));

	for (size_t i = 0; i < c->config->mount_count; i++) {
		struct compile_mount *cm = &c->mounts[i];

		if (!is_shared_bind(c, cm))
			continue;
		cm->slot = slot++;
		struct plan_step *step = plan_add(&c->plan, PLAN_CLONE_SHARED, cm->origin);
		step->tree.slot = cm->slot;
		step->tree.source = plan_put_string(&c->plan, cm->source);
		step->tree.recursive = cm->options.recursive;
	}
}

/* A bind without flags has those of its source; one with flags has these alone, as with
 * mount(8), which remounts it with what it was told. In a user namespace the source's are
 * locked (mount_namespaces(7)), so there they stay, but for nosymfollow, which never is.
 * The flags for access times are kept or replaced together: fs/namespace.c, do_mount. */
static struct mount_options bind_options(const struct compile *c, const struct mount_options *given)
{
	const uint32_t atimes = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;
	uint32_t others = MOUNT_ATTR_NOSYMFOLLOW;
	struct mount_options o = *given;

	if (!c->user_namespace && !c->facts->user_namespace)
		others |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		          MOUNT_ATTR_NOEXEC;
	if (o.attr_named)
		o.attr_clear |= others & ~o.attr_set;
	if ((o.attr_set | o.attr_clear) & atimes)
		o.attr_clear |= MOUNT_ATTR__ATIME | (MOUNT_ATTR_NODIRATIME & ~o.attr_set);
	return o;
}

static void add_bind(struct compile *c, const struct compile_mount *cm)
{
	const struct mount_options *o = &cm->options, flags = bind_options(c, o);
	const struct plan_id_maps maps = {
		.uid = compile_put_map(c, cm->uid_map),
		.gid = compile_put_map(c, cm->gid_map),
	};
	uint32_t id_maps = cm->uid_map.n ? plan_put_array(&c->plan, &maps, 1, sizeof(maps)).at : 0;
	struct plan_step *step = plan_add(&c->plan, PLAN_BIND, cm->origin);

	step->bind.source = plan_put_string(&c->plan, cm->source);
	step->bind.target = plan_put_string(&c->plan, cm->target);
	step->bind.slot = cm->slot;
	step->bind.flags = (o->recursive ? PLAN_BIND_RECURSIVE : 0u) | cm->idmap | o->links;
	step->bind.id_maps = id_maps;
	step->bind.attr = split_attributes(&flags, o->recursive);
	step->bind.propagation = o->propagation;
}

/* Default configs want terminals to be of group 5, tty. Without that group, that others
 * of it may write to a terminal is all that is lost. */
static bool is_unmapped_gid(const struct compile *c, const struct oci_mount *m, const char *option)
{
	uint32_t gid;

	return mount_type_is(m, "devpts") && strncmp(option, "gid=", 4) == 0 &&
	       num_id(option + 4, &gid) == 0 && !compile_gid_is_mapped(c, gid);
}

/* The label that all files of a new filesystem have, unless it knows labels of its
 * own: those of the kernel do, and one mount of them is as good as any other. */
static const char *mount_context(const struct compile *c, const struct oci_mount *m)
{
	const char *label = c->linux_->mount_label;

	if (!label || !*label || mount_type_is(m, "proc") || mount_type_is(m, "sysfs") ||
	    mount_type_is(m, "mqueue") || is_cgroup(m))
		return NULL;
	return label;
}

/* The superblock's flags and the filesystem's own options, as fsconfig takes them. */
static struct plan_list put_options(struct compile *c, const struct oci_mount *m,
                                    const struct compile_mount *cm)
{
	const struct mount_options *o = &cm->options;
	struct plan_option *out = arena_array(&c->arena, o->flags.n + o->data.n + 1, sizeof(*out));
	const char *context = mount_context(c, m);
	size_t count = 0;

	for (size_t i = 0; i < o->flags.n; i++)
		out[count++].key = plan_put_string(&c->plan, o->flags.v[i]);
	for (size_t i = 0; i < o->data.n; i++) {
		const char *text = o->data.v[i];
		const char *equals = strchr(text, '=');
		size_t len = equals ? (size_t)(equals - text) : strlen(text);
		const char *key = arena_string(&c->arena, text, len);

		if (is_unmapped_gid(c, m, text)) {
			if (c->warn)
				c->warn("%s.options: \"%s\" is left out: the user namespace has "
				        "no such group",
				        cm->origin, text);
			continue;
		}
		out[count].key = plan_put_string(&c->plan, key);
		out[count++].value = plan_put_string(&c->plan, equals ? equals + 1 : NULL);
	}
	if (context) {
		out[count].key = plan_put_string(&c->plan, "context");
		out[count++].value = plan_put_string(&c->plan, context);
	}
	return plan_put_array(&c->plan, out, count, sizeof(*out));
}

/* Filesystems that know nothing of networks: others may take that of their mounter. */
static bool ignores_network(const struct oci_mount *m)
{
	static const char *const types[] = { "proc",   "tmpfs",  "devpts",
		                             "mqueue", "cgroup", "cgroup2" };

	for (size_t i = 0; i < LEN(types); i++) {
		if (mount_type_is(m, types[i]))
			return true;
	}
	return false;
}

static bool is_host_namespace(const struct compile *c, enum oci_namespace_kind kind)
{
	return !c->linux_->namespaces[kind].wanted || c->linux_->namespaces[kind].path;
}

/* A user namespace may have a new one of these only where the namespace that it shows
 * is its own and, of proc and sysfs, nothing hides parts of the one that is there. The
 * host's shows the same then, and a proc of the container's own pid namespace cannot be
 * had otherwise. Writing to the host's /sys is no part of the bargain. */
static void put_instead(struct compile *c, const struct oci_mount *m, const char **ret,
                        uint32_t *ret_attr)
{
	if (!c->user_namespace && !c->facts->user_namespace)
		return;
	if (mount_type_is(m, "sysfs")) {
		*ret = "/sys";
		*ret_attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		            MOUNT_ATTR_NOEXEC;
	} else if (mount_type_is(m, "proc") && is_host_namespace(c, OCI_NS_PID)) {
		*ret = "/proc";
	} else if (mount_type_is(m, "mqueue") && is_host_namespace(c, OCI_NS_IPC)) {
		*ret = "/dev/mqueue";
	}
}

static void add_remount(struct compile *c, const struct compile_mount *cm)
{
	const struct mount_options *o = &cm->options;
	struct plan_step *step = plan_add(&c->plan, PLAN_REMOUNT, cm->origin);

	step->remount.target = plan_put_string(&c->plan, cm->target);
	step->remount.attr = split_attributes(o, true);
	step->remount.propagation = o->propagation;
}

static bool is_given(const struct mount_options *o, const char *key)
{
	for (size_t i = 0; i < o->data.n; i++)
		if (strncmp(o->data.v[i], key, strlen(key)) == 0)
			return true;
	return false;
}

/* What a tmpfs takes from the folder that it covers: what the options do not say. */
static uint32_t cover_flags(const struct oci_mount *m, const struct mount_options *o)
{
	bool owner = is_given(o, "uid=") || is_given(o, "gid=");

	if (!mount_type_is(m, "tmpfs"))
		return 0;
	return (is_given(o, "mode=") ? 0 : PLAN_COVER_MODE) |
	       (o->copy_up ? PLAN_COVER_CONTENT | (owner ? 0 : PLAN_COVER_OWNER) : 0);
}

static bool is_covered(const struct compile *c, size_t index)
{
	for (size_t i = index + 1; i < c->config->mount_count; i++)
		if (!c->mounts[i].remount &&
		    strcmp(c->mounts[i].target, c->mounts[index].target) == 0)
			return true;
	return false;
}

/* A tmpfs, and whatever is /dev, may get more files and mountpoints before the
 * container runs: it becomes read-only when all are there. */
static bool is_sealed_late(const struct compile *c, size_t index)
{
	const struct compile_mount *cm = &c->mounts[index];
	uint32_t set = split_attributes(&cm->options, false).set_all;

	return !cm->bind && !cm->remount && set & MOUNT_ATTR_RDONLY &&
	       (mount_type_is(&c->config->mounts[index], "tmpfs") ||
	        strcmp(cm->target, "/dev") == 0) &&
	       !is_covered(c, index);
}

void compile_seal_mounts(struct compile *c)
{
	for (size_t i = 0; i < c->config->mount_count; i++) {
		if (!is_sealed_late(c, i))
			continue;
		struct plan_step *step = plan_add(&c->plan, PLAN_REMOUNT, c->mounts[i].origin);

		step->remount.target = plan_put_string(&c->plan, c->mounts[i].target);
		step->remount.attr.set = MOUNT_ATTR_RDONLY;
	}
}

static void add_new(struct compile *c, size_t index)
{
	const struct oci_mount *m = &c->config->mounts[index];
	const struct compile_mount *cm = &c->mounts[index];
	const struct mount_options *o = &cm->options;
	bool plain = mount_type_is(m, "proc") || mount_type_is(m, "sysfs");
	struct plan_list options = put_options(c, m, cm);
	const char *instead = NULL;
	uint32_t instead_attr = 0;

	if (!ignores_network(m))
		compile_network(c);
	if (is_cgroup(m) || o->copy_up)
		compile_scope(c);

	struct plan_step *step =
		plan_add(&c->plan, is_cgroup(m) ? PLAN_CGROUP_MOUNT : PLAN_MOUNT, cm->origin);

	step->mount.fstype = plan_put_string(&c->plan, is_cgroup(m) ? "cgroup2" : m->type);
	step->mount.source = plan_put_string(&c->plan, m->source);
	step->mount.target = plan_put_string(&c->plan, cm->target);
	step->mount.options = options;
	step->mount.attr = split_attributes(o, false).set_all;
	if (is_sealed_late(c, index))
		step->mount.attr &= ~(uint32_t)MOUNT_ATTR_RDONLY;
	if (is_cgroup(m) && !c->cgroup) /* it shows the caller's group, which is not its own */
		step->mount.attr |= MOUNT_ATTR_RDONLY;
	step->mount.flags = (plain ? PLAN_TARGET_PLAIN : 0) | cover_flags(m, o);
	step->mount.propagation = o->propagation;
	step->mount.target_mode = 0755;
	put_instead(c, m, &instead, &instead_attr);
	step->mount.instead = plan_put_string(&c->plan, instead);
	step->mount.instead_attr = instead_attr;
}

/* Whatever the options say of writing: without a namespace of its own the container
 * could change the limits that it is under. */
static void add_own_cgroup(struct compile *c, const struct compile_mount *cm)
{
	const struct mount_options *o = &cm->options;

	compile_scope(c); /* before, its folder need not be there */
	struct plan_step *step = plan_add(&c->plan, PLAN_BIND, cm->origin);

	const char *group = c->cgroup ? c->cgroup : c->facts->cgroup.own;

	step->bind.source =
		plan_put_string(&c->plan, arena_printf(&c->arena, "%s%s", c->facts->cgroup.mount,
	                                               group ? group : ""));
	step->bind.target = plan_put_string(&c->plan, cm->target);
	step->bind.slot = PLAN_NO_SLOT;
	step->bind.attr.set_all = split_attributes(o, false).set_all | MOUNT_ATTR_RDONLY;
	step->bind.propagation = o->propagation;
}

/* Only what is the container's alone, and can be written by it, is given away: a new
 * cgroup namespace and a cgroupfs on top of it that is not read-only (config-linux.md
 * "Cgroup ownership"). Root of the host has it already. */
uint32_t compile_cgroup_owner(const struct compile *c)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[OCI_NS_CGROUP];
	bool writable = false;
	uint32_t owner;

	for (size_t i = 0; i < c->config->mount_count; i++) {
		const struct plan_attr attr = split_attributes(&c->mounts[i].options, false);

		if (is_cgroup(&c->config->mounts[i]))
			writable = !(attr.set_all & MOUNT_ATTR_RDONLY);
	}
	if (!ns->wanted || ns->path || !writable ||
	    !compile_host_id(c, c->linux_->uid_mappings, c->process->user.uid, &owner) ||
	    owner == c->facts->euid)
		return PLAN_NO_OWNER;
	return owner;
}

void compile_mounts(struct compile *c)
{
	bool own_view = c->linux_->namespaces[OCI_NS_CGROUP].wanted;

	for (size_t i = 0; i < c->config->mount_count; i++) {
		if (c->mounts[i].refused)
			continue;
		if (c->mounts[i].remount)
			add_remount(c, &c->mounts[i]);
		else if (c->mounts[i].bind)
			add_bind(c, &c->mounts[i]);
		else if (is_cgroup(&c->config->mounts[i]) && !own_view)
			add_own_cgroup(c, &c->mounts[i]);
		else
			add_new(c, i);
	}
}
