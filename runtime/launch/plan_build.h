/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a plan: strings and arrays go into one buffer, the steps are gathered
 * apart and appended at the end. Strings that occur again are stored once.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "runtime/launch/plan.h"

struct plan_builder {
	struct plan head;
	struct buf bytes; /* begins with room for the head */
	struct buf steps;
	struct buf table;
	plan_str *strings; /* in table: a hash table of what is stored; 0: a free place */
	size_t string_room, string_count;
	struct plan_step spare; /* what plan_add returns when memory ran out */
	bool failed, too_large;
};

void plan_begin(struct plan_builder *b, enum plan_kind kind);
void plan_abandon(struct plan_builder *b);

plan_str plan_put_string(struct plan_builder *b, const char *text); /* NULL: 0 */
struct plan_list plan_put_array(struct plan_builder *b, const void *data, size_t count,
                                size_t element_size);
/* A char *[]-to-be (plan.h): `strings` may hold NULL entries, spare slots. */
struct plan_list plan_put_vector(struct plan_builder *b, const char *const *strings, size_t count);

/* Appends a step and returns it zeroed but for op and origin; valid until the next. */
struct plan_step *plan_add(struct plan_builder *b, enum plan_op op, const char *origin);

/* Moves the finished plan into ret. Fails when memory ran out or the plan is
 * larger than PLAN_SIZE_MAX. The builder is empty afterwards, in either case. */
MUST_CHECK int plan_finish(struct plan_builder *b, struct buf *ret, struct err *e);
