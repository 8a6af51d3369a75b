/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules across objects: what is asked for in one place needs a namespace that is
 * asked for in another. They all look at the config alone. Whether a namespace that
 * is joined by path is not the host's own is seen where it is opened.
 */
#include <linux/sched.h>
#include <string.h>

#include "oci-spec/parse.h"

static bool has(const struct oci_config *config, enum oci_namespace_kind kind)
{
	return config->linux_->namespaces[kind].wanted;
}

static bool joins(const struct oci_config *config, enum oci_namespace_kind kind)
{
	return config->linux_->namespaces[kind].path != NULL;
}

static void check_uts(struct reader *r, const struct oci_config *config)
{
	if (has(config, OCI_NS_UTS))
		return;
	if (config->hostname)
		fault_rule(r, "hostname: unable to set hostname without a private UTS namespace");
	if (config->domainname)
		fault_rule(r,
		           "domainname: unable to set domainname without a private UTS namespace");
}

static void check_user(struct reader *r, const struct oci_config *config)
{
	const struct oci_linux *l = config->linux_;
	bool mappings = l->uid_mappings.n > 0 || l->gid_mappings.n > 0;

	if (!has(config, OCI_NS_USER)) {
		if (mappings)
			fault_rule(r,
			           "linux.uidMappings: user namespace mappings specified, but user "
			           "namespace isn't enabled in the config");
		return;
	}
	if (joins(config, OCI_NS_USER) && mappings)
		fault_rule(r, "linux.uidMappings: user namespace enabled, but both namespace path "
		              "and mappings specified -- you may only provide one");
	if (!joins(config, OCI_NS_USER) && (l->uid_mappings.n == 0 || l->gid_mappings.n == 0))
		fault_rule(r, "linux.uidMappings: a new user namespace needs both uidMappings and "
		              "gidMappings");
}

static void check_time(struct reader *r, const struct oci_config *config)
{
	const struct oci_linux *l = config->linux_;

	if (!l->monotonic.set && !l->boottime.set)
		return;
	if (!has(config, OCI_NS_TIME))
		fault_rule(r, "linux.timeOffsets: time namespace offsets specified, but time "
		              "namespace isn't enabled in the config");
	else if (joins(config, OCI_NS_TIME))
		fault_rule(r, "linux.timeOffsets: time namespace enabled, but both namespace path "
		              "and time offsets specified -- you may only provide one");
}

static void check_mount(struct reader *r, const struct oci_config *config)
{
	const struct oci_linux *l = config->linux_;

	if (has(config, OCI_NS_MOUNT))
		return;
	if (l->masked_paths.n > 0)
		fault_rule(r, "linux.maskedPaths: unable to restrict sys entries without a private "
		              "MNT namespace");
	if (l->readonly_paths.n > 0)
		fault_rule(r,
		           "linux.readonlyPaths: unable to restrict sys entries without a private "
		           "MNT namespace");
}

static void check_network(struct reader *r, const struct oci_config *config)
{
	if (config->linux_->net_device_count > 0 && !has(config, OCI_NS_NETWORK))
		fault_rule(r, "linux.netDevices: unable to move network devices without a private "
		              "NET namespace");
}

/* A deadline task must be allowed on all CPUs of its root domain: sched(7). */
static void check_deadline(struct reader *r, const struct oci_config *config)
{
	const struct oci_process *p = config->process;
	const struct oci_resources *res = config->linux_->resources;

	if (p && p->scheduler && p->scheduler->policy == SCHED_DEADLINE && res && res->cpu &&
	    res->cpu->cpus)
		fault_rule(r, "process.scheduler: process scheduler can't be used together with "
		              "AllowedCPUs (linux.resources.cpu.cpus)");
}

void check_config(struct reader *r, const struct oci_config *config)
{
	check_uts(r, config);
	check_user(r, config);
	check_time(r, config);
	check_mount(r, config);
	check_network(r, config);
	check_deadline(r, config);
	check_sysctl(r, config);
}
