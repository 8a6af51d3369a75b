/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host can do, without any bundle: a line for each thing that containers, or what
 * config.json may ask for, need of the kernel and of how the host is set up. Nothing is
 * changed; what only trying can tell is tried in a process that ends at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* What a line's subject is needed for. */
enum host_need {
	HOST_CONTAINERS, /* any container at all, for who asks */
	HOST_LIMITS,     /* linux.resources */
	HOST_OPTIONS,    /* a field of config.json that not every one has */
	HOST_VM,         /* microVMs */
};

struct host_line {
	enum host_need need;
	bool ok;
	const char *subject; /* a word or two: "user namespaces" */
	const char *text;    /* what there is, or what is missing */
	const char *fix;     /* of what is missing; may be "" */
};

/* Where lines are collected; strings are in the arena. */
struct host_report {
	struct arena *arena;
	const char *root; /* what the names of the kernel's files begin with; "" but in tests */
	struct buf lines; /* struct host_line */
};

void host_ok(struct host_report *r, enum host_need need, const char *subject, const char *fmt, ...)
	PRINTF(4, 5);
void host_no(struct host_report *r, enum host_need need, const char *subject, const char *fix,
             const char *fmt, ...) PRINTF(5, 6);
/* By an error, with its hint for the fix. */
void host_error(struct host_report *r, enum host_need need, const char *subject,
                const struct err *e);

const char *host_need_name(enum host_need need); /* "containers" */

/* Beginning of a file below report.root, at most `room` - 1 bytes; false: cannot be read. */
bool host_read(const struct host_report *r, const char *path, char *ret, size_t room);

/* What Linux containers need. */
void host_check_containers(struct host_report *r);

/* A part of it that a test forges: the kernel's release, as uname(2) has it. */
void host_check_release(struct host_report *r, const char *release);
