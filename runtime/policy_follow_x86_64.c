/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stop is a question that only we can answer, so each is answered, whatever it was for:
 * a signal is handed on, a process that its own people stopped stays so (PTRACE_LISTEN).
 */
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "runtime/policy_follow.h"
#include "seccomp/trace.h"

enum {
	SYSCALL_STOP = SIGTRAP | 0x80,
	PAGE = 4096,
	/* places in the kernel's struct user_regs_struct, for 32-bit processes, too */
	AT_RAX = 80,
	AT_ORIG_RAX = 120,
};

/* The first of the kernel's struct user_regs_struct, arch/x86/include/asm/user_64.h */
struct registers {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax, rip;
};

static long ptrace(int request, pid_t pid, uintptr_t address, uintptr_t data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

bool follow_possible(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	FD int pidfd = pid < 0 ? -1 : sys_pidfd_open(pid, 0);
	if (pidfd < 0)
		return false;
	bool ret = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	(void)waitpid(pid, NULL, __WALL);
	return ret;
}

bool follow_begin(pid_t pid)
{
	const uintptr_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	                          PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

	return ptrace(PTRACE_SEIZE, pid, 0, options) == 0;
}

/* The text at an address of the process, which may end where its memory ends. */
static const char *read_text(pid_t pid, uint64_t address, char ret[TRACE_PATH_ROOM])
{
	const size_t room = TRACE_PATH_ROOM - 1, left = PAGE - address % PAGE;
	const size_t first = left < room ? left : room;
	const struct iovec to = { ret, room };
	/* what crosses into another page is read in two parts, or not at all */
	const struct iovec from[] = { { (void *)(uintptr_t)address, first },
		                      { (void *)(uintptr_t)(address + first), room - first } };

	memset(ret, 0, TRACE_PATH_ROOM);
	if (process_vm_readv(pid, &to, 1, from, LEN(from), 0) <= 0 || !ret[0])
		return NULL;
	return ret;
}

static void tell_error(pid_t pid, uint32_t errno_value, const struct follower *f)
{
	struct registers r = { 0 };
	struct iovec all = { &r, sizeof(r) };
	char path[TRACE_PATH_ROOM];

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&all) < 0 ||
	    all.iov_len < sizeof(r) || (int)r.orig_rax < 0)
		return; /* it was not made */
	const struct seccomp_data call = {
		.nr = (int)r.orig_rax,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = r.rip,
		.args = { r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9 },
	};
	int index = trace_path_argument((uint32_t)call.nr);

	f->failed(f->context, &call, errno_value,
	          index < 0 ? NULL : read_text(pid, call.args[index], path));
}

/* A call with the number -1 is not made, and returns what is in its place by then. */
static void judge(pid_t pid, const struct ptrace_syscall_info *info, const struct follower *f)
{
	struct seccomp_data call = { .nr = (int)info->entry.nr,
		                     .arch = info->arch,
		                     .instruction_pointer = info->instruction_pointer };
	int errno_value;

	memcpy(call.args, info->entry.args, sizeof(call.args));
	if (!f->refuses(f->context, &call, &errno_value))
		return;
	(void)ptrace(PTRACE_POKEUSR, pid, AT_RAX, (uintptr_t)-errno_value);
	(void)ptrace(PTRACE_POKEUSR, pid, AT_ORIG_RAX, UINTPTR_MAX);
}

/* At its end a call's arguments are still in the registers that they came in. */
static void look(pid_t pid, const struct follower *f)
{
	struct ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		judge(pid, &info, f);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error &&
	         info.arch == AUDIT_ARCH_X86_64)
		tell_error(pid, (uint32_t)-info.exit.rval, f);
}

void follow_serve(const struct follower *f)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;) {
		const int signo = WSTOPSIG(status), event = status >> 16;

		if (!WIFSTOPPED(status))
			continue;
		if (signo == SYSCALL_STOP)
			look(pid, f);
		if (event == PTRACE_EVENT_STOP && signo != SIGTRAP)
			(void)ptrace(PTRACE_LISTEN, pid, 0, 0);
		else
			(void)ptrace(PTRACE_SYSCALL, pid, 0,
			             event || signo == SYSCALL_STOP ? 0 : (uintptr_t)signo);
	}
}
