/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.sysctl: a key is read as sysctl(8) reads it, becomes a path below /proc/sys
 * of plain names, and must lie in a part of it that belongs to a namespace of the
 * container. Everything else there is the host's.
 *
 * The first separator decides the form: "net.ipv4.conf.eth0/1.rp_filter" and
 * "net/ipv4/conf/eth0.1/rp_filter" are the same, so that a name may hold a dot.
 */
#include <string.h>

#include "base/scope.h"
#include "oci-spec/parse.h"

/* A name is not empty, not "." or "..", and holds only what names of interfaces and
 * variables do. */
static bool is_name(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.@:+";

	return len > 0 && len < 256 && strspn(name, allowed) >= len &&
	       strncmp(name, ".", len) != 0 && strncmp(name, "..", len) != 0;
}

static char other_form(char c)
{
	switch (c) {
	case '.':
		return '/';
	case '/':
		return '.';
	default:
		return c;
	}
}

const char *oci_sysctl_path(struct arena *a, const char *key)
{
	size_t first = strcspn(key, "./"), len = strnlen(key, 1024);
	char *path = arena_string(a, key, len);

	if (len == 1024)
		return NULL;
	if (key[first] == '.') {
		for (char *c = path; *c; c++)
			*c = other_form(*c);
	}
	for (const char *name = path;;) {
		size_t size = strcspn(name, "/");

		if (!is_name(name, size))
			return NULL;
		if (name[size] == '\0')
			return path;
		name += size + 1;
	}
}

/* What belongs to which namespace: clone(2), namespaces(7), ipc_namespaces(7). A
 * path that ends in '/' stands for all below it. */
static const struct {
	const char *path;
	enum oci_namespace_kind kind;
} owners[] = {
	{ "net/", OCI_NS_NETWORK },          { "fs/mqueue/", OCI_NS_IPC },
	{ "kernel/msgmax", OCI_NS_IPC },     { "kernel/msgmnb", OCI_NS_IPC },
	{ "kernel/msgmni", OCI_NS_IPC },     { "kernel/sem", OCI_NS_IPC },
	{ "kernel/shmall", OCI_NS_IPC },     { "kernel/shmmax", OCI_NS_IPC },
	{ "kernel/shmmni", OCI_NS_IPC },     { "kernel/shm_rmid_forced", OCI_NS_IPC },
	{ "kernel/domainname", OCI_NS_UTS }, { "user/", OCI_NS_USER },
};

static bool owns(const char *owner, const char *path)
{
	size_t len = strlen(owner);

	return owner[len - 1] == '/' ? strncmp(path, owner, len) == 0 : strcmp(path, owner) == 0;
}

/* The sentence for a variable whose namespace is the host's. */
static const char *refusal(enum oci_namespace_kind kind)
{
	switch (kind) {
	case OCI_NS_NETWORK:
		return "not allowed in host network namespace";
	case OCI_NS_IPC:
		return "is not allowed in the hosts ipc namespace";
	case OCI_NS_USER:
		return "is not allowed in the hosts user namespace";
	default:
		return "is not in a separate kernel namespace";
	}
}

/* NULL when the variable may be set. */
static const char *judge(const struct oci_config *config, const char *path)
{
	if (!path)
		return "not a name of a sysctl";
	if (strcmp(path, "kernel/hostname") == 0)
		return "is not allowed as it conflicts with the OCI \"hostname\" field";
	for (size_t i = 0; i < LEN(owners); i++) {
		if (owns(owners[i].path, path))
			return config->linux_->namespaces[owners[i].kind].wanted
			               ? NULL
			               : refusal(owners[i].kind);
	}
	return "is not in a separate kernel namespace";
}

void check_sysctl(struct reader *r, const struct oci_config *config)
{
	const struct oci_pairs *list = &config->linux_->sysctl;

	for (size_t i = 0; i < list->n; i++) {
		const char *key = list->v[i].key;
		const char *why = judge(config, oci_sysctl_path(r->arena, key));

		if (why)
			fault_rule(r, "linux.sysctl[\"%.*s\"]: sysctl \"%.*s\" %s", SHOWN(key),
			           SHOWN(key), why);
	}
}
