/* SPDX-License-Identifier: Apache-2.0 */
/* What a filter decides, apart from how it is written; for this folder alone. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "oci-spec/spec.h"

/* The 32-bit words of struct seccomp_data. */
enum {
	WORD_NR,
	WORD_ARCH,
	WORD_COUNT = 16,
};

/* A test of an argument, or an end. Two that decide alike are one: nodes can be
 * compared by their numbers. */
struct node {
	bool final;
	uint8_t word;     /* of struct seccomp_data */
	uint16_t test;    /* BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET */
	uint32_t mask;    /* of the word, before the test */
	uint32_t k;       /* what it is compared with; the answer, if final */
	uint32_t yes, no; /* nodes */
};

struct nodes {
	struct node *v; /* in the arena */
	size_t n, room;
	uint32_t *table; /* hash table of numbers + 1; 0: free */
	size_t slots;
};

/* Numbers of system calls that are decided alike. */
struct range {
	uint32_t first, last, node;
};

/* One architecture: ranges without gaps, in order, from 0 to UINT32_MAX. */
struct decisions_arch {
	uint32_t arch;
	const struct range *v; /* in the arena */
	size_t n;
};

enum { ARCHES_MAX = 24 };

struct decisions {
	struct decisions_arch named[ARCHES_MAX]; /* by arch */
	size_t n;
	struct decisions_arch others; /* every architecture that is not named */
};

/* room: how many nodes there may be */
void nodes_init(struct nodes *ret, struct arena *a, size_t room);

/* The number of such a node, which is made if there is none. False: there are too many. */
bool nodes_find(struct nodes *nodes, const struct node *node, uint32_t *ret);

/* Reads a filter that the kernel would take. False when it is written in a way that is
 * not understood here, or would take too long; then ret is not set. */
bool decisions_read(struct arena *a, struct nodes *nodes, const struct sock_filter *code, size_t n,
                    struct decisions *ret);

/* Replaces what is decided about the calls that the profile names with what it says. False: too
 * many nodes; rules_nodes_max() are enough. */
bool rules_apply(struct arena *a, struct nodes *nodes, const struct oci_seccomp *profile,
                 struct decisions *decisions);
size_t rules_nodes_max(const struct oci_seccomp *profile);

bool decisions_equal(const struct decisions *a, const struct decisions *b);

/* Writes a filter that decides so, into at most *n instructions, whose number is set.
 * native: the architecture whose frequent calls come first. False when there is no room. */
bool decisions_write(struct arena *a, const struct nodes *nodes, const struct decisions *decisions,
                     uint32_t native, struct sock_filter *ret, size_t *n);
