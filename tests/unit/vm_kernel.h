/* SPDX-License-Identifier: Apache-2.0 */
/* A forged vmlinux and bzImage, small and with everything a real one has for our parser. */
#pragma once

#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>

enum {
	FORGED_ELF = 16384,
	FORGED_FILE = 65536,
	FORGED_PAYLOAD_AT = 5 * 512 + 128, /* four setup sectors, then some code */
};

/* Two segments: 8 KiB at 16 MiB, then 4 KiB of the file and 8 KiB of zeros. */
static inline size_t forge_elf(uint8_t elf[FORGED_ELF])
{
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = 0x1000100,
		.e_phoff = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	Elf64_Phdr p[3] = {
		{ .p_type = PT_LOAD,
		  .p_offset = 4096,
		  .p_paddr = 0x1000000,
		  .p_filesz = 8192,
		  .p_memsz = 8192 },
		{ .p_type = PT_LOAD,
		  .p_offset = 12288,
		  .p_paddr = 0x1200000,
		  .p_filesz = 4096,
		  .p_memsz = 12288 },
		{ .p_type = PT_NOTE, .p_offset = 1ull << 40, .p_filesz = 1 },
	};

	for (size_t i = 0; i < FORGED_ELF; i++)
		elf[i] = (uint8_t)(i * 7 >> 3);
	memcpy(elf, &h, sizeof(h));
	memcpy(elf + sizeof(h), p, sizeof(p));
	return FORGED_ELF;
}

/* A bzImage around a payload; the payload's last four bytes are the unpacked size. */
static inline size_t forge_bzimage(const void *payload, size_t len, uint8_t file[FORGED_FILE])
{
	struct setup_header h = {
		.setup_sects = 4,
		.boot_flag = 0xaa55,
		.header = 0x53726448,
		.version = 0x20f,
		.xloadflags = XLF_KERNEL_64,
		.payload_offset = 128,
		.payload_length = (uint32_t)len,
	};

	memset(file, 0x90, FORGED_PAYLOAD_AT);
	memcpy(file + 0x1f1, &h, sizeof(h));
	memcpy(file + FORGED_PAYLOAD_AT, payload, len);
	return FORGED_PAYLOAD_AT + len;
}
