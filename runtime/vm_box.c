/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/vm_box.h"

#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/path.h"
#include "base/scope.h"
#include "runtime/compile.h"
#include "runtime/mount_options.h"
#include "runtime/vm_guest.h"

static const char *add_share(struct arena *a, struct vm_box *box, const struct vm_share *share)
{
	box->shares[box->share_count++] = *share;
	return arena_printf(a, "%s/%s", VM_GUEST_SHARES, share->name);
}

/* Where the guest has the container's root. */
static const char *place_root(struct arena *a, const struct oci_config *config, const char *bundle,
                              struct vm_box *box)
{
	box->root = path_clean(a, bundle, config->root_path);
	box->rootfs = NULL;
	if (box->settings.image)
		return VM_GUEST_IMAGE;
	const struct vm_share root = {
		.name = "rootfs",
		.source = box->root,
		.origin = "root.path",
		.recursive = true,
		.sealed_late = config->root_readonly,
	};

	box->rootfs = &box->shares[box->share_count];
	return add_share(a, box, &root);
}

static struct vm_share share_of(struct arena *a, const char *bundle, size_t i,
                                const struct oci_mount *m, const struct mount_options *o)
{
	return (struct vm_share){
		.name = arena_printf(a, "v%zu", i),
		.source = path_clean(a, bundle, m->source),
		.origin = arena_printf(a, "mounts[%zu].source", i),
		.recursive = o->recursive,
		.nofollow = (o->links & (PLAN_SOURCE_NOFOLLOW | PLAN_SOURCE_LINK)) != 0,
		.read_only = ((o->attr_set | o->attr_set_below) & MOUNT_ATTR_RDONLY) != 0,
	};
}

/* A bind that names no flags has those of its source. That is no mount of the guest's, which
 * has to be told of them; where it cannot be looked at it cannot be shared either. */
static void keep_flags(struct arena *a, struct oci_mount *m, const char *source)
{
	static const struct {
		unsigned long flag;
		const char *option;
	} kept[] = {
		{ ST_RDONLY, "ro" },
		{ ST_NOSUID, "nosuid" },
		{ ST_NODEV, "nodev" },
		{ ST_NOEXEC, "noexec" },
	};
	struct statvfs st;
	size_t n = m->options.n;

	if (statvfs(source, &st) < 0)
		return;
	const char **options = arena_array(a, n + LEN(kept) + 1, sizeof(*options));
	for (size_t i = 0; i < n; i++)
		options[i] = m->options.v[i];
	for (size_t i = 0; i < LEN(kept); i++)
		if (st.f_flag & kept[i].flag)
			options[n++] = kept[i].option;
	m->options = (struct oci_strings){ .v = options, .n = n };
}

/* A copy of the mounts in which binds begin below the share. What the config says as the host
 * sees it, below the rootfs, is said as the container does: to the guest that lies elsewhere. */
static int share_mounts(struct arena *a, struct oci_config *guest, const char *bundle,
                        struct vm_box *box, struct err *e)
{
	const char *rootfs = box->root;
	struct oci_mount *mounts = arena_array(a, guest->mount_count, sizeof(*mounts));

	for (size_t i = 0; i < guest->mount_count; i++) {
		struct oci_mount *m = &mounts[i];
		struct mount_options o;

		*m = guest->mounts[i];
		m->destination = compile_target(a, rootfs, m->destination);
		mount_options_parse(a, m, &o);
		if (!o.bind || o.remount || !m->source)
			continue;
		if (box->share_count == VM_SHARES_MAX)
			return err_set(e, ERR_REFUSED, "mounts: more than %d binds",
			               VM_SHARES_MAX - 1);
		const struct vm_share share = share_of(a, bundle, i, m, &o);
		if (!o.attr_named)
			keep_flags(a, m, share.source);
		m->source = add_share(a, box, &share);
	}
	guest->mounts = mounts;
	return 0;
}

/* What the guest's kernel has: it is ours alone. */
const struct host_facts vm_guest_facts = {
	.cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .controllers = 0xff },
	.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
};

static bool is_confined(const char *profile)
{
	return profile && *profile && strcmp(profile, "unconfined") != 0;
}

/* The guest's only network is the container's. But a user namespace has rights over none that
 * it does not own: there it is a new one, into which the agent brings the interfaces. */
static struct oci_namespace guest_network(const struct oci_linux *l)
{
	return (struct oci_namespace){ .wanted = l->namespaces[OCI_NS_USER].wanted };
}

/* The profile is the monitor's. A process of the guest has none: there it is not loaded. */
static const struct oci_process *without_label(struct arena *a, const struct oci_process *from)
{
	struct oci_process *p;

	if (!from || !from->apparmor_profile)
		return from;
	p = arena_new(a, sizeof(*p));
	*p = *from;
	p->apparmor_profile = NULL;
	return p;
}

