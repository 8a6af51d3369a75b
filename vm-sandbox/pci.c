/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/pci.h"

#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>

enum {
	SLOT_SHIFT = 15, /* of a slot in configuration space: eight functions of a page */
	ALIGNMENT = 4,   /* of capabilities */
};

int pci_bus_new(struct pci_bus *ret, struct err *e)
{
	void *ecam = mmap(NULL, GUEST_ECAM_SIZE, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ecam == MAP_FAILED)
		return err_sys(e, "map PCI configuration space");
	*ret = (struct pci_bus){ .ecam = ecam };
	return 0;
}

void pci_bus_done(struct pci_bus *b)
{
	if (b->ecam)
		(void)munmap(b->ecam, GUEST_ECAM_SIZE);
	*b = (struct pci_bus){ 0 };
}

static void put(uint8_t *config, unsigned int offset, uint32_t value, size_t size)
{
	memcpy(config + offset, &value, size);
}

void pci_add(struct pci_bus *b, unsigned int slot, struct pci_function *f,
             const struct pci_identity *id, uint32_t bar_size)
{
	uint8_t *config = b->ecam + ((size_t)slot << SLOT_SHIFT);

	f->config = config;
	f->bar_size = bar_size;
	f->capabilities_end = PCI_CAPABILITIES;
	f->last_capability = PCI_CAPABILITY_LIST;
	put(config, PCI_VENDOR_ID, id->vendor, 2);
	put(config, PCI_DEVICE_ID, id->device, 2);
	put(config, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	put(config, PCI_CLASS_REVISION, id->class << 8 | id->revision, 4);
	put(config, PCI_SUBSYSTEM_VENDOR_ID, id->subsystem_vendor, 2);
	put(config, PCI_SUBSYSTEM_ID, id->subsystem, 2);
	put(f->writable, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	put(f->writable, PCI_BASE_ADDRESS_0, ~(bar_size - 1), 4);
	put(f->writable, PCI_INTERRUPT_LINE, 0xff, 1);
	b->slot[slot] = f;
}

unsigned int pci_add_capability(struct pci_function *f, const void *capability, uint8_t len)
{
	uint8_t at = f->capabilities_end;

	memcpy(f->config + at, capability, len);
	f->config[at + PCI_CAP_LIST_NEXT] = 0;
	f->config[f->last_capability] = at;
	f->last_capability = (uint8_t)(at + PCI_CAP_LIST_NEXT);
	f->capabilities_end = (uint8_t)(at + (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
	return at;
}

uint16_t pci_config16(const struct pci_function *f, unsigned int offset)
{
	uint16_t value;

	memcpy(&value, f->config + offset, sizeof(value));
	return value;
}

uint32_t pci_config32(const struct pci_function *f, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, f->config + offset, sizeof(value));
	return value;
}

void pci_config_write(struct pci_bus *b, uint64_t offset, uint64_t value, uint32_t len)
{
	struct pci_function *f;
	unsigned int at = offset & ((1u << SLOT_SHIFT) - 1);

	if (offset >= GUEST_ECAM_SIZE || (len != 1 && len != 2 && len != 4) || at % len)
		return;
	f = b->slot[offset >> SLOT_SHIFT];
	if (!f || at >= PCI_HEADER_SPACE)
		return;
	for (unsigned int i = at; i < at + len; i++, value >>= 8) {
		uint8_t mask = f->writable[i];

		f->config[i] = (uint8_t)((f->config[i] & ~mask) | ((uint8_t)value & mask));
		if (mask && f->written)
			f->written(f, i);
	}
}

struct pci_function *pci_find(const struct pci_bus *b, uint64_t addr, uint32_t len,
                              uint32_t *ret_offset)
{
	for (unsigned int i = 0; i < GUEST_PCI_SLOTS; i++) {
		struct pci_function *f = b->slot[i];
		uint64_t bar;

		if (!f || !(pci_config16(f, PCI_COMMAND) & PCI_COMMAND_MEMORY))
			continue;
		bar = pci_config32(f, PCI_BASE_ADDRESS_0);
		if (addr < bar || addr - bar >= f->bar_size || len > f->bar_size - (addr - bar))
			continue;
		*ret_offset = (uint32_t)(addr - bar);
		return f;
	}
	return NULL;
}

bool pci_access(struct pci_bus *b, uint64_t addr, void *data, uint32_t len, bool write)
{
	uint32_t offset;
	struct pci_function *f = pci_find(b, addr, len, &offset);

	if (f)
		f->access(f, offset, data, len, write);
	return f;
}
