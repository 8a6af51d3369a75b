/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the first vCPU at the kernel's 64-bit entry: long mode, paging on with the
 * first 4 GiB mapped to themselves by pages of 2 MiB, flat segments whose selectors are
 * valid in a GDT, interrupts off, RSI at the boot parameters.
 * Source: boot.rst, "64-bit Boot Protocol"; Intel SDM volume 3, sections 3.4.5 and 4.5.
 */
#include <string.h>

#include "vm-sandbox/boot.h"
#include "vm-sandbox/layout.h"

enum {
	ENTRIES = 512, /* of a page table */
	PAGE = 4096,
	GIB_MAPPED = 4,

	PTE_PRESENT = 1 << 0,
	PTE_WRITABLE = 1 << 1,
	PTE_HUGE = 1 << 7,

	SELECTOR_CODE = 0x10, /* __BOOT_CS */
	SELECTOR_DATA = 0x18, /* __BOOT_DS */
	SELECTOR_TASK = 0x20,

	RFLAGS_FIXED = 2,
};

#define CR0_PE   0x1ull
#define CR0_PG   0x80000000ull
#define CR4_PAE  0x20ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull

static const uint64_t gdt[] = {
	0,
	0,
	0x00af9b000000ffffull, /* code, 64 bit */
	0x00cf93000000ffffull, /* data */
	0x008f8b000000ffffull, /* task, busy: the processor wants one */
};

int boot_write_tables(const struct guest_memory *m, struct err *e)
{
	/* one top table, one below it, then a table for each GiB */
	uint64_t *table = guest_at(m, GUEST_PAGE_TABLES, (2 + GIB_MAPPED) * (uint64_t)PAGE);
	uint64_t *pointers, *pages;

	if (!table || guest_write(m, GUEST_GDT, gdt, sizeof(gdt)) < 0)
		return err_set(e, ERR_BUG, "no memory for page tables");
	memset(table, 0, (2 + GIB_MAPPED) * (size_t)PAGE);
	pointers = table + ENTRIES;
	pages = pointers + ENTRIES;
	table[0] = (GUEST_PAGE_TABLES + PAGE) | PTE_PRESENT | PTE_WRITABLE;
	for (uint64_t i = 0; i < GIB_MAPPED; i++)
		pointers[i] = (GUEST_PAGE_TABLES + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITABLE;
	for (uint64_t i = 0; i < (uint64_t)GIB_MAPPED * ENTRIES; i++)
		pages[i] = i << 21 | PTE_HUGE | PTE_PRESENT | PTE_WRITABLE;
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
	};
}

void boot_registers(uint64_t entry, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	enum { CODE = 0xb, DATA = 0x3, TASK_BUSY = 0xb };
	struct kvm_segment data = segment(SELECTOR_DATA, DATA);

	data.db = 1;
	sregs->cs = segment(SELECTOR_CODE, CODE);
	sregs->cs.l = 1;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->tr = segment(SELECTOR_TASK, TASK_BUSY);
	sregs->tr.limit = UINT16_MAX;
	sregs->tr.s = sregs->tr.g = 0;
	sregs->gdt = (struct kvm_dtable){ .base = GUEST_GDT, .limit = sizeof(gdt) - 1 };
	sregs->idt = (struct kvm_dtable){ 0 };
	sregs->cr0 |= CR0_PE | CR0_PG;
	sregs->cr3 = GUEST_PAGE_TABLES;
	sregs->cr4 |= CR4_PAE;
	sregs->efer |= EFER_LME | EFER_LMA;
	*regs = (struct kvm_regs){
		.rip = entry,
		.rsi = GUEST_BOOT_PARAMS,
		.rsp = GUEST_STACK_TOP,
		.rbp = GUEST_STACK_TOP,
		.rflags = RFLAGS_FIXED,
	};
}
