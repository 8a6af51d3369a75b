/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels: unpacked from each compressor, cut off anywhere, lied about, and loaded. */
#include <lzma.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/unit.h"
#include "tests/unit/vm_kernel.h"
#include "vm-sandbox/inflate.h"
#include "vm-sandbox/kernel.h"

static uint8_t elf[FORGED_ELF], packed[FORGED_FILE], file[FORGED_FILE];

static size_t pack_gzip(void)
{
	z_stream z = {
		.next_in = elf, .avail_in = FORGED_ELF, .next_out = packed, .avail_out = FORGED_FILE
	};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out; /* its trailer ends in the size */
}

static size_t size_appended(size_t len)
{
	uint32_t size = FORGED_ELF;

	memcpy(packed + len, &size, sizeof(size));
	return len + sizeof(size);
}

static size_t pack_xz(void)
{
	size_t len = 0;

	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, elf, FORGED_ELF, packed,
	                                         &len, FORGED_FILE),
	                 LZMA_OK);
	return size_appended(len);
}

static size_t pack_zstd(void)
{
	return size_appended(ZSTD_compress(packed, FORGED_FILE, elf, FORGED_ELF, 3));
}

/* Literals alone are a correct block. */
static size_t pack_lz4(void)
{
	size_t at = 8, left = FORGED_ELF - 15;
	uint32_t size;

	static const uint8_t magic[] = { 0x02, 0x21, 0x4c, 0x18 };

	memcpy(packed, magic, sizeof(magic));
	packed[at++] = 0xf0;
	for (; left >= 255; left -= 255)
		packed[at++] = 255;
	packed[at++] = (uint8_t)left;
	memcpy(packed + at, elf, FORGED_ELF);
	at += FORGED_ELF;
	size = (uint32_t)(at - 8);
	memcpy(packed + 4, &size, sizeof(size));
	return size_appended(at);
}

static size_t (*const packers[])(void) = { pack_gzip, pack_xz, pack_zstd, pack_lz4 };
enum { PACKERS = sizeof(packers) / sizeof(packers[0]) };

