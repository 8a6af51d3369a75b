/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program loses with glibc and keeps in spite of it. Linked against glibc,
 * this file is empty.
 *
 * - Debian's libseccomp.a is compiled with glibc's _FORTIFY_SOURCE, and calls one of its
 *   functions, which musl does not have. Beside it, it uses only functions of the C
 *   standard and POSIX whose types are alike in both (`nm -u`).
 * - musl's open(2) sets close-on-exec once more by a call of its own, for kernels that
 *   did not know O_CLOEXEC.
 * - glibc makes what is relocated at start read-only (RELRO) in a static program, too;
 *   musl leaves that to its dynamic loader.
 */
#include <features.h>

#ifndef __GLIBC__

#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

int __fprintf_chk(FILE *to, int flag, const char *fmt, ...) PRINTF(3, 4);

int __fprintf_chk(FILE *to, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	int len = vfprintf(to, fmt, ap);
	va_end(ap);
	return len;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return openat(AT_FDCWD, path, flags, mode);
}

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden"))); /* by ld */

__attribute__((constructor)) static void protect_relocated(void)
{
	uintptr_t start = (uintptr_t)&__ehdr_start, page = (uintptr_t)getpagesize();
	const ElfW(Phdr) *header = (const ElfW(Phdr) *)(start + __ehdr_start.e_phoff);

	for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
		if (header[i].p_type != PT_GNU_RELRO)
			continue;

		uintptr_t from = (start + header[i].p_vaddr) & -page;
		uintptr_t to = (start + header[i].p_vaddr + header[i].p_memsz) & -page;
		if (mprotect((void *)from, to - from, PROT_READ) < 0)
			abort();
	}
}

#endif
