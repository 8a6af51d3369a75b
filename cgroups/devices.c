/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules to an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. It decides,
 * for each access the kernel asks about, whether it may happen.
 *
 * What a list of rules means: a request names a device and some of read, write and
 * mknod. Each of these is decided on its own, by the last rule of the list that names
 * it and matches the device, and is refused where no rule does; the request is allowed
 * if all that it asks for is. The default devices of the spec stand behind the list,
 * so that no rule of a config takes them away. Type 'a' is both types; its numbers
 * count like those of any other rule.
 *
 * The program tests the rules backwards, so that the first match decides. It keeps
 * what is not decided yet in a register: an allowing rule clears its bits there and
 * grants the request when none is left; a refusing rule that finds one of its bits
 * ends it. Before that, rules that later ones cover are dropped: most lists shrink to
 * a few rules, and one that allows everything to no program at all.
 * Source: kernel/bpf/cgroup.c, __cgroup_bpf_check_dev_permission().
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"

enum {
	ANY_ACCESS = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
	RULES_MAX = 1024,  /* of a config; the comparison of all pairs stays below 10 ms */
	PER_RULE_MAX = 7,  /* instructions */
	FRAME = 7 + 2 + 2, /* instructions before the first rule and after the last */
};

struct rule {
	bool allow, any_major, any_minor;
	uint32_t type; /* BPF_DEVCG_DEV_CHAR or _BLOCK */
	uint32_t major, minor;
	uint32_t access; /* BPF_DEVCG_ACC_* */
};

#define NODE(maj, min)                                                                     \
	{                                                                                  \
		.allow = true, .type = BPF_DEVCG_DEV_CHAR, .major = (maj), .minor = (min), \
		.access = ANY_ACCESS                                                       \
	}

/* Making a node gives no access to it, and images are unpacked in containers. */
static const struct rule default_rules[] = {
	{ .allow = true,
	  .any_major = true,
	  .any_minor = true,
	  .type = BPF_DEVCG_DEV_CHAR,
	  .access = BPF_DEVCG_ACC_MKNOD },
	{ .allow = true,
	  .any_major = true,
	  .any_minor = true,
	  .type = BPF_DEVCG_DEV_BLOCK,
	  .access = BPF_DEVCG_ACC_MKNOD },
	NODE(1, 3),    /* null */
	NODE(1, 5),    /* zero */
	NODE(1, 7),    /* full */
	NODE(1, 8),    /* random */
	NODE(1, 9),    /* urandom */
	NODE(5, 0),    /* tty */
	NODE(5, 1),    /* console */
	NODE(5, 2),    /* ptmx */
	NODE(10, 200), /* net/tun: the other runtimes allow it, and VPNs rely on that */
	{ .allow = true,
	  .type = BPF_DEVCG_DEV_CHAR,
	  .major = 136, /* pts/N */
	  .any_minor = true,
	  .access = ANY_ACCESS },
};

/* All rules, the deciding ones first. */
struct rule_list {
	struct rule *v;
	size_t n;
};

static bool covers(const struct rule *by, const struct rule *rule)
{
	return by->type == rule->type &&
	       (by->any_major || (!rule->any_major && by->major == rule->major)) &&
	       (by->any_minor || (!rule->any_minor && by->minor == rule->minor));
}

/* Adds the rule, if the rules before it leave it anything to decide. */
static void add_rule(struct rule_list *list, const struct rule *rule)
{
	uint32_t left = rule->access;

	for (size_t i = 0; i < list->n && left; i++) {
		if (covers(&list->v[i], rule))
			left &= ~list->v[i].access;
	}
	if (left)
		list->v[list->n++] = *rule;
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

static int add_config_rule(struct rule_list *list, const struct oci_device_rule *from, size_t index,
                           struct err *e)
{
	bool any_major = !from->major.set || from->major.value == -1;
	bool any_minor = !from->minor.set || from->minor.value == -1;
	struct rule rule = {
		.allow = from->allow,
		.any_major = any_major,
		.any_minor = any_minor,
		.major = any_major ? 0 : (uint32_t)from->major.value,
		.minor = any_minor ? 0 : (uint32_t)from->minor.value,
		.access = (from->read ? BPF_DEVCG_ACC_READ : 0U) |
		          (from->write ? BPF_DEVCG_ACC_WRITE : 0U) |
		          (from->mknod ? BPF_DEVCG_ACC_MKNOD : 0U),
	};

	TRY(check_number(&from->major, "major", index, e));
	TRY(check_number(&from->minor, "minor", index, e));
	if (from->type != 'b') {
		rule.type = BPF_DEVCG_DEV_CHAR;
		add_rule(list, &rule);
	}
	if (from->type != 'c') {
		rule.type = BPF_DEVCG_DEV_BLOCK;
		add_rule(list, &rule);
	}
	return 0;
}

/* Drops refusing rules at the end: what is left there is refused anyway. */
static void drop_tail(struct rule_list *list)
{
	while (list->n > 0 && !list->v[list->n - 1].allow)
		list->n--;
}

/* No rule refuses anything, and rules for any device allow every access. As rules
 * that are covered are gone, this finds every list that means "everything". */
static bool allows_everything(const struct rule_list *list)
{
	uint32_t character = 0, block = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct rule *rule = &list->v[i];

		if (!rule->allow)
			return false;
		if (!rule->any_major || !rule->any_minor)
			continue;
		if (rule->type == BPF_DEVCG_DEV_CHAR)
			character |= rule->access;
		else
			block |= rule->access;
	}
	return character == ANY_ACCESS && block == ANY_ACCESS;
}

