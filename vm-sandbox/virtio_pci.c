/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers. Each has one width, and is read and written with it; an access of another
 * width reads 0 and writes nothing. 64-bit addresses are two registers of 32 bits.
 */
#include "vm-sandbox/virtio_pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>

enum {
	VENDOR = 0x1af4,
	DEVICE_BASE = 0x1040,
	SUBSYSTEM = 0x1100,
};

static struct virtio_pci *of(struct pci_function *f)
{
	return (struct virtio_pci *)(void *)f;
}

/* Capability `type`: that many bytes at `offset` of BAR 0. */
static void add_capability(struct pci_function *f, uint8_t type, uint32_t offset)
{
	struct virtio_pci_notify_cap c = {
		.cap = {
			.cap_vndr = PCI_CAP_ID_VNDR,
			.cap_len = sizeof(struct virtio_pci_cap),
			.cfg_type = type,
			.offset = offset,
			.length = VIRTIO_BAR_PART,
		},
		.notify_off_multiplier = VIRTIO_PCI_NOTIFY_STEP,
	};

	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		c.cap.cap_len = sizeof(c);
	(void)pci_add_capability(f, &c, c.cap.cap_len);
}

static void add_msix(struct virtio_pci *p)
{
	uint8_t c[PCI_CAP_MSIX_SIZEOF] = { PCI_CAP_ID_MSIX };
	uint16_t control = (uint16_t)(p->msix.vectors - 1);
	uint32_t table = VIRTIO_BAR_TABLE, pending = VIRTIO_BAR_PENDING;

	memcpy(c + PCI_MSIX_FLAGS, &control, sizeof(control));
	memcpy(c + PCI_MSIX_TABLE, &table, sizeof(table));
	memcpy(c + PCI_MSIX_PBA, &pending, sizeof(pending));
	p->msix_control = pci_add_capability(&p->function, c, sizeof(c)) + PCI_MSIX_FLAGS;
	p->function.writable[p->msix_control + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
}

static void config_written(struct pci_function *f, unsigned int offset)
{
	struct virtio_pci *p = of(f);

	if (offset == p->msix_control + 1)
		msix_control(&p->msix, pci_config16(f, p->msix_control));
}

static void interrupt(void *transport, uint16_t vector)
{
	msix_fire(&((struct virtio_pci *)transport)->msix, vector);
}

/* A register of the queue that is selected. */
static uint32_t read_queue(const struct virtio_pci *p, uint32_t offset)
{
	const struct virtq *q;

	if (p->queue >= p->device->kind->queues)
		return offset == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_NO_VECTOR : 0;
	q = &p->device->queue[p->queue];
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return p->queue;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return (uint32_t)q->desc;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return (uint32_t)(q->desc >> 32);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return (uint32_t)q->avail;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return (uint32_t)(q->avail >> 32);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return (uint32_t)q->used;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return (uint32_t)(q->used >> 32);
	default:
		return 0;
	}
}

static uint32_t read_common(const struct virtio_pci *p, uint32_t offset)
{
	const struct virtio_device *d = p->device;

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return p->offered_half;
	case VIRTIO_PCI_COMMON_DF:
		return p->offered_half > 1 ? 0
		                           : (uint32_t)(virtio_features(d) >> 32 * p->offered_half);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return p->accepted_half;
	case VIRTIO_PCI_COMMON_GF:
		return p->accepted_half > 1 ? 0 : (uint32_t)(p->accepting >> 32 * p->accepted_half);
	case VIRTIO_PCI_COMMON_MSIX:
		return d->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return d->kind->queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return d->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return d->config_generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return p->queue;
	default:
		return read_queue(p, offset);
	}
}

/* A vector that there is not reads back as none: that is how a driver is told. */
static uint16_t vector_of(const struct virtio_pci *p, uint32_t value)
{
	return (uint16_t)(value < p->msix.vectors ? value : VIRTIO_NO_VECTOR);
}

static void set_half(uint64_t *to, unsigned int half, uint32_t value)
{
	if (half == 0)
		*to = (*to & ~(uint64_t)UINT32_MAX) | value;
	else if (half == 1)
		*to = (*to & UINT32_MAX) | (uint64_t)value << 32;
}

static void write_queue(struct virtio_pci *p, uint32_t offset, uint32_t value)
{
	struct virtq *q = virtio_queue_to_set(p->device, p->queue);

	if (!q)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		q->size = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		q->vector = vector_of(p, value);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		q->enabled = value == 1;
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&q->desc, offset == VIRTIO_PCI_COMMON_Q_DESCHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&q->avail, offset == VIRTIO_PCI_COMMON_Q_AVAILHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&q->used, offset == VIRTIO_PCI_COMMON_Q_USEDHI, value);
		break;
	default:
		break;
	}
}

