/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system call that touches nothing but registers: no errno, no frame of libc. For
 * a child that shares its parent's memory. Returns the kernel's value: -errno.
 */
#pragma once

static inline long syscall_raw(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
	                 : "rcx", "r11", "memory");
	return result;
}
