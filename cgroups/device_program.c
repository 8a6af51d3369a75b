/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device program and the group that it is attached to, by which it lives. Others may be
 * attached beside it (BPF_F_ALLOW_MULTI: each of them, and of the groups above, must agree),
 * such as systemd's, so ours has a name. The kernel puts a new program in an old one's place
 * in one step: no access meets none of them, or both.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"

#define NAME "caisson_device" /* at most 15 bytes */

enum { ATTACHED_MAX = 64 }; /* as the kernel's BPF_CGROUP_MAX_PROGS */

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

static int load(const struct bpf_insn *code, uint32_t count, struct err *e)
{
	union bpf_attr attr;

	/* memset: an initializer need not reach all of a union, and the kernel wants
	 * zeros in what a command does not use */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = count;
	attr.license = (uintptr_t) "Apache-2.0"; /* it calls no helper that asks for GPL */
	memcpy(attr.prog_name, NAME, sizeof(NAME));
	int program = bpf(BPF_PROG_LOAD, &attr);
	if (program >= 0)
		return program;
	err_sys(e, "linux.resources.devices: load a program of %u instructions", count);
	return explain_bpf(e);
}

/* In the place of another one, or (-1) beside what is there. */
static int attach(int cgroup, int program, int old, struct err *e)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) == 0)
		return 0;
	err_sys(e, "linux.resources.devices: attach the program to the cgroup");
	return explain_bpf(e);
}

int cgroup_apply_devices(int cgroup, const struct bpf_insn *code, uint32_t count, struct err *e)
{
	FD int program = load(code, count, e);

	TRY(program);
	return attach(cgroup, program, -1, e);
}

/* --- another in its place ------------------------------------------------------------------- */

static bool is_ours(int program)
{
	struct bpf_prog_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && strcmp(info.name, NAME) == 0;
}

/* The one that the group has, in *ret; -1 there: it has none. */
static int find(int cgroup, int *ret, struct err *e)
{
	uint32_t ids[ATTACHED_MAX] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = ATTACHED_MAX;
	if (bpf(BPF_PROG_QUERY, &attr) < 0) {
		err_sys(e, "linux.resources.devices: ask for the programs of the cgroup");
		return explain_bpf(e);
	}
	uint32_t count = attr.query.prog_cnt;

	*ret = -1;
	for (uint32_t i = 0; i < count && *ret < 0; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.prog_id = ids[i];
		FD int program = bpf(BPF_PROG_GET_FD_BY_ID, &attr);

		if (program >= 0 && is_ours(program))
			*ret = fd_give(&program);
	}
	return 0;
}

static int detach(int cgroup, int program, struct err *e)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (bpf(BPF_PROG_DETACH, &attr) == 0)
		return 0;
	return err_sys(e, "linux.resources.devices: take the program off the cgroup");
}

void cgroup_devices_close(struct cgroup_devices *d)
{
	fd_drop(&d->program);
	fd_drop(&d->old);
}

int cgroup_devices_prepare(int cgroup, const struct cgroup_plan *plan, struct cgroup_devices *ret,
                           struct err *e)
{
	FD int program = -1;
	int old;

	if (plan->devices) {
		program = load(plan->devices, (uint32_t)plan->device_count, e);
		TRY(program);
	}
	TRY(find(cgroup, &old, e));
	*ret = (struct cgroup_devices){
		.cgroup = cgroup,
		.program = fd_give(&program),
		.old = old,
	};
	return 0;
}

int cgroup_devices_replace(void *context, struct err *e)
{
	const struct cgroup_devices *d = context;

	if (d->program >= 0)
		return attach(d->cgroup, d->program, d->old, e);
	return d->old >= 0 ? detach(d->cgroup, d->old, e) : 0;
}
