/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program loses with glibc and keeps in spite of it. Linked against glibc,
 * this file is empty.
 *
 * - Debian's libyajl_s.a and libseccomp.a are compiled with glibc's _FORTIFY_SOURCE,
 *   whose checking functions musl does not have. Beside these, the two use only
 *   functions of the C standard and POSIX whose types are alike in both (`nm -u`).
 *   Each ends the program where the caller's buffer is too small, as glibc's do.
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
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room);
int __sprintf_chk(char *to, int flag, size_t room, const char *fmt, ...) PRINTF(4, 5);
int __snprintf_chk(char *to, size_t len, int flag, size_t room, const char *fmt, ...) PRINTF(5, 6);
int __fprintf_chk(FILE *to, int flag, const char *fmt, ...) PRINTF(3, 4);

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room)
{
	if (len > room)
		abort();
	return memcpy(to, from, len);
}

int __sprintf_chk(char *to, int flag, size_t room, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	int len = vsnprintf(to, room, fmt, ap);
	va_end(ap);
	if (len >= 0 && (size_t)len >= room)
		abort();
	return len;
}

int __snprintf_chk(char *to, size_t len, int flag, size_t room, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	if (len > room)
		abort();
	va_start(ap, fmt);
	int result = vsnprintf(to, len, fmt, ap);
	va_end(ap);
	return result;
}

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
