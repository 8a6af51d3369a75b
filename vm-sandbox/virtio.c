/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/virtio.h"

#include <linux/virtio_config.h>
#include <string.h>

#define VERSION_1 (1ull << VIRTIO_F_VERSION_1)

static void forget(struct virtio_device *d)
{
	d->accepted = 0;
	d->status = 0;
	d->config_vector = VIRTIO_NO_VECTOR;
	for (unsigned int i = 0; i < d->kind->queues; i++) {
		d->queue[i] = (struct virtq){
			.size = d->kind->queue_size[i],
			.size_max = d->kind->queue_size[i],
			.vector = VIRTIO_NO_VECTOR,
		};
	}
}

void virtio_init(struct virtio_device *d, const struct virtio_kind *kind,
                 const struct guest_memory *m)
{
	*d = (struct virtio_device){ .kind = kind, .memory = m };
	forget(d);
}

uint64_t virtio_features(const struct virtio_device *d)
{
	return d->kind->features | VERSION_1;
}

void virtio_accept(struct virtio_device *d, uint64_t features)
{
	if ((d->status & VIRTIO_CONFIG_S_DRIVER) && !(d->status & VIRTIO_CONFIG_S_FEATURES_OK))
		d->accepted = features;
}

/* Without VERSION_1 the rings would have the guest's byte order, and other heads. */
static bool features_ok(const struct virtio_device *d)
{
	return (d->accepted & VERSION_1) && !(d->accepted & ~virtio_features(d));
}

static bool queues_ok(const struct virtio_device *d)
{
	for (unsigned int i = 0; i < d->kind->queues; i++) {
		if (d->queue[i].enabled && !virtq_valid(&d->queue[i], d->memory))
			return false;
	}
	return true;
}

static void start(struct virtio_device *d)
{
	if (!queues_ok(d)) {
		virtio_break(d);
		return;
	}
	if (d->kind->start)
		d->kind->start(d);
}

void virtio_set_status(struct virtio_device *d, uint8_t status)
{
	uint8_t added = status & (uint8_t)~d->status;
	const uint8_t known = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
	                      VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |
	                      VIRTIO_CONFIG_S_FAILED;

	if (status == 0) {
		forget(d);
		if (d->kind->reset)
			d->kind->reset(d);
		return;
	}
	if ((status & d->status) != (d->status & known)) /* takes a bit away */
		return;
	added &= known;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (!(d->status & VIRTIO_CONFIG_S_DRIVER) || !features_ok(d)))
		added &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((d->status | added) & VIRTIO_CONFIG_S_FEATURES_OK))
		added &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	d->status |= added;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		start(d);
}

struct virtq *virtio_queue_to_set(struct virtio_device *d, unsigned int queue)
{
	if (!(d->status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    (d->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) ||
	    queue >= d->kind->queues || d->queue[queue].enabled)
		return NULL;
	return &d->queue[queue];
}

bool virtio_runs(const struct virtio_device *d)
{
	return (d->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(d->status & (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED));
}

void virtio_notify(struct virtio_device *d, unsigned int queue)
{
	if (virtio_runs(d) && queue < d->kind->queues && d->kind->notify)
		d->kind->notify(d, queue);
}

static void interrupt(struct virtio_device *d, uint16_t vector)
{
	if (d->interrupt && vector != VIRTIO_NO_VECTOR)
		d->interrupt(d->transport, vector);
}

bool virtio_take(struct virtio_device *d, unsigned int queue, struct virtq_chain *ret)
{
	int got;

	if (!virtio_runs(d))
		return false;
	got = virtq_take(&d->queue[queue], d->memory, ret);
	if (got < 0)
		virtio_break(d);
	return got > 0;
}

bool virtio_take_buffer(struct virtio_device *d, unsigned int queue, struct virtq_chain *ret)
{
	if (virtio_take(d, queue, ret))
		return true;
	if (!virtio_runs(d))
		return false;
	virtq_notifications(&d->queue[queue], d->memory, true);
	if (!virtio_take(d, queue, ret)) /* one may have come just before */
		return false;
	virtq_notifications(&d->queue[queue], d->memory, false);
	return true;
}

void virtio_give(struct virtio_device *d, unsigned int queue, uint16_t head, uint32_t written)
{
	virtq_give(&d->queue[queue], d->memory, head, written);
}

void virtio_signal(struct virtio_device *d, unsigned int queue)
{
	if (virtq_wants_interrupt(&d->queue[queue], d->memory))
		interrupt(d, d->queue[queue].vector);
}

void virtio_break(struct virtio_device *d)
{
	if (d->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (d->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(d, d->config_vector);
}
