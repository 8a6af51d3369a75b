/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the payload in a bzImage and unpacking it. The setup header says where the
 * payload is; for all compressors the payload's last four bytes are the size of what was
 * packed (for gzip that is the format's own trailer), so the room is known before.
 *
 * Refused by name: images older than protocol 2.12 (Linux 3.8), 32-bit kernels, payloads
 * of bzip2, lzma and lzo, which no distribution of ours has.
 * Source: Documentation/arch/x86/boot.rst, sections "Details of Header Fields" and
 * "Loading The Rest of The Kernel"; scripts/Makefile.lib (size_append).
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "vm-sandbox/inflate.h"
#include "vm-sandbox/kernel.h"

#define UNPACKED_MAX (512ull << 20)

enum {
	SETUP_HEADER = 0x1f1, /* offset of struct setup_header in the file */
	SECTOR = 512,
	VERSION_MIN = 0x20c,       /* 2.12: xloadflags */
	SETUP_SECTS_UNSET = 4,     /* what 0 in setup_sects means */
	HEADER_MAGIC = 0x53726448, /* "HdrS" */
	BOOT_FLAG = 0xaa55,
};

void kernel_image_done(struct kernel_image *k)
{
	int saved = errno;

	if (k->data)
		(void)munmap((void *)(uintptr_t)k->data, k->len);
	*k = (struct kernel_image){ 0 };
	errno = saved;
}

static int map(size_t len, struct kernel_image *ret, struct err *e)
{
	void *data = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data == MAP_FAILED)
		return err_sys(e, "map %zu bytes", len);
	*ret = (struct kernel_image){ .data = data, .len = len };
	return 0;
}

static bool is_elf(const void *data, size_t len)
{
	return len >= sizeof(Elf64_Ehdr) && !memcmp(data, ELFMAG, SELFMAG);
}

/* Where the payload is in a bzImage; the offsets in its header are the file's word. */
static int find_payload(const uint8_t *file, size_t len, const uint8_t **ret, size_t *ret_len,
                        struct err *e)
{
	struct setup_header h;
	uint64_t start;

	if (len < SETUP_HEADER + sizeof(h))
		return err_set(e, ERR_SPEC, "neither a bzImage nor an ELF file");
	memcpy(&h, file + SETUP_HEADER, sizeof(h));
	if (h.boot_flag != BOOT_FLAG || h.header != HEADER_MAGIC)
		return err_set(e, ERR_SPEC, "neither a bzImage nor an ELF file");
	if (h.version < VERSION_MIN)
		return err_set(e, ERR_SPEC, "boot protocol %u.%02u is too old; 2.12 is needed",
		               h.version >> 8, h.version & 0xff);
	if (!(h.xloadflags & XLF_KERNEL_64))
		return err_set(e, ERR_SPEC, "not a 64-bit kernel");
	start = ((uint64_t)(h.setup_sects ? h.setup_sects : SETUP_SECTS_UNSET) + 1) * SECTOR +
	        h.payload_offset;
	if (h.payload_length < sizeof(uint32_t) || start > len || h.payload_length > len - start)
		return err_set(e, ERR_SPEC, "the payload is not inside the file: cut off?");
	*ret = file + start;
	*ret_len = h.payload_length;
	return 0;
}

static int unpack(const uint8_t *payload, size_t len, struct kernel_image *ret, struct err *e)
{
	KERNEL_IMAGE struct kernel_image image = { 0 };
	enum inflate_format format = inflate_format_of(payload, len);
	uint32_t size;
	ssize_t got;

	if (format == INFLATE_NONE)
		return err_set(e, ERR_SPEC, "its payload is not packed by gzip, xz, zstd or lz4");
	memcpy(&size, payload + len - sizeof(size), sizeof(size));
	if (size < sizeof(Elf64_Ehdr) || size > UNPACKED_MAX)
		return err_set(e, ERR_SPEC, "its payload is %u bytes when unpacked, over 512 MiB",
		               size);
	TRY(map(size, &image, e));
	got = inflate_block(format, payload, format == INFLATE_GZIP ? len : len - sizeof(size),
	                    (void *)(uintptr_t)image.data, size, e);
	TRY(got);
	if ((size_t)got != size)
		return err_set(e, ERR_SPEC, "its payload is %zd bytes when unpacked, not %u", got,
		               size);
	if (!is_elf(image.data, image.len))
		return err_set(e, ERR_SPEC, "what is packed in it is no ELF file");
	*ret = image;
	image = (struct kernel_image){ 0 };
	return 0;
}

int kernel_unpack(const char *name, const void *file, size_t len, struct kernel_image *ret,
                  struct err *e)
{
	const uint8_t *payload;
	size_t payload_len;

	if (is_elf(file, len)) {
		struct kernel_image copy = { 0 };

		if (len > UNPACKED_MAX)
			return err_set(e, ERR_SPEC, "%s: over 512 MiB", name);
		TRY(map(len, &copy, e));
		memcpy((void *)(uintptr_t)copy.data, file, len);
		*ret = copy;
		return 0;
	}
	if (find_payload(file, len, &payload, &payload_len, e) < 0 ||
	    unpack(payload, payload_len, ret, e) < 0)
		return err_in(e, "%s", name);
	return 0;
}
