/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy commands read and print alike. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"

struct json_writer;

/* What a bundle or a file says of system calls and of Landlock; NULL: nothing. */
struct policy {
	const struct oci_seccomp *seccomp;
	const struct oci_landlock *landlock; /* only of a bundle or a config.json */
};

/* A policy by its path: a bundle (its config.json's), a config.json, or a profile in a
 * file of its own. */
MUST_CHECK int policy_profile_read(struct arena *a, const char *path, struct policy *ret,
                                   struct err *e);

/* policy_landlock.c: the rules, as lines of text and as a member of an object. */
void policy_landlock_text(const struct oci_landlock *landlock, struct buf *ret);
void policy_landlock_json(const struct oci_landlock *landlock, struct json_writer *w);

enum { POLICY_COLUMNS = 80 };

/* Adds a word to a paragraph that is `indent` columns in. *column: where it stands, 0
 * before the first word. policy_words_end() ends the line. */
void policy_word(struct buf *ret, size_t indent, size_t *column, const char *word);
void policy_words_end(struct buf *ret, size_t *column);
