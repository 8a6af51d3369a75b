/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a microVM cannot give. Its guest has a kernel of its own: no namespace, device node,
 * socket or label of the host's means anything in there, and a container that shares one
 * with the host could not be told from one that does not. Nothing of it is dropped: whoever
 * asked would believe that it holds. docs/microvm.md has the same list.
 */
#include <string.h>
#include <sys/mount.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/isolation.h"
#include "runtime/mount_options.h"

static bool is_set(const char *text)
{
	return text && *text;
}

static void check_namespaces(struct err_faults *r, const struct oci_config *config)
{
	static const struct {
		const char *name;
		bool needed; /* without it the container would use the host's */
	} kinds[OCI_NS_KINDS] = {
		[OCI_NS_PID] = { "pid", true },        [OCI_NS_NETWORK] = { "network", true },
		[OCI_NS_MOUNT] = { "mount", true },    [OCI_NS_IPC] = { "ipc", true },
		[OCI_NS_UTS] = { "uts", true },        [OCI_NS_USER] = { "user", false },
		[OCI_NS_CGROUP] = { "cgroup", false }, [OCI_NS_TIME] = { "time", false },
	};

	for (int i = 0; i < OCI_NS_KINDS; i++) {
		const struct oci_namespace *n = &config->linux_->namespaces[i];

		if (kinds[i].needed && !n->wanted)
			err_fault(
				r, ERR_REFUSED,
				"linux.namespaces: a microVM cannot share the host's %s namespace",
				kinds[i].name);
		else if (n->path && i != OCI_NS_NETWORK)
			err_fault(
				r, ERR_REFUSED,
				"linux.namespaces: %s: the %s namespace is the host kernel's, and "
				"the guest has another",
				n->path, kinds[i].name);
	}
}

/* Those that every container has; their numbers are the same in each kernel. */
static bool is_standard(const struct oci_device *d)
{
	static const struct {
		const char *path;
		uint32_t major, minor;
	} standard[] = {
		{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < LEN(standard); i++)
		if (strcmp(d->path, standard[i].path) == 0)
			return d->type == 'c' && d->major == standard[i].major &&
			       d->minor == standard[i].minor;
	return d->type == 'p';
}

static void check_devices(struct err_faults *r, const struct oci_linux *l)
{
	for (size_t i = 0; i < l->device_count; i++)
		if (!is_standard(&l->devices[i]))
			err_fault(r, ERR_REFUSED,
			          "linux.devices[%zu]: %s: the guest has no device of the host's",
			          i, l->devices[i].path);
	if (l->net_device_count > 0)
		err_fault(r, ERR_REFUSED,
		          "linux.netDevices: a device of the host's cannot move to another kernel");
}

/* What is behind the source is looked at when it is opened; here only its name. */
static void check_source(struct err_faults *r, struct arena *a, size_t i, const char *source)
{
	static const char *const kernels[] = { "/proc", "/sys", "/dev" };

	for (size_t k = 0; source && source[0] == '/' && k < LEN(kernels); k++)
		if (path_is_below(path_clean(a, "/", source), kernels[k]))
			err_fault(r, ERR_REFUSED,
			          "mounts[%zu].source: %s is the host kernel's, and the guest has "
			          "another",
			          i, source);
}

static void check_mounts(struct err_faults *r, const struct oci_config *config)
{
	ARENA struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < config->mount_count; i++) {
		const struct oci_mount *m = &config->mounts[i];
		struct mount_options o;

		mount_options_parse(&a, m, &o);
		if (m->uid_mappings.n > 0 || m->gid_mappings.n > 0)
			err_fault(r, ERR_REFUSED,
			          "mounts[%zu].uidMappings: not supported in a microVM yet", i);
		if (o.idmap || o.idmap_below)
			err_fault(r, ERR_REFUSED,
			          "mounts[%zu].options: idmap: not supported in a microVM yet", i);
		if (o.bind)
			check_source(r, &a, i, m->source);
	}
}

static void check_resources(struct err_faults *r, const struct oci_linux *l)
{
	const struct oci_resources *res = l->resources;

	if (l->intel_rdt)
		err_fault(r, ERR_REFUSED,
		          "linux.intelRdt: not in a microVM: its classes are the host's");
	if (l->memory_policy)
		err_fault(r, ERR_REFUSED, "linux.memoryPolicy: the guest has no memory nodes");
	if (res && res->hugepage_limit_count > 0)
		err_fault(r, ERR_REFUSED,
		          "linux.resources.hugepageLimits: the guest has no pages set aside");
	if (res && res->rdma_count > 0)
		err_fault(r, ERR_REFUSED, "linux.resources.rdma: the guest has no such devices");
}

/* Whoever asks with SCMP_ACT_NOTIFY has to name the listener. */
static void check_seccomp(struct err_faults *r, const struct oci_seccomp *s)
{
	if (s && is_set(s->listener_path))
		err_fault(r, ERR_REFUSED,
		          "linux.seccomp.listenerPath: an agent of the host cannot look into a "
		          "microVM");
}

static void check_labels(struct err_faults *r, const struct oci_config *config)
{
	const struct oci_process *p = config->process;

	if (is_set(config->linux_->mount_label))
		err_fault(r, ERR_REFUSED, "linux.mountLabel: labels are the host kernel's");
	if (p && is_set(p->selinux_label))
		err_fault(r, ERR_REFUSED, "process.selinuxLabel: not supported in a microVM yet");
	if (config->landlock)
		err_fault(r, ERR_REFUSED,
		          "annotations[\"io.caisson.landlock\"]: not supported in a microVM yet");
}

int vm_refuse(const struct oci_config *config, const struct vm_request *request, struct err *e)
{
	struct err_faults r = { .e = e };

	check_namespaces(&r, config);
	check_devices(&r, config->linux_);
	check_mounts(&r, config);
	check_resources(&r, config->linux_);
	check_seccomp(&r, config->linux_->seccomp);
	check_labels(&r, config);
	if (config->linux_->rootfs_propagation & (MS_SHARED | MS_SLAVE))
		err_fault(&r, ERR_REFUSED,
		          "linux.rootfsPropagation: no mount goes from one kernel to another");
	if (request->preserve_fds > 0)
		err_fault(&r, ERR_REFUSED,
		          "--preserve-fds, LISTEN_FDS: no file goes from one kernel to another");
	if (request->notify)
		err_fault(&r, ERR_REFUSED,
		          "NOTIFY_SOCKET: no socket goes from one kernel to another");
	if (request->plain) {
		err_fault(&r, ERR_REFUSED,
		          "a microVM takes root: a user may not make the mounts and interfaces "
		          "that its guest is shown");
		(void)err_hint(e, "run it as root, or this container without a microVM");
	}
	if (request->watch)
		err_fault(&r, ERR_REFUSED,
		          "system calls in a microVM are the guest kernel's: the host's cannot "
		          "tell of them");
	return r.any ? -1 : 0;
}
