/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp filter as the kernel would run it: the classic BPF that seccomp(2) takes
 * (kernel/seccomp.c, seccomp_check_filter), over one struct seccomp_data. Anything
 * else, a read out of bounds or a run past the end fails the test, by the SIM_FAULT
 * (a call with a text) of who includes this.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef SIM_FAULT
#include "tests/unit/unit.h"
#define SIM_FAULT(text) fail_msg("%s", text)
#endif

static inline void sim_must(bool holds)
{
	if (!holds)
		SIM_FAULT("an operand that seccomp(2) refuses");
}

static inline uint32_t sim_alu(uint16_t code, uint32_t a, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_AND:
		return a & operand;
	case BPF_OR:
		return a | operand;
	case BPF_RSH:
		return a >> operand;
	default:
		SIM_FAULT("an ALU instruction that seccomp(2) refuses");
		return 0;
	}
}

static inline bool sim_jumps(uint16_t code, uint32_t a, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == operand;
	case BPF_JGT:
		return a > operand;
	case BPF_JGE:
		return a >= operand;
	case BPF_JSET:
		return (a & operand) != 0;
	default:
		SIM_FAULT("a jump that is none");
		return false;
	}
}

static inline uint32_t sim_run(const struct sock_filter *filter, size_t length,
                               const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (size_t at = 0; at < length; at++) {
		struct sock_filter in = filter[at];
		uint32_t operand = BPF_SRC(in.code) == BPF_X ? x : in.k;

		switch (BPF_CLASS(in.code)) {
		case BPF_LD:
			if (BPF_MODE(in.code) == BPF_MEM) {
				sim_must(in.k < BPF_MEMWORDS);
				a = memory[in.k];
				break;
			}
			sim_must(in.code == (BPF_LD | BPF_W | BPF_ABS));
			sim_must(in.k <= sizeof(*data) - 4 && in.k % 4 == 0);
			memcpy(&a, (const char *)data + in.k, sizeof(a));
			break;
		case BPF_ST:
			sim_must(in.k < BPF_MEMWORDS);
			memory[in.k] = a;
			break;
		case BPF_ALU:
			a = sim_alu(in.code, a, operand);
			break;
		case BPF_JMP:
			if (BPF_OP(in.code) == BPF_JA)
				at += in.k;
			else
				at += sim_jumps(in.code, a, operand) ? in.jt : in.jf;
			break;
		case BPF_RET:
			sim_must(in.code == (BPF_RET | BPF_K));
			return in.k;
		case BPF_MISC:
			x = BPF_MISCOP(in.code) == BPF_TAX ? a : x;
			a = BPF_MISCOP(in.code) == BPF_TXA ? x : a;
			break;
		default:
			SIM_FAULT("an instruction that seccomp(2) refuses");
		}
	}
	SIM_FAULT("the filter has no end");
	return 0;
}
