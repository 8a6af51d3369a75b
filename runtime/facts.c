/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the host's facts with as few system calls as the config allows: the ids
 * come from the auxiliary vector, one file tells of user namespaces, and all else
 * is looked at only where the config asks for it.
 *
 * The set of capabilities is a constant: the oldest kernel that is supported (6.1)
 * knows all that this build can name.
 */
#include "runtime/facts.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "cgroups/resctrl.h"
#include "cgroups/systemd.h"

enum {
	FACT_FILE_MAX = 64 * 1024,
	MAP_LINES_MAX = 340,   /* UID_GID_MAP_MAX_EXTENTS of linux/user_namespace.h */
	MOUNTS_MAX = 64 << 20, /* fs.mount-max is 100,000 */
};

_Static_assert((int)FACTS_LIMITS == (int)RLIM_NLIMITS, "facts.h");

/* Whether the file can be read and begins with `text`. */
static bool begins_with(const char *path, const char *text)
{
	BUF struct buf content = { 0 };
	struct err ignored = { 0 };

	if (fd_read_file(AT_FDCWD, path, FACT_FILE_MAX, &content, &ignored) < 0 || !content.data)
		return false;
	return strncmp(content.data, text, strlen(text)) == 0;
}

/* Three numbers between blanks; false at the end. */
static bool next_line(char **rest, struct oci_id_mapping *ret)
{
	uint64_t numbers[3];

	for (size_t i = 0; i < LEN(numbers);) {
		const char *word = strsep(rest, " \n");

		if (!word || (*word && num_u64(word, UINT32_MAX, &numbers[i]) < 0))
			return false;
		i += *word != '\0';
	}
	*ret = (struct oci_id_mapping){
		.container_id = (uint32_t)numbers[0],
		.host_id = (uint32_t)numbers[1],
		.size = (uint32_t)numbers[2],
	};
	return true;
}

/* A map as the kernel prints it (user_namespaces(7)); one that cannot be read is empty. */
static struct oci_id_mappings read_map(struct arena *a, const char *path)
{
	BUF struct buf content = { 0 };
	struct err ignored = { 0 };
	size_t n = 0;

	if (fd_read_file(AT_FDCWD, path, FACT_FILE_MAX, &content, &ignored) < 0)
		return (struct oci_id_mappings){ 0 };
	struct oci_id_mapping *maps = arena_array(a, MAP_LINES_MAX, sizeof(*maps));
	for (char *rest = content.data; n < MAP_LINES_MAX && next_line(&rest, &maps[n]);)
		n++;
	return (struct oci_id_mappings){ .v = maps, .n = n };
}

/* The initial user namespace maps every id to itself; root of another one has no
 * rights over the host. */
static void read_user_namespace(struct arena *a, struct host_facts *f)
{
	f->user_namespace = proc_in_user_namespace();
	f->rootless = f->euid != 0 || f->user_namespace;
	if (!f->user_namespace)
		return;
	f->own_uids = read_map(a, "/proc/self/uid_map");
	f->own_gids = read_map(a, "/proc/self/gid_map");
	f->setgroups_denied = begins_with("/proc/self/setgroups", "deny");
}

/* Device rules are no controller's: they work without any. */
static bool has_limits(const struct oci_resources *r)
{
	return r && (r->memory || r->cpu || r->pids_limit.set || r->block_io ||
	             r->hugepage_limit_count > 0 || r->rdma_count > 0 || r->unified.n > 0 ||
	             r->network.class_id.set || r->network.n > 0);
}

static bool is_set(const char *text)
{
	return text && *text;
}

