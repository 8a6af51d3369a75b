/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root and the mounts. What a source of the host is worth is told by its path's text,
 * from the special to the general, the first match counts. Links are not followed: the
 * config can be judged on another machine than the one that it is for.
 */
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/audit.h"
#include "runtime/compile.h"
#include "runtime/mount_options.h"

enum match { EXACT, BELOW, BEGINS };
enum { NOTHING = -1 };

/* Parts of the host; severities for a mount that can be written to, and one that cannot. */
static const struct {
	const char *path;
	enum match match;
	int writable, readonly; /* enum audit_severity, or NOTHING */
	const char *rule, *what;
} sources[] = {
	{ "/", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-root", "the whole host" },
	{ "/proc", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-proc", "the host's processes and sysctls" },
	{ "/sys/fs/cgroup", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-cgroup-mount",
	  "the limits of the host and of all containers" },
	{ "/sys/kernel", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-sys-kernel", "the kernel's inside" },
	{ "/sys", BELOW, AUDIT_HIGH, AUDIT_MEDIUM, "host-sys", "the host's devices and drivers" },
	{ "/dev/mem", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-device", "the host's memory" },
	{ "/dev/kmem", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-device", "the kernel's memory" },
	{ "/dev/port", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-device", "the host's hardware" },
	{ "/dev/sd", BEGINS, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "a disk of the host" },
	{ "/dev/nvme", BEGINS, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "a disk of the host" },
	{ "/dev/vd", BEGINS, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "a disk of the host" },
	{ "/dev/xvd", BEGINS, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "a disk of the host" },
	{ "/dev/dm-", BEGINS, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "a disk of the host" },
	{ "/dev/mapper", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "disks of the host" },
	{ "/dev/disk", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-disk", "disks of the host" },
	{ "/dev", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-dev", "all devices of the host" },
	{ "/etc/resolv.conf", EXACT, AUDIT_MEDIUM, NOTHING, "host-etc", "the host's name service" },
	{ "/etc/hosts", EXACT, AUDIT_MEDIUM, NOTHING, "host-etc", "the host's name service" },
	{ "/etc/hostname", EXACT, AUDIT_LOW, NOTHING, "host-etc", "the host's name" },
	{ "/etc/localtime", EXACT, AUDIT_LOW, NOTHING, "host-etc", "the host's time zone" },
	{ "/etc/timezone", EXACT, AUDIT_LOW, NOTHING, "host-etc", "the host's time zone" },
	{ "/etc/ssl", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-etc", "the host's certificates" },
	{ "/etc/shadow", BEGINS, AUDIT_HIGH, AUDIT_HIGH, "host-secrets", "the host's passwords" },
	{ "/etc/ssh", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-secrets", "the host's keys" },
	{ "/etc/kubernetes", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-secrets", "the cluster's keys" },
	{ "/etc", EXACT, AUDIT_HIGH, AUDIT_MEDIUM, "host-etc", "the host's configuration" },
	{ "/etc", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-etc", "a part of the host's configuration" },
	{ "/root", BELOW, AUDIT_HIGH, AUDIT_MEDIUM, "host-home", "the home of the host's root" },
	{ "/home", BELOW, AUDIT_MEDIUM, AUDIT_LOW, "host-home", "homes of the host's users" },
	{ "/boot", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-boot", "the host's kernel" },
	{ "/lib/modules", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's drivers" },
	{ "/usr", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's programs" },
	{ "/bin", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's programs" },
	{ "/sbin", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's programs" },
	{ "/lib", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's libraries" },
	{ "/lib64", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's libraries" },
	{ "/opt", EXACT, AUDIT_HIGH, AUDIT_LOW, "host-system", "the host's programs" },
	{ "/var/lib/docker", EXACT, AUDIT_HIGH, AUDIT_HIGH, "engine-data",
	  "all containers' files" },
	{ "/var/lib/containerd", EXACT, AUDIT_HIGH, AUDIT_HIGH, "engine-data",
	  "all containers' files" },
	{ "/var/lib/containers", EXACT, AUDIT_HIGH, AUDIT_HIGH, "engine-data",
	  "all containers' files" },
	{ "/var/lib/kubelet", EXACT, AUDIT_HIGH, AUDIT_HIGH, "engine-data",
	  "all pods' files and keys" },
	{ "/run/caisson", BELOW, AUDIT_HIGH, AUDIT_MEDIUM, "engine-data",
	  "the records of all containers" },
	{ "/var/log", BELOW, AUDIT_MEDIUM, AUDIT_LOW, "host-log", "the host's logs" },
	{ "/var/spool/cron", BELOW, AUDIT_HIGH, AUDIT_LOW, "host-system",
	  "what the host runs by the clock" },
	{ "/run/systemd", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-socket",
	  "the host's service manager" },
	{ "/run/dbus", BELOW, AUDIT_HIGH, AUDIT_HIGH, "host-socket", "the host's message bus" },
	{ "/run", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-run", "the sockets of the host's services" },
	{ "/var", EXACT, AUDIT_HIGH, AUDIT_HIGH, "host-var",
	  "the data of all services of the host" },
	{ "/tmp/.X11-unix", BELOW, AUDIT_MEDIUM, AUDIT_MEDIUM, "host-socket",
	  "the host's screen and keyboard" },
	{ "/tmp", EXACT, AUDIT_MEDIUM, AUDIT_LOW, "host-tmp",
	  "temporary files of the host's programs" },
};

/* Sockets whose owner does as it is told; a read-only mount stops nobody. */
static const char *const sockets[] = {
	"docker.sock",      "containerd.sock", "crio.sock",    "podman.sock",  "dockershim.sock",
	"cri-dockerd.sock", "buildkitd.sock",  "snapd.socket", "libvirt-sock", "lxd.socket",
};
static const char *const secret_folders[] = { "/.ssh", "/.aws", "/.kube", "/.gnupg", "/.docker" };

/* Filesystems that show the host, wherever they are mounted. */
static const struct {
	const char *type;
	enum audit_severity severity;
	const char *what;
} types[] = {
	{ "debugfs", AUDIT_HIGH, "the kernel's inside" },
	{ "tracefs", AUDIT_HIGH, "the kernel's tracing" },
	{ "securityfs", AUDIT_HIGH, "the host's security modules" },
	{ "configfs", AUDIT_HIGH, "the kernel's configuration" },
	{ "bpf", AUDIT_HIGH, "the host's BPF programs" },
	{ "efivarfs", AUDIT_HIGH, "the firmware's variables" },
	{ "pstore", AUDIT_MEDIUM, "the host's crash records" },
	{ "devtmpfs", AUDIT_HIGH, "all devices of the host" },
};

struct looked {
	const struct oci_mount *mount;
	struct mount_options options;
	const char *at; /* "/mounts/3" */
	bool readonly;
};

static bool matches(const char *path, size_t i)
{
	switch (sources[i].match) {
	case EXACT:
		return strcmp(path, sources[i].path) == 0;
	case BELOW:
		return path_is_below(path, sources[i].path);
	case BEGINS:
	default:
		return strncmp(path, sources[i].path, strlen(sources[i].path)) == 0;
	}
}

/* "/var/run" is a link to "/run" on every host of today. */
static const char *source_path(const struct audit *a, const char *source)
{
	const char *path = path_clean(a->arena, a->bundle, source);
	static const char old[] = "/var/run";

	return path_is_below(path, old)
	               ? path_clean(a->arena, "/run",
	                            path + strlen(old) + (path[strlen(old)] == '/'))
	               : path;
}

static void check_source(struct audit *a, const struct looked *l)
{
	const char *path = source_path(a, l->mount->source ? l->mount->source : "");
	const char *at = arena_printf(a->arena, "%s/source", l->at);
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < LEN(sockets); i++) {
		if (strcmp(name, sockets[i]) == 0) {
			audit_add(a, AUDIT_HIGH, "engine-socket", at, "take the mount out",
			          "%s: who talks to %s is root of the host", l->mount->destination,
			          path);
			return;
		}
	}
	for (size_t i = 0; i < LEN(secret_folders); i++) {
		if (strstr(path, secret_folders[i])) {
			audit_add(a, AUDIT_HIGH, "host-secrets", at, "take the mount out",
			          "%s: keys of a user of the host (%s)", l->mount->destination,
			          path);
			return;
		}
	}
	for (size_t i = 0; i < LEN(sources); i++) {
		int severity = l->readonly ? sources[i].readonly : sources[i].writable;

		if (!matches(path, i))
			continue;
		if (severity != NOTHING)
			audit_add(a, (enum audit_severity)severity, sources[i].rule, at,
			          l->readonly ? "take the mount out, or mount only what is needed"
			                      : "mount only what is needed, with the option \"ro\"",
			          "%s: %s (%s%s)", l->mount->destination, sources[i].what, path,
			          l->readonly ? "" : ", writable");
		return;
	}
}

static void check_bind(struct audit *a, const struct looked *l)
{
	uint32_t wanted = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	check_source(a, l);
	if (!l->readonly && (l->options.attr_set & wanted) != wanted)
		audit_add(a, AUDIT_LOW, "loose-mount", arena_printf(a->arena, "%s/options", l->at),
		          "add \"nosuid\" and \"nodev\"",
		          "%s: what is written there for the host may be setuid or a device",
		          l->mount->destination);
}

static bool has_size(const struct oci_strings *data)
{
	for (size_t i = 0; i < data->n; i++) {
		if (strncmp(data->v[i], "size=", 5) == 0 ||
		    strncmp(data->v[i], "nr_blocks=", 10) == 0)
			return true;
	}
	return false;
}

static bool has_memory_limit(const struct audit *a)
{
	const struct oci_resources *r = a->config->linux_->resources;

	return r && r->memory && r->memory->limit.set && r->memory->limit.value > 0;
}

static void check_filesystem(struct audit *a, const struct looked *l, const char *type)
{
	const char *options = arena_printf(a->arena, "%s/options", l->at);
	const char *to = l->mount->destination;

	if (strcmp(type, "sysfs") == 0 && !l->readonly)
		audit_add(a, audit_behind_user_wall(a, AUDIT_HIGH), "writable-sys", options,
		          "add \"ro\"", "%s: the host's devices and drivers can be changed", to);
	if (strncmp(type, "cgroup", 6) == 0 && !l->readonly)
		audit_add(a, audit_has_namespace(a, OCI_NS_CGROUP) ? AUDIT_MEDIUM : AUDIT_HIGH,
		          "writable-cgroup", options, "add \"ro\"",
		          "%s: the container can change limits", to);
	if (strcmp(type, "tmpfs") == 0 && !has_size(&l->options.data) && !has_memory_limit(a))
		audit_add(a, AUDIT_LOW, "endless-tmpfs", options, "add \"size=…\"",
		          "%s: can fill half of the host's memory", to);
	for (size_t i = 0; i < LEN(types); i++) {
		if (strcmp(type, types[i].type) == 0)
			audit_add(a, types[i].severity, "host-filesystem",
			          arena_printf(a->arena, "%s/type", l->at), "take the mount out",
			          "%s: %s (%s)", to, types[i].what, type);
	}
	if (l->mount->source && strncmp(l->mount->source, "/dev/", 5) == 0)
		audit_add(a, AUDIT_HIGH, "host-disk", arena_printf(a->arena, "%s/source", l->at),
		          "take the mount out", "%s: a disk of the host (%s)", to,
		          l->mount->source);
}

/* Whether a shared bind is a peer of what it shows (compile_mounts.c). */
static bool has_peers(const struct oci_config *c)
{
	return (c->linux_->rootfs_propagation & MS_SHARED) || compile_shares_mounts(c);
}

static void check_mount(struct audit *a, size_t index)
{
	struct looked l = { .mount = &a->config->mounts[index],
		            .at = arena_printf(a->arena, "/mounts/%zu", index) };
	const char *type = l.mount->type ? l.mount->type : "";

	mount_options_parse(a->arena, l.mount, &l.options);
	l.readonly = (l.options.attr_set & MOUNT_ATTR_RDONLY) != 0;
	if (l.options.bind)
		check_bind(a, &l);
	else
		check_filesystem(a, &l, type);
	if (l.options.bind && (l.options.propagation & MS_SHARED) && has_peers(a->config))
		audit_add(a, AUDIT_MEDIUM, "shared-mount",
		          arena_printf(a->arena, "%s/options", l.at),
		          "use \"rslave\" or \"rprivate\"",
		          "%s: what the container mounts there appears on the host",
		          l.mount->destination);
}

void audit_mounts(struct audit *a)
{
	const struct oci_config *c = a->config;
	const char *root = path_clean(a->arena, a->bundle, c->root_path ? c->root_path : "");

	if (strcmp(root, "/") == 0)
		audit_add(a, AUDIT_HIGH, "host-root", "/root/path", "use a root of its own",
		          "the host's root is the container's");
	if (!c->root_readonly)
		audit_add(a, AUDIT_LOW, "writable-root", "/root/readonly",
		          "set it to true, and mount what has to be written to",
		          "its programs can be changed");
	if (c->linux_->rootfs_propagation & MS_SHARED)
		audit_add(a, AUDIT_MEDIUM, "shared-mount", "/linux/rootfsPropagation",
		          "use \"rslave\" or \"rprivate\"",
		          "/: what the container mounts appears on the host");
	for (size_t i = 0; i < c->mount_count; i++)
		check_mount(a, i);
}
