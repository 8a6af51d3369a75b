/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot parameters, read back as the kernel reads them; and page tables and registers,
 * which a real vCPU of this host takes when there is one: its first instructions then
 * find themselves in long mode.
 */
#include <asm/bootparam.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/boot.h"
#include "vm-sandbox/layout.h"

#define MIB (1ull << 20)

static struct boot_params params(const struct guest_memory *m)
{
	struct boot_params bp;

	assert_int_equal(guest_read(m, GUEST_BOOT_PARAMS, &bp, sizeof(bp)), 0);
	return bp;
}

static void small_guest(struct guest_memory *m, struct boot_setup *s)
{
	struct err e = { 0 };

	assert_int_equal(guest_memory_new(m, 64 * MIB, &e), 0);
	*s = (struct boot_setup){
		.cmdline = "quiet panic=-1",
		.initramfs = "070701",
		.initramfs_size = 6,
		.seed = { 1, 2, 3 },
		.kernel = { .entry = 16 * MIB, .start = 16 * MIB, .end = 48 * MIB },
	};
}

static void parameters_are_what_the_kernel_reads(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct boot_setup s;
	struct boot_params bp;
	struct err e = { 0 };
	const uint32_t *seed;

	(void)unused;
	small_guest(&m, &s);
	assert_int_equal(boot_prepare(&s, &m, &e), 0);
	bp = params(&m);
	assert_int_equal(bp.hdr.header, 0x53726448);
	assert_int_equal(bp.hdr.type_of_loader, 0xff);
	assert_int_equal(bp.acpi_rsdp_addr, GUEST_ACPI);
	assert_string_equal(guest_at(&m, bp.hdr.cmd_line_ptr, 16), "quiet panic=-1");
	assert_int_equal(bp.hdr.ramdisk_size, 6);
	assert_int_equal(bp.hdr.ramdisk_image, 64 * MIB - 4096);
	assert_memory_equal(guest_at(&m, bp.hdr.ramdisk_image, 6), "070701", 6);
	seed = guest_at(&m, bp.hdr.setup_data, 48);
	assert_int_equal(seed[0] | seed[1], 0); /* the last of the list */
	assert_int_equal(seed[2], 9);
	assert_int_equal(seed[3], 32);
	assert_int_equal(seed[4], 0x030201);
}

static void the_memory_map_has_no_holes_that_are_ram(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct boot_setup s = { .cmdline = "", .ecam = true };
	struct boot_params bp;
	struct err e = { 0 };
	uint64_t ram = 0;

	(void)unused;
	assert_int_equal(guest_memory_new(&m, 5120 * MIB, &e), 0);
	assert_int_equal(boot_prepare(&s, &m, &e), 0);
	bp = params(&m);
	assert_int_equal(bp.e820_entries, 5);
	for (unsigned int i = 0; i < bp.e820_entries; i++) {
		const struct boot_e820_entry *r = &bp.e820_table[i];

		if (i > 0)
			assert_true(r->addr >= r[-1].addr + r[-1].size);
		if (r->type != 1)
			continue;
		assert_non_null(guest_at(&m, r->addr, r->size));
		ram += r->size;
	}
	assert_int_equal(ram, 5120 * MIB - (GUEST_HIGH_START - GUEST_BIOS_START));
	assert_int_equal(bp.e820_table[3].addr, GUEST_ECAM);
	assert_int_equal(bp.e820_table[3].type, 2);
	assert_int_equal(bp.hdr.ramdisk_size, 0);
}

