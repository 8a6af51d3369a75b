/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One PCI bus, of functions with one memory BAR each. Configuration space is a mapping of
 * one page per function (ECAM), which the guest reads without any exit, through a
 * read-only slot; absent functions are pages of zeros, which Linux takes for absent
 * (vendor 0). So what is written there has to be its own right answer: a write goes
 * through masks and leaves what the next read shall see.
 *
 * Source: PCI 3.0, chapter 6; PCI Express 5.0, section 7.2.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "vm-sandbox/layout.h"

enum {
	PCI_FUNCTION_SPACE = 4096,
	PCI_HEADER_SPACE = 256,
	PCI_CAPABILITIES = 0x40,
};

struct pci_function {
	uint8_t *config;                    /* its page of the bus's mapping */
	uint8_t writable[PCI_HEADER_SPACE]; /* bits that a write changes */
	uint32_t bar_size;                  /* of BAR 0; a power of two, at least a page */
	uint8_t capabilities_end, last_capability;
	/* a byte of the configuration that the guest may write has been written */
	void (*written)(struct pci_function *f, unsigned int offset);
	/* an access to BAR 0 of up to 8 bytes; 8 aligned bytes of data */
	void (*access)(struct pci_function *f, uint32_t offset, void *data, uint32_t len,
	               bool write);
};

struct pci_bus {
	uint8_t *ecam; /* GUEST_ECAM_SIZE */
	struct pci_function *slot[GUEST_PCI_SLOTS];
};

MUST_CHECK int pci_bus_new(struct pci_bus *ret, struct err *e);
void pci_bus_done(struct pci_bus *b);

struct pci_identity {
	uint16_t vendor, device;
	uint8_t revision;
	uint32_t class; /* 24 bits */
	uint16_t subsystem_vendor, subsystem;
};

/* Puts a function into a slot of the bus and fills its header. */
void pci_add(struct pci_bus *b, unsigned int slot, struct pci_function *f,
             const struct pci_identity *id, uint32_t bar_size);

/* Appends a capability of `len` bytes whose first two are its id and the link; its place. */
unsigned int pci_add_capability(struct pci_function *f, const void *capability, uint8_t len);

uint16_t pci_config16(const struct pci_function *f, unsigned int offset);
uint32_t pci_config32(const struct pci_function *f, unsigned int offset);

/* A write of the guest's into configuration space; reads do not come here. */
void pci_config_write(struct pci_bus *b, uint64_t offset, uint64_t value, uint32_t len);

/* The function whose BAR, switched on, has `len` bytes at this address, and where in the BAR
 * that is; NULL: none. */
struct pci_function *pci_find(const struct pci_bus *b, uint64_t addr, uint32_t len,
                              uint32_t *ret_offset);

/* An access to memory that belongs to a BAR: true when there is one. */
bool pci_access(struct pci_bus *b, uint64_t addr, void *data, uint32_t len, bool write);
