/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libseccomp's filter, which has only the rules that it alone understands, to the
 * one that is loaded: read for what it decides (decisions.c), with all rules (rules.c),
 * and written as a tree over ranges of numbers that are decided alike
 * (decisions_write.c). The kernel walks the whole program for every number when it is
 * loaded, and for every call that depends on an argument, so a short one is quicker twice.
 *
 * What was written is read again, and only if both readings are the same is it taken. So a
 * mistake in the writing costs time, and never changes a filter.
 */
#include <string.h>

#include "seccomp/decisions.h"
#include "seccomp/filter.h"

bool filter_finish(struct arena *a, const struct oci_seccomp *profile, uint32_t native,
                   struct filter *filter)
{
	struct decisions wanted, got;
	struct nodes nodes;
	size_t n = BPF_MAXINSNS;
	ARENA struct arena own;

	arena_init(&own, 0);
	/* a test and an end for each instruction, and for what comes in addition */
	nodes_init(&nodes, &own, 2 * filter->n + rules_nodes_max(profile));

	struct sock_filter *code = arena_array(&own, n, sizeof(*code));
	if (!decisions_read(&own, &nodes, filter->v, filter->n, &wanted) ||
	    !rules_apply(&own, &nodes, profile, &wanted) ||
	    !decisions_write(&own, &nodes, &wanted, native, code, &n) ||
	    !decisions_read(&own, &nodes, code, n, &got) || !decisions_equal(&wanted, &got))
		return false;

	struct sock_filter *kept = arena_array(a, n, sizeof(*kept));
	memcpy(kept, code, n * sizeof(*kept));
	*filter = (struct filter){ .v = kept, .n = n };
	return true;
}
