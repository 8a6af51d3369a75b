/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose files are made. What the guest creates belongs to the ids of its request from the
 * first moment on; permissions were checked by the guest's kernel, which has the groups and
 * namespaces that they depend on. So a thread takes on the ids and keeps its capability to
 * pass over the host's own check, which setfsuid(2) would take away.
 *
 * All of this is a thread's own: the system calls, not libc's functions, which change every
 * thread.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm-sandbox/fs_internal.h"

#define BIT(capability) (1u << (capability))

static int set_effective(uint32_t add, uint32_t take)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[0].effective = (data[0].effective | (add & data[0].permitted)) & ~take;
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int fs_creds_user(uint32_t uid, uint32_t gid)
{
	if (uid == 0 && gid == 0)
		return 0;
	(void)syscall(SYS_setfsgid, gid);
	(void)syscall(SYS_setfsuid, uid);
	/* both return what was before, so ask whether it was allowed */
	if ((uint32_t)syscall(SYS_setfsgid, -1) != gid ||
	    (uint32_t)syscall(SYS_setfsuid, -1) != uid ||
	    set_effective(BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER), 0) < 0) {
		fs_creds_back();
		return -EPERM;
	}
	return 0;
}

int fs_creds_without_fsetid(void)
{
	return set_effective(0, BIT(CAP_FSETID));
}

void fs_creds_back(void)
{
	int saved = errno;

	(void)syscall(SYS_setfsuid, geteuid());
	(void)syscall(SYS_setfsgid, getegid());
	(void)set_effective(UINT32_MAX, 0);
	errno = saved;
}