static int compile_guest(struct arena *a, const struct oci_config *config,
                         const struct compile_options *host, struct vm_box *box, struct err *e)
{
	struct oci_config guest = *config;
	struct oci_linux linux_ = *config->linux_;
	const struct compile_options options = {
		.id = host->id,
		.bundle = "/",
		.keyring = host->keyring,
		.listener = true,
		.seccomp_cache = host->seccomp_cache,
		.wait = config->linux_->namespaces[OCI_NS_USER].wanted,
		.warn = log_warn,
	};

	guest.vm = NULL;
	guest.process = without_label(a, config->process);
	guest.root_path = place_root(a, config, host->bundle, box);
	TRY(share_mounts(a, &guest, host->bundle, box, e));
	/* hooks of the runtime are the host's programs */
	for (int kind = 0; kind < OCI_HOOK_KINDS; kind++)
		if (kind != OCI_HOOK_START_CONTAINER)
			guest.hooks[kind].n = 0;
	linux_.namespaces[OCI_NS_NETWORK] = guest_network(config->linux_);
	linux_.cgroups_path = VM_GUEST_GROUP;
	linux_.resources = vm_guest_resources(a, linux_.resources);
	guest.linux_ = &linux_;
	return compile_create(&guest, &options, &vm_guest_facts, &box->plan, e);
}

/* The monitor opens KVM; what else it may open, its jail says. The rules are the guest's. */
static const struct oci_device_rule all_devices = {
	.allow = true, .type = 'a', .read = true, .write = true, .mknod = true
};

/* Its disks are the host's, and what it reads and writes of them is done by the monitor. */
const struct oci_resources *vm_guest_resources(struct arena *a, const struct oci_resources *from)
{
	struct oci_resources *r;

	if (!from || !from->block_io)
		return from;
	r = arena_new(a, sizeof(*r));
	*r = *from;
	r->block_io = NULL;
	return r;
}

const struct oci_resources *vm_host_resources(struct arena *a, const struct oci_resources *from)
{
	struct oci_resources *r = arena_new(a, sizeof(*r));

	if (from)
		*r = *from;
	r->pids_limit = (struct opt_i64){ 0 };
	r->devices = &all_devices;
	r->device_count = 1;
	if (from && from->memory) {
		struct oci_memory *m = arena_new(a, sizeof(*m));

		*m = *from->memory;
		if (m->limit.set && m->limit.value > 0)
			m->limit.value += VM_OVERHEAD_BYTES;
		if (m->swap.set && m->swap.value > 0)
			m->swap.value += VM_OVERHEAD_BYTES;
		r->memory = m;
	}
	return r;
}

/* Without a cgroup namespace: the group on the host is nobody's in the guest, so it is given to
 * no user. */
static const struct oci_config *host_config(struct arena *a, const struct oci_config *config)
{
	struct oci_config *host = arena_new(a, sizeof(*host));
	struct oci_linux *linux_ = arena_new(a, sizeof(*linux_));

	*host = *config;
	*linux_ = *config->linux_;
	host->vm = NULL;
	host->process = without_label(a, config->process);
	host->linux_ = linux_;
	linux_->namespaces[OCI_NS_CGROUP] = (struct oci_namespace){ 0 };
	linux_->resources = vm_host_resources(a, config->linux_->resources);
	return host;
}

int vm_box_make(struct arena *a, const struct oci_config *config,
                const struct compile_options *options, struct vm_box *ret, struct err *e)
{
	if (!config->root_path || !*config->root_path)
		return err_set(e, ERR_SPEC, "root.path: required");
	ret->network = config->linux_->namespaces[OCI_NS_NETWORK].path;
	if (config->process && is_confined(config->process->apparmor_profile))
		ret->profile = config->process->apparmor_profile;
	ret->host = host_config(a, config);
	return compile_guest(a, config, options, ret, e);
}

int vm_box_exec(const struct compile_exec_options *options, const struct host_facts *facts,
                struct buf *ret, struct err *e)
{
	const struct vm_request asked = { .preserve_fds = options->preserve_fds };
	struct compile_exec_options inside = *options;
	struct oci_config guest = *options->config;
	struct oci_linux linux_ = *options->config->linux_;
	struct oci_process process = *options->process;

	(void)facts;
	guest.process = &process;
	TRY(vm_refuse(&guest, &asked, e));
	if (is_confined(process.apparmor_profile) &&
	    (!options->config->process || !options->config->process->apparmor_profile ||
	     strcmp(process.apparmor_profile, options->config->process->apparmor_profile) != 0))
		return err_set(e, ERR_REFUSED,
		               "process.apparmorProfile: %s: all of a microVM has the container's",
		               process.apparmor_profile);
	process.apparmor_profile = NULL;
	linux_.namespaces[OCI_NS_NETWORK] = guest_network(options->config->linux_);
	guest.linux_ = &linux_;
	inside.config = &guest;
	inside.process = &process;
	inside.cgroup = VM_GUEST_GROUP;
	inside.root = NULL;
	return compile_exec(&inside, &vm_guest_facts, ret, e);
}

void vm_box_done(struct vm_box *box)
{
	buf_done(&box->plan);
}
