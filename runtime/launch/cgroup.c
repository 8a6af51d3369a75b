/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan's cgroup part: values into files, then the device program. The
 * order is the plan's. Nobody is in the cgroup yet, so nothing is done twice and
 * nothing is undone: a launch that fails here removes the cgroup.
 */
#include "runtime/launch/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"

static int explain_write(const char *file, int sys, struct err *e)
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
	if (sys == EACCES || sys == EPERM || sys == EROFS)
		return err_hint(e, "this cgroup must be delegated to the user who runs caisson");
	return -1;
}

/* Without swap accounting there is no memory.swap.max; then "no swap" and "any swap"
 * ask for nothing that could be written. */
static bool may_be_absent(const char *file, const char *value)
{
	return strcmp(file, "memory.swap.max") == 0 &&
	       (strcmp(value, "max") == 0 || strcmp(value, "0") == 0);
}

static int apply_write(const struct plan *plan, const struct plan_cgroup_write *write_, int cgroup,
                       struct err *e)
{
	const char *file = plan_text(plan, write_->file), *value = plan_text(plan, write_->value);
	const char *origin = plan_text(plan, write_->origin);
	FD int fd = openat(cgroup, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && may_be_absent(file, value))
		return 0;
	if (fd >= 0 && write(fd, value, strlen(value)) >= 0)
		return 0;

	int sys = errno;
	err_sys(e, "%s: write \"%s\" into the cgroup's %s", origin ? origin : "cgroup", value,
	        file);
	return explain_write(file, sys, e);
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
static int attach_devices(const struct plan *plan, int cgroup, struct err *e)
{
	struct plan_list code = plan->cgroup.devices;
	union bpf_attr attr;

	/* memset: an initializer need not reach all of a union, and the kernel wants
	 * zeros in what a command does not use */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)plan_array(plan, code);
	attr.insn_cnt = code.count;
	attr.license = (uintptr_t) "Apache-2.0"; /* it calls no helper that asks for GPL */
	FD int program = bpf(BPF_PROG_LOAD, &attr);

	if (program < 0) {
		err_sys(e, "linux.resources.devices: load a program of %u instructions",
		        code.count);
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

int launch_cgroup_limits(const struct plan *plan, int cgroup, struct err *e)
{
	const struct plan_cgroup_write *writes = plan_array(plan, plan->cgroup.writes);

	for (uint32_t i = 0; i < plan->cgroup.writes.count; i++)
		TRY(apply_write(plan, &writes[i], cgroup, e));
	return 0;
}

int launch_cgroup_devices(const struct plan *plan, int cgroup, struct err *e)
{
	return plan->cgroup.devices.count > 0 ? attach_devices(plan, cgroup, e) : 0;
}
