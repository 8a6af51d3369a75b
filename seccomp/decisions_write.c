/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions as a short program. Its shape:
 *
 *	the architecture: one test each, the native one first
 *	the number: a binary tree over ranges that are decided alike, not over single
 *	calls; frequent calls are nearer to its root
 *	arguments: the graph of their tests, each written once and shared
 *
 * What is decided by architecture and number alone never looks at an argument, so the
 * kernel can tell and does not run the filter for such a call at all
 * (kernel/seccomp.c, seccomp_cache_prepare).
 *
 * Jumps of classic BPF only go forward, and conditional ones at most 255 instructions.
 * So the program is written from its end, targets first, and a target that has become
 * too far gets a jump, or an end a copy, in front of what is there.
 */
#include <string.h>
#include <sys/syscall.h>

#include "base/scope.h"
#include "seccomp/decisions.h"

enum {
	CONDITIONAL_MAX = 255,
	FAR = 200, /* an end that is so far is written once more */
	CHAIN_MAX = 4,
	FREQUENT = 8, /* as much as so many others */
};

/* What programs call most, as system-wide counts of servers and desktops have it. */
static const uint32_t frequent[] = {
	SYS_read,       SYS_write,    SYS_futex,       SYS_close,           SYS_openat,
	SYS_fcntl,      SYS_recvmsg,  SYS_sendmsg,     SYS_recvfrom,        SYS_sendto,
	SYS_newfstatat, SYS_fstat,    SYS_mmap,        SYS_munmap,          SYS_mprotect,
	SYS_lseek,      SYS_ioctl,    SYS_epoll_pwait, SYS_clock_nanosleep, SYS_rt_sigprocmask,
	SYS_writev,     SYS_pread64,  SYS_getpid,      SYS_rt_sigaction,    SYS_ppoll,
	SYS_madvise,    SYS_pwrite64, SYS_clone,       SYS_socket,          SYS_sched_yield,
};

/* Places are counted from the end of the program: instructions from there on. */
struct writer {
	struct sock_filter *code; /* filled from its end */
	size_t room, n;
	bool full;
	const struct nodes *nodes;
	size_t *tests; /* of each node, the place of its jump or end; 0: not written */
	bool native;
};

static size_t push(struct writer *w, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (w->n == w->room) {
		w->full = true;
		return w->n;
	}
	w->n++;
	w->code[w->room - w->n] = (struct sock_filter){ .code = code, .jt = jt, .jf = jf, .k = k };
	return w->n;
}

/* A place from which the same goes on, near enough for one of the next two
 * instructions to jump there. */
static size_t reach(struct writer *w, size_t place)
{
	if (w->full || w->n + 1 - place <= CONDITIONAL_MAX)
		return place;

	const struct sock_filter *there = &w->code[w->room - place];
	if (BPF_CLASS(there->code) == BPF_RET)
		return push(w, there->code, 0, 0, there->k);
	return push(w, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(w->n - place));
}

static size_t push_test(struct writer *w, uint16_t test, uint32_t k, size_t yes, size_t no)
{
	yes = reach(w, yes);
	no = reach(w, no);
	return push(w, BPF_JMP | BPF_K | test, (uint8_t)(w->n - yes), (uint8_t)(w->n - no), k);
}

/* --- arguments -------------------------------------------------------------------- */

/* How many instructions of the node come before its test. */
static size_t before_test(const struct node *node)
{
	if (node->final)
		return 0;
	return node->mask == UINT32_MAX ? 1 : 2;
}

/* Where to enter a node with anything loaded. */
static size_t entry(const struct writer *w, uint32_t id)
{
	return w->tests[id] + before_test(&w->nodes->v[id]);
}

/* Where to enter it from another's test: what that has loaded may be what it wants. */
static size_t entry_after(const struct writer *w, const struct node *from, uint32_t id)
{
	const struct node *to = &w->nodes->v[id];

	if (to->final || to->word != from->word)
		return entry(w, id);
	if (to->mask == from->mask)
		return w->tests[id];
	return from->mask == UINT32_MAX ? w->tests[id] + 1 : entry(w, id);
}

static void write_node(struct writer *w, uint32_t id)
{
	const struct node *node = &w->nodes->v[id];

	if (w->full || (w->tests[id] != 0 && !(node->final && w->n - w->tests[id] > FAR)))
		return;
	if (node->final) {
		w->tests[id] = push(w, BPF_RET | BPF_K, 0, 0, node->k);
		return;
	}
	write_node(w, node->no);
	write_node(w, node->yes);
	w->tests[id] = push_test(w, node->test, node->k, entry_after(w, node, node->yes),
	                         entry_after(w, node, node->no));
	if (node->mask != UINT32_MAX)
		push(w, BPF_ALU | BPF_AND | BPF_K, 0, 0, node->mask);
	push(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, node->word * 4u);
}

