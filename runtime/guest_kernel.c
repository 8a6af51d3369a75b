/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/guest_kernel.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"

static const char prefix[] = "vmlinuz-";

/* Names of packages that are half removed, and a package manager's copies, are no kernels. */
static bool is_kernel(const char *name)
{
	static const char *const endings[] = { ".old", ".bak", ".dpkg-tmp", ".dpkg-new" };
	size_t len = strlen(name);

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || len == sizeof(prefix) - 1)
		return false;
	for (size_t i = 0; i < LEN(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(name + len - n, endings[i]) == 0)
			return false;
	}
	return true;
}

/* The greatest by version, "" when there is none. */
static const char *newest(struct arena *a, DIR *dir, const char *folder)
{
	const char *best = "";

	for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		const char *path = arena_printf(a, "%s/%s", folder, d->d_name);

		if (is_kernel(d->d_name) && access(path, R_OK) == 0 &&
		    strverscmp(d->d_name, best) > 0)
			best = arena_string(a, d->d_name, strlen(d->d_name));
	}
	return best;
}

int guest_kernel_find(struct arena *a, const char *root, struct guest_kernel *ret, struct err *e)
{
	const char *folder = arena_printf(a, "%s/boot", root), *name = "";
	DIR *dir = opendir(folder);

	if (dir) {
		name = newest(a, dir, folder);
		(void)closedir(dir);
	}
	if (!*name) {
		err_set(e, ERR_REFUSED, "no kernel for a guest: no %s/%s* that we may read", folder,
		        prefix);
		return err_hint(e, "install a distribution's kernel, such as "
		                   "linux-image-cloud-amd64");
	}
	const char *version = name + sizeof(prefix) - 1;
	const char *modules = arena_printf(a, "%s/lib/modules/%s", root, version);
	bool listed = access(arena_printf(a, "%s/modules.dep", modules), R_OK) == 0;

	*ret = (struct guest_kernel){
		.path = arena_printf(a, "%s/%s", folder, name),
		.version = version,
		.modules = listed ? modules : NULL,
	};
	return 0;
}
