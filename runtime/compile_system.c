/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to the container's namespaces as a whole: sysctls, its names, its
 * loopback device. That each of them lies in a namespace of the container's own has
 * been checked with the config.
 */
#include "base/scope.h"
#include "runtime/compile_parts.h"

static int add_sysctl(struct compile *c, const struct oci_pair *pair, struct err *e)
{
	const char *origin = arena_printf(&c->arena, "linux.sysctl[\"%s\"]", pair->key);
	const char *path = oci_sysctl_path(&c->arena, pair->key);

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

int compile_net_devices(struct compile *c, struct err *e)
{
	BUF struct buf devices = { 0 };

	for (size_t i = 0; i < c->linux_->net_device_count; i++) {
		const struct oci_net_device *from = &c->linux_->net_devices[i];
		struct plan_net_device device = {
			.host_name = plan_put_string(&c->plan, from->host_name),
			.name = plan_put_string(&c->plan,
			                        from->name ? from->name : from->host_name),
		};

		buf_add(&devices, &device, sizeof(device));
	}
	TRY(buf_ok(&devices, e));
	c->plan.head.net_devices =
		plan_put_array(&c->plan, devices.data, c->linux_->net_device_count,
	                       sizeof(struct plan_net_device));
	return 0;
}

int compile_system(struct compile *c, struct err *e)
{
	const struct oci_namespace *network = &c->linux_->namespaces[OCI_NS_NETWORK];

	for (size_t i = 0; i < c->linux_->sysctl.n; i++)
		TRY(add_sysctl(c, &c->linux_->sysctl.v[i], e));
	add_name(c, PLAN_HOSTNAME, "hostname", c->config->hostname);
	add_name(c, PLAN_DOMAINNAME, "domainname", c->config->domainname);
	if (network->wanted && !network->path && !c->plan.head.network)
		(void)plan_add(&c->plan, PLAN_LOOPBACK, NULL);
	return 0;
}
