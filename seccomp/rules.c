/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile's rules say, as decisions. Of the rules for one call whose conditions
 * hold the first in the profile decides; none holds: the default does. The first rule
 * without conditions leaves nothing to decide, wherever it stands.
 *
 * libseccomp does not see them. It copies the whole filter for each one that it is given,
 * which takes a dozen milliseconds for a profile of the size that engines use. And it gets
 * some combinations of conditions wrong: version 2.5 jumps from one comparison of an
 * argument into the middle of another one without loading again the half that this compares
 * (with `arg0 <= 1` and `arg0 < 2^64 - 1`, the lower half is compared with the upper half's
 * limit), and with others it never ends.
 *
 * A 64-bit argument is two words. Of a 32-bit architecture, and of x32, the lower ones
 * are compared alone, as libseccomp does. Calls that 32-bit x86 bundles (socketcall, ipc)
 * stay as libseccomp has them.
 */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "seccomp/decisions.h"
#include "seccomp/filter.h"

enum { COMPARED = 64 }; /* rules of one call, before another */

/* One rule that names a call. */
struct named {
	uint32_t number;
	size_t rule;
};

struct builder {
	struct nodes *nodes;
	const struct oci_seccomp *profile;
	uint32_t standard; /* the default's answer */
	bool wide;
	bool failed; /* too many nodes */
};

/* --- one condition ----------------------------------------------------------------- */

static uint32_t node(struct builder *b, const struct node *wanted)
{
	uint32_t ret = 0;

	if (!wanted->final && wanted->yes == wanted->no)
		return wanted->yes;
	b->failed |= !nodes_find(b->nodes, wanted, &ret);
	return ret;
}

static uint32_t answer(struct builder *b, uint32_t value)
{
	const struct node end = { .final = true, .k = value };

	return node(b, &end);
}

static bool word_passes(const struct node *test, uint32_t value)
{
	switch (test->test) {
	case BPF_JEQ:
		return value == test->k;
	case BPF_JGT:
		return value > test->k;
	default:
		return value >= test->k;
	}
}

/* Where a node leads, when a word is known to be a value. */
static uint32_t given(const struct builder *b, uint32_t id, uint32_t word, uint32_t value)
{
	const struct node *at = &b->nodes->v[id];

	while (!at->final && at->word == word) {
		id = word_passes(at, value & at->mask) ? at->yes : at->no;
		at = &b->nodes->v[id];
	}
	return id;
}

/* Where a node leads, when a word is known not to be a value. */
static uint32_t not_given(const struct builder *b, uint32_t id, uint32_t word, uint32_t value)
{
	const struct node *at = &b->nodes->v[id];

	while (!at->final && at->word == word && at->test == BPF_JEQ && at->mask == UINT32_MAX &&
	       at->k == value) {
		id = at->no;
		at = &b->nodes->v[id];
	}
	return id;
}

static uint32_t test(struct builder *b, uint16_t op, uint32_t word, uint32_t mask, uint32_t k,
                     uint32_t yes, uint32_t no)
{
	const bool exact = op == BPF_JEQ && mask == UINT32_MAX;
	const struct node wanted = { .word = (uint8_t)word,
		                     .test = op,
		                     .mask = mask,
		                     .k = k,
		                     .yes = exact ? given(b, yes, word, k) : yes,
		                     .no = exact ? not_given(b, no, word, k) : no };

	return node(b, &wanted);
}

/* Both words, upper one first: greater (and, where `equal`, the same), or not. */
static uint32_t compare(struct builder *b, uint32_t low, uint64_t value, bool equal, uint32_t yes,
                        uint32_t no)
{
	const uint32_t high = low + 1, top = (uint32_t)(value >> 32);
	const uint16_t op = equal ? BPF_JGE : BPF_JGT;

	if (!b->wide)
		return test(b, op, low, UINT32_MAX, (uint32_t)value, yes, no);

	uint32_t lower = test(b, op, low, UINT32_MAX, (uint32_t)value, given(b, yes, high, top),
	                      given(b, no, high, top));
	uint32_t same = test(b, BPF_JEQ, high, UINT32_MAX, top, lower, no);
	return test(b, BPF_JGT, high, UINT32_MAX, top, yes, same);
}

