/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio over PCI, the modern transport alone, with MSI-X alone: no ports, no INTx, no
 * transitional ids. BAR 0 has, each from a page's start:
 *
 *	0x0000  common configuration
 *	0x1000  ISR, which tells nothing that MSI-X does not
 *	0x2000  the device's configuration
 *	0x3000  notification: queue N at 4 * N
 *	0x4000  MSI-X table
 *	0x5000  MSI-X pending bits
 *
 * Source: virtio 1.2, section 4.1.
 */
#pragma once

#include "vm-sandbox/msix.h"
#include "vm-sandbox/pci.h"
#include "vm-sandbox/virtio.h"

enum {
	VIRTIO_PCI_BAR_SIZE = 0x8000,
	VIRTIO_BAR_PART = 0x1000,
	VIRTIO_BAR_COMMON = 0,
	VIRTIO_BAR_ISR = 0x1000,
	VIRTIO_BAR_DEVICE = 0x2000,
	VIRTIO_PCI_NOTIFY = 0x3000,
	VIRTIO_BAR_TABLE = 0x4000,
	VIRTIO_BAR_PENDING = 0x5000,
	VIRTIO_PCI_NOTIFY_STEP = 4,
	/* One for changes of the configuration and one that all queues share: a driver writes
	 * and reads each vector some 14 times when it starts, and each time is an exit. Linux
	 * takes fewer vectors than it would like. */
	VIRTIO_PCI_VECTORS = 2,
};

struct virtio_pci {
	struct pci_function function; /* first: callbacks find the rest by it */
	struct virtio_device *device;
	struct msix msix;
	unsigned int msix_control; /* where its message control is */
	/* what the driver has selected */
	uint32_t offered_half, accepted_half;
	uint16_t queue;
	uint64_t accepting; /* features, until FEATURES_OK */
};

/* Puts the device into a slot; `p` and `d` stay where they are as long as the bus. */
void virtio_pci_add(struct pci_bus *b, unsigned int slot, struct virtio_pci *p,
                    struct virtio_device *d, const struct msix_sink *sink, void *owner);
