/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp filter as the kernel runs it: the classic BPF that seccomp(2) takes
 * (kernel/seccomp.c, seccomp_check_filter), over one struct seccomp_data. The property
 * test holds it against the kernel itself.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "seccomp/seccomp.h"

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
	const struct seccomp_data *data;
};

static bool compute(uint16_t code, uint32_t operand, uint32_t *a)
{
	switch (BPF_OP(code)) {
	case BPF_AND:
		*a &= operand;
		return true;
	case BPF_OR:
		*a |= operand;
		return true;
	case BPF_RSH:
		*a >>= operand & 31;
		return true;
	default:
		return false;
	}
}

static bool jumps(uint16_t code, uint32_t a, uint32_t operand, bool *ret)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		*ret = a == operand;
		return true;
	case BPF_JGT:
		*ret = a > operand;
		return true;
	case BPF_JGE:
		*ret = a >= operand;
		return true;
	case BPF_JSET:
		*ret = (a & operand) != 0;
		return true;
	default:
		return false;
	}
}

/* All but jumps and ends. */
static bool step(struct machine *m, const struct sock_filter *in)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		if (BPF_MODE(in->code) == BPF_MEM) {
			if (in->k < BPF_MEMWORDS)
				m->a = m->memory[in->k];
			return in->k < BPF_MEMWORDS;
		}
		if (in->code != (BPF_LD | BPF_W | BPF_ABS) || in->k > sizeof(*m->data) - 4 ||
		    in->k % 4 != 0)
			return false;
		memcpy(&m->a, (const char *)m->data + in->k, sizeof(m->a));
		return true;
	case BPF_ST:
		if (in->k < BPF_MEMWORDS)
			m->memory[in->k] = m->a;
		return in->k < BPF_MEMWORDS;
	case BPF_ALU:
		return compute(in->code, BPF_SRC(in->code) == BPF_X ? m->x : in->k, &m->a);
	case BPF_MISC:
		if (BPF_MISCOP(in->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
		return true;
	default:
		return false;
	}
}

bool seccomp_run(const struct sock_filter *filter, size_t length, const struct seccomp_data *data,
                 uint32_t *ret)
{
	struct machine m = { .data = data };
	bool taken;

	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *in = &filter[at];

		if (in->code == (BPF_RET | BPF_K)) {
			*ret = in->k;
			return true;
		}
		if (in->code == (BPF_JMP | BPF_JA)) {
			at += in->k;
		} else if (BPF_CLASS(in->code) == BPF_JMP) {
			if (!jumps(in->code, m.a, BPF_SRC(in->code) == BPF_X ? m.x : in->k, &taken))
				return false;
			at += taken ? in->jt : in->jf;
		} else if (!step(&m, in)) {
			return false;
		}
	}
	return false;
}
