/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which wall refused a system call: what was seen of it (seccomp/trace.h), held against
 * the config. That the filter refused it is known; else the errno, and what the config
 * does not give, tell what it was most likely.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "oci-spec/spec.h"
#include "seccomp/trace.h"

struct why {
	const char *call;     /* or what a security module calls it */
	const char *path;     /* that it was given; NULL: none, or several */
	const char *who;      /* the program, where that is told; else NULL */
	const char *answer;   /* "EPERM", "errno 77", "SIGSYS" … */
	uint32_t errno_value; /* 0: none, or not known */
	uint64_t count;
	bool certain;
	const char *layer;   /* "seccomp", "capability", "landlock", "read-only", "kernel" … */
	const char *what;    /* one sentence without a full stop */
	const char *pointer; /* RFC 6901, into config.json; "" where nothing of it is meant */
};

/* One for each refusal, in their order; in the arena. */
void why_explain(struct arena *a, const struct oci_config *config,
                 const struct trace_result *result, struct why **ret, size_t *ret_count);

/* One refusal, whose call, answer and count are there: layer, what, pointer and certain. */
void why_refused(struct arena *a, const struct oci_config *config, const struct trace_refusal *r,
                 struct why *w);
/* The same where it is known that the filter did it. */
void why_filtered(struct arena *a, const struct oci_seccomp *profile, struct why *w);
/* Whether an errno is one that walls answer with; and its name, or "errno 77". */
bool why_is_refusal(uint32_t errno_value);
const char *why_answer(struct arena *a, uint32_t errno_value);

/* Lines for people: "mount: EPERM, 2 times: …", "mount (sh): EPERM, …". */
struct buf;
void why_text(const struct why *v, size_t n, struct buf *ret);
