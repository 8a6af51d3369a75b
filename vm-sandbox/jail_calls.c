/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of each kind of thread, as the filter that holds it to them. What is not
 * in the table kills the process: it is no fault of a guest, but a monitor that is no more
 * ours. A thread puts its own filter on top of the one that it inherited; the kernel takes
 * the strictest answer, so a role can only lose calls.
 *
 * Both musl's and glibc's ways to do a thing are there: the unit tests are made with the
 * other library than the program.
 *
 * Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/jail.h"

enum {
	START = 1 << JAIL_START,
	MAIN = 1 << JAIL_MAIN,
	VCPU = 1 << JAIL_VCPU,
	TALK = 1 << JAIL_TALK,
	ALL = START | MAIN | VCPU | TALK,
	WAIT = START | MAIN | TALK,
	FILES = START | VCPU, /* the file server answers where the guest asks */
};

/* What else is looked at. */
enum guard {
	NO_GUARD,
	OF_KVM,      /* ioctl: requests of a machine that runs, and of its taps */
	OF_TERMINAL, /* … a terminal's size */
	OF_BOTH,
	NOT_AS_CODE,  /* mmap, mprotect: without PROT_EXEC */
	AS_A_THREAD,  /* clone: in this process, in these namespaces */
	TO_OURSELVES, /* tgkill: root's number may signal all of root's processes */
	AS_A_COPY,    /* fcntl: dup, and not whom a signal goes to */
};

static const struct {
	unsigned short number;
	unsigned char roles, guard;
} calls[] = {
	/* the guest, and what wakes it and us */
	{ SYS_ioctl, MAIN | VCPU, OF_KVM },
	{ SYS_ioctl, TALK, OF_TERMINAL },
	{ SYS_ioctl, START, OF_BOTH },
	{ SYS_write, ALL, NO_GUARD },
	{ SYS_read, ALL, NO_GUARD },
	{ SYS_futex, ALL, NO_GUARD },
	{ SYS_writev, ALL, NO_GUARD }, /* frames of the guest's */
	{ SYS_poll, WAIT, NO_GUARD },
	{ SYS_ppoll, WAIT, NO_GUARD },
	{ SYS_restart_syscall, WAIT, NO_GUARD },
	{ SYS_sendto, ALL, NO_GUARD }, /* to the agent's owner: a connected socket */
	{ SYS_recvfrom, WAIT, NO_GUARD },
	{ SYS_shutdown, WAIT, NO_GUARD },
	{ SYS_accept4, START | TALK, NO_GUARD }, /* whoever starts the container */
	{ SYS_getrandom, ALL, NO_GUARD },
	{ SYS_clock_gettime, ALL, NO_GUARD }, /* where the vDSO can not */
	/* memory and threads */
	{ SYS_mmap, ALL, NOT_AS_CODE },
	{ SYS_mprotect, ALL, NOT_AS_CODE },
	{ SYS_munmap, ALL, NO_GUARD },
	{ SYS_mremap, ALL, NO_GUARD },
	{ SYS_madvise, ALL, NO_GUARD },
	{ SYS_brk, ALL, NO_GUARD },
	{ SYS_clone, START, AS_A_THREAD },
	{ SYS_seccomp, START, NO_GUARD },
	{ SYS_set_robust_list, START, NO_GUARD },
	{ SYS_rseq, START, NO_GUARD },
	{ SYS_rt_sigaction, START, NO_GUARD },
	{ SYS_rt_sigprocmask, ALL, NO_GUARD },
	{ SYS_rt_sigreturn, ALL, NO_GUARD },
	{ SYS_gettid, ALL, NO_GUARD },
	{ SYS_getpid, ALL, NO_GUARD },
	{ SYS_exit, ALL, NO_GUARD },
	{ SYS_exit_group, ALL, NO_GUARD },
	{ SYS_tgkill, START | MAIN, TO_OURSELVES },
	{ SYS_close, ALL, NO_GUARD },
	/* files */
	{ SYS_openat, FILES, NO_GUARD },
	{ SYS_openat2, FILES, NO_GUARD },
	{ SYS_statx, FILES, NO_GUARD },
	{ SYS_fstat, FILES, NO_GUARD },
	{ SYS_newfstatat, FILES, NO_GUARD },
	{ SYS_fstatfs, FILES, NO_GUARD },
	{ SYS_fcntl, FILES, AS_A_COPY },
	{ SYS_lseek, FILES, NO_GUARD },
	{ SYS_getdents64, FILES, NO_GUARD },
	{ SYS_readlinkat, FILES, NO_GUARD },
	{ SYS_preadv, FILES, NO_GUARD },
	{ SYS_pwritev, FILES, NO_GUARD },
	{ SYS_pread64, FILES, NO_GUARD },
	{ SYS_pwrite64, FILES, NO_GUARD },
	{ SYS_copy_file_range, FILES, NO_GUARD },
	{ SYS_fallocate, FILES, NO_GUARD },
	{ SYS_ftruncate, FILES, NO_GUARD },
	{ SYS_fsync, FILES, NO_GUARD },
	{ SYS_fdatasync, FILES, NO_GUARD },
	{ SYS_syncfs, FILES, NO_GUARD },
	{ SYS_mkdirat, FILES, NO_GUARD },
	{ SYS_mknodat, FILES, NO_GUARD },
	{ SYS_symlinkat, FILES, NO_GUARD },
	{ SYS_linkat, FILES, NO_GUARD },
	{ SYS_unlinkat, FILES, NO_GUARD },
	{ SYS_renameat2, FILES, NO_GUARD },
	{ SYS_fchmod, FILES, NO_GUARD },
	{ SYS_fchmodat, FILES, NO_GUARD },
	{ SYS_fchown, FILES, NO_GUARD },
	{ SYS_fchownat, FILES, NO_GUARD },
	{ SYS_utimensat, FILES, NO_GUARD },
	{ SYS_fgetxattr, FILES, NO_GUARD },
	{ SYS_fsetxattr, FILES, NO_GUARD },
	{ SYS_flistxattr, FILES, NO_GUARD },
	{ SYS_fremovexattr, FILES, NO_GUARD },
	/* for whom: a thread's own ids and capabilities */
	{ SYS_setfsuid, FILES, NO_GUARD },
	{ SYS_setfsgid, FILES, NO_GUARD },
	{ SYS_geteuid, FILES, NO_GUARD },
	{ SYS_getegid, FILES, NO_GUARD },
	{ SYS_capget, FILES, NO_GUARD },
	{ SYS_capset, FILES, NO_GUARD },
};

