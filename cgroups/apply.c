/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was compiled, carried out on an open cgroup: values into files, and the device
 * program. A new group has nobody in it yet, so there the values are written in order,
 * and a failure undoes nothing: the launch that asked removes the group.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
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

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int explain_bpf(struct err *e)
{
	if (e->sys == EPERM)
		return err_hint(e, "device rules need CAP_SYS_ADMIN, or CAP_BPF and CAP_NET_ADMIN, "
		                   "in the host's user namespace");
	if (e->sys == EINVAL || e->sys == ENOSYS)
		return err_hint(e, "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF");
	if (e->sys == E2BIG)
		return err_hint(e, "too many programs on this cgroup, or too many device rules");
	return -1;
}

/* BPF_F_ALLOW_MULTI: programs of the groups above stay in force, each must agree. */
int cgroup_apply_devices(int cgroup, const struct bpf_insn *code, uint32_t count, struct err *e)
{
	union bpf_attr attr;

	/* memset: an initializer need not reach all of a union, and the kernel wants
	 * zeros in what a command does not use */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = count;
	attr.license = (uintptr_t) "Apache-2.0"; /* it calls no helper that asks for GPL */
	FD int program = bpf(BPF_PROG_LOAD, &attr);

	if (program < 0) {
		err_sys(e, "linux.resources.devices: load a program of %u instructions", count);
		return explain_bpf(e);
	}

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (bpf(BPF_PROG_ATTACH, &attr) < 0) {
		err_sys(e, "linux.resources.devices: attach the program to the cgroup");
		return explain_bpf(e);
	}
	return 0;
}
