/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values into the files of an open cgroup. A new group has nobody in it yet, so there they
 * are written in order, and a failure undoes nothing: the launch that asked removes the group.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

int cgroup_explain_write(const char *file, int sys, struct err *e)
{
	int controller = (int)strcspn(file, ".");

	if (sys == ENOENT)
		return err_hint(e,
		                "the %.*s controller is not enabled for this cgroup, or the "
		                "kernel has no such file",
		                controller, file);
	if (sys == EINVAL || sys == ERANGE)
		return err_hint(e, "the kernel does not take this value for %s", file);
	if (sys == EBUSY)
		return err_hint(e, "%s cannot be lowered below what is in use", file);
	if (sys == EOPNOTSUPP)
		return err_hint(e, "the cgroup is not of the type that %s needs", file);
	if (sys == ENODEV)
		return err_hint(e, "there is no such device on this host");
	if (sys == EACCES || sys == EPERM || sys == EROFS)
		return err_hint(e, "this cgroup must be delegated to the user who runs caisson");
	return -1;
}

/* Without swap accounting there is no memory.swap.max; then "no swap" and "any swap"
 * ask for nothing that could be written. */
bool cgroup_write_optional(const struct cgroup_write *w)
{
	return strcmp(w->file, "memory.swap.max") == 0 &&
	       (strcmp(w->value, "max") == 0 || strcmp(w->value, "0") == 0);
}

static int write_value(int cgroup, const struct cgroup_write *w)
{
	FD int fd = openat(cgroup, w->file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || write(fd, w->value, strlen(w->value)) < 0 ? -1 : 0;
}

int cgroup_apply(int cgroup, const struct cgroup_write *writes, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct cgroup_write *w = &writes[i];
		bool spare = i + 1 < count && writes[i + 1].instead;

		if (write_value(cgroup, w) == 0) {
			i += spare;
			continue;
		}
		if (errno == ENOENT && (spare || cgroup_write_optional(w)))
			continue;
		int sys = errno;
		err_sys(e, "%s: write \"%s\" into the cgroup's %s",
		        w->origin ? w->origin : "cgroup", w->value, w->file);
		return cgroup_explain_write(w->file, sys, e);
	}
	return 0;
}
