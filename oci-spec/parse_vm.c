/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vm object: config-vm.md. What belongs to Xen (dtdevs, iomems, irqs) is checked
 * for its types, so that a wrong file does not pass here and fail elsewhere, and is
 * not kept.
 */
#include "base/scope.h"
#include "oci-spec/parse.h"

static void parse_hypervisor(struct reader *r, const struct json *vm, struct oci_vm *ret)
{
	const struct json *j = read_object(r, vm, "hypervisor");

	if (!j)
		return;
	ret->hypervisor_path = read_needed_path(r, j, "path");
	ret->hypervisor_parameters = read_texts(r, j, "parameters");
}

static void parse_kernel(struct reader *r, const struct json *vm, struct oci_vm *ret)
{
	const struct json *j = read_needed(r, vm, "kernel");

	if (!j || !read_is(r, j, JSON_OBJECT))
		return;
	ret->kernel_path = read_needed_path(r, j, "path");
	ret->kernel_parameters = read_texts(r, j, "parameters");
	ret->initrd = read_path(r, j, "initrd");
}

static void parse_image(struct reader *r, const struct json *vm, struct oci_vm *ret)
{
	static const struct word formats[] = {
		{ "raw", 0 }, { "qcow2", 0 }, { "vdi", 0 }, { "vmdk", 0 }, { "vhd", 0 }, { 0 },
	};
	const struct json *j = read_object(r, vm, "image");
	uint64_t known;

	if (!j)
		return;
	ret->image_path = read_needed_path(r, j, "path");
	ret->image_format = read_needed_text(r, j, "format");
	if (ret->image_format)
		read_word(r, j, "format", formats, &known);
}

static const char *check_xen(struct reader *r, const struct json *hw)
{
	static const char *const keys[] = { "dtdevs", "iomems", "irqs" };
	const struct json *iomems = read_list(r, hw, "iomems", JSON_OBJECT);
	const struct json *irqs = read_list(r, hw, "irqs", JSON_NUMBER);

	(void)read_texts(r, hw, "dtdevs");
	for (const struct json *j = iomems->first; j; j = j->next) {
		(void)read_u64(r, j, "firstGFN", UINT64_MAX);
		(void)read_u64(r, j, "firstMFN", UINT64_MAX);
		(void)read_u64(r, j, "nrMFNs", UINT64_MAX);
	}
	for (const struct json *j = irqs->first; j; j = j->next)
		(void)read_u64_value(r, j, UINT32_MAX);
	for (size_t i = 0; i < LEN(keys); i++)
		if (read_member(hw, keys[i]))
			return keys[i];
	return NULL;
}

static void parse_hardware(struct reader *r, const struct json *vm, struct oci_vm *ret)
{
	const struct json *j = read_object(r, vm, "hwConfig");

	if (!j)
		return;
	ret->hw.present = true;
	ret->hw.device_tree = read_text(r, j, "deviceTree");
	ret->hw.vcpus = read_u32(r, j, "vcpus", UINT32_MAX);
	ret->hw.memory = read_u64(r, j, "memory", UINT64_MAX);
	ret->hw.xen = check_xen(r, j);
}

const struct oci_vm *parse_vm(struct reader *r, const struct json *vm)
{
	struct oci_vm *ret;

	if (!vm)
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	parse_hypervisor(r, vm, ret);
	parse_kernel(r, vm, ret);
	parse_image(r, vm, ret);
	parse_hardware(r, vm, ret);
	return ret;
}
