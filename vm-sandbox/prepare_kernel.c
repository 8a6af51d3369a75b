/* SPDX-License-Identifier: Apache-2.0 */
/* What version a kernel's file is: whose modules fit. */
#include <asm/bootparam.h>
#include <stdint.h>
#include <string.h>

#include "vm-sandbox/prepare.h"

enum {
	SETUP_HEADER = 0x1f1,
	HEADER_MAGIC = 0x53726448, /* "HdrS" */
	VERSION_BASE = 0x200,      /* what kernel_version counts from */
};

static const char prefix[] = "vmlinuz-";

static bool is_version(const char *text, size_t len)
{
	if (len == 0 || len >= PREPARE_VERSION_ROOM || text[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] == '/' || text[i] > '~')
			return false;
	}
	return true;
}

static bool set_version(const char *text, size_t len, char ret[PREPARE_VERSION_ROOM])
{
	if (!is_version(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

/* boot.rst, "kernel_version": a string whose first word is the version. */
static bool version_in(const char *file, size_t len, char ret[PREPARE_VERSION_ROOM])
{
	struct setup_header h;
	size_t at;

	if (len < SETUP_HEADER + sizeof(h))
		return false;
	memcpy(&h, file + SETUP_HEADER, sizeof(h));
	at = (size_t)h.kernel_version + VERSION_BASE;
	if (h.header != HEADER_MAGIC || !h.kernel_version || len < at + PREPARE_VERSION_ROOM)
		return false;
	file += at;
	for (size_t i = 0; i < PREPARE_VERSION_ROOM; i++) {
		if (file[i] == ' ' || file[i] == '\0')
			return set_version(file, i, ret);
	}
	return false;
}

void prepare_version(const char *path, const void *file, size_t len, char ret[PREPARE_VERSION_ROOM])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	ret[0] = '\0';
	if (version_in(file, len, ret) || strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return;
	(void)set_version(name + sizeof(prefix) - 1, strlen(name + sizeof(prefix) - 1), ret);
}
