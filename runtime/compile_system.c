/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to the container's namespaces as a whole: sysctls, its names, its
 * loopback device.
 *
 * A sysctl is written only where it belongs to a namespace that the container does
 * not share with the host. Its name comes in two spellings (sysctl(8)): if '/' is
 * its first separator, '/' separates and '.' is an ordinary character; otherwise
 * '.' separates and '/' stands for a '.' inside of a part, as in
 * net.ipv4.conf.eth0/1.forwarding. Either way it becomes one path below /proc/sys
 * that has no part "", "." or "..".
 */
#include <string.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/compile_parts.h"

/* The path below /proc/sys, or NULL if the name is none. */
static const char *sysctl_path(struct arena *a, const char *key)
{
	char *path = arena_string(a, key, strlen(key));
	size_t first = strcspn(path, "./");
	bool dots = path[first] == '.';

	for (char *at = path; dots && *at; at++) {
		if (*at == '.')
			*at = '/';
		else if (*at == '/')
			*at = '.';
	}
	/* Cleaning changes whatever has an empty part, "." or ".." */
	const char *clean = path_clean(a, "/", path) + 1;
	return path[first] && strcmp(clean, path) == 0 ? clean : NULL;
}

static int add_sysctl(struct compile *c, const struct oci_pair *pair, struct err *e)
{
	const char *origin = arena_printf(&c->arena, "linux.sysctl.%s", pair->key);
	const char *path = sysctl_path(&c->arena, pair->key);

	if (!path)
		return err_set(e, ERR_SPEC, "%s: not the name of a sysctl", origin);

	struct plan_step *step = plan_add(&c->plan, PLAN_SYSCTL, origin);
	step->sysctl.path = plan_put_string(&c->plan, path);
	step->sysctl.value = plan_put_string(&c->plan, pair->value);
	return 0;
}

static void add_name(struct compile *c, enum plan_op op, const char *field, const char *name)
{
	if (!name || !*name)
		return;

	plan_str string = plan_put_string(&c->plan, name);
	plan_add(&c->plan, op, field)->string = string;
}

int compile_system(struct compile *c, struct err *e)
{
	const struct oci_namespace *network = &c->linux_->namespaces[OCI_NS_NETWORK];

	for (size_t i = 0; i < c->linux_->sysctl.n; i++)
		TRY(add_sysctl(c, &c->linux_->sysctl.v[i], e));
	add_name(c, PLAN_HOSTNAME, "hostname", c->config->hostname);
	add_name(c, PLAN_DOMAINNAME, "domainname", c->config->domainname);
	if (network->wanted && !network->path)
		(void)plan_add(&c->plan, PLAN_LOOPBACK, NULL);
	return 0;
}
