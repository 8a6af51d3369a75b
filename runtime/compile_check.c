/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused as a whole: fields of a valid config that this version does not
 * turn into anything, and what the host lacks. A field is never ignored: whoever
 * asked for it would believe that it holds. All of them are reported at once.
 */
#include <string.h>

#include "runtime/compile_parts.h"

/* Adds one more field to the message. */
static void refuse(struct err_faults *r, bool present, const char *what)
{
	if (present)
		err_fault(r, ERR_REFUSED, "%s", what);
}

static bool is_set(const char *text)
{
	return text && *text;
}

/* What protects the root would do so for the host, which sees the same mounts (masked and
 * read-only paths the config's own check has refused there); and who mounts in a namespace needs
 * rights in the user namespace that owns it (mount_namespaces(7)), which whoever has just entered a
 * new one has lost. */
static void check_mount_namespace(struct err_faults *r, const struct oci_config *config)
{
	const struct oci_linux *l = config->linux_;
	const struct oci_namespace *mount = &l->namespaces[OCI_NS_MOUNT];
	const struct oci_namespace *user = &l->namespaces[OCI_NS_USER];

	if (!mount->wanted) {
		refuse(r, config->root_readonly,
		       "root.readonly: needs a mount namespace that is not the host's");
		refuse(r, user->wanted,
		       "linux.namespaces: a user namespace has no rights over the host's mounts: "
		       "it needs a mount namespace, too");
	}
	refuse(r, mount->path && user->wanted && !user->path,
	       "linux.namespaces: a new user namespace has no rights over the mounts of a mount "
	       "namespace that exists already");
	refuse(r, compile_shares_mounts(config) && strcmp(config->root_path, "/") == 0,
	       "root.path: / needs a mount namespace of its own");
}

int compile_check_config(const struct oci_config *config, const struct host_facts *facts,
                         struct err *e)
{
	const struct oci_linux *l = config->linux_;
	struct err_faults r = { .e = e };

	if (!config->process)
		return err_set(e, ERR_SPEC, "process: required to create a container");
	if (!is_set(config->root_path))
		return err_set(e, ERR_SPEC, "root.path: required");
	refuse(&r, config->vm, "vm: describes a microVM, and this is to be a container");
	check_mount_namespace(&r, config);
	refuse(&r, l->intel_rdt && !facts->resctrl,
	       "linux.intelRdt: no resctrl filesystem is mounted at /sys/fs/resctrl");
	refuse(&r, is_set(l->mount_label) && !facts->selinux,
	       "linux.mountLabel: selinux label is specified in config, but selinux is disabled "
	       "or not supported");
	return r.any ? -1 : 0;
}

int compile_check_process(const struct oci_process *p, const struct host_facts *facts,
                          struct err *e)
{
	struct err_faults r = { .e = e };

	if (p->args.n == 0)
		return err_set(e, ERR_SPEC, "process.args: must name a program");
	refuse(&r, is_set(p->apparmor_profile) && !facts->apparmor,
	       "process.apparmorProfile: apparmor: config provided but apparmor not supported");
	refuse(&r, is_set(p->selinux_label) && !facts->selinux,
	       "process.selinuxLabel: selinux label is specified in config, but selinux is "
	       "disabled or not supported");
	return r.any ? -1 : 0;
}
