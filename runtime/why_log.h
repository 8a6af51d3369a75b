/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals that the kernel has written down: records of seccomp, of security modules and
 * of system calls, as dmesg, the journal and auditd's log have them. Whatever else is in
 * the log is passed over; whoever wrote it may have wanted to deceive.
 */
#pragma once

#include "runtime/why.h"

enum {
	WHY_LOG_LINES = 1024, /* different ones that are told apart */
	WHY_LOG_BYTES = 64 << 20,
};

struct why_log {
	struct why *v; /* in the arena, in the order of the log */
	size_t n;
	uint64_t lost; /* records for which there was no room */
	uint64_t records, lines;
};

/* config: what to hold them against; NULL: it is not known whose they are. */
void why_log_read(struct arena *a, const struct oci_config *config, const char *text, size_t len,
                  struct why_log *ret);
