/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be a container's id. It becomes a folder's name below the root and part of
 * a cgroup's, so it must stay one harmless component of a path; the letters allowed
 * are those of runc, because engines make their ids for it.
 */
#include <string.h>

#include "runtime/container.h"

enum { ID_MAX = 1024 };

int container_id_check(const char *id, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+.-";
	size_t len = strlen(id);

	if (len == 0 || len > ID_MAX || strspn(id, letters) != len || strcmp(id, ".") == 0 ||
	    strcmp(id, "..") == 0)
		return err_set(e, ERR_USAGE, "invalid container ID format");
	return 0;
}