static void refuse(const struct boot_setup *s, const struct guest_memory *m, const char *why)
{
	struct err e = { 0 };

	assert_int_equal(boot_prepare(s, m, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void what_does_not_fit_is_refused(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct boot_setup s;
	struct err e = { 0 };
	char *large = calloc(1, 16 * MIB + 1), line[2049];

	(void)unused;
	small_guest(&m, &s);
	memset(line, 'a', sizeof(line));
	line[2048] = '\0';
	s.cmdline = line;
	refuse(&s, &m, "command line is 2048 bytes");
	line[2047] = '\0';
	assert_int_equal(boot_prepare(&s, &m, &e), 0);
	s.initramfs = large;
	s.initramfs_size = 16 * MIB;
	assert_int_equal(boot_prepare(&s, &m, &e), 0);
	s.initramfs_size++;
	refuse(&s, &m, "too small");
	s.initramfs_size = 65 * MIB;
	refuse(&s, &m, "more than the guest's memory");
	free(large);
}

/* Ours is behind another one, from the next page on, with zeros between. */
static void an_initrd_comes_before_ours(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct boot_setup s;
	struct boot_params bp;
	struct err e = { 0 };
	char *theirs = calloc(1, 16 * MIB);
	const char *at;

	(void)unused;
	small_guest(&m, &s);
	memset(theirs, 't', 5000);
	s.initrd = theirs;
	s.initrd_size = 5000;
	assert_int_equal(boot_prepare(&s, &m, &e), 0);
	bp = params(&m);
	assert_int_equal(bp.hdr.ramdisk_size, 8192 + 6);
	assert_int_equal(bp.hdr.ramdisk_image, 64 * MIB - 12288);
	at = guest_at(&m, bp.hdr.ramdisk_image, bp.hdr.ramdisk_size);
	assert_memory_equal(at, theirs, 8192);
	assert_memory_equal(at + 8192, "070701", 6);
	s.initrd_size = 16 * MIB - 4096;
	assert_int_equal(boot_prepare(&s, &m, &e), 0);
	s.initrd_size = 16 * MIB;
	refuse(&s, &m, "too small");
	s.initrd_size = 64 * MIB;
	refuse(&s, &m, "more than the guest's memory");
	free(theirs);
}

static void page_tables_map_four_gib_to_themselves(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct kvm_sregs sregs = { .cr0 = 0x10 };
	struct kvm_regs regs;
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(guest_memory_new(&m, 32 * MIB, &e), 0);
	assert_int_equal(boot_write_tables(&m, &e), 0);
	boot_registers(0x1000000, &regs, &sregs);
	assert_int_equal(sregs.cr0, 0x80000011);
	for (uint64_t address = 0; address < 4096 * MIB; address += 2 * MIB) {
		uint64_t entry = sregs.cr3;

		for (int shift = 39; shift >= 21; shift -= 9) {
			const uint64_t *table = guest_at(&m, entry & ~0xfffull, 4096);

			assert_non_null(table);
			entry = table[address >> shift & 511];
			assert_int_equal(entry & 3, 3);
		}
		assert_int_equal(entry, address | 0x83);
	}
	assert_int_equal(regs.rip, 0x1000000);
	assert_int_equal(regs.rsi, GUEST_BOOT_PARAMS);
	assert_int_equal(regs.rflags, 2);
}

/* mov %rsi, %rax; mov $0x80, %dx; out %eax, %dx; hlt: only 64-bit code has the first */
static const uint8_t guest_code[] = { 0x48, 0x89, 0xf0, 0x66, 0xba, 0x80, 0x00, 0xef, 0xf4 };

static void a_vcpu_takes_them(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct kvm_userspace_memory_region region = { .memory_size = 32 * MIB };
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct err e = { 0 };
	struct kvm_run *run;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu, size;

	(void)unused;
	if (kvm < 0) {
		print_message("no /dev/kvm here\n");
		skip();
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	assert_int_equal(guest_memory_new(&m, 32 * MIB, &e), 0);
	assert_int_equal(boot_write_tables(&m, &e), 0);
	assert_int_equal(guest_write(&m, 0x1000000, guest_code, sizeof(guest_code)), 0);
	region.userspace_addr = (uint64_t)m.region[0].host;
	assert_int_equal(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	assert_ptr_not_equal(run, MAP_FAILED);
	assert_int_equal(ioctl(vcpu, KVM_GET_SREGS, &sregs), 0);
	boot_registers(0x1000000, &regs, &sregs);
	assert_int_equal(ioctl(vcpu, KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ioctl(vcpu, KVM_SET_REGS, &regs), 0);
	assert_int_equal(ioctl(vcpu, KVM_RUN, 0), 0);
	assert_int_equal(run->exit_reason, KVM_EXIT_IO);
	assert_int_equal(run->io.port, 0x80);
	assert_int_equal(*(uint32_t *)(void *)((uint8_t *)run + run->io.data_offset),
	                 GUEST_BOOT_PARAMS);
	munmap(run, (size_t)size);
	close(vcpu);
	close(vm);
	close(kvm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_what_the_kernel_reads),
		cmocka_unit_test(the_memory_map_has_no_holes_that_are_ram),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(an_initrd_comes_before_ours),
		cmocka_unit_test(page_tables_map_four_gib_to_themselves),
		cmocka_unit_test(a_vcpu_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
