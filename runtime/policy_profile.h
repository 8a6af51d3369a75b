/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy commands read and print alike. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"

/* A profile by its path: a bundle (its config.json's), a config.json, or a profile in a
 * file of its own. NULL in ret: there is none, or it asks for nothing. */
MUST_CHECK int policy_profile_read(struct arena *a, const char *path,
                                   const struct oci_seccomp **ret, struct err *e);

enum { POLICY_COLUMNS = 80 };

/* Adds a word to a paragraph that is `indent` columns in. *column: where it stands, 0
 * before the first word. policy_words_end() ends the line. */
void policy_word(struct buf *ret, size_t indent, size_t *column, const char *word);
void policy_words_end(struct buf *ret, size_t *column);
