/* SPDX-License-Identifier: Apache-2.0 */
/* The words of linux.seccomp that caisson takes, for `features` and for parsing. */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "seccomp/seccomp.h"

const char *const seccomp_action_names[] = {
	"SCMP_ACT_KILL",        "SCMP_ACT_KILL_PROCESS",
	"SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
	"SCMP_ACT_ERRNO",       "SCMP_ACT_TRACE",
	"SCMP_ACT_ALLOW",       "SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY",      NULL,
};

const char *const seccomp_operator_names[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",        "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL,
};

const char *const seccomp_arch_names[] = {
	"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",         "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",
	"SCMP_ARCH_PARISC",  "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",     NULL,
};

const char *const seccomp_flag_names[] = {
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	NULL,
};

/* Those that mean something in any profile: the last one does only with a listener. */
const char *const seccomp_common_flag_names[] = {
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	NULL,
};

void seccomp_call_name(uint32_t arch, int number, char ret[SECCOMP_NAME_MAX])
{
	const bool x32 = arch == SCMP_ARCH_X86_64 && (number & 0x40000000);
	char *name = seccomp_syscall_resolve_num_arch(x32 ? SCMP_ARCH_X32 : arch, number);

	if (name)
		(void)snprintf(ret, SECCOMP_NAME_MAX, "%s", name);
	else
		(void)snprintf(ret, SECCOMP_NAME_MAX, "%d", number);
	free(name);
}

void seccomp_library_version(char *ret, size_t room)
{
	const struct scmp_version *v = seccomp_version();

	(void)snprintf(ret, room, "%u.%u.%u", v->major, v->minor, v->micro);
}
