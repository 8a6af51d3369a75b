/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device without its transport: features, status, queues, and the rules about
 * what the driver may do when. The rules are kept strictly, since each of the published
 * faults of this kind was a queue moved while it was in use.
 *
 *	status           the driver may
 *	DRIVER           accept features
 *	FEATURES_OK      set queues up; no features any more
 *	DRIVER_OK        notify; nothing else changes until it writes 0, which resets all
 *
 * Bits of the status are only ever added. A device whose queue is broken asks for its
 * reset (NEEDS_RESET) and does nothing more until then.
 *
 * One lock of the caller's is around all calls for one device. State is numbers alone.
 * Source: virtio 1.2, sections 2.1, 2.2 and 3.1.
 */
#pragma once

#include "vm-sandbox/virtq.h"

enum { VIRTIO_QUEUES_MAX = 8 };

#define VIRTIO_NO_VECTOR 0xffff

struct virtio_device;

/* What one kind of device does; each function may be NULL where there is nothing to do. */
struct virtio_kind {
	uint16_t id;       /* virtio 1.2, section 5 */
	uint64_t features; /* beside VERSION_1 */
	uint32_t pci_class;
	uint16_t queues;
	uint16_t queue_size[VIRTIO_QUEUES_MAX];
	/* reads the device's own configuration; what is behind its end reads as 0 */
	void (*config)(const struct virtio_device *d, uint32_t offset, void *to, uint32_t len);
	void (*start)(struct virtio_device *d);
	void (*reset)(struct virtio_device *d);
	void (*notify)(struct virtio_device *d, unsigned int queue);
};

struct virtio_device {
	const struct virtio_kind *kind;
	const struct guest_memory *memory;
	/* raises the interrupt of an MSI-X vector */
	void (*interrupt)(void *transport, uint16_t vector);
	void *transport;

	uint64_t accepted; /* features */
	uint8_t status;
	uint8_t config_generation;
	uint16_t config_vector;
	struct virtq queue[VIRTIO_QUEUES_MAX];
};

void virtio_init(struct virtio_device *d, const struct virtio_kind *kind,
                 const struct guest_memory *m);

uint64_t virtio_features(const struct virtio_device *d); /* what is offered */
void virtio_accept(struct virtio_device *d, uint64_t features);
void virtio_set_status(struct virtio_device *d, uint8_t status);

/* The queue while the driver may still set it up, NULL otherwise. */
struct virtq *virtio_queue_to_set(struct virtio_device *d, unsigned int queue);

void virtio_notify(struct virtio_device *d, unsigned int queue);
bool virtio_runs(const struct virtio_device *d); /* DRIVER_OK and not broken */

/* For kinds of devices: taking a chain breaks the device where the queue is broken. */
MUST_CHECK bool virtio_take(struct virtio_device *d, unsigned int queue, struct virtq_chain *ret);
/* The same for a queue of buffers that the device fills, where the driver notifies nobody of
 * what it puts up: where there is none, it is asked to tell of the next. */
MUST_CHECK bool virtio_take_buffer(struct virtio_device *d, unsigned int queue,
                                   struct virtq_chain *ret);
/* Gives a chain back; virtio_signal raises the interrupt, once for many. */
void virtio_give(struct virtio_device *d, unsigned int queue, uint16_t head, uint32_t written);
void virtio_signal(struct virtio_device *d, unsigned int queue);
void virtio_break(struct virtio_device *d);
