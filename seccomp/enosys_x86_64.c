/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that finds a system call missing (ENOSYS) falls back to an older one; told
 * that it is forbidden, it gives up. So a call that is newer than all that a profile
 * names, on the architecture of the call, is answered with ENOSYS instead of the
 * default action: whoever wrote the profile did not decide about it. Numbers only grow,
 * and are the same on all architectures for new calls, so the greatest named number
 * tells the profile's age. runc does the same, and engines' profiles rely on it.
 *
 * A default that lets calls pass, or says ENOSYS itself, needs none of this, and one
 * that kills or traps is meant for calls that nobody knows above all.
 *
 * x32 shares x86-64's architecture in the kernel and has bit 30 set in its numbers.
 * A call of an architecture that the profile does not have is left to its filter.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "base/scope.h"
#include "seccomp/enosys.h"
#include "seccomp/filter.h"

#define X32_BIT 0x40000000u

static bool wants_stub(const struct oci_seccomp *profile)
{
	return profile->default_action == OCI_ACT_ERRNO &&
	       !(profile->default_errno_ret.set && profile->default_errno_ret.value == ENOSYS);
}

/* The greatest number that the profile names on this architecture; -1: it names none. */
static int newest(const struct oci_seccomp *profile, uint32_t arch)
{
	int greatest = -1;

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct oci_strings *names = &profile->rules[i].names;

		for (size_t k = 0; k < names->n; k++) {
			int number = seccomp_syscall_resolve_name_arch(arch, names->v[k]);

			if (number > greatest) /* what the architecture lacks is negative */
				greatest = number;
		}
	}
	return greatest;
}

/* One architecture: out of its block for those that are not it. */
static size_t add_block(const struct oci_seccomp *profile, uint32_t arch, struct sock_filter *ret)
{
	bool x86_64 = arch == SCMP_ARCH_X86_64;
	int number = newest(profile, arch);
	int x32 = x86_64 && filter_has_arch(profile, SCMP_ARCH_X32) ? newest(profile, SCMP_ARCH_X32)
	                                                            : -1;
	const uint32_t nr = offsetof(struct seccomp_data, nr);
	const uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;
	/* a limit that nothing exceeds stands for none */
	const uint32_t low = number < 0 ? X32_BIT - 1 : (uint32_t)number;
	const uint32_t high = x32 < 0 ? UINT32_MAX : (uint32_t)x32;
	const struct sock_filter plain[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, enosys),
	};
	const struct sock_filter both[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, low, 1, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, enosys),
	};

	if (number < 0 && x32 < 0)
		return 0;
	memcpy(ret, x86_64 ? both : plain, x86_64 ? sizeof(both) : sizeof(plain));
	return x86_64 ? LEN(both) : LEN(plain);
}

bool enosys_is_newer(const struct oci_seccomp *profile, int number)
{
	int named = wants_stub(profile) ? newest(profile, SCMP_ARCH_X86_64) : -1;

	return named >= 0 && number > named;
}

size_t enosys_stub(const struct oci_seccomp *profile, struct sock_filter ret[ENOSYS_STUB_MAX])
{
	const struct sock_filter load =
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	/* what a kernel for x86-64 runs: calls of others never come */
	static const uint32_t all[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86 };
	size_t n = 0;

	if (!wants_stub(profile))
		return 0;
	for (size_t i = 0; i < LEN(all); i++) {
		if (!filter_has_arch(profile, all[i]))
			continue;
		ret[n] = load; /* the block before may have loaded the number */
		size_t added = add_block(profile, all[i], ret + n + 1);
		n += added ? added + 1 : 0;
	}
	return n;
}
