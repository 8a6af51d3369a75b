/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ACPI tables by which the guest finds its processors, interrupts and devices. The
 * machine is "hardware-reduced": no PIC, PIT, CMOS clock or keyboard controller to probe,
 * each of which would cost ten thousands of exits at boot.
 *
 *	RSDP -> XSDT -> FADT -> DSDT    devices: PCI host bridge, generation id, its event
 *	             -> MADT            processors and the IOAPIC
 *	             -> MCFG            where PCI configuration space is
 */
#pragma once

#include "vm-sandbox/memory.h"

/* Writes the tables to GUEST_ACPI; `vcpus` is 1 to GUEST_VCPUS_MAX, ids are numbered from 0
 * on. Source: ACPI specification 6.5, section 5.2; PCI firmware specification 3.3, 4.1.2. */
MUST_CHECK int acpi_write(const struct guest_memory *m, unsigned int vcpus, struct err *e);
