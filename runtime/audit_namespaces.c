/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, the mapping of ids, and sysctls, which are as wide as their namespace. */
#include <string.h>

#include "base/scope.h"
#include "runtime/audit.h"

/* What the host's namespace gives to the container that is in it. */
static const struct {
	enum oci_namespace_kind kind;
	enum audit_severity severity;
	const char *rule, *what, *fix;
} hosts[] = {
	{ OCI_NS_PID, AUDIT_HIGH, "host-pid", "sees and signals all processes of the host",
	  "add { \"type\": \"pid\" }" },
	{ OCI_NS_NETWORK, AUDIT_HIGH, "host-network",
	  "shares the host's network: its interfaces, its local services and abstract sockets",
	  "add { \"type\": \"network\" }" },
	{ OCI_NS_MOUNT, AUDIT_HIGH, "host-mount", "shares the host's mounts",
	  "add { \"type\": \"mount\" }" },
	{ OCI_NS_IPC, AUDIT_MEDIUM, "host-ipc", "shares the host's queues and shared memory",
	  "add { \"type\": \"ipc\" }" },
	{ OCI_NS_UTS, AUDIT_LOW, "host-uts", "shares the host's name, and may change it as root",
	  "add { \"type\": \"uts\" }" },
	{ OCI_NS_CGROUP, AUDIT_LOW, "host-cgroup", "sees the host's tree of cgroups",
	  "add { \"type\": \"cgroup\" }" },
	{ OCI_NS_USER, AUDIT_MEDIUM, "host-user", "its root is the host's root",
	  "add { \"type\": \"user\" } with uidMappings and gidMappings" },
};

static void check_joined(struct audit *a, enum oci_namespace_kind kind)
{
	const struct oci_namespace *ns = &a->config->linux_->namespaces[kind];

	if (ns->wanted && ns->path && audit_has_namespace(a, kind))
		audit_add(a, AUDIT_LOW, "joined-namespace",
		          arena_printf(a->arena, "/linux/namespaces/%u/path", ns->index),
		          "leave the path out, so that a new namespace is made",
		          "shares its %s namespace with whoever is in %s", oci_namespace_name(kind),
		          ns->path);
}

static void check_mappings(struct audit *a, const struct oci_id_mappings *maps, const char *key,
                           const char *what)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct oci_id_mapping *m = &maps->v[i];
		const char *at = arena_printf(a->arena, "/linux/%s/%zu", key, i);

		if (m->size == 0)
			continue;
		if (m->host_id == 0)
			audit_add(a, AUDIT_MEDIUM, "maps-host-root", at,
			          "map to ids that nobody of the host has",
			          "%s %u of the container is %s 0 of the host", what,
			          m->container_id, what);
		else if (m->host_id < 1000)
			audit_add(a, AUDIT_LOW, "maps-system-ids", at,
			          "map to ids that nobody of the host has",
			          "%ss of the container are those of the host's services", what);
	}
}

static void check_sysctl(struct audit *a)
{
	const struct oci_pairs *sysctl = &a->config->linux_->sysctl;

	for (size_t i = 0; i < sysctl->n; i++) {
		const char *key = sysctl->v[i].key;
		bool net = strncmp(key, "net.", 4) == 0 || strncmp(key, "net/", 4) == 0;
		enum oci_namespace_kind kind = net ? OCI_NS_NETWORK : OCI_NS_IPC;

		if (!audit_has_namespace(a, kind))
			audit_add(a, AUDIT_HIGH, "host-sysctl",
			          audit_member(a, "/linux/sysctl", key),
			          "leave it out, or give the container a namespace of its own",
			          "%s is changed for the host", key);
	}
}

void audit_namespaces(struct audit *a)
{
	const struct oci_linux *l = a->config->linux_;

	for (size_t i = 0; i < LEN(hosts); i++) {
		const struct oci_namespace *ns = &l->namespaces[hosts[i].kind];

		if (!audit_has_namespace(a, hosts[i].kind))
			audit_add(a, hosts[i].severity, hosts[i].rule,
			          ns->wanted ? arena_printf(a->arena, "/linux/namespaces/%u/path",
			                                    ns->index)
			                     : "/linux/namespaces",
			          hosts[i].fix, "%s", hosts[i].what);
	}
	for (enum oci_namespace_kind kind = 0; kind < OCI_NS_KINDS; kind++)
		check_joined(a, kind);
	check_mappings(a, &l->uid_mappings, "uidMappings", "user");
	check_mappings(a, &l->gid_mappings, "gidMappings", "group");
	check_sysctl(a);
}
