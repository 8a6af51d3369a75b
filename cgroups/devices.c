/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules to an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. It decides,
 * for each access the kernel asks about, whether it may happen.
 *
 * What a list of rules means: a request names a device and some of read, write and
 * mknod. Each of these is decided on its own, by the last rule of the list that names
 * it and matches the device, and is refused where no rule does; the request is allowed
 * if all that it asks for is. The default devices stand behind the list, so that no
 * rule of a config takes them away. Type 'a' is both types; its numbers count like
 * those of any other rule. Making a node gives no access to it, and images are
 * unpacked in containers: mknod is always allowed, and rules decide the rest.
 *
 * The program tests the rules of one type backwards, so that the first match decides.
 * It keeps what is not decided yet in a register: an allowing rule clears its bits
 * there and grants the request when none is left; a refusing rule that finds one of
 * its bits ends it. Rules that later ones cover are dropped before, and so is the end
 * of the list where one verdict can stand for it.
 *
 * Each start of a container waits for the kernel's verifier, whose work is the number
 * of tests times what it knows at each. So a rule is one test, all verdicts share two
 * exits, and no test of a number leaves knowledge to the tests behind it.
 * Source: kernel/bpf/cgroup.c, __cgroup_bpf_check_dev_permission().
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"

enum {
	ACCESS = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE, /* what rules decide */
	RULES_MAX = 1024, /* of a config; the comparison of all pairs stays below 10 ms */
	PER_RULE_MAX = 5, /* instructions */
	FRAME = 16,       /* instructions that are not of a rule */
};

/* The kernel's dev_t (linux/kdev_t.h): numbers above these belong to no device. */
enum { MINOR_BITS = 20, MINOR_MAX = (1 << MINOR_BITS) - 1, MAJOR_MAX = 4095 };

struct rule {
	bool allow, any_major, any_minor;
	uint32_t major, minor;
	uint32_t access; /* of ACCESS */
};

#define NODE(maj, min)                                                           \
	{                                                                        \
		.allow = true, .major = (maj), .minor = (min), .access = ACCESS, \
	}

/* Character devices. /dev/console is none of them: in a container it is a pty. */
static const struct rule default_rules[] = {
	NODE(1, 3),    /* null */
	NODE(1, 5),    /* zero */
	NODE(1, 7),    /* full */
	NODE(1, 8),    /* random */
	NODE(1, 9),    /* urandom */
	NODE(5, 0),    /* tty */
	NODE(5, 2),    /* ptmx */
	NODE(10, 200), /* net/tun: the other runtimes allow it, and VPNs rely on that */
	{ .allow = true, .major = 136, .any_minor = true, .access = ACCESS }, /* pts/N */
};

/* The rules for one type of device, the deciding ones first, and the verdict on what
 * they leave undecided. */
struct rule_list {
	struct rule *v;
	size_t n;
	bool otherwise;
};

static bool is_for_any(const struct rule *rule)
{
	return rule->any_major && rule->any_minor;
}

static bool allows_all(const struct rule *rule)
{
	return rule->allow && is_for_any(rule) && rule->access == ACCESS;
}

static bool covers(const struct rule *by, const struct rule *rule)
{
	return (by->any_major || (!rule->any_major && by->major == rule->major)) &&
	       (by->any_minor || (!rule->any_minor && by->minor == rule->minor));
}

/* Adds the rule, if the rules before it leave it anything to decide. What they have
 * decided it may name as well: the code of a rule for all of ACCESS is shorter. */
static void add_rule(struct rule_list *list, const struct rule *rule)
{
	uint32_t decided = 0;

	if (rule->major > MAJOR_MAX || rule->minor > MINOR_MAX)
		return;
	for (size_t i = 0; i < list->n; i++) {
		if (covers(&list->v[i], rule))
			decided |= list->v[i].access;
	}
	if ((rule->access & ~decided) == 0)
		return;
	list->v[list->n] = *rule;
	list->v[list->n++].access |= decided;
}

