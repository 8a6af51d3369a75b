/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root: its clone, what /dev must hold, and how it is closed off at the end.
 *
 * The devices and links that the spec wants are made wherever /dev comes from, an
 * own tmpfs or the image, but not where the config binds a /dev of the host: that
 * one has its devices, and making more would make them on the host. Inside a user
 * namespace mknod(2) is refused: the host's nodes are bound instead, and those of the
 * config are made outside and lent, as far as we may.
 *
 * Masks come before read-only paths: what lies below a masked folder is gone then,
 * and a path that is not there is no error for either.
 *
 * Source: config-linux.md, "default devices" and "Dev symbolic links".
 */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/compile_parts.h"

/* A clone made in a new mount namespace is private; only who asked for it sees
 * mounts that the host makes later: slave, as everything is after / became one. */
void compile_rootfs(struct compile *c)
{
	const char *path = path_clean(&c->arena, c->bundle, c->config->root_path);
	bool sealed = c->linux_->rootfs_propagation & (MS_PRIVATE | MS_UNBINDABLE);
	struct plan_step *step = plan_add(&c->plan, PLAN_ROOTFS, "root.path");

	step->rootfs.path = plan_put_string(&c->plan, path);
	step->rootfs.recursive = 1;
	step->rootfs.propagation = MS_REC | (sealed ? MS_PRIVATE : MS_SLAVE);
	step->rootfs.lasting = c->shares_mounts;
}

void compile_find_root(struct compile *c, const char *path, uint64_t mount)
{
	plan_str place = plan_put_string(&c->plan, path);
	struct plan_step *step = plan_add(&c->plan, PLAN_FIND_ROOT, "root.path");

	step->find.path = place;
	step->find.mount = mount;
}

static bool dev_is_bound(const struct compile *c)
{
	for (size_t i = 0; i < c->config->mount_count; i++)
		if (c->mounts[i].bind && strcmp(c->mounts[i].target, "/dev") == 0)
			return true;
	return false;
}

static bool is_configured(struct compile *c, const char *path)
{
	for (size_t i = 0; i < c->linux_->device_count; i++)
		if (strcmp(path_clean(&c->arena, "/", c->linux_->devices[i].path), path) == 0)
			return true;
	return false;
}

static bool nodes_are_bound(const struct compile *c)
{
	return c->user_namespace || c->facts->user_namespace;
}

