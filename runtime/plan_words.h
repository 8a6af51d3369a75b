/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's bits as the words that man pages use for them: "MS_REC|MS_SLAVE". */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* Each appends the words of all bits set, joined by '|'; bits without a word as one
 * number in hex; nothing at all for 0. */
void plan_words_mount(struct buf *ret, uint64_t flags);      /* MS_* */
void plan_words_attr(struct buf *ret, uint64_t attributes);  /* MOUNT_ATTR_* */
void plan_words_namespaces(struct buf *ret, uint64_t flags); /* CLONE_NEW* */
void plan_words_caps(struct buf *ret, uint64_t set);         /* 1 << CAP_* */
void plan_words_target(struct buf *ret, uint64_t flags);     /* PLAN_TARGET_* … */
void plan_words_seccomp(struct buf *ret, uint64_t flags);    /* SECCOMP_FILTER_FLAG_* */
void plan_words_scheduler(struct buf *ret, uint64_t flags);  /* SCHED_FLAG_* */
void plan_words_mempolicy(struct buf *ret, uint64_t flags);  /* MPOL_F_* */

/* "SCHED_BATCH", or NULL. */
const char *plan_policy_name(uint32_t policy);
/* "RLIMIT_NOFILE", or NULL. */
const char *plan_limit_name(uint32_t resource);