/* Takes the last rule for the verdict on the rest where it is for everything, and
 * drops the rules before it that say the same. */
static void cut_tail(struct rule_list *list)
{
	list->otherwise = list->n > 0 && allows_all(&list->v[list->n - 1]);
	while (list->n > 0 && list->v[list->n - 1].allow == list->otherwise)
		list->n--;
}

static bool allows_everything(const struct rule_list *list)
{
	return list->n == 0 && list->otherwise;
}

static int check_number(const struct opt_i64 *number, const char *field, size_t index,
                        struct err *e)
{
	if (!number->set || (number->value >= -1 && number->value <= UINT32_MAX))
		return 0;
	return err_set(e, ERR_SPEC,
	               "linux.resources.devices[%zu].%s: %" PRId64
	               ": must be from 0 to 4294967295, or -1 for any",
	               index, field, number->value);
}

static int read_rule(const struct oci_device_rule *from, size_t index, struct rule *ret,
                     struct err *e)
{
	bool any_major = !from->major.set || from->major.value == -1;
	bool any_minor = !from->minor.set || from->minor.value == -1;

	TRY(check_number(&from->major, "major", index, e));
	TRY(check_number(&from->minor, "minor", index, e));
	*ret = (struct rule){
		.allow = from->allow,
		.any_major = any_major,
		.any_minor = any_minor,
		.major = any_major ? 0 : (uint32_t)from->major.value,
		.minor = any_minor ? 0 : (uint32_t)from->minor.value,
		.access = (from->read ? BPF_DEVCG_ACC_READ : 0U) |
		          (from->write ? BPF_DEVCG_ACC_WRITE : 0U),
	};
	return 0;
}

/* --- the program ------------------------------------------------------------------ */

struct program {
	struct bpf_insn *v;
	size_t n;
};

/* Registers. The kernel's answer is R0: 1 allows, 0 refuses. DEVICE is major and minor
 * in one; ASKED are the accesses that are not decided yet, and never 0. */
enum { ANSWER = BPF_REG_0, CONTEXT, REQUEST, ASKED, MAJOR, MINOR, DEVICE, DIFFERENCE };

/* Offsets of jumps to the exits, until these have a place. */
enum { TO_REFUSE = -2, TO_ALLOW = -1 };

static void emit(struct program *p, int code, int dst, int src, int off, uint32_t imm)
{
	p->v[p->n++] = (struct bpf_insn){ .code = (uint8_t)code,
		                          .dst_reg = (uint8_t)(dst & 15),
		                          .src_reg = (uint8_t)(src & 15),
		                          .off = (int16_t)off,
		                          .imm = (int32_t)imm };
}

static void emit_load(struct program *p, int reg, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, reg, CONTEXT, (int)offset, 0);
}

/* All values have 32 bits. */
static void emit_alu(struct program *p, int op, int reg, uint32_t imm)
{
	emit(p, BPF_ALU | op | BPF_K, reg, 0, 0, imm);
}

static void emit_alu_reg(struct program *p, int op, int reg, int from)
{
	emit(p, BPF_ALU | op | BPF_X, reg, from, 0, 0);
}

static void emit_jump_if(struct program *p, int op, int reg, uint32_t imm, int off)
{
	emit(p, BPF_JMP32 | op | BPF_K, reg, 0, off, imm);
}