static const uint32_t requests[] = {
	TIOCGWINSZ, /* alone a terminal's */
	KVM_RUN,    KVM_IRQFD, KVM_SET_GSI_ROUTING, KVM_IOEVENTFD, TUNSETOFFLOAD,
};

static const uint32_t copy_commands[] = { F_DUPFD_CLOEXEC, F_SETFD };

static const uint32_t thread_flags = CLONE_VM | CLONE_THREAD;
static const uint32_t namespace_flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/* --- the program --------------------------------------------------------------------------- */

enum { CODE_ROOM = 64 + 2 * LEN(calls) + 2 * LEN(requests) };

struct code {
	struct sock_filter v[CODE_ROOM];
	unsigned short n;
};

static void statement(struct code *c, unsigned short op, uint32_t k)
{
	c->v[c->n++] = (struct sock_filter)BPF_STMT(op, k);
}

static void answer(struct code *c, uint32_t action)
{
	statement(c, BPF_RET | BPF_K, action);
}

/* What follows is for those that pass the test, and `len` instructions long. */
static void only_if(struct code *c, unsigned short test, uint32_t k, unsigned char len)
{
	c->v[c->n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | test, k, 0, len);
}

static void load(struct code *c, size_t offset)
{
	statement(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

/* The lower half of an argument: what the kernel looks at in all of those here. */
static void load_argument(struct code *c, unsigned int n)
{
	load(c, offsetof(struct seccomp_data, args) + n * sizeof(uint64_t));
}

static void only_one_of(struct code *c, const uint32_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		only_if(c, BPF_JEQ, values[i], 1);
		answer(c, SECCOMP_RET_ALLOW);
	}
	answer(c, SECCOMP_RET_KILL_PROCESS);
}

/* Ends in an answer, either way. */
static void put_guard(struct code *c, enum guard guard)
{
	const uint32_t self = (uint32_t)getpid();

	switch (guard) {
	case NO_GUARD:
		answer(c, SECCOMP_RET_ALLOW);
		break;
	case OF_KVM:
		load_argument(c, 1);
		only_one_of(c, requests + 1, LEN(requests) - 1);
		break;
	case OF_TERMINAL:
		load_argument(c, 1);
		only_one_of(c, requests, 1);
		break;
	case OF_BOTH:
		load_argument(c, 1);
		only_one_of(c, requests, LEN(requests));
		break;
	case AS_A_COPY:
		load_argument(c, 1);
		only_one_of(c, copy_commands, LEN(copy_commands));
		break;
	case TO_OURSELVES:
		load_argument(c, 0);
		only_one_of(c, &self, 1);
		break;
	case NOT_AS_CODE:
		load_argument(c, 2);
		only_if(c, BPF_JSET, PROT_EXEC, 1);
		answer(c, SECCOMP_RET_KILL_PROCESS);
		answer(c, SECCOMP_RET_ALLOW);
		break;
	case AS_A_THREAD:
		load_argument(c, 0);
		only_if(c, BPF_JSET, namespace_flags, 1);
		answer(c, SECCOMP_RET_KILL_PROCESS);
		statement(c, BPF_ALU | BPF_AND | BPF_K, thread_flags);
		only_one_of(c, &thread_flags, 1);
		break;
	}
}

static void put_call(struct code *c, uint32_t number, enum guard guard)
{
	unsigned short test = c->n;

	only_if(c, BPF_JEQ, number, 0);
	put_guard(c, guard);
	c->v[test].jf = (unsigned char)(c->n - test - 1);
}

static void put_all(struct code *c, enum jail_role role)
{
	load(c, offsetof(struct seccomp_data, arch));
	c->v[c->n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	answer(c, SECCOMP_RET_KILL_PROCESS);
	load(c, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < LEN(calls); i++)
		if (calls[i].roles & 1u << role)
			put_call(c, calls[i].number, calls[i].guard);
	/* its flags are in memory, out of a filter's sight: glibc takes clone(2) then */
	only_if(c, BPF_JEQ, SYS_clone3, 1);
	answer(c, SECCOMP_RET_ERRNO | ENOSYS);
	answer(c, SECCOMP_RET_KILL_PROCESS);
}

int jail_thread(enum jail_role role, struct err *e)
{
	struct code code = { .n = 0 };
	struct sock_fprog program = { .filter = code.v };

	put_all(&code, role);
	program.len = code.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_sys(e, "hold the monitor to its system calls");
	return 0;
}
