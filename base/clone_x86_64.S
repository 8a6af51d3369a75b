/* SPDX-License-Identifier: Apache-2.0 */
/*
 * long sys_clone3_run(struct clone_args *args, size_t size, void (*run)(void *), void *arg)
 *
 * The parent returns with the system call's result in rax. The child starts on
 * its own stack with no frame to return to: it calls run(arg) and exits with 127
 * should that ever return. See base/sys.h.
 */
#include <asm/unistd.h>

	.text
	.globl sys_clone3_run
	.type sys_clone3_run, @function
sys_clone3_run:
	.cfi_startproc
	endbr64
	movq	%rdx, %r8
	movq	%rcx, %r9
	movl	$__NR_clone3, %eax
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	.cfi_undefined rip
	xorl	%ebp, %ebp
	movq	%r9, %rdi
	call	*%r8
	movl	$__NR_exit_group, %eax
	movl	$127, %edi
	syscall
	ud2
	.cfi_endproc
	.size sys_clone3_run, . - sys_clone3_run
	.section .note.GNU-stack, "", @progbits