static void read_lsm(const struct oci_config *config, struct host_facts *f)
{
	const struct oci_process *p = config->process;

	if (p && is_set(p->apparmor_profile))
		f->apparmor = begins_with("/sys/module/apparmor/parameters/enabled", "Y");
	if ((p && is_set(p->selinux_label)) || is_set(config->linux_->mount_label))
		f->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* landlock_create_ruleset(2): without a ruleset it tells the ABI. */
static int read_landlock(void)
{
	enum { VERSION_FLAG = 1 };
	long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	return abi > 0 ? (int)abi : 0;
}

static int read_limits(struct host_facts *f, struct err *e)
{
	for (int i = 0; i < FACTS_LIMITS; i++) {
		struct rlimit limit;

		if (sys_getrlimit(i, &limit) < 0)
			return err_sys(e, "getrlimit %d", i);
		f->hard_limits[i] = limit.rlim_max;
	}
	return 0;
}

static bool is_limited(const struct host_facts *f, const struct facts_options *options)
{
	switch (options->rootless) {
	case ROOTLESS_TRUE:
		return true;
	case ROOTLESS_FALSE:
		return options->no_cgroup;
	default:
		return f->rootless || options->no_cgroup;
	}
}

/* Our uid as the host knows it. */
static uint32_t outer_uid(const struct host_facts *f)
{
	for (size_t i = 0; i < f->own_uids.n; i++) {
		const struct oci_id_mapping *m = &f->own_uids.v[i];

		if (f->euid >= m->container_id && f->euid - m->container_id < m->size)
			return m->host_id + (f->euid - m->container_id);
	}
	return f->euid;
}

static int read_cgroups(struct arena *a, const struct oci_config *config,
                        const struct facts_options *options, struct host_facts *f, struct err *e)
{
	const char *path = config->linux_->cgroups_path;
	bool limits = has_limits(config->linux_->resources);
	bool limited = options && is_limited(f, options);

	if (options && options->systemd) {
		TRY(cgroup_probe(limits, &f->cgroup, e));
		return cgroup_probe_systemd(a, &f->cgroup, f->rootless, outer_uid(f), e);
	}
	/* a place that is named is taken as it is */
	if (!limited || (path && path[0] == '/' && !options->no_cgroup)) {
		TRY(cgroup_probe(limits, &f->cgroup, e));
		return limits ? 0 : cgroup_probe_accounting(&f->cgroup, e);
	}
	TRY(cgroup_probe(false, &f->cgroup, e));
	return cgroup_probe_delegated(a, &f->cgroup, e);
}

int host_facts_read(struct arena *a, const struct oci_config *config,
                    const struct facts_options *options, struct host_facts *ret, struct err *e)
{
	const struct oci_process *process = config->process;
	struct host_facts f = {
		.euid = (uint32_t)getauxval(AT_EUID),
		.egid = (uint32_t)getauxval(AT_EGID),
		.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
	};

	read_user_namespace(a, &f);
	TRY(read_cgroups(a, config, options, &f, e));
	read_lsm(config, &f);
	f.resctrl = config->linux_->intel_rdt && resctrl_is_mounted();
	if (config->landlock)
		f.landlock_abi = read_landlock();
	if (process && process->rlimit_count > 0 && config->linux_->namespaces[OCI_NS_USER].wanted)
		TRY(read_limits(&f, e));
	*ret = f;
	return 0;
}

/* Blanks and the like stand as "\\040" in mountinfo: proc_pid_mountinfo(5). */
static const char *decode(struct arena *a, const char *text, size_t len)
{
	char *out = arena_string(a, text, len), *to = out;

	for (const char *from = out; *from;) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
			               (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return out;
}

/* "36 35 98:0 /root /place options fields - type source options" */
static const char *kernel_mount(struct arena *a, const char *line, size_t len)
{
	const char *end = line + len, *field = line, *dash;

	for (int i = 0; i < 4 && field; i++) {
		field = memchr(field, ' ', (size_t)(end - field));
		field = field ? field + 1 : NULL;
	}
	dash = field ? memmem(field, (size_t)(end - field), " - ", 3) : NULL;
	if (!dash || (strncmp(dash + 3, "proc ", 5) != 0 && strncmp(dash + 3, "sysfs ", 6) != 0))
		return NULL;
	return decode(a, field,
	              (size_t)((const char *)memchr(field, ' ', (size_t)(end - field)) - field));
}

int host_facts_systemd(struct arena *a, struct cgroup_facts *cgroup, struct err *e)
{
	struct host_facts f = { .euid = (uint32_t)getauxval(AT_EUID) };

	read_user_namespace(a, &f);
	return cgroup_probe_systemd(a, cgroup, f.rootless, outer_uid(&f), e);
}

int host_facts_read_mounts(struct arena *a, struct host_facts *facts, struct err *e)
{
	BUF struct buf text = { 0 };
	BUF struct buf found = { 0 };

	TRY(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_MAX, &text, e));
	for (const char *line = text.data; line && *line;) {
		size_t len = strcspn(line, "\n");
		const char *place = kernel_mount(a, line, len);

		if (place)
			buf_add(&found, &place, sizeof(place));
		line += len + (line[len] == '\n');
	}
	TRY(buf_ok(&found, e));

	size_t n = found.len / sizeof(const char *);
	const char **list = arena_array(a, n, sizeof(*list));
	if (n > 0)
		memcpy(list, found.data, n * sizeof(*list));
	facts->kernel_mounts = (struct oci_strings){ .v = list, .n = n };
	return 0;
}