static void default_devices(struct compile *c)
{
	static const struct {
		const char *path;
		uint32_t major, minor; /* Documentation/admin-guide/devices.txt */
	} nodes[] = {
		{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < LEN(nodes); i++) {
		if (is_configured(c, nodes[i].path))
			continue;
		struct plan_step *step = plan_add(&c->plan, PLAN_DEVICE, NULL);
		step->device.path = plan_put_string(&c->plan, nodes[i].path);
		step->device.mode = S_IFCHR | 0666;
		step->device.major = nodes[i].major;
		step->device.minor = nodes[i].minor;
		step->device.how = nodes_are_bound(c) ? PLAN_DEVICE_BIND : PLAN_DEVICE_MAKE;
	}
}

static mode_t device_type(char type)
{
	switch (type) {
	case 'b':
		return S_IFBLK;
	case 'p':
		return S_IFIFO;
	default:
		return S_IFCHR;
	}
}

/* Root of the host can lend the container a node that is exactly what the config says;
 * others have to do with the host's own. */
static void bind_or_lend(const struct compile *c, struct plan_step *step)
{
	const struct oci_linux *l = c->linux_;
	uint32_t uid, gid;

	step->device.how = PLAN_DEVICE_BIND;
	if (c->facts->rootless || !compile_host_id(c, l->uid_mappings, step->device.uid, &uid) ||
	    !compile_host_id(c, l->gid_mappings, step->device.gid, &gid))
		return;
	step->device.how = PLAN_DEVICE_LENT;
	step->device.uid = uid;
	step->device.gid = gid;
}

static int add_device(struct compile *c, size_t index, struct err *e)
{
	const struct oci_device *d = &c->linux_->devices[index];
	const char *origin = arena_printf(&c->arena, "linux.devices[%zu]", index);
	const char *path = path_clean(&c->arena, "/", d->path);

	if (path_is_below(path, "/proc") || strcmp(path, "/") == 0)
		return err_set(e, ERR_REFUSED, "%s.path: %s: no place for a device", origin, path);
	if (strcmp(path, "/dev/ptmx") == 0)
		return 0; /* a link to the container's own devpts, never the host's */

	struct plan_step *step = plan_add(&c->plan, PLAN_DEVICE, origin);
	step->device.path = plan_put_string(&c->plan, path);
	step->device.mode = device_type(d->type) | (d->file_mode.set ? d->file_mode.value : 0666);
	step->device.major = d->major;
	step->device.minor = d->minor;
	step->device.uid = d->uid.set ? d->uid.value : 0;
	step->device.gid = d->gid.set ? d->gid.value : 0;
	if (d->type != 'p' && nodes_are_bound(c))
		bind_or_lend(c, step);
	return 0;
}

static void default_links(struct compile *c)
{
	static const struct {
		const char *path, *target;
	} links[] = {
		{ "/dev/fd", "/proc/self/fd" },       { "/dev/stdin", "/proc/self/fd/0" },
		{ "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
		{ "/dev/ptmx", "pts/ptmx" },
	};

	for (size_t i = 0; i < LEN(links); i++) {
		struct plan_step *step = plan_add(&c->plan, PLAN_SYMLINK, NULL);

		step->link.path = plan_put_string(&c->plan, links[i].path);
		step->link.target = plan_put_string(&c->plan, links[i].target);
	}
}

int compile_devices(struct compile *c, struct err *e)
{
	if (dev_is_bound(c))
		return 0;
	default_devices(c);
	for (size_t i = 0; i < c->linux_->device_count; i++)
		TRY(add_device(c, i, e));
	default_links(c);
	return 0;
}

static void add_paths(struct compile *c, enum plan_op op, struct oci_strings paths,
                      const char *field)
{
	for (size_t i = 0; i < paths.n; i++) {
		const char *path = path_clean(&c->arena, "/", paths.v[i]);
		const char *origin = arena_printf(&c->arena, "linux.%s[%zu]", field, i);
		struct plan_step *step = plan_add(&c->plan, op, origin);

		step->string = plan_put_string(&c->plan, path);
	}
}

/* pivot_root(2) is impossible where / is the initramfs. Without it the host's mounts
 * stay below the new root; a procfs or sysfs among them that is not masked would be
 * the kernel's reason to let a user namespace of the container mount a full one
 * (mount_namespaces(7)), so these go first. */
void compile_leave_host(struct compile *c, bool no_pivot)
{
	const struct oci_strings *mounts = &c->facts->kernel_mounts;
	const char *rootfs = path_clean(&c->arena, c->bundle, c->config->root_path);

	if (!no_pivot) {
		(void)plan_add(&c->plan, PLAN_PIVOT, NULL);
		return;
	}
	for (size_t i = 0; i < mounts->n; i++) {
		if (path_is_below(mounts->v[i], rootfs))
			continue;
		plan_str place = plan_put_string(&c->plan, mounts->v[i]);
		plan_add(&c->plan, PLAN_HIDE, NULL)->string = place;
	}
	(void)plan_add(&c->plan, PLAN_MOVE_ROOT, NULL);
}

void compile_root_finish(struct compile *c)
{
	uint32_t propagation = (uint32_t)(c->linux_->rootfs_propagation & ~(unsigned long)MS_REC);

	if (propagation)
		plan_add(&c->plan, PLAN_ROOT_PROPAGATION, "linux.rootfsPropagation")->propagation =
			propagation;
	if (c->config->root_readonly)
		(void)plan_add(&c->plan, PLAN_ROOT_READONLY, "root.readonly");
	add_paths(c, PLAN_MASK, c->linux_->masked_paths, "maskedPaths");
	add_paths(c, PLAN_READONLY, c->linux_->readonly_paths, "readonlyPaths");
}
