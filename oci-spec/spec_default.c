/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config that `caisson spec` writes: a shell in a locked-down container, the
 * same that runc's users start from. The rootless form differs as runc's does: a
 * user namespace that maps root to the caller, the host's network, /sys bound
 * from the host, no group that is not mapped, no resources.
 *
 * What must stay in step: each path below is checked by a test against this
 * parser, and the file as a whole against `runc spec`.
 */
#include <string.h>

#include "base/scope.h"
#include "oci-spec/json.h"
#include "oci-spec/spec.h"

static void put_list(struct json_writer *w, const char *key, const char *const *list, size_t n)
{
	json_key(w, key);
	json_open(w, '[');
	for (size_t i = 0; i < n; i++)
		json_string(w, list[i]);
	json_close(w, ']');
}

/* --- process ------------------------------------------------------------------------ */

static void put_capabilities(struct json_writer *w)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	static const char *const names[] = {
		"CAP_AUDIT_WRITE",
		"CAP_KILL",
		"CAP_NET_BIND_SERVICE",
	};

	json_key(w, "capabilities");
	json_open(w, '{');
	for (size_t i = 0; i < LEN(sets); i++)
		put_list(w, sets[i], names, LEN(names));
	json_close(w, '}');
}

static void put_rlimits(struct json_writer *w)
{
	enum { OPEN_FILES = 1024 };

	json_key(w, "rlimits");
	json_open(w, '[');
	json_open(w, '{');
	json_put_string(w, "type", "RLIMIT_NOFILE");
	json_put_u64(w, "hard", OPEN_FILES);
	json_put_u64(w, "soft", OPEN_FILES);
	json_close(w, '}');
	json_close(w, ']');
}

static void put_process(struct json_writer *w)
{
	static const char *const args[] = { "sh" };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM=xterm",
	};

	json_key(w, "process");
	json_open(w, '{');
	json_put_bool(w, "terminal", true);
	json_key(w, "user");
	json_open(w, '{');
	json_put_u64(w, "uid", 0);
	json_put_u64(w, "gid", 0);
	json_close(w, '}');
	put_list(w, "args", args, LEN(args));
	put_list(w, "env", env, LEN(env));
	json_put_string(w, "cwd", "/");
	put_capabilities(w);
	put_rlimits(w);
	json_put_bool(w, "noNewPrivileges", true);
	json_close(w, '}');
}

/* --- mounts ---------------------------------------------------------------------------- */

enum { OPTIONS_MAX = 6 };

struct default_mount {
	const char *destination, *type, *source;
	const char *options[OPTIONS_MAX + 1];
};

static const struct default_mount mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* Where the one above cannot be done by somebody who is root only in his own user
 * namespace: sysfs needs an own network, and group 5 is not mapped. */
static const struct default_mount rootless_mounts[] = {
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
	{ "/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" } },
};

static const struct default_mount *choose(const struct default_mount *mount, bool rootless)
{
	for (size_t i = 0; rootless && i < LEN(rootless_mounts); i++) {
		if (strcmp(rootless_mounts[i].destination, mount->destination) == 0)
			return &rootless_mounts[i];
	}
	return mount;
}

static void put_mounts(struct json_writer *w, bool rootless)
{
	json_key(w, "mounts");
	json_open(w, '[');
	for (size_t i = 0; i < LEN(mounts); i++) {
		const struct default_mount *mount = choose(&mounts[i], rootless);
		size_t n = 0;

		while (mount->options[n])
			n++;
		json_open(w, '{');
		json_put_string(w, "destination", mount->destination);
		json_put_string(w, "type", mount->type);
		json_put_string(w, "source", mount->source);
		if (n > 0)
			put_list(w, "options", mount->options, n);
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* --- linux ------------------------------------------------------------------------------- */

static void put_mapping(struct json_writer *w, const char *key, uint32_t id)
{
	json_key(w, key);
	json_open(w, '[');
	json_open(w, '{');
	json_put_u64(w, "containerID", 0);
	json_put_u64(w, "hostID", id);
	json_put_u64(w, "size", 1);
	json_close(w, '}');
	json_close(w, ']');
}

static void put_resources(struct json_writer *w)
{
	json_key(w, "resources");
	json_open(w, '{');
	json_key(w, "devices");
	json_open(w, '[');
	json_open(w, '{');
	json_put_bool(w, "allow", false);
	json_put_string(w, "access", "rwm");
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
}

static void put_namespaces(struct json_writer *w, bool rootless)
{
	static const enum oci_namespace_kind kinds[] = {
		OCI_NS_PID,   OCI_NS_NETWORK, OCI_NS_IPC,  OCI_NS_UTS,
		OCI_NS_MOUNT, OCI_NS_CGROUP,  OCI_NS_USER,
	};

	json_key(w, "namespaces");
	json_open(w, '[');
	for (size_t i = 0; i < LEN(kinds); i++) {
		if (kinds[i] == (rootless ? OCI_NS_NETWORK : OCI_NS_USER))
			continue;
		json_open(w, '{');
		json_put_string(w, "type", oci_namespace_name(kinds[i]));
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_linux(struct json_writer *w, bool rootless, uint32_t uid, uint32_t gid)
{
	static const char *const masked[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/kcore",
		"/proc/keys",
		"/proc/latency_stats",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/proc/sched_debug",
		"/sys/firmware",
		"/proc/scsi",
		"/sys/devices/virtual/tpm",
	};
	static const char *const readonly[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
	};

	json_key(w, "linux");
	json_open(w, '{');
	if (rootless) {
		put_mapping(w, "uidMappings", uid);
		put_mapping(w, "gidMappings", gid);
	} else {
		put_resources(w);
	}
	put_namespaces(w, rootless);
	put_list(w, "maskedPaths", masked, LEN(masked));
	put_list(w, "readonlyPaths", readonly, LEN(readonly));
	json_close(w, '}');
}

void oci_spec_default(bool rootless, uint32_t uid, uint32_t gid, struct buf *ret)
{
	struct json_writer w = { .out = ret, .indent = "\t" };

	json_open(&w, '{');
	json_put_string(&w, "ociVersion", OCI_SPEC_VERSION);
	put_process(&w);
	json_key(&w, "root");
	json_open(&w, '{');
	json_put_string(&w, "path", "rootfs");
	json_put_bool(&w, "readonly", true);
	json_close(&w, '}');
	json_put_string(&w, "hostname", "caisson");
	put_mounts(&w, rootless);
	put_linux(&w, rootless, uid, gid);
	json_close(&w, '}');
	buf_text(ret, "\n");
}
