/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel entered by the 64-bit boot protocol finds: the boot parameters with the
 * memory map, the command line, the initramfs, a seed for its random numbers, page tables
 * and a GDT; and the registers of the first vCPU.
 * Source: Documentation/arch/x86/boot.rst ("64-bit Boot Protocol"), zero-page.rst.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>

#include "vm-sandbox/kernel.h"
#include "vm-sandbox/memory.h"

enum { BOOT_SEED_SIZE = 32 };

struct boot_setup {
	const char *cmdline;
	const void *initramfs; /* NULL: none */
	size_t initramfs_size;
	const void *initrd; /* what the kernel unpacks before it, packed or not; NULL: none */
	size_t initrd_size;
	uint8_t seed[BOOT_SEED_SIZE]; /* of the host's random numbers */
	bool ecam;                    /* configuration space is at GUEST_ECAM */
	struct kernel_layout kernel;  /* of what is loaded already */
};

/* Fills guest memory. ERR_SPEC when the command line is too long or the initramfs does not
 * fit beside the kernel. */
MUST_CHECK int boot_prepare(const struct boot_setup *setup, const struct guest_memory *m,
                            struct err *e);

/* Page tables (the first 4 GiB, identical) and the GDT; part of boot_prepare. */
MUST_CHECK int boot_write_tables(const struct guest_memory *m, struct err *e);

/* The registers for the entry: `sregs` holds what KVM_GET_SREGS gave, so that fields
 * that we do not know keep their value. */
void boot_registers(uint64_t entry, struct kvm_regs *regs, struct kvm_sregs *sregs);
