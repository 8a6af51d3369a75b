/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that runs, read back from the kernel: /proc/PID/status, the links of its
 * namespaces, its maps, its mounts, its label and the files of its cgroup. Only what is
 * weaker than the config says is told of: a program may give up rights by itself. Texts
 * of the container (mount points) are compared, never followed.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/audit.h"
#include "runtime/mount_options.h"

enum { PROC_FILE_MAX = 16 << 20 };

static const char closing[] = "create the container anew";

/* One process's folder of /proc, and what was read of it. */
struct seen {
	struct audit *audit;
	int proc; /* O_PATH */
	const char *status, *mounts;
};

static int read_text(struct arena *a, int dir, const char *file, const char **ret, struct err *e)
{
	BUF struct buf text = { 0 };

	TRY(fd_read_file(dir, file, PROC_FILE_MAX, &text, e));
	*ret = arena_string(a, text.data ? text.data : "", text.len);
	return 0;
}

/* --- status ------------------------------------------------------------------------------ */

/* The text behind "key:" and blanks, to the line's end; "" where there is none. */
static const char *field(const struct seen *s, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = s->status; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, len) == 0 && line[len] == ':') {
			const char *text = line + len + 1 + strspn(line + len + 1, " \t");

			return arena_string(s->audit->arena, text, strcspn(text, "\n"));
		}
	}
	return "";
}

static void check_capabilities(const struct seen *s)
{
	static const char *const sets[] = { "CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb" };
	static const struct oci_capabilities none = { 0 };
	const struct oci_process *p = s->audit->config->process;
	const struct oci_capabilities *c = p && p->capabilities ? p->capabilities : &none;
	const uint64_t given =
		c->bounding | c->permitted | c->effective | c->inheritable | c->ambient;

	uint64_t held = 0;

	for (size_t i = 0; i < LEN(sets); i++) {
		uint64_t set = 0;

		if (num_hex64(field(s, sets[i]), &set) == 0)
			held |= set;
	}
	for (int number = 0; number < 64; number++) {
		const char *name =
			held & ~given & 1ULL << number ? oci_capability_name(number) : NULL;

		if (name)
			audit_add(s->audit, AUDIT_HIGH, "drift", "/process/capabilities", closing,
			          "the process has %s, which the config gives to no set", name);
	}
}

static void check_status(const struct seen *s)
{
	const struct oci_config *c = s->audit->config;

	check_capabilities(s);
	if (c->process && c->process->no_new_privileges && strcmp(field(s, "NoNewPrivs"), "0") == 0)
		audit_add(s->audit, AUDIT_HIGH, "drift", "/process/noNewPrivileges", closing,
		          "the process may gain privileges");
	if (c->linux_->seccomp && strcmp(field(s, "Seccomp"), "0") == 0)
		audit_add(s->audit, AUDIT_HIGH, "drift", "/linux/seccomp", closing,
		          "no seccomp filter is loaded");
}

/* --- namespaces -------------------------------------------------------------------------- */

static void check_namespace(const struct seen *s, enum oci_namespace_kind kind)
{
	static const char *const files[OCI_NS_KINDS] = {
		[OCI_NS_PID] = "pid",       [OCI_NS_NETWORK] = "net", [OCI_NS_MOUNT] = "mnt",
		[OCI_NS_IPC] = "ipc",       [OCI_NS_UTS] = "uts",     [OCI_NS_USER] = "user",
		[OCI_NS_CGROUP] = "cgroup", [OCI_NS_TIME] = "time",
	};
	const struct oci_namespace *ns = &s->audit->config->linux_->namespaces[kind];
	char file[32], ours[64], theirs[64];

	if (!ns->wanted || ns->path)
		return;
	(void)snprintf(file, sizeof(file), "ns/%s", files[kind]);
	ssize_t n = readlinkat(s->proc, file, theirs, sizeof(theirs));
	(void)snprintf(file, sizeof(file), "/proc/self/ns/%s", files[kind]);
	ssize_t m = readlink(file, ours, sizeof(ours));
	if (n > 0 && n == m && memcmp(ours, theirs, (size_t)n) == 0)
		audit_add(s->audit, AUDIT_HIGH, "drift",
		          arena_printf(s->audit->arena, "/linux/namespaces/%u", ns->index), closing,
		          "the process is in the %s namespace of the host",
		          oci_namespace_name(kind));
}

