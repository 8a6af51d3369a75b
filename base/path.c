/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/sys.h"

int path_open_in(int root, const char *path, int flags, mode_t mode, struct err *e)
{
	uint64_t how = (uint64_t)(unsigned int)flags | O_CLOEXEC;
	int fd;

	do /* EAGAIN: a rename elsewhere raced with the walk (openat2(2)) */
		fd = sys_openat2(root, path, how, (flags & O_CREAT) ? mode : 0,
		                 RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	while (fd < 0 && errno == EAGAIN);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

char *path_clean(struct arena *a, const char *base, const char *path)
{
	const char *start = path[0] == '/' ? "" : base;
	char *joined = arena_printf(a, "/%s/%s", start, path);
	char *out = joined; /* the result is never longer than what is read */

	for (char *next = joined; *next;) {
		char *part = next + strspn(next, "/");
		size_t len = strcspn(part, "/");

		next = part + len;
		if (len == 0 || (len == 1 && part[0] == '.'))
			continue;
		if (len == 2 && part[0] == '.' && part[1] == '.') {
			while (out > joined && *--out != '/')
				;
			continue;
		}
		*out++ = '/';
		memmove(out, part, len);
		out += len;
	}
	if (out == joined)
		*out++ = '/';
	*out = '\0';
	return joined;
}

bool path_is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	if (len == 1)
		return true; /* everything is below / */
	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}
