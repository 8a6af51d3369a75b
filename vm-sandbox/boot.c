/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot parameters. The page is zeroed and only what follows is set: a direct entry skips
 * the kernel's setup code, so there is no BIOS to ask for more.
 *
 * The initramfs lies at the end of low memory, where the kernel's own growth does not
 * reach it, but below 2 GiB (initrd_addr_max of all kernels).
 */
#include "vm-sandbox/boot.h"

#include <asm/bootparam.h>
#include <inttypes.h>
#include <string.h>

#include "vm-sandbox/layout.h"

#ifndef SETUP_RNG_SEED
#define SETUP_RNG_SEED 9 /* asm/setup_data.h, since 6.0 */
#endif

enum {
	PAGE = 4096,
	LOADER_UNDEFINED = 0xff,
	E820_RAM = 1,
	E820_RESERVED = 2,
};

#define INITRAMFS_END_MAX 0x7fffffffull
#define KERNEL_ALIGNMENT  0x1000000u

static void add_range(struct boot_params *bp, uint64_t start, uint64_t end, uint32_t type)
{
	bp->e820_table[bp->e820_entries++] =
		(struct boot_e820_entry){ .addr = start, .size = end - start, .type = type };
}

static void add_ranges(struct boot_params *bp, const struct guest_memory *m, bool ecam)
{
	add_range(bp, 0, GUEST_BIOS_START, E820_RAM);
	add_range(bp, GUEST_BIOS_START, GUEST_HIGH_START, E820_RESERVED);
	add_range(bp, GUEST_HIGH_START, guest_low_end(m), E820_RAM);
	/* Linux uses configuration space only where the map keeps memory away from it */
	if (ecam)
		add_range(bp, GUEST_ECAM, GUEST_ECAM + GUEST_ECAM_SIZE, E820_RESERVED);
	for (unsigned int i = 1; i < m->count; i++)
		add_range(bp, m->region[i].addr, m->region[i].addr + m->region[i].size, E820_RAM);
}

static int write_cmdline(struct boot_params *bp, const char *cmdline, const struct guest_memory *m,
                         struct err *e)
{
	size_t len = strlen(cmdline);

	if (len >= GUEST_CMDLINE_MAX)
		return err_set(e, ERR_SPEC, "the kernel's command line is %zu bytes, over %d", len,
		               GUEST_CMDLINE_MAX - 1);
	if (guest_write(m, GUEST_CMDLINE, cmdline, len + 1) < 0)
		return err_set(e, ERR_BUG, "no memory for the command line");
	bp->hdr.cmd_line_ptr = GUEST_CMDLINE;
	bp->hdr.cmdline_size = (uint32_t)len;
	return 0;
}

static uint64_t align(uint64_t size)
{
	return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* An archive behind another one is unpacked over it, so ours, the last, has the last word on
 * /init (Documentation/driver-api/early-userspace/buffer-format.rst). */
static int write_initramfs(struct boot_params *bp, const struct boot_setup *s,
                           const struct guest_memory *m, struct err *e)
{
	const uint64_t first = s->initrd ? align(s->initrd_size) : 0;
	uint64_t end = guest_low_end(m), start, size;

	if (!s->initramfs || s->initramfs_size == 0)
		return 0;
	if (end > INITRAMFS_END_MAX)
		end = INITRAMFS_END_MAX;
	if (first > end || s->initramfs_size > end - first)
		return err_set(e, ERR_SPEC,
		               "the initramfs is %" PRIu64 " MiB, more than the guest's memory",
		               (first + s->initramfs_size) >> 20);
	size = first + s->initramfs_size;
	start = (end - size) & ~(uint64_t)(PAGE - 1);
	if (start < s->kernel.end || start < GUEST_HIGH_START)
		return err_set(e, ERR_SPEC,
		               "the guest's memory is too small for its kernel and initramfs");
	/* what is between them stays zero, which the kernel skips */
	if ((first > 0 && guest_write(m, start, s->initrd, s->initrd_size) < 0) ||
	    guest_write(m, start + first, s->initramfs, s->initramfs_size) < 0)
		return err_set(e, ERR_BUG, "no memory for the initramfs");
	bp->hdr.ramdisk_image = (uint32_t)start;
	bp->hdr.ramdisk_size = (uint32_t)size;
	return 0;
}

/* Without a seed, a guest without RDRAND waits a second for its first random bytes. */
static int write_seed(struct boot_params *bp, const struct boot_setup *s,
                      const struct guest_memory *m, struct err *e)
{
	struct setup_data head = { .type = SETUP_RNG_SEED, .len = BOOT_SEED_SIZE };

	if (guest_write(m, GUEST_SETUP_DATA, &head, sizeof(head)) < 0 ||
	    guest_write(m, GUEST_SETUP_DATA + sizeof(head), s->seed, BOOT_SEED_SIZE) < 0)
		return err_set(e, ERR_BUG, "no memory for the seed");
	bp->hdr.setup_data = GUEST_SETUP_DATA;
	return 0;
}

int boot_prepare(const struct boot_setup *setup, const struct guest_memory *m, struct err *e)
{
	struct boot_params bp = { 0 };

	bp.hdr.type_of_loader = LOADER_UNDEFINED;
	bp.hdr.boot_flag = 0xaa55;
	bp.hdr.header = 0x53726448; /* "HdrS" */
	bp.hdr.kernel_alignment = KERNEL_ALIGNMENT;
	bp.acpi_rsdp_addr = GUEST_ACPI;
	add_ranges(&bp, m, setup->ecam);
	TRY(write_cmdline(&bp, setup->cmdline, m, e));
	TRY(write_initramfs(&bp, setup, m, e));
	TRY(write_seed(&bp, setup, m, e));
	if (guest_write(m, GUEST_BOOT_PARAMS, &bp, sizeof(bp)) < 0)
		return err_set(e, ERR_BUG, "no memory for the boot parameters");
	return boot_write_tables(m, e);
}
