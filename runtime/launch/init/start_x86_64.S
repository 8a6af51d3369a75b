/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry point: the kernel left argc, argv, envp on the stack (execve(2), the
 * x86-64 psABI section 3.4.1). init_main never returns.
 */
	.text
	.globl _start
	.type _start, @function
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	init_main
	ud2
	.size _start, . - _start
	.section .note.GNU-stack, "", @progbits