static uint32_t equal(struct builder *b, uint32_t low, uint64_t mask, uint64_t value, uint32_t yes,
                      uint32_t no)
{
	const uint32_t high = low + 1, top = (uint32_t)(value >> 32);
	const uint32_t top_mask = b->wide ? (uint32_t)(mask >> 32) : 0;
	const bool known = top_mask == UINT32_MAX;
	uint32_t low_yes = known ? given(b, yes, high, top) : yes;
	uint32_t low_no = known ? given(b, no, high, top) : no;
	uint32_t lower = (uint32_t)mask == 0 ? low_yes
	                                     : test(b, BPF_JEQ, low, (uint32_t)mask,
	                                            (uint32_t)value, low_yes, low_no);

	return top_mask == 0 ? lower : test(b, BPF_JEQ, high, top_mask, top, lower, no);
}

static uint32_t condition(struct builder *b, const struct oci_seccomp_arg *arg, uint32_t yes,
                          uint32_t no)
{
	const uint32_t low = 4 + 2 * arg->index; /* args[] of struct seccomp_data */

	switch (arg->op) {
	case OCI_CMP_NE:
		return equal(b, low, UINT64_MAX, arg->value, no, yes);
	case OCI_CMP_LT:
		return compare(b, low, arg->value, true, no, yes);
	case OCI_CMP_LE:
		return compare(b, low, arg->value, false, no, yes);
	case OCI_CMP_EQ:
		return equal(b, low, UINT64_MAX, arg->value, yes, no);
	case OCI_CMP_GE:
		return compare(b, low, arg->value, true, yes, no);
	case OCI_CMP_GT:
		return compare(b, low, arg->value, false, yes, no);
	case OCI_CMP_MASKED_EQ:
		return equal(b, low, arg->value, arg->value_two & arg->value, yes, no);
	}
	return no;
}

/* --- the rules of one call ----------------------------------------------------------- */

/* The rule's answer where its conditions hold, else what `no` says. */
static uint32_t rule_node(struct builder *b, const struct oci_seccomp_rule *rule, uint32_t yes,
                          uint32_t no)
{
	uint32_t at = filter_repeats_argument(rule) ? no : yes;

	for (size_t i = rule->arg_count; i > 0; i--) {
		const struct oci_seccomp_arg *arg = &rule->args[i - 1];

		at = filter_repeats_argument(rule) ? condition(b, arg, yes, at)
		                                   : condition(b, arg, at, no);
	}
	return at;
}

/* What becomes of a call that these rules name. */
static uint32_t call_node(struct builder *b, const struct named *v, size_t n)
{
	uint32_t otherwise = b->standard, ret;

	for (size_t i = 0; i < n; i++) {
		const struct oci_seccomp_rule *rule = &b->profile->rules[v[i].rule];

		if (rule->arg_count == 0 && otherwise == b->standard)
			otherwise = filter_rule_action(rule);
	}
	ret = answer(b, otherwise);
	for (size_t i = n; i > 0 && otherwise == b->standard; i--) {
		const struct oci_seccomp_rule *rule = &b->profile->rules[v[i - 1].rule];
		uint32_t action = filter_rule_action(rule);

		if (rule->arg_count > 0 && action != b->standard)
			ret = rule_node(b, rule, answer(b, action), ret);
	}
	return ret;
}

/* --- all calls of an architecture ------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

static size_t count_names(const struct oci_seccomp *profile)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->rule_count; i++)
		n += profile->rules[i].names.n;
	return n;
}

/* Every call that a rule names, in order of number and rule; returns how many. */
static size_t list_named(const struct oci_seccomp *profile, uint32_t arch, struct named *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct oci_strings *names = &profile->rules[i].names;

		for (size_t k = 0; k < names->n; k++) {
			int number = seccomp_syscall_resolve_name_arch(arch, names->v[k]);

			if (number >= 0 &&
			    !(arch == SCMP_ARCH_X86 && filter_is_bundled(profile, names->v[k])))
				ret[n++] = (struct named){ (uint32_t)number, i };
		}
	}
	qsort(ret, n, sizeof(*ret), by_number);
	return n;
}

static void append(struct range *v, size_t *n, struct range range)
{
	if (*n > 0 && v[*n - 1].node == range.node)
		v[*n - 1].last = range.last;
	else
		v[(*n)++] = range;
}

/* Puts single numbers, in order, in place of what the ranges say about them. */
static void merge(struct arena *a, struct decisions_arch *arch, const struct range *single,
                  size_t count)
{
	struct range *v = arena_array(a, arch->n + 2 * count, sizeof(*v));
	size_t n = 0, next = 0;

	for (size_t i = 0; i < arch->n; i++) {
		const struct range *r = &arch->v[i];
		uint64_t from = r->first; /* what is left of the range; past its last: nothing */

		for (; next < count && single[next].first <= r->last; next++) {
			uint32_t number = single[next].first;

			if (number > from)
				append(v, &n,
				       (struct range){ (uint32_t)from, number - 1, r->node });
			append(v, &n, single[next]);
			from = (uint64_t)number + 1;
		}
		if (from <= r->last)
			append(v, &n, (struct range){ (uint32_t)from, r->last, r->node });
	}
	arch->v = v;
	arch->n = n;
}

