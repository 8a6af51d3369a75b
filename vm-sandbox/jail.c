/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the walls: each needs what the next one takes. Namespaces give the rights to
 * make the empty root; Landlock comes when the root is left, before the capabilities go; the
 * filter is the last, because it forbids all of this.
 */
#include "vm-sandbox/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/scope.h"
#include "base/sys.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65 /* linux/prctl.h, since 6.3 */
#endif
#define MDWE_REFUSE_EXEC_GAIN 1UL
#define BIT(capability)       (1u << (capability))

/* Files of any owner, for any owner. The guest's kernel has checked who may what; SETUID and
 * SETGID are for setfsuid(2), FSETID so that a group's bit stays where the guest keeps it. */
static const uint32_t file_server = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) |
                                    BIT(CAP_FSETID) | BIT(CAP_SETUID) | BIT(CAP_SETGID) |
                                    BIT(CAP_SETFCAP);

int jail_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (unsigned long c = 0; prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0; c++)
		;
	if (errno != EINVAL) /* the first number that the kernel does not know */
		return err_sys(e, "limit the monitor's capabilities");
	data[0].permitted = data[0].effective = file_server;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "set the monitor's capabilities");
	return 0;
}

/* A process that was root keeps root's groups, and what they open. */
static int drop_groups(struct err *e)
{
	if (setgroups(0, NULL) < 0 && geteuid() == 0)
		return err_sys(e, "leave the groups");
	return 0;
}

static int set_attributes(struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "close the monitor's process");
	/* no memory becomes executable any more; EINVAL before 6.3 */
	if (prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		return err_sys(e, "forbid new code in the monitor");
	return 0;
}

/* What engines' profiles forbid, mounts above all, has been done before; what it takes to enter
 * one, no_new_privs takes away. */
static int leave_host(const char *profile, struct err *e)
{
	FD int attribute = profile ? jail_profile_open(e) : -1;

	if (profile && attribute < 0)
		return err_in(e, "process.apparmorProfile");
	TRY(jail_namespaces(e));
	TRY(jail_root(e));
	if (profile && jail_profile(attribute, profile, e) < 0)
		return err_in(e, "process.apparmorProfile");
	return 0;
}

int jail_enter(const struct fs_share *shares, unsigned int count, const char *profile,
               struct err *e)
{
	TRY(drop_groups(e));
	TRY(leave_host(profile, e));
	TRY(set_attributes(e));
	TRY(jail_landlock(shares, count, e));
	TRY(jail_capabilities(e));
	return jail_thread(JAIL_START, e);
}