/* The kernel's lines are "container host size", with blanks in front. */
static bool map_line(struct arena *a, const char *line, struct oci_id_mapping *ret)
{
	uint64_t v[3];

	for (size_t i = 0; i < LEN(v); i++) {
		line += strspn(line, " ");
		size_t len = strcspn(line, " \n");

		if (num_u64(arena_string(a, line, len), UINT32_MAX, &v[i]) < 0)
			return false;
		line += len;
	}
	*ret = (struct oci_id_mapping){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2] };
	return true;
}

static bool in_maps(const struct oci_id_mappings *maps, const struct oci_id_mapping *m)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (maps->v[i].container_id == m->container_id &&
		    maps->v[i].host_id == m->host_id && maps->v[i].size == m->size)
			return true;
	}
	return false;
}

static void check_map(const struct seen *s, const struct oci_id_mappings *maps, const char *file,
                      const char *key)
{
	const struct oci_namespace *ns = &s->audit->config->linux_->namespaces[OCI_NS_USER];
	struct arena *a = s->audit->arena;
	struct err ignored = { 0 };
	struct oci_id_mapping m;
	const char *text;

	if (!ns->wanted || ns->path || read_text(a, s->proc, file, &text, &ignored) < 0)
		return;
	for (; *text && map_line(a, text, &m); text += *text == '\n') {
		if (!in_maps(maps, &m))
			audit_add(s->audit, AUDIT_HIGH, "drift", arena_printf(a, "/linux/%s", key),
			          closing,
			          "%s: %u is the host's %u (%u ids), which the config does not say",
			          file, m.container_id, m.host_id, m.size);
		text += strcspn(text, "\n");
	}
}

/* --- mounts ------------------------------------------------------------------------------ */

struct mounted {
	const char *options, *super; /* comma-separated */
};

/* "\040" and the like, proc(5) */
static char *unescape(struct arena *a, const char *text, size_t len)
{
	char *ret = arena_new(a, len + 1), *out = ret;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 3 < len && text[i + 1] >= '0' && text[i + 1] <= '3') {
			*out++ = (char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
			                (text[i + 3] - '0'));
			i += 3;
		} else {
			*out++ = text[i];
		}
	}
	return ret;
}

/* The Nth word of a line (from 0), in the arena. */
static const char *word(struct arena *a, const char *line, unsigned int n)
{
	for (; n > 0; n--) {
		line += strcspn(line, " \n");
		line += *line == ' ';
	}
	return unescape(a, line, strcspn(line, " \n"));
}

/* What is on top at a path of the container. */
static bool find_mount(const struct seen *s, const char *path, struct mounted *ret)
{
	struct arena *a = s->audit->arena;
	bool found = false;

	for (const char *line = s->mounts; *line;) {
		const char *end = line + strcspn(line, "\n");

		if (strcmp(word(a, line, 4), path) == 0) {
			const char *dash = strstr(line, " - ");

			ret->options = word(a, line, 5);
			ret->super = dash && dash < end ? word(a, dash + 3, 2) : "";
			found = true;
		}
		line = end + (*end == '\n');
	}
	return found;
}

