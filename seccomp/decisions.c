/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A classic BPF program, read for what it decides: for each architecture that it asks
 * for, and for all others together, which ranges of call numbers it treats alike, and
 * how: an answer at once, or a graph of tests of arguments.
 *
 * It is run with the call's number as a range, which is parted at each test of it; a
 * test of anything else becomes a node. Equal nodes are made once, so two programs
 * decide alike if what is read of them is the same. (Not only if: tests in another
 * order may decide alike, too.)
 *
 * Only what libseccomp writes is understood: words loaded and masked, compared with
 * constants. Anything else is not an error but a program that is left as it is.
 */
#include "seccomp/decisions.h"

#include <stdlib.h>
#include <string.h>

enum {
	STEPS_MAX = 1 << 20,  /* instructions run for one program */
	NOTHING = WORD_COUNT, /* the accumulator, before anything is loaded */
};

/* Where the run is, and what the accumulator holds. */
struct place {
	size_t at;
	uint32_t word, mask;
};

/* The node of a test, once it is known. */
struct memo {
	uint32_t word, mask, node; /* node + 1; 0: not known */
};

struct reader {
	const struct sock_filter *code;
	size_t n;
	struct nodes *nodes;
	struct memo *memos; /* one for each instruction */
	unsigned int steps;

	bool others;     /* an architecture that no test asks for */
	uint32_t arch;   /* else this one */
	uint32_t *asked; /* the architectures that were asked for */
	size_t asked_count;

	struct range *ranges;
	size_t range_count, range_room;
};

/* --- nodes ------------------------------------------------------------------------- */

void nodes_init(struct nodes *ret, struct arena *a, size_t room)
{
	size_t slots = 64;

	while (slots < 2 * room)
		slots *= 2;
	*ret = (struct nodes){ .v = arena_array(a, room, sizeof(*ret->v)),
		               .room = room,
		               .table = arena_array(a, slots, sizeof(*ret->table)),
		               .slots = slots };
}

static uint32_t node_hash(const struct node *node)
{
	const uint32_t parts[] = { (uint32_t)(node->final << 24 | node->word << 16 | node->test),
		                   node->mask, node->k, node->yes, node->no };
	uint32_t hash = 0x811c9dc5;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		hash = (hash ^ parts[i]) * 0x01000193u ^ hash >> 15;
	return hash;
}

static bool node_equal(const struct node *a, const struct node *b)
{
	return a->final == b->final && a->word == b->word && a->test == b->test &&
	       a->mask == b->mask && a->k == b->k && a->yes == b->yes && a->no == b->no;
}

bool nodes_find(struct nodes *nodes, const struct node *node, uint32_t *ret)
{
	size_t slot = node_hash(node) % nodes->slots;

	for (; nodes->table[slot] != 0; slot = (slot + 1) % nodes->slots) {
		*ret = nodes->table[slot] - 1;
		if (node_equal(&nodes->v[*ret], node))
			return true;
	}
	if (nodes->n == nodes->room)
		return false;
	*ret = (uint32_t)nodes->n;
	nodes->v[nodes->n++] = *node;
	nodes->table[slot] = (uint32_t)nodes->n;
	return true;
}

/* --- running what does not depend on the call -------------------------------------- */

enum stop { STOP_TEST, STOP_RETURN, STOP_UNKNOWN };

/* Whether the program's test for an architecture holds. */
static bool ask_arch(struct reader *r, const struct sock_filter *test, bool *ret)
{
	if (BPF_OP(test->code) != BPF_JEQ)
		return false;
	*ret = !r->others && r->arch == test->k;
	if (!r->others)
		return true;
	for (size_t i = 0; i < r->asked_count; i++) {
		if (r->asked[i] == test->k)
			return true;
	}
	if (r->asked_count == ARCHES_MAX)
		return false;
	r->asked[r->asked_count++] = test->k;
	return true;
}

static bool load(struct place *p, uint32_t offset)
{
	*p = (struct place){ .at = p->at, .word = offset / 4, .mask = UINT32_MAX };
	return offset % 4 == 0 && p->word < WORD_COUNT;
}

/* To the next test of anything but the architecture, or to an end. */
static enum stop advance(struct reader *r, struct place *p)
{
	bool holds;

	for (; p->at < r->n && r->steps < STEPS_MAX; p->at++) {
		const struct sock_filter *in = &r->code[p->at];

		r->steps++;
		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (!load(p, in->k))
				return STOP_UNKNOWN;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			p->mask &= in->k;
			break;
		case BPF_JMP | BPF_JA:
			p->at += in->k;
			break;
		case BPF_RET | BPF_K:
			return STOP_RETURN;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			if (p->word == NOTHING || (p->word <= WORD_ARCH && p->mask != UINT32_MAX))
				return STOP_UNKNOWN;
			if (p->word != WORD_ARCH)
				return STOP_TEST;
			if (!ask_arch(r, in, &holds))
				return STOP_UNKNOWN;
			p->at += holds ? in->jt : in->jf;
			break;
		default:
			return STOP_UNKNOWN;
		}
	}
	return STOP_UNKNOWN;
}

static struct place after_jump(const struct place *p, uint8_t distance)
{
	return (struct place){ .at = p->at + 1 + distance, .word = p->word, .mask = p->mask };
}

/* --- arguments ---------------------------------------------------------------------- */