static void emit_start(struct program *p)
{
	emit_load(p, REQUEST, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit_alu_reg(p, BPF_MOV, ASKED, REQUEST);
	emit_alu(p, BPF_RSH, ASKED, 16);
	emit_alu(p, BPF_AND, ASKED, ~(uint32_t)BPF_DEVCG_ACC_MKNOD);
	emit_jump_if(p, BPF_JEQ, ASKED, 0, TO_ALLOW);
	emit_alu_reg(p, BPF_MOV, DEVICE, MAJOR);
	emit_alu(p, BPF_LSH, DEVICE, MINOR_BITS);
	emit_alu_reg(p, BPF_OR, DEVICE, MINOR);
}

static void emit_rule(struct program *p, const struct rule *rule)
{
	int reg = rule->any_major ? MINOR : rule->any_minor ? MAJOR : DEVICE;
	uint32_t number = reg == MINOR   ? rule->minor
	                  : reg == MAJOR ? rule->major
	                                 : rule->major << MINOR_BITS | rule->minor;

	if (rule->access == ACCESS) { /* for any device: cut_tail has taken it */
		emit_jump_if(p, BPF_JEQ, reg, number, rule->allow ? TO_ALLOW : TO_REFUSE);
		return;
	}
	if (!is_for_any(rule)) {
		/* The program goes on after a match. If the verifier knew the number then,
		 * it would walk the rest anew for each rule; of a difference it learns
		 * nothing. */
		emit_alu_reg(p, BPF_MOV, DIFFERENCE, reg);
		emit_alu(p, BPF_XOR, DIFFERENCE, number);
		emit_jump_if(p, BPF_JNE, DIFFERENCE, 0, rule->allow ? 2 : 1);
	}
	if (rule->allow) {
		emit_alu(p, BPF_AND, ASKED, ~rule->access);
		emit_jump_if(p, BPF_JEQ, ASKED, 0, TO_ALLOW);
	} else {
		emit_jump_if(p, BPF_JSET, ASKED, rule->access, TO_REFUSE);
	}
}

static void emit_rules(struct program *p, const struct rule_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		emit_rule(p, &list->v[i]);
}

static size_t emit_exit(struct program *p, bool allow)
{
	size_t at = p->n;

	emit_alu(p, BPF_MOV, ANSWER, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return at;
}

/* The verifier refuses code that nothing reaches. Something jumps to each exit: the
 * start allows, and rules that refuse nothing need no program. */
static void emit_program(struct program *p, const struct rule_list *character,
                         const struct rule_list *block)
{
	size_t split, exits[2];

	emit_start(p);
	split = p->n;
	emit_jump_if(p, BPF_JSET, REQUEST, BPF_DEVCG_DEV_BLOCK, 0);
	emit_rules(p, character);
	emit(p, BPF_JMP | BPF_JA, 0, 0, character->otherwise ? TO_ALLOW : TO_REFUSE, 0);
	p->v[split].off = (int16_t)(p->n - split - 1);
	emit_rules(p, block);
	exits[block->otherwise] = emit_exit(p, block->otherwise);
	exits[!block->otherwise] = emit_exit(p, !block->otherwise);

	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].off < 0)
			p->v[i].off = (int16_t)(exits[p->v[i].off == TO_ALLOW] - i - 1);
	}
}

int cgroup_devices_compile(struct arena *a, const struct oci_device_rule *rules, size_t count,
                           const struct bpf_insn **ret, size_t *ret_count, struct err *e)
{
	struct rule_list character = { 0 }, block = { 0 };
	struct program p = { 0 };

	if (count > RULES_MAX)
		return err_set(e, ERR_REFUSED, "linux.resources.devices: %zu rules, at most %d",
		               count, RULES_MAX);
	character.v = arena_array(a, LEN(default_rules) + count, sizeof(*character.v));
	block.v = arena_array(a, count, sizeof(*block.v));
	for (size_t i = 0; i < LEN(default_rules); i++)
		add_rule(&character, &default_rules[i]);
	for (size_t i = count; i-- > 0;) {
		struct rule rule;

		TRY(read_rule(&rules[i], i, &rule, e));
		if (rules[i].type != 'b')
			add_rule(&character, &rule);
		if (rules[i].type != 'c')
			add_rule(&block, &rule);
	}
	cut_tail(&character);
	cut_tail(&block);

	*ret = NULL;
	*ret_count = 0;
	if (allows_everything(&character) && allows_everything(&block))
		return 0;
	p.v = arena_array(a, FRAME + PER_RULE_MAX * (character.n + block.n), sizeof(*p.v));
	emit_program(&p, &character, &block);
	*ret = p.v;
	*ret_count = p.n;
	return 0;
}