static void each_compressor_is_unpacked(void **unused)
{
	(void)unused;
	forge_elf(elf);
	for (size_t i = 0; i < PACKERS; i++) {
		KERNEL_IMAGE struct kernel_image k = { 0 };
		struct err e = { 0 };
		size_t len = forge_bzimage(packed, packers[i](), file);

		assert_int_equal(inflate_format_of(packed, len), INFLATE_GZIP + i);
		if (kernel_unpack("k", file, len, &k, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(k.len, FORGED_ELF);
		assert_memory_equal(k.data, elf, FORGED_ELF);
	}
}

static void an_elf_file_is_taken_as_it_is(void **unused)
{
	KERNEL_IMAGE struct kernel_image k = { 0 };
	struct err e = { 0 };

	(void)unused;
	forge_elf(elf);
	assert_int_equal(kernel_unpack("k", elf, FORGED_ELF, &k, &e), 0);
	assert_int_equal(k.len, FORGED_ELF);
	assert_memory_equal(k.data, elf, FORGED_ELF);
}

static void matches_of_lz4_may_overlap_what_they_make(void **unused)
{
	/* "ab", twelve bytes more by a match at distance 2, then "c" */
	uint8_t in[] = { 2, 0x21, 0x4c, 0x18, 7, 0, 0, 0, 0x28, 'a', 'b', 2, 0, 0x10, 'c' };
	uint8_t out[15];

	(void)unused;
	assert_int_equal(inflate_lz4_frames(in, sizeof(in), out, sizeof(out)), 15);
	assert_memory_equal(out,
	                    "ababababababab"
	                    "c",
	                    15);
	assert_int_equal(inflate_lz4_frames(in, sizeof(in), out, 14), -1);
	in[11] = 3; /* a distance before the beginning */
	assert_int_equal(inflate_lz4_frames(in, sizeof(in), out, sizeof(out)), -1);
	in[11] = 0;
	assert_int_equal(inflate_lz4_frames(in, sizeof(in), out, sizeof(out)), -1);
}

static void what_is_cut_off_is_refused(void **unused)
{
	(void)unused;
	forge_elf(elf);
	for (size_t i = 0; i < PACKERS; i++) {
		size_t len = forge_bzimage(packed, packers[i](), file);

		for (size_t cut = 0; cut < len; cut += cut < 1024 ? 61 : 997) {
			struct kernel_image k = { 0 };
			struct err e = { 0 };

			assert_int_equal(kernel_unpack("k", file, cut, &k, &e), -1);
			assert_int_equal(e.kind, ERR_SPEC);
			assert_null(k.data);
		}
	}
}

static void refuse(size_t len, const char *why)
{
	struct kernel_image k = { 0 };
	struct err e = { 0 };

	assert_int_equal(kernel_unpack("/boot/k", file, len, &k, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	if (!strstr(e.text, why) || strncmp(e.text, "/boot/k: ", 9) != 0)
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void headers_that_lie_are_refused(void **unused)
{
	struct setup_header *h = (struct setup_header *)(void *)(file + 0x1f1);
	uint32_t size = UINT32_MAX;
	size_t len;

	(void)unused;
	forge_elf(elf);
	len = forge_bzimage(packed, pack_zstd(), file);
	memcpy(file + len - 4, &size, 4);
	refuse(len, "over 512 MiB");
	size = FORGED_ELF + 1;
	memcpy(file + len - 4, &size, 4);
	refuse(len, "not 16385");
	size = FORGED_ELF - 1;
	memcpy(file + len - 4, &size, 4);
	refuse(len, "broken");
	h->payload_length = UINT32_MAX;
	refuse(len, "not inside the file");
	h->payload_length = 3;
	refuse(len, "not inside the file");
	h->payload_offset = UINT32_MAX;
	refuse(len, "not inside the file");
	h->xloadflags = 0;
	refuse(len, "not a 64-bit kernel");
	h->version = 0x20b;
	refuse(len, "boot protocol 2.11");
	h->header = 0;
	refuse(len, "neither a bzImage");
	len = forge_bzimage("BZh9....", 8, file);
	refuse(len, "not packed by");
}

static void what_is_no_elf_inside_is_refused(void **unused)
{
	size_t len;

	(void)unused;
	forge_elf(elf);
	elf[0] = 0;
	len = forge_bzimage(packed, pack_gzip(), file);
	refuse(len, "no ELF file");
}

static int layout(struct kernel_layout *l, struct err *e)
{
	return kernel_layout_of(elf, 4096, FORGED_ELF, l, e);
}

static void segments_are_loaded(void **unused)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	struct kernel_layout l;
	struct err e = { 0 };
	const uint8_t *at;
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	(void)unused;
	forge_elf(elf);
	assert_int_equal(write(fd, elf, FORGED_ELF), FORGED_ELF);
	assert_int_equal(layout(&l, &e), 0);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.entry, 0x1000100);
	assert_int_equal(l.start, 0x1000000);
	assert_int_equal(l.end, 0x1203000);
	assert_int_equal(guest_memory_new(&m, 64ull << 20, &e), 0);
	assert_int_equal(kernel_load(fd, &l, &m, &e), 0);
	at = guest_at(&m, 0x1000000, 8192);
	assert_memory_equal(at, elf + 4096, 8192);
	at = guest_at(&m, 0x1200000, 12288);
	assert_memory_equal(at, elf + 12288, 4096);
	for (size_t i = 4096; i < 12288; i++)
		assert_int_equal(at[i], 0);

	/* a file that shrank, and a guest that is too small */
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(kernel_load(fd, &l, &m, &e), -1);
	l.segment[0].addr = 63ull << 20;
	l.segment[0].size = 2ull << 20;
	assert_int_equal(kernel_load(fd, &l, &m, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	close(fd);
}

static void refuse_elf(const char *why)
{
	struct kernel_layout l = { 0 };
	struct err e = { 0 };

	assert_int_equal(layout(&l, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_int_equal(l.count, 0);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	forge_elf(elf);
}

static void elf_headers_that_lie_are_refused(void **unused)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)(void *)elf;
	Elf64_Phdr *p = (Elf64_Phdr *)(void *)(elf + sizeof(*h));

	(void)unused;
	forge_elf(elf);
	h->e_machine = EM_AARCH64;
	refuse_elf("x86-64");
	h->e_type = ET_REL;
	refuse_elf("cannot be executed");
	h->e_phentsize = 1;
	refuse_elf("unknown size");
	h->e_phoff = UINT64_MAX;
	refuse_elf("not at the file's beginning");
	h->e_phnum = UINT16_MAX;
	refuse_elf("not at the file's beginning");
	h->e_phnum = 0;
	refuse_elf("nothing to load");
	h->e_entry = 0x100;
	refuse_elf("in no segment");
	h->e_entry = 0x1201000; /* in the zeros */
	refuse_elf("in no segment");
	p[0].p_filesz = p[0].p_memsz + 1;
	refuse_elf("not inside the file");
	p[1].p_offset = FORGED_ELF - 4095;
	refuse_elf("not inside the file");
	p[1].p_offset = UINT64_MAX;
	refuse_elf("not inside the file");
	p[0].p_paddr = 0x9000; /* our page tables */
	refuse_elf("between 1 MiB");
	p[0].p_paddr = UINT64_MAX - 4096;
	refuse_elf("between 1 MiB");
	p[0].p_memsz = UINT64_MAX;
	refuse_elf("between 1 MiB");
	p[1].p_paddr = 0x1001fff;
	refuse_elf("overlaps");
	for (int i = 0; i < 3; i++)
		p[i] = (Elf64_Phdr){ .p_type = PT_LOAD };
	refuse_elf("nothing to load");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_compressor_is_unpacked),
		cmocka_unit_test(an_elf_file_is_taken_as_it_is),
		cmocka_unit_test(matches_of_lz4_may_overlap_what_they_make),
		cmocka_unit_test(what_is_cut_off_is_refused),
		cmocka_unit_test(headers_that_lie_are_refused),
		cmocka_unit_test(what_is_no_elf_inside_is_refused),
		cmocka_unit_test(segments_are_loaded),
		cmocka_unit_test(elf_headers_that_lie_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