static void set_status(struct virtio_pci *p, uint8_t status)
{
	virtio_set_status(p->device, status);
	if (status != 0)
		return;
	p->accepting = 0;
	p->offered_half = p->accepted_half = 0;
	p->queue = 0;
}

static void write_common(struct virtio_pci *p, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		p->offered_half = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		p->accepted_half = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		/* features of a third half are not ours, so that half may be only 0 */
		if (p->accepted_half <= 1) {
			set_half(&p->accepting, p->accepted_half, value);
			virtio_accept(p->device, p->accepting);
		}
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		p->device->config_vector = vector_of(p, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		set_status(p, (uint8_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		p->queue = (uint16_t)value;
		break;
	default:
		write_queue(p, offset, value);
	}
}

/* The width of the register at an offset of the common configuration, 0: none there. */
static uint32_t width(uint32_t offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_STATUS:
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return 1;
	case VIRTIO_PCI_COMMON_MSIX:
	case VIRTIO_PCI_COMMON_NUMQ:
	case VIRTIO_PCI_COMMON_Q_SELECT:
	case VIRTIO_PCI_COMMON_Q_SIZE:
	case VIRTIO_PCI_COMMON_Q_MSIX:
	case VIRTIO_PCI_COMMON_Q_ENABLE:
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return 2;
	default:
		return offset <= VIRTIO_PCI_COMMON_Q_USEDHI && offset % 4 == 0 ? 4 : 0;
	}
}

static uint64_t read_bar(struct virtio_pci *p, uint32_t offset, uint32_t len)
{
	uint64_t value = 0;

	switch (offset / VIRTIO_BAR_PART * VIRTIO_BAR_PART) {
	case VIRTIO_BAR_COMMON:
		return width(offset) == len ? read_common(p, offset) : 0;
	case VIRTIO_BAR_DEVICE:
		if (p->device->kind->config)
			p->device->kind->config(p->device, offset - VIRTIO_BAR_DEVICE, &value, len);
		return value;
	case VIRTIO_BAR_TABLE:
		return msix_table_read(&p->msix, offset - VIRTIO_BAR_TABLE, len);
	case VIRTIO_BAR_PENDING:
		return msix_pending_read(&p->msix, offset - VIRTIO_BAR_PENDING, len);
	default:
		return 0;
	}
}

static void write_bar(struct virtio_pci *p, uint32_t offset, uint64_t value, uint32_t len)
{
	switch (offset / VIRTIO_BAR_PART * VIRTIO_BAR_PART) {
	case VIRTIO_BAR_COMMON:
		if (width(offset) == len)
			write_common(p, offset, (uint32_t)value);
		break;
	case VIRTIO_PCI_NOTIFY:
		/* the address says which queue; Linux writes its number as well */
		if (offset % VIRTIO_PCI_NOTIFY_STEP == 0)
			virtio_notify(p->device,
			              (offset - VIRTIO_PCI_NOTIFY) / VIRTIO_PCI_NOTIFY_STEP);
		break;
	case VIRTIO_BAR_TABLE:
		msix_table_write(&p->msix, offset - VIRTIO_BAR_TABLE, value, len);
		break;
	default:
		break;
	}
}

static void access_bar(struct pci_function *f, uint32_t offset, void *data, uint32_t len,
                       bool write)
{
	uint64_t value = 0;

	if (len > sizeof(value))
		return;
	if (write) {
		memcpy(&value, data, len);
		write_bar(of(f), offset, value, len);
		return;
	}
	value = read_bar(of(f), offset, len);
	memcpy(data, &value, len);
}

void virtio_pci_add(struct pci_bus *b, unsigned int slot, struct virtio_pci *p,
                    struct virtio_device *d, const struct msix_sink *sink, void *owner)
{
	struct pci_identity id = {
		.vendor = VENDOR,
		.device = (uint16_t)(DEVICE_BASE + d->kind->id),
		.revision = 1,
		.class = d->kind->pci_class,
		.subsystem_vendor = VENDOR,
		.subsystem = SUBSYSTEM,
	};

	*p = (struct virtio_pci){ .device = d };
	msix_init(&p->msix, VIRTIO_PCI_VECTORS, sink, owner);
	d->interrupt = interrupt;
	d->transport = p;
	pci_add(b, slot, &p->function, &id, VIRTIO_PCI_BAR_SIZE);
	p->function.written = config_written;
	p->function.access = access_bar;
	add_msix(p);
	add_capability(&p->function, VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_BAR_COMMON);
	add_capability(&p->function, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_BAR_ISR);
	add_capability(&p->function, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_BAR_DEVICE);
	add_capability(&p->function, VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_NOTIFY);
}
