/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a config.json gives to a container that it could do without, as findings: how bad
 * it is, where it stands, and how to close it. The rules look at the config alone, so
 * they are pure; audit_kernel.c compares it with what the kernel holds for a container
 * that runs. Each rule has a name that stays the same (docs/policy.md lists them).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/json.h"
#include "oci-spec/spec.h"

enum audit_severity {
	AUDIT_LOW,    /* more than most containers need */
	AUDIT_MEDIUM, /* helps who has got a foot in the door */
	AUDIT_HIGH,   /* a way to the host, or to the whole of something of the host's */
};

struct audit_finding {
	enum audit_severity severity;
	const char *rule;    /* "host-pid" */
	const char *what;    /* one sentence without a full stop */
	const char *pointer; /* RFC 6901, into config.json; to where it is missing, its place */
	const char *fix;     /* what to do; one sentence without a full stop */
};

struct audit {
	struct arena *arena;
	const struct oci_config *config;
	const struct json *tree; /* the same config, for the places of its values */
	const char *bundle;      /* absolute: where relative sources start */
	struct audit_finding *v; /* worst first, once audit_sort was called */
	size_t n, room;
};

/* Adds one; what is printf's. */
void audit_add(struct audit *a, enum audit_severity severity, const char *rule, const char *pointer,
               const char *fix, const char *what, ...) PRINTF(6, 7);

/* All rules over the config; sorted. */
void audit_config(struct audit *a);
void audit_sort(struct audit *a);
size_t audit_count(const struct audit *a, enum audit_severity severity);
const char *audit_severity_name(enum audit_severity severity);

/* --- shared by the files of rules -------------------------------------------------------- */

/* Root of the container is nobody on the host: a new user namespace, and no id of it is
 * the host's 0. */
bool audit_has_user_wall(const struct audit *a);
/* One step less where there is that wall. */
enum audit_severity audit_behind_user_wall(const struct audit *a, enum audit_severity severity);
/* Own: new, or joined by a path that is not one of the host's first process. */
bool audit_has_namespace(const struct audit *a, enum oci_namespace_kind kind);
/* The pointer of an entry of an array of strings, or of the array where it is not. */
const char *audit_pointer(const struct audit *a, const char *const keys[], const char *value);

/* The pointer of an object's member whose name may have a slash in it. */
const char *audit_member(const struct audit *a, const char *object, const char *name);

void audit_namespaces(struct audit *a);
void audit_process(struct audit *a);
void audit_seccomp(struct audit *a);
void audit_mounts(struct audit *a);
void audit_devices(struct audit *a);
void audit_system(struct audit *a);

/* --- a container that runs --------------------------------------------------------------- */

/* Adds what the kernel holds of the process and its group that is weaker than the config
 * says: rule "drift". cgroup: its folder, or -1 where it has none. ERR_STATE when the
 * process is gone. */
MUST_CHECK int audit_kernel(struct audit *a, pid_t pid, int cgroup, struct err *e);

/* --- the page ---------------------------------------------------------------------------- */

enum { AUDIT_POSTURE_MAX = 16 };
struct audit_line {
	const char *key, *text; /* "namespaces", "new: pid …" */
};
/* What stands between the container and the host, one line each; returns how many. */
size_t audit_posture(const struct audit *a, struct audit_line ret[AUDIT_POSTURE_MAX]);
