/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <string.h>

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
