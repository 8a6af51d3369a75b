/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block I/O and RDMA: the limits that are given for a device each. Such a file has a
 * line for each device, and one write changes one line.
 *
 * Two schedulers know weights: BFQ (io.bfq.weight, 1 to 1000, as config.json counts)
 * and the io.cost model (io.weight, 1 to 10000). Which of them a host has is seen when
 * the group is there, so the second is written where the first is absent.
 * Source: Documentation/admin-guide/cgroup-v2.rst, "IO" and "RDMA";
 * Documentation/block/bfq-iosched.rst.
 */
#include <inttypes.h>

#include "cgroups/compile_parts.h"

/* 10 to 1000 as 1 to 10000, linearly: what runc and crun do. */
static uint32_t io_weight(uint32_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

static void put_weight(struct compile *c, const char *origin, const char *device, uint32_t weight)
{
	size_t before = c->count;

	compile_put(c, "io.bfq.weight", origin, arena_printf(c->arena, "%s%u", device, weight));
	if (c->count == before)
		return; /* refused: there is no I/O controller */
	compile_put(c, "io.weight", origin,
	            arena_printf(c->arena, "%s%u", device, io_weight(weight)));
	c->writes[c->count - 1].instead = true;
}

static void refuse_leaf_weight(struct compile *c, const char *origin)
{
	err_fault(&c->faults, ERR_REFUSED, "%sleafWeight: cgroup v2 has no leaf weights", origin);
}

static void compile_weights(struct compile *c, const struct oci_block_io *b)
{
	if (b->weight.set && b->weight.value)
		put_weight(c, "linux.resources.blockIO.weight", "", b->weight.value);
	if (b->leaf_weight.set && b->leaf_weight.value)
		refuse_leaf_weight(c, "linux.resources.blockIO.");
	for (size_t i = 0; i < b->weight_device_count; i++) {
		const struct oci_weight_device *d = &b->weight_devices[i];
		const char *origin =
			arena_printf(c->arena, "linux.resources.blockIO.weightDevice[%zu].", i);

		if (d->leaf_weight.set && d->leaf_weight.value)
			refuse_leaf_weight(c, origin);
		if (d->weight.set && d->weight.value)
			put_weight(c, arena_printf(c->arena, "%sweight", origin),
			           arena_printf(c->arena, "%" PRId64 ":%" PRId64 " ", d->major,
			                        d->minor),
			           d->weight.value);
	}
}

/* A rate of 0 took a limit away in version 1; version 2 says "max". */
static void compile_throttle(struct compile *c, const struct oci_throttle_list *list,
                             const char *key, const char *field)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct oci_throttle_device *d = &list->v[i];
		const char *rate = d->rate ? arena_printf(c->arena, "%" PRIu64, d->rate) : "max";

		compile_put(c, "io.max",
		            arena_printf(c->arena, "linux.resources.blockIO.%s[%zu]", field, i),
		            arena_printf(c->arena, "%" PRId64 ":%" PRId64 " %s=%s", d->major,
		                         d->minor, key, rate));
	}
}

static void compile_rdma(struct compile *c, const struct oci_rdma_limit *limit)
{
	const char *handles =
		limit->handles.set ? arena_printf(c->arena, " hca_handle=%u", limit->handles.value)
				   : "";
	const char *objects =
		limit->objects.set ? arena_printf(c->arena, " hca_object=%u", limit->objects.value)
				   : "";

	if (limit->handles.set || limit->objects.set)
		compile_put(c, "rdma.max",
		            arena_printf(c->arena, "linux.resources.rdma[\"%s\"]", limit->device),
		            arena_printf(c->arena, "%s%s%s", limit->device, handles, objects));
}

size_t compile_io_writes(const struct oci_resources *r)
{
	const struct oci_block_io *b = r->block_io;

	if (!b)
		return r->rdma_count;
	return r->rdma_count + 2 * (1 + b->weight_device_count) + b->read_bps.n + b->write_bps.n +
	       b->read_iops.n + b->write_iops.n;
}

void compile_io(struct compile *c, const struct oci_resources *r)
{
	const struct oci_block_io *b = r->block_io;

	for (size_t i = 0; i < r->rdma_count; i++)
		compile_rdma(c, &r->rdma[i]);
	if (!b)
		return;
	compile_weights(c, b);
	compile_throttle(c, &b->read_bps, "rbps", "throttleReadBpsDevice");
	compile_throttle(c, &b->write_bps, "wbps", "throttleWriteBpsDevice");
	compile_throttle(c, &b->read_iops, "riops", "throttleReadIOPSDevice");
	compile_throttle(c, &b->write_iops, "wiops", "throttleWriteIOPSDevice");
}
