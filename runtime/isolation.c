/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/isolation.h"

#include <string.h>

/* The annotation's value, NULL where there is none. */
static const char *annotation(const struct oci_config *config, const char *key)
{
	for (size_t i = 0; i < config->annotations.n; i++)
		if (strcmp(config->annotations.v[i].key, key) == 0)
			return config->annotations.v[i].value;
	return NULL;
}

static int not_allowed(const char *key, struct err *e)
{
	err_set(e, ERR_REFUSED, "annotations.%s: annotations may not choose what holds a container",
	        key);
	return err_hint(e, "the administrator's configuration can allow it: \"annotations\": true");
}

static enum admin_isolation without_annotation(const struct oci_config *config,
                                               const struct admin_config *admin)
{
	if (config->vm)
		return ADMIN_VM;
	return admin->isolation == ADMIN_UNSET ? ADMIN_CONTAINER : admin->isolation;
}

/* An annotation that asks for what is the case anyway harms nobody. */
static int read_annotation(const struct oci_config *config, const struct admin_config *admin,
                           enum admin_isolation *ret, struct err *e)
{
	const char *word = annotation(config, ISOLATION_ANNOTATION);

	*ret = without_annotation(config, admin);
	if (!word)
		return 0;
	enum admin_isolation asked = admin_isolation_of(word);

	if (asked == ADMIN_UNSET)
		return err_set(e, ERR_SPEC,
		               "annotations." ISOLATION_ANNOTATION ": must be container or vm");
	if (asked != *ret && !admin->annotations)
		return not_allowed(ISOLATION_ANNOTATION, e);
	*ret = asked;
	return 0;
}

static int choose_profile(const struct oci_config *config, const struct admin_config *admin,
                          const struct admin_profile **ret, struct err *e)
{
	const char *name = annotation(config, PROFILE_ANNOTATION);

	*ret = admin->preset;
	if (!name || (admin->preset && strcmp(admin->preset->name, name) == 0))
		return 0;
	if (!admin->annotations)
		return not_allowed(PROFILE_ANNOTATION, e);
	*ret = admin_profile_find(admin, name);
	if (!*ret)
		return err_set(e, ERR_REFUSED,
		               "annotations." PROFILE_ANNOTATION
		               ": the administrator has defined no such profile");
	return 0;
}

int isolation_choose(const struct oci_config *config, enum admin_isolation asked,
                     const struct admin_config *admin, struct isolation *ret, struct err *e)
{
	struct isolation chosen = { 0 };

	if (asked == ADMIN_UNSET)
		TRY(read_annotation(config, admin, &asked, e));
	chosen.vm = asked == ADMIN_VM;
	if (chosen.vm)
		TRY(choose_profile(config, admin, &chosen.profile, e));
	*ret = chosen;
	return 0;
}

/* --- the guest ------------------------------------------------------------------------- */

enum {
	VCPUS_MAX = 64,
	MEMORY_MIB_DEFAULT = 1024,
	MEMORY_MIB_ABOVE_LIMIT = 64, /* what the guest's kernel and the agent take */
	MEMORY_MIB_STEP = 128,
};
#define MIB ((uint64_t)1 << 20)

/* As many as the quota lets run at once; without one, the host's. */
static uint32_t vcpus_of(const struct oci_config *config, uint32_t cpus)
{
	const struct oci_resources *r = config->linux_->resources;
	uint64_t period = 100000, wanted = cpus;

	if (r && r->cpu && r->cpu->quota.set && r->cpu->quota.value > 0) {
		if (r->cpu->period.set && r->cpu->period.value > 0)
			period = r->cpu->period.value;
		wanted = ((uint64_t)r->cpu->quota.value + period - 1) / period;
	}
	if (wanted > cpus)
		wanted = cpus;
	return wanted > VCPUS_MAX ? VCPUS_MAX : (uint32_t)(wanted ? wanted : 1);
}

/* More than the limit: that one is the container's, and reached inside of the guest. */
static uint64_t memory_of(const struct oci_config *config)
{
	const struct oci_resources *r = config->linux_->resources;
	uint64_t step = MEMORY_MIB_STEP * MIB, wanted = MEMORY_MIB_DEFAULT * MIB;

	if (r && r->memory && r->memory->limit.set && r->memory->limit.value > 0 &&
	    (uint64_t)r->memory->limit.value + MEMORY_MIB_ABOVE_LIMIT * MIB > wanted)
		wanted = (uint64_t)r->memory->limit.value + MEMORY_MIB_ABOVE_LIMIT * MIB;
	return (wanted + step - 1) / step * step;
}

static int bundle_settings(const struct oci_vm *vm, struct vm_settings *s, struct err *e)
{
	if (vm->hypervisor_path)
		return err_set(e, ERR_REFUSED,
		               "vm.hypervisor: the monitor is a part of this program");
	if (vm->image_format && strcmp(vm->image_format, "raw") != 0) {
		err_set(e, ERR_REFUSED, "vm.image.format: %s: only raw images are supported",
		        vm->image_format);
		return err_hint(e, "make one: qemu-img convert -O raw %s IMAGE.raw",
		                vm->image_path);
	}
	if (vm->hw.device_tree)
		return err_set(e, ERR_REFUSED, "vm.hwConfig.deviceTree: x86-64 has none");
	if (vm->hw.xen)
		return err_set(e, ERR_REFUSED, "vm.hwConfig.%s: this is of Xen's machines",
		               vm->hw.xen);
	if (vm->hw.vcpus.set && (vm->hw.vcpus.value == 0 || vm->hw.vcpus.value > VCPUS_MAX))
		return err_set(e, ERR_SPEC, "vm.hwConfig.vcpus: must be 1 to %d", VCPUS_MAX);
	if (vm->hw.memory.set && vm->hw.memory.value < 64 * MIB)
		return err_set(e, ERR_SPEC,
		               "vm.hwConfig.memory: must be at least 64 MiB, in bytes");
	s->kernel = vm->kernel_path;
	s->initrd = vm->initrd;
	s->parameters = vm->kernel_parameters;
	s->image = vm->image_path;
	if (vm->hw.vcpus.set)
		s->vcpus = vm->hw.vcpus.value;
	if (vm->hw.memory.set)
		s->memory_bytes = vm->hw.memory.value;
	return 0;
}

int vm_settings_of(const struct oci_config *config, const struct admin_profile *profile,
                   uint32_t cpus, struct vm_settings *ret, struct err *e)
{
	struct vm_settings s = { .vcpus = vcpus_of(config, cpus),
		                 .memory_bytes = memory_of(config) };

	if (profile) {
		s.kernel = profile->kernel;
		s.initrd = profile->initrd;
		s.parameters = profile->parameters;
		if (profile->vcpus.set)
			s.vcpus = profile->vcpus.value;
		if (profile->memory.set)
			s.memory_bytes = profile->memory.value;
	}
	if (config->vm)
		TRY(bundle_settings(config->vm, &s, e));
	*ret = s;
	return 0;
}