/* What is decided from here on, where the number has been decided about. */
static bool outcome(struct reader *r, struct place p, uint32_t *ret)
{
	enum stop stop = advance(r, &p);

	if (stop == STOP_UNKNOWN)
		return false;

	const struct sock_filter *in = &r->code[p.at];
	struct node node = { .final = stop == STOP_RETURN, .k = in->k };

	if (stop == STOP_RETURN)
		return nodes_find(r->nodes, &node, ret);
	if (p.word == WORD_NR)
		return false; /* asked for again, after an argument */

	struct memo *memo = &r->memos[p.at];
	if (memo->node != 0 && memo->word == p.word && memo->mask == p.mask) {
		*ret = memo->node - 1;
		return true;
	}
	if (!outcome(r, after_jump(&p, in->jt), &node.yes) ||
	    !outcome(r, after_jump(&p, in->jf), &node.no))
		return false;
	node.word = (uint8_t)p.word;
	node.mask = p.mask;
	node.test = BPF_OP(in->code);
	if (node.yes == node.no)
		*ret = node.yes;
	else if (!nodes_find(r->nodes, &node, ret))
		return false;
	*memo = (struct memo){ .word = p.word, .mask = p.mask, .node = *ret + 1 };
	return true;
}

/* --- numbers ------------------------------------------------------------------------- */

static bool add_range(struct reader *r, uint32_t first, uint32_t last, uint32_t node)
{
	if (r->range_count > 0 && r->ranges[r->range_count - 1].node == node) {
		r->ranges[r->range_count - 1].last = last;
		return true;
	}
	if (r->range_count == r->range_room)
		return false;
	r->ranges[r->range_count++] = (struct range){ .first = first, .last = last, .node = node };
	return true;
}

static bool explore(struct reader *r, struct place p, uint32_t first, uint32_t last);

/* Numbers from `from` on take the jump, those below do not. */
static bool explore_above(struct reader *r, const struct place *p, uint32_t from, uint32_t first,
                          uint32_t last)
{
	struct place yes = after_jump(p, r->code[p->at].jt), no = after_jump(p, r->code[p->at].jf);

	if (from <= first)
		return explore(r, yes, first, last);
	if (from > last)
		return explore(r, no, first, last);
	return explore(r, no, first, from - 1) && explore(r, yes, from, last);
}

static bool explore_equal(struct reader *r, const struct place *p, uint32_t first, uint32_t last)
{
	struct place yes = after_jump(p, r->code[p->at].jt), no = after_jump(p, r->code[p->at].jf);
	uint32_t k = r->code[p->at].k;

	if (k < first || k > last)
		return explore(r, no, first, last);
	return (k == first || explore(r, no, first, k - 1)) && explore(r, yes, k, k) &&
	       (k == last || explore(r, no, k + 1, last));
}

/* The numbers from first to last, from here on. */
static bool explore(struct reader *r, struct place p, uint32_t first, uint32_t last)
{
	enum stop stop = advance(r, &p);
	uint32_t node;

	if (stop == STOP_UNKNOWN)
		return false;
	if (stop == STOP_RETURN || p.word != WORD_NR)
		return outcome(r, p, &node) && add_range(r, first, last, node);

	const struct sock_filter *in = &r->code[p.at];
	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return explore_equal(r, &p, first, last);
	case BPF_JGE:
		return explore_above(r, &p, in->k, first, last);
	case BPF_JGT:
		if (in->k == UINT32_MAX) /* none is greater */
			return explore(r, after_jump(&p, in->jf), first, last);
		return explore_above(r, &p, in->k + 1, first, last);
	default:
		return false;
	}
}

static bool read_arch(struct arena *a, struct reader *r, struct decisions_arch *ret)
{
	const struct place start = { .word = NOTHING };

	r->range_count = 0;
	memset(r->memos, 0, r->n * sizeof(*r->memos)); /* they depend on the architecture */
	if (!explore(r, start, 0, UINT32_MAX))
		return false;

	struct range *kept = arena_array(a, r->range_count, sizeof(*kept));
	memcpy(kept, r->ranges, r->range_count * sizeof(*kept));
	*ret = (struct decisions_arch){ .arch = r->arch, .v = kept, .n = r->range_count };
	return true;
}

static int compare_archs(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool decisions_read(struct arena *a, struct nodes *nodes, const struct sock_filter *code, size_t n,
                    struct decisions *ret)
{
	uint32_t asked[ARCHES_MAX];
	struct decisions all = { 0 };
	struct reader r = {
		.code = code,
		.n = n,
		.nodes = nodes,
		.memos = arena_array(a, n, sizeof(*r.memos)),
		.others = true,
		.asked = asked,
		.range_room = 2 * n + 1, /* a test parts the numbers at two places at most */
	};

	r.ranges = arena_array(a, r.range_room, sizeof(*r.ranges));
	/* this asks for every architecture that makes a difference: one that is asked for
	 * only where another was found never comes there */
	if (!read_arch(a, &r, &all.others))
		return false;
	r.others = false;
	qsort(asked, r.asked_count, sizeof(*asked), compare_archs);
	for (; all.n < r.asked_count; all.n++) {
		r.arch = asked[all.n];
		if (!read_arch(a, &r, &all.named[all.n]))
			return false;
	}
	*ret = all;
	return true;
}

static bool arch_equal(const struct decisions_arch *a, const struct decisions_arch *b)
{
	if (a->arch != b->arch || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].first != b->v[i].first || a->v[i].last != b->v[i].last ||
		    a->v[i].node != b->v[i].node)
			return false;
	}
	return true;
}

bool decisions_equal(const struct decisions *a, const struct decisions *b)
{
	if (a->n != b->n || !arch_equal(&a->others, &b->others))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!arch_equal(&a->named[i], &b->named[i]))
			return false;
	}
	return true;
}
