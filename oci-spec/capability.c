/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of capabilities. libcap knows them as well, but its constructor asks the
 * kernel for the highest one with a series of prctl(2) at every start of a program
 * that links it; the names are part of the kernel's interface and never change.
 * Source: linux/capability.h up to CAP_CHECKPOINT_RESTORE (5.9).
 */
#include <string.h>

#include "base/scope.h"
#include "oci-spec/spec.h"

static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

/* config.md: "valid values are defined in the capabilities(7) man page, such as
 * CAP_CHOWN". Another spelling is another word, which a peer would warn of. */
int oci_capability_number(const char *name)
{
	for (size_t i = 0; i < LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (int)i;
	}
	return -1;
}

const char *oci_capability_name(int number)
{
	return number >= 0 && (size_t)number < LEN(names) ? names[number] : NULL;
}