static bool has_option(const char *list, const char *option)
{
	size_t len = strlen(option);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		if (strncmp(at, option, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

static void check_mount(const struct seen *s, size_t index)
{
	static const struct {
		uint64_t bit;
		const char *option;
		enum audit_severity severity;
	} flags[] = {
		{ MOUNT_ATTR_RDONLY, "ro", AUDIT_HIGH },
		{ MOUNT_ATTR_NOSUID, "nosuid", AUDIT_MEDIUM },
		{ MOUNT_ATTR_NODEV, "nodev", AUDIT_MEDIUM },
		{ MOUNT_ATTR_NOEXEC, "noexec", AUDIT_MEDIUM },
	};
	struct arena *a = s->audit->arena;
	const struct oci_mount *m = &s->audit->config->mounts[index];
	struct mount_options wanted;
	struct mounted is;

	/* a link of the image may have led it elsewhere: nothing can be said of it then */
	if (!find_mount(s, path_clean(a, "/", m->destination), &is))
		return;
	mount_options_parse(a, m, &wanted);
	for (size_t i = 0; i < LEN(flags); i++) {
		bool super = flags[i].bit == MOUNT_ATTR_RDONLY && has_option(is.super, "ro");

		if ((wanted.attr_set & flags[i].bit) && !has_option(is.options, flags[i].option) &&
		    !super)
			audit_add(s->audit, flags[i].severity, "drift",
			          arena_printf(a, "/mounts/%zu/options", index), closing,
			          "%s is mounted without %s", m->destination, flags[i].option);
	}
}

static bool exists(const struct seen *s, const char *path)
{
	FD int root = openat(s->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	FD int fd = root < 0 ? -1
	                     : sys_openat2(root, path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0,
	                                   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return fd >= 0;
}

static void check_covers(const struct seen *s, const struct oci_strings *paths, bool mask)
{
	const char *key = mask ? "maskedPaths" : "readonlyPaths";

	for (size_t i = 0; i < paths->n; i++) {
		struct mounted is = { 0 };
		bool found = find_mount(s, paths->v[i], &is);
		bool holds = found && (mask || has_option(is.options, "ro"));

		if (!holds && exists(s, paths->v[i]))
			audit_add(s->audit, AUDIT_HIGH, "drift",
			          arena_printf(s->audit->arena, "/linux/%s/%zu", key, i), closing,
			          "%s is not %s", paths->v[i], mask ? "masked" : "read-only");
	}
}

/* --- label and limits -------------------------------------------------------------------- */

static void check_label(const struct seen *s)
{
	const struct oci_process *p = s->audit->config->process;
	const char *wanted =
		p ? p->apparmor_profile ? p->apparmor_profile : p->selinux_label : NULL;
	struct err ignored = { 0 };
	const char *is;

	if (!wanted || read_text(s->audit->arena, s->proc, "attr/current", &is, &ignored) < 0)
		return;
	if (strncmp(is, wanted, strlen(wanted)) != 0)
		audit_add(s->audit, AUDIT_HIGH, "drift",
		          p->apparmor_profile ? "/process/apparmorProfile"
		                              : "/process/selinuxLabel",
		          closing, "the label is %.*s", (int)strcspn(is, "\n"), is);
}

static void check_limit(const struct seen *s, int cgroup, const char *file, int64_t limit,
                        const char *pointer)
{
	struct err ignored = { 0 };
	const char *text;
	uint64_t is = 0;

	if (limit <= 0 || read_text(s->audit->arena, cgroup, file, &text, &ignored) < 0)
		return;
	const char *first = arena_string(s->audit->arena, text, strcspn(text, " \n"));
	if (strcmp(first, "max") != 0 &&
	    (num_u64(first, UINT64_MAX, &is) < 0 || is <= (uint64_t)limit))
		return;
	audit_add(s->audit, AUDIT_MEDIUM, "drift", pointer, "use caisson update",
	          "%s is %s, the config says %lld", file, first, (long long)limit);
}

static void check_limits(const struct seen *s, int cgroup)
{
	const struct oci_resources *r = s->audit->config->linux_->resources;

	if (!r || cgroup < 0)
		return;
	if (r->memory && r->memory->limit.set)
		check_limit(s, cgroup, "memory.max", r->memory->limit.value,
		            "/linux/resources/memory/limit");
	if (r->pids_limit.set)
		check_limit(s, cgroup, "pids.max", r->pids_limit.value,
		            "/linux/resources/pids/limit");
	if (r->cpu && r->cpu->quota.set)
		check_limit(s, cgroup, "cpu.max", r->cpu->quota.value,
		            "/linux/resources/cpu/quota");
}

int audit_kernel(struct audit *a, pid_t pid, int cgroup, struct err *e)
{
	const struct oci_linux *l = a->config->linux_;
	const char *folder = arena_printf(a->arena, "/proc/%d", pid);
	FD int proc = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct seen s = { .audit = a, .proc = proc };

	if (proc < 0)
		return err_sys(e, "open %s", folder);
	if (read_text(a->arena, proc, "status", &s.status, e) < 0 ||
	    read_text(a->arena, proc, "mountinfo", &s.mounts, e) < 0)
		return err_in(e, "%s", folder);
	check_status(&s);
	for (enum oci_namespace_kind kind = 0; kind < OCI_NS_KINDS; kind++)
		check_namespace(&s, kind);
	check_map(&s, &l->uid_mappings, "uid_map", "uidMappings");
	check_map(&s, &l->gid_mappings, "gid_map", "gidMappings");
	for (size_t i = 0; i < a->config->mount_count; i++)
		check_mount(&s, i);
	check_covers(&s, &l->masked_paths, true);
	check_covers(&s, &l->readonly_paths, false);
	check_label(&s);
	check_limits(&s, cgroup);
	audit_sort(a);
	return 0;
}
