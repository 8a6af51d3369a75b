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
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/policy_follow.h"
#include "seccomp/trace.h"

enum { SYSCALL_STOP = SIGTRAP | 0x80, PAGE = 4096 };

/* The first of the kernel's struct user_regs_struct, arch/x86/include/asm/user_64.h */
struct registers {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax, rip;
};

static long ptrace(int request, pid_t pid, uintptr_t address, uintptr_t data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
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

static void tell(pid_t pid, uint32_t errno_value, follow_failed *failed, void *context)
{
	struct registers r = { 0 };
	struct iovec all = { &r, sizeof(r) };
	char path[TRACE_PATH_ROOM];

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&all) < 0 ||
	    all.iov_len < sizeof(r))
		return;
	const struct seccomp_data call = {
		.nr = (int)r.orig_rax,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = r.rip,
		.args = { r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9 },
	};
	int index = trace_path_argument((uint32_t)call.nr);

	failed(context, &call, errno_value,
	       index < 0 ? NULL : read_text(pid, call.args[index], path));
}

/* At its end a call's arguments are still in the registers that they came in. */
static void look(pid_t pid, follow_failed *failed, void *context)
{
	struct ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error &&
	    info.arch == AUDIT_ARCH_X86_64)
		tell(pid, (uint32_t)-info.exit.rval, failed, context);
}

void follow_serve(follow_failed *failed, void *context)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;) {
		const int signo = WSTOPSIG(status), event = status >> 16;

		if (!WIFSTOPPED(status))
			continue;
		if (signo == SYSCALL_STOP)
			look(pid, failed, context);
		if (event == PTRACE_EVENT_STOP && signo != SIGTRAP)
			(void)ptrace(PTRACE_LISTEN, pid, 0, 0);
		else
			(void)ptrace(PTRACE_SYSCALL, pid, 0,
			             event || signo == SYSCALL_STOP ? 0 : (uintptr_t)signo);
	}
}
