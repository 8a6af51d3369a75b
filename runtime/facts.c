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
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"

enum { FACT_FILE_MAX = 64 * 1024 }; /* a uid_map has at most 340 lines */

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

/* The initial user namespace maps every id to itself; root of another one has no
 * rights over the host. */
static void read_user_namespace(struct host_facts *f)
{
	f->user_namespace = proc_in_user_namespace();
	f->rootless = f->euid != 0 || f->user_namespace;
	if (f->user_namespace)
		f->setgroups_denied = begins_with("/proc/self/setgroups", "deny");
}

/* Device rules are no controller's: they work without any. */
static bool has_limits(const struct oci_resources *r)
{
	return r && (r->memory || r->cpu || r->pids_limit.set || r->block_io ||
	             r->hugepage_limit_count > 0 || r->rdma_count > 0 || r->unified.n > 0 ||
	             r->network.class_id.set || r->network.n > 0);
}

static void read_lsm(const struct oci_process *p, struct host_facts *f)
{
	if (p->apparmor_profile && *p->apparmor_profile)
		f->apparmor = begins_with("/sys/module/apparmor/parameters/enabled", "Y");
	if (p->selinux_label && *p->selinux_label)
		f->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
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

static int read_cgroups(struct arena *a, const struct oci_config *config,
                        const struct facts_options *options, struct host_facts *f, struct err *e)
{
	const char *path = config->linux_->cgroups_path;
	bool limits = has_limits(config->linux_->resources);
	bool limited = options && is_limited(f, options);

	/* a place that is named is taken as it is */
	if (!limited || (path && path[0] == '/' && !options->no_cgroup))
		return cgroup_probe(limits, &f->cgroup, e);
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

	read_user_namespace(&f);
	TRY(read_cgroups(a, config, options, &f, e));
	if (process)
		read_lsm(process, &f);
	if (process && process->rlimit_count > 0 && config->linux_->namespaces[OCI_NS_USER].wanted)
		TRY(read_limits(&f, e));
	*ret = f;
	return 0;
}
