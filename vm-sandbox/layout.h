/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie in the guest's physical address space. One map for all guests, so
 * that a saved guest fits the monitor that restores it.
 *
 *	0x00000500  GDT                         below 0x9fc00: RAM that the kernel takes
 *	0x00007000  boot_params                 over once it has read what is in it
 *	0x00008000  first stack
 *	0x00009000  page tables
 *	0x00020000  command line
 *	0x00030000  setup_data
 *	0x0009fc00  reserved to 1 MiB
 *	0x000e0000    ACPI tables, then the VM's generation id
 *	0x00100000  RAM, with the kernel (from 16 MiB) and, at the top, the initramfs
 *	0xc0000000  end of low RAM; BARs of devices
 *	0xd0000000  PCI configuration space (ECAM) of bus 0
 *	0xfec00000  IOAPIC, LAPIC, and what KVM needs on Intel's processors
 *	0x100000000 the rest of RAM
 */
#pragma once

#define GUEST_GDT         0x500ull
#define GUEST_BOOT_PARAMS 0x7000ull
#define GUEST_STACK_TOP   0x8ff0ull
#define GUEST_PAGE_TABLES 0x9000ull
#define GUEST_CMDLINE     0x20000ull
#define GUEST_SETUP_DATA  0x30000ull
#define GUEST_BIOS_START  0x9fc00ull
#define GUEST_ACPI        0xe0000ull
#define GUEST_GENERATION  0xef000ull
#define GUEST_HIGH_START  0x100000ull
#define GUEST_KERNEL_MIN  0x100000ull

#define GUEST_LOW_END 0xc0000000ull /* RAM goes on above 4 GiB */
#define GUEST_4G      0x100000000ull

#define GUEST_BARS          0xc0000000ull
#define GUEST_BARS_SIZE     0x1000000ull
#define GUEST_ECAM          0xd0000000ull
#define GUEST_ECAM_SIZE     0x100000ull /* one bus: 32 slots of 8 functions of 4 KiB */
#define GUEST_IOAPIC        0xfec00000ull
#define GUEST_LAPIC         0xfee00000ull
#define GUEST_IDENTITY_PAGE 0xfffbc000ull
#define GUEST_TSS           0xfffbd000ull

#define GUEST_PORT_SLEEP_CONTROL 0x600u
#define GUEST_PORT_SLEEP_STATUS  0x601u
#define GUEST_PORT_RESET         0x64u
#define GUEST_RESET_VALUE        0xfeu

enum {
	GUEST_CMDLINE_MAX = 2048, /* with the NUL; COMMAND_LINE_SIZE of arch/x86 */
	GUEST_GSI_GENERATION = 5, /* raised when the generation id has changed */
	GUEST_VCPUS_MAX = 64,
	GUEST_PCI_SLOTS = 32,
};