struct program {
	struct bpf_insn *v;
	size_t n;
};

/* Registers. The kernel's answer is R0: 1 allows, 0 refuses. */
enum { ANSWER = BPF_REG_0, CONTEXT = BPF_REG_1, LEFT, TYPE, MAJOR, MINOR };

static void emit(struct program *p, int code, int dst, int src, int off, uint32_t imm)
{
	p->v[p->n++] = (struct bpf_insn){ .code = (uint8_t)code,
		                          .dst_reg = (uint8_t)(dst & 15),
		                          .src_reg = (uint8_t)(src & 15),
		                          .off = (int16_t)off,
		                          .imm = (int32_t)imm };
}

static void emit_answer(struct program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_load(struct program *p, int reg, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, reg, CONTEXT, (int)offset, 0);
}

static void emit_start(struct program *p)
{
	emit_load(p, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, LEFT, TYPE, 0, 0);
	emit(p, BPF_ALU64 | BPF_RSH | BPF_K, LEFT, 0, 0, 16);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	/* asking for nothing is allowed; from here on LEFT is never 0 */
	emit(p, BPF_JMP | BPF_JNE | BPF_K, LEFT, 0, 2, 0);
	emit_answer(p, true);
}

/* What the rule does with a device that it matches. */
static void emit_decision(struct program *p, const struct rule *rule)
{
	if (rule->access != ANY_ACCESS && rule->allow) {
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, LEFT, 0, 0, ~rule->access);
		emit(p, BPF_JMP | BPF_JNE | BPF_K, LEFT, 0, 2, 0);
	} else if (rule->access != ANY_ACCESS) {
		emit(p, BPF_JMP | BPF_JSET | BPF_K, LEFT, 0, 1, rule->access);
		emit(p, BPF_JMP | BPF_JA, 0, 0, 2, 0);
	}
	emit_answer(p, rule->allow);
}

static void emit_rule(struct program *p, const struct rule *rule)
{
	size_t tests[3], test_count = 0;

	/* 32-bit jumps: a 64-bit one would extend the sign of the number */
	tests[test_count++] = p->n;
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, TYPE, 0, 0, rule->type);
	if (!rule->any_major) {
		tests[test_count++] = p->n;
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, MAJOR, 0, 0, rule->major);
	}
	if (!rule->any_minor) {
		tests[test_count++] = p->n;
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, MINOR, 0, 0, rule->minor);
	}
	emit_decision(p, rule);
	for (size_t i = 0; i < test_count; i++) /* no match: on to the next rule */
		p->v[tests[i]].off = (int16_t)(p->n - tests[i] - 1);
}

int cgroup_devices_compile(struct arena *a, const struct oci_device_rule *rules, size_t count,
                           const struct bpf_insn **ret, size_t *ret_count, struct err *e)
{
	struct rule_list list = { 0 };
	struct program p = { 0 };

	if (count > RULES_MAX)
		return err_set(e, ERR_REFUSED, "linux.resources.devices: %zu rules, at most %d",
		               count, RULES_MAX);
	list.v = arena_array(a, LEN(default_rules) + 2 * count, sizeof(*list.v));
	for (size_t i = LEN(default_rules); i-- > 0;)
		add_rule(&list, &default_rules[i]);
	for (size_t i = count; i-- > 0;)
		TRY(add_config_rule(&list, &rules[i], i, e));
	drop_tail(&list);

	*ret = NULL;
	*ret_count = 0;
	if (allows_everything(&list))
		return 0;
	p.v = arena_array(a, FRAME + PER_RULE_MAX * list.n, sizeof(*p.v));
	emit_start(&p);
	for (size_t i = 0; i < list.n; i++)
		emit_rule(&p, &list.v[i]);
	emit_answer(&p, false);
	*ret = p.v;
	*ret_count = p.n;
	return 0;
}
