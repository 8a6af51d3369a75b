/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest does that KVM hands to us. Ports: the registers of sleep and reset that
 * ACPI names, and a serial port of which only what is written counts; there is nothing at
 * the others, which read as ones. Memory: configuration space (writes alone come here) and
 * BARs.
 */
#include <string.h>

#include "vm-sandbox/kvm.h"
#include "vm-sandbox/virtio_pci.h"

static const char *const reasons[] = {
	[EXIT_PORT_CONFIG] = "configuration by ports",
	[EXIT_PORT_SERIAL] = "serial port",
	[EXIT_PORT] = "port",
	[EXIT_CONFIG] = "configuration",
	[EXIT_BAR_COMMON] = "virtio",
	[EXIT_BAR_DEVICE] = "device",
	[EXIT_BAR_NOTIFY] = "notify",
	[EXIT_BAR_MSIX] = "msi-x",
	[EXIT_MEMORY] = "memory",
	[EXIT_OTHER] = "other",
};

const char *machine_reason_name(enum machine_reason reason)
{
	return reasons[reason];
}

enum {
	CONFIG_PORTS = 0xcf8,
	CONFIG_PORTS_END = 0xd00,
	SERIAL = 0x3f8,
	SERIAL_LINE_STATUS = SERIAL + 5,
	SERIAL_END = SERIAL + 8,
	SERIAL_IDLE = 0x60, /* transmitter empty */

	SLEEP_ENABLE = 1 << 5,
	SLEEP_TYPE_SHIFT = 2,
	SLEEP_TYPE_MASK = 7,
	SLEEP_POWER_OFF = 5, /* as \_S5 has it */
};

static enum machine_end port_write(struct machine *m, uint16_t port, const uint8_t *data)
{
	if (port == GUEST_PORT_SLEEP_CONTROL && (*data & SLEEP_ENABLE) &&
	    (*data >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == SLEEP_POWER_OFF)
		return MACHINE_POWER_OFF;
	if (port == GUEST_PORT_RESET && *data == GUEST_RESET_VALUE)
		return MACHINE_RESET;
	if (port == SERIAL && m->serial)
		m->serial(m->owner, *data);
	return MACHINE_RUNS;
}

static uint8_t port_read(const struct machine *m, uint16_t port)
{
	if (port == SERIAL_LINE_STATUS && m->serial)
		return SERIAL_IDLE;
	if (port > SERIAL && port < SERIAL_END && m->serial)
		return 0;
	if (port == GUEST_PORT_RESET || port == GUEST_PORT_SLEEP_STATUS)
		return 0; /* ready; awake */
	return UINT8_MAX;
}

static void count(struct machine *m, enum machine_reason reason)
{
	m->exits.total++;
	m->exits.by[reason]++;
}

static enum machine_reason reason_of_port(uint16_t port)
{
	if (port >= CONFIG_PORTS && port < CONFIG_PORTS_END)
		return EXIT_PORT_CONFIG;
	return port >= SERIAL && port < SERIAL_END ? EXIT_PORT_SERIAL : EXIT_PORT;
}

static enum machine_reason reason_of_bar(uint32_t offset)
{
	switch (offset / VIRTIO_BAR_PART * VIRTIO_BAR_PART) {
	case VIRTIO_BAR_COMMON:
		return EXIT_BAR_COMMON;
	case VIRTIO_BAR_DEVICE:
		return EXIT_BAR_DEVICE;
	case VIRTIO_PCI_NOTIFY:
		return EXIT_BAR_NOTIFY;
	case VIRTIO_BAR_TABLE:
		return EXIT_BAR_MSIX;
	default:
		return EXIT_MEMORY;
	}
}

static enum machine_end on_port(struct machine *m, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	enum machine_end end = MACHINE_RUNS;

	count(m, reason_of_port(run->io.port));
	for (uint32_t i = 0; i < run->io.count && end == MACHINE_RUNS; i++) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			end = port_write(m, run->io.port, data);
		else
			memset(data, port_read(m, run->io.port), run->io.size);
		data += run->io.size;
	}
	return end;
}

static void on_memory(struct machine *m, struct kvm_run *run)
{
	uint64_t addr = run->mmio.phys_addr, value = 0;
	uint32_t len = run->mmio.len, offset;
	bool write = run->mmio.is_write;
	struct pci_function *f;

	if (len > sizeof(value))
		return;
	if (addr >= GUEST_ECAM && addr - GUEST_ECAM < GUEST_ECAM_SIZE) {
		count(m, EXIT_CONFIG);
		memcpy(&value, run->mmio.data, len);
		if (write)
			pci_config_write(&m->bus, addr - GUEST_ECAM, value, len);
		return;
	}
	f = pci_find(&m->bus, addr, len, &offset);
	count(m, f ? reason_of_bar(offset) : EXIT_MEMORY);
	if (f)
		f->access(f, offset, run->mmio.data, len, write);
	else if (!write)
		memset(run->mmio.data, UINT8_MAX, len);
}

enum machine_end vcpu_exit(struct machine_vcpu *v, int *why)
{
	struct machine *m = v->machine;
	struct kvm_run *run = v->run;
	enum machine_end end = MACHINE_RUNS;

	(void)pthread_mutex_lock(&m->devices);
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		end = on_port(m, run);
		break;
	case KVM_EXIT_MMIO:
		on_memory(m, run);
		break;
	case KVM_EXIT_SHUTDOWN:
		end = MACHINE_TRIPLE_FAULT;
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		end = run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? MACHINE_POWER_OFF
		                                                          : MACHINE_RESET;
		break;
	case KVM_EXIT_INTR:
		count(m, EXIT_OTHER);
		break;
	default: /* an internal error, an entry that failed, and what does not happen here */
		*why = run->exit_reason == KVM_EXIT_INTERNAL_ERROR ? -(int)run->internal.suberror
		                                                   : -(int)run->exit_reason;
		end = MACHINE_FAILED;
		break;
	}
	(void)pthread_mutex_unlock(&m->devices);
	return end;
}
