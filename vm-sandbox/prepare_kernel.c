/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernel, and what version it is. The newest one is that with the highest number, as
 * people read them (strverscmp(3)): a file's time tells when it was installed. One whose
 * modules are gone, or not unpacked yet, is passed over.
 */
#include <asm/bootparam.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
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

static bool has_modules(const char *modules, const char *version)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s/modules.dep", modules, version);

	return len > 0 && (size_t)len < sizeof(path) && access(path, R_OK) == 0;
}

static void choose(DIR *d, const char *modules, char newest[PREPARE_VERSION_ROOM])
{
	const struct dirent *entry;

	newest[0] = '\0';
	while ((entry = readdir(d))) {
		const char *version = entry->d_name + sizeof(prefix) - 1;

		if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) != 0 ||
		    !is_version(version, strlen(version)) || strverscmp(version, newest) <= 0 ||
		    !has_modules(modules, version))
			continue;
		(void)set_version(version, strlen(version), newest);
	}
}

int prepare_newest(const char *boot, const char *modules, char ret[PATH_MAX], struct err *e)
{
	char newest[PREPARE_VERSION_ROOM];
	DIR *d = opendir(boot);
	int len;

	if (!d && errno != ENOENT)
		return err_sys(e, "open %s", boot);
	newest[0] = '\0';
	if (d) {
		choose(d, modules, newest);
		(void)closedir(d);
	}
	if (!newest[0]) {
		(void)err_set(e, ERR_REFUSED, "no kernel: no %s/%s* with modules in %s", boot,
		              prefix, modules);
		return err_hint(e,
		                "install a distribution's kernel (Debian: linux-image-cloud-amd64) "
		                "or name one with --kernel");
	}
	len = snprintf(ret, PATH_MAX, "%s/%s%s", boot, prefix, newest);
	if (len < 0 || len >= PATH_MAX)
		return err_set(e, ERR_SPEC, "%s: too long", boot);
	return 0;
}