/* --- numbers ----------------------------------------------------------------------- */

static uint64_t weight(const struct writer *w, const struct range *range)
{
	uint64_t sum = 1;

	for (size_t i = 0; w->native && i < LEN(frequent); i++) {
		if (range->first <= frequent[i] && frequent[i] <= range->last)
			sum += FREQUENT;
	}
	return sum;
}

/* Parts ranges into two of about the same weight; returns the first of the second. */
static size_t middle(const struct writer *w, const struct range *v, size_t n)
{
	uint64_t all = 0, sum = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		all += weight(w, &v[i]);
	while (at < n - 1) {
		uint64_t next = weight(w, &v[at]);

		if (at > 0 && 2 * sum + next > all)
			break;
		sum += next;
		at++;
	}
	return at;
}

/* All is decided as `rest`, but for a few single numbers. */
static bool is_chain(const struct range *v, size_t n, uint32_t rest)
{
	size_t others = 0;

	for (size_t i = 0; i < n && others <= CHAIN_MAX; i++) {
		if (v[i].node == rest)
			continue;
		if (v[i].first != v[i].last)
			return false;
		others++;
	}
	return others <= CHAIN_MAX;
}

/* One test for each of them, which is less than a tree would need. */
static size_t write_chain(struct writer *w, const struct range *v, size_t n, uint32_t rest)
{
	write_node(w, rest);

	size_t place = entry(w, rest);
	for (size_t i = n; i > 0; i--) {
		if (v[i - 1].node == rest)
			continue;
		write_node(w, v[i - 1].node);
		place = push_test(w, BPF_JEQ, v[i - 1].first, entry(w, v[i - 1].node), place);
	}
	return place;
}

/* The tree, which is entered with the number loaded. Returns its place. */
static size_t write_tree(struct writer *w, const struct range *v, size_t n)
{
	if (n == 1) {
		write_node(w, v[0].node);
		return entry(w, v[0].node);
	}
	if (is_chain(v, n, v[0].node))
		return write_chain(w, v, n, v[0].node);
	if (is_chain(v, n, v[n - 1].node))
		return write_chain(w, v, n, v[n - 1].node);

	size_t half = middle(w, v, n);
	size_t high = write_tree(w, v + half, n - half);
	size_t low = write_tree(w, v, half);
	return push_test(w, BPF_JGE, v[half].first, high, low);
}

/* One architecture: returns where it begins. */
static size_t write_arch(struct writer *w, const struct decisions_arch *arch)
{
	size_t tree = write_tree(w, arch->v, arch->n);

	if (arch->n == 1)
		return tree;
	if (tree != w->n)
		push(w, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(w->n - tree));
	return push(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, WORD_NR * 4u);
}

bool decisions_write(struct arena *a, const struct nodes *nodes, const struct decisions *decisions,
                     uint32_t native, struct sock_filter *ret, size_t *n)
{
	struct writer w = { .code = ret,
		            .room = *n,
		            .nodes = nodes,
		            .tests = arena_array(a, nodes->n, sizeof(*w.tests)) };
	size_t starts[ARCHES_MAX];
	size_t place = write_arch(&w, &decisions->others), first = decisions->n;

	/* written from the end, so the native one is last, next to the tests */
	for (size_t i = 0; i < decisions->n; i++) {
		if (decisions->named[i].arch == native)
			first = i;
		else
			starts[i] = write_arch(&w, &decisions->named[i]);
	}
	w.native = true;
	if (first < decisions->n)
		starts[first] = write_arch(&w, &decisions->named[first]);
	for (size_t i = 0; i < decisions->n; i++) {
		if (i != first)
			place = push_test(&w, BPF_JEQ, decisions->named[i].arch, starts[i], place);
	}
	if (first < decisions->n)
		place = push_test(&w, BPF_JEQ, native, starts[first], place);
	if (place != w.n)
		push(&w, BPF_JMP | BPF_JA, 0, 0, (uint32_t)(w.n - place));
	if (decisions->n > 0)
		push(&w, BPF_LD | BPF_W | BPF_ABS, 0, 0, WORD_ARCH * 4u);
	if (w.full)
		return false;
	memmove(ret, ret + (*n - w.n), w.n * sizeof(*ret));
	*n = w.n;
	return true;
}