static void apply(struct arena *a, struct builder *b, uint32_t arch, struct named *named,
                  struct decisions_arch *ret)
{
	size_t n = list_named(b->profile, arch, named), next, count = 0;
	struct range *single = arena_array(a, n, sizeof(*single));

	for (size_t i = 0; i < n; i = next) {
		next = i + 1;
		while (next < n && named[next].number == named[i].number)
			next++;
		single[count++] = (struct range){ named[i].number, named[i].number,
			                          call_node(b, named + i, next - i) };
	}
	merge(a, ret, single, count);
}

static uint32_t standard_action(const struct oci_seccomp *profile)
{
	const struct oci_seccomp_rule standard = { .action = profile->default_action,
		                                   .errno_ret = profile->default_errno_ret };

	return filter_rule_action(&standard);
}

/* --- contradictions --------------------------------------------------------------------- */

static bool same_conditions(const struct oci_seccomp_rule *a, const struct oci_seccomp_rule *b)
{
	if (a->arg_count != b->arg_count)
		return false;
	for (size_t i = 0; i < a->arg_count; i++) {
		if (a->args[i].index != b->args[i].index || a->args[i].op != b->args[i].op ||
		    a->args[i].value != b->args[i].value ||
		    a->args[i].value_two != b->args[i].value_two)
			return false;
	}
	return true;
}

/* Compares the rules of one call. 0, or the one that contradicts an earlier one. */
static size_t find_contradiction(const struct oci_seccomp *profile, const struct named *v, size_t n)
{
	const uint32_t standard = standard_action(profile);

	for (size_t i = 0; i < n; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[v[i].rule];

		/* without conditions the first decides: engines' profiles have such pairs */
		for (size_t k = i > COMPARED ? i - COMPARED : 0; k < i && rule->arg_count > 0;
		     k++) {
			const struct oci_seccomp_rule *other = &profile->rules[v[k].rule];

			uint32_t action = filter_rule_action(rule),
				 before = filter_rule_action(other);

			if (same_conditions(rule, other) && action != before &&
			    action != standard &&
			    before != standard) /* rules that say the default say nothing */
				return i;
		}
	}
	return 0;
}

int filter_check_rules(const struct oci_seccomp *profile, struct err *e)
{
	ARENA struct arena a;

	arena_init(&a, 0);

	struct named *v = arena_array(&a, count_names(profile), sizeof(*v));
	size_t n = list_named(profile, seccomp_arch_native(), v), next;
	for (size_t i = 0; i < n; i = next) {
		next = i + 1;
		while (next < n && v[next].number == v[i].number)
			next++;

		size_t at = find_contradiction(profile, v + i, next - i);
		if (at == 0)
			continue;
		FREE char *name =
			seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)v[i].number);
		return err_set(e, ERR_SPEC,
		               "linux.seccomp.syscalls[%zu]: an earlier rule for %s with the same "
		               "conditions has another action",
		               v[i + at].rule, name ? name : "?");
	}
	return 0;
}

/* --- all of it -------------------------------------------------------------------------- */

size_t rules_nodes_max(const struct oci_seccomp *profile)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->rule_count; i++)
		n += profile->rules[i].names.n * (3 * profile->rules[i].arg_count + 2);
	return 3 * n; /* architectures */
}

bool rules_apply(struct arena *a, struct nodes *nodes, const struct oci_seccomp *profile,
                 struct decisions *decisions)
{
	static const struct {
		uint32_t scmp, audit;
	} archs[] = { { SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64 },
		      { SCMP_ARCH_X32, AUDIT_ARCH_X86_64 },
		      { SCMP_ARCH_X86, AUDIT_ARCH_I386 } };
	struct builder b = { .nodes = nodes,
		             .profile = profile,
		             .standard = standard_action(profile) };
	struct named *named = arena_array(a, count_names(profile), sizeof(*named));

	for (size_t i = 0; i < LEN(archs); i++) {
		if (!filter_has_arch(profile, archs[i].scmp))
			continue;
		b.wide = archs[i].scmp == SCMP_ARCH_X86_64;
		for (size_t k = 0; k < decisions->n; k++) {
			if (decisions->named[k].arch == archs[i].audit)
				apply(a, &b, archs[i].scmp, named, &decisions->named[k]);
		}
	}
	return !b.failed;
}
