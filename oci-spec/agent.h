/* SPDX-License-Identifier: Apache-2.0 */
/* What a seccomp agent reads: its rules, and what a runtime tells it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/spec.h"

enum agent_action {
	AGENT_ALLOW, /* the kernel goes on with the call */
	AGENT_ERRNO,
	AGENT_LOG,   /* it goes on, and a line is printed */
	AGENT_MKNOD, /* the node is made on the caller's behalf */
	AGENT_MOUNT, /* the filesystem is mounted on the caller's behalf */
};

struct agent_device {
	mode_t type; /* S_IFCHR or S_IFBLK */
	uint32_t major, minor;
};

struct agent_rule {
	struct oci_strings names; /* system calls */
	const char *metadata;     /* only for containers with this listenerMetadata; NULL: all */
	enum agent_action action;
	uint32_t errno_ret;                 /* AGENT_ERRNO */
	const struct agent_device *devices; /* AGENT_MKNOD */
	size_t device_count;
	struct oci_strings types; /* AGENT_MOUNT */
};

struct agent_rules {
	const struct agent_rule *v;
	size_t n;
	struct agent_rule otherwise; /* for a call that no rule names */
};

/* Reads rules as docs/policy.md describes them. All faults are reported together, each
 * with its place; ERR_SPEC. ret lives in the arena. */
MUST_CHECK int agent_rules_parse(struct arena *a, const char *text, size_t len,
                                 struct agent_rules *ret, struct err *e);

/* The first rule for this call of a container with this metadata; never NULL. */
const struct agent_rule *agent_rule_for(const struct agent_rules *rules, const char *metadata,
                                        const char *name);

/* The part of a container process state that an agent wants. */
struct agent_message {
	const char *id, *metadata; /* "" when there is none */
	int64_t pid;
	size_t listener; /* which of the descriptors that came along */
};

/* Reads what came over listenerPath with `fds` descriptors. ERR_SPEC when it is not what
 * the specification says. Source: config-linux.md, "The Container Process State". */
MUST_CHECK int agent_message_parse(struct arena *a, const char *text, size_t len, size_t fds,
                                   struct agent_message *ret, struct err *e);
