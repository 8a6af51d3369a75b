/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF vmlinux's headers, checked, and its segments, read straight into guest memory:
 * cheaper than mapping the file and copying (a third of the page faults).
 *
 * A segment lies at its physical address. All have to be above 1 MiB, where nothing of
 * ours is, and none may overlap another: whoever made the file could otherwise replace
 * page tables or the command line after they were checked.
 * Source: elf(5).
 */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "vm-sandbox/kernel.h"
#include "vm-sandbox/layout.h"

static int check_header(const Elf64_Ehdr *h, struct err *e)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(e, ERR_SPEC, "no ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64)
		return err_set(e, ERR_SPEC, "no ELF file for x86-64");
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return err_set(e, ERR_SPEC, "an ELF file that cannot be executed");
	if (h->e_phentsize != sizeof(Elf64_Phdr))
		return err_set(e, ERR_SPEC, "program headers of an unknown size");
	return 0;
}

static bool overlaps(const struct kernel_layout *l, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (start < l->segment[i].addr + l->segment[i].size && l->segment[i].addr < end)
			return true;
	}
	return false;
}

static int add_segment(struct kernel_layout *l, const Elf64_Phdr *p, uint64_t file_size,
                       struct err *e)
{
	uint64_t end;

	if (p->p_type != PT_LOAD || p->p_memsz == 0)
		return 0;
	if (l->count == KERNEL_SEGMENTS_MAX)
		return err_set(e, ERR_SPEC, "more than %d segments", KERNEL_SEGMENTS_MAX);
	if (p->p_filesz > p->p_memsz || p->p_offset > file_size ||
	    p->p_filesz > file_size - p->p_offset)
		return err_set(e, ERR_SPEC, "segment %u is not inside the file", l->count);
	if (p->p_paddr < GUEST_KERNEL_MIN || __builtin_add_overflow(p->p_paddr, p->p_memsz, &end) ||
	    end > GUEST_LOW_END)
		return err_set(
			e, ERR_SPEC,
			"segment %u at 0x%llx is not between 1 MiB and the end of low memory",
			l->count, (unsigned long long)p->p_paddr);
	if (overlaps(l, p->p_paddr, end))
		return err_set(e, ERR_SPEC, "segment %u overlaps another", l->count);
	l->segment[l->count++] = (struct kernel_segment){
		.offset = p->p_offset,
		.addr = p->p_paddr,
		.file_size = p->p_filesz,
		.size = p->p_memsz,
	};
	if (p->p_paddr < l->start)
		l->start = p->p_paddr;
	if (end > l->end)
		l->end = end;
	return 0;
}

/* Physical, as the 64-bit entry of vmlinux is linked: it has to be in a segment. */
static int check_entry(const struct kernel_layout *l, struct err *e)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (l->entry >= l->segment[i].addr &&
		    l->entry - l->segment[i].addr < l->segment[i].file_size)
			return 0;
	}
	return err_set(e, ERR_SPEC, "the entry point 0x%llx is in no segment",
	               (unsigned long long)l->entry);
}

int kernel_layout_of(const void *head, size_t len, uint64_t file_size, struct kernel_layout *ret,
                     struct err *e)
{
	struct kernel_layout l = { .start = UINT64_MAX };
	Elf64_Ehdr h;
	Elf64_Phdr p;

	if (len < sizeof(h))
		return err_set(e, ERR_SPEC, "no ELF file");
	memcpy(&h, head, sizeof(h));
	TRY(check_header(&h, e));
	if (h.e_phoff > len || h.e_phnum > (len - h.e_phoff) / sizeof(p))
		return err_set(e, ERR_SPEC, "the program headers are not at the file's beginning");
	for (unsigned int i = 0; i < h.e_phnum; i++) {
		memcpy(&p, (const char *)head + h.e_phoff + i * sizeof(p), sizeof(p));
		TRY(add_segment(&l, &p, file_size, e));
	}
	if (l.count == 0)
		return err_set(e, ERR_SPEC, "nothing to load");
	l.entry = h.e_entry;
	TRY(check_entry(&l, e));
	*ret = l;
	return 0;
}

static int read_all(int fd, void *to, uint64_t len, uint64_t offset, struct err *e)
{
	uint64_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)to + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read the kernel");
		if (n == 0)
			return err_set(e, ERR_SPEC, "the kernel's file has become shorter");
		done += (uint64_t)n;
	}
	return 0;
}

int kernel_load(int fd, const struct kernel_layout *layout, const struct guest_memory *m,
                struct err *e)
{
	for (unsigned int i = 0; i < layout->count; i++) {
		const struct kernel_segment *s = &layout->segment[i];
		void *to = guest_at(m, s->addr, s->size);

		if (!to)
			return err_set(e, ERR_SPEC,
			               "the kernel needs memory up to %llu MiB, the guest has %llu",
			               (unsigned long long)(layout->end >> 20) + 1,
			               (unsigned long long)(guest_low_end(m) >> 20));
		/* the rest of the segment is fresh memory, which is zero */
		TRY(read_all(fd, to, s->file_size, s->offset, e));
	}
	return 0;
}
