/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on a container, independent of who parsed the command line and of
 * what holds the container (runtime/backend.h). Each returns 0 or -1 with e, but
 * for run and exec in the foreground, which give the process's exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci-spec/admin.h"
#include "oci-spec/spec.h"
#include "runtime/facts.h"
#include "runtime/launch/process_update.h"
#include "runtime/limits.h"

/* The global options that matter to a container's life. */
struct container_context {
	const char *root; /* state directory, absolute; made when it is missing */
	bool root_given;  /* --root was on the command line */
	bool systemd_cgroup;
	bool no_cgroup;         /* containers stay in their caller's cgroup */
	const char *config_dir; /* of the administrator's configuration; NULL: there is none */
	enum rootless_choice rootless;
};

/* Who wants to see a run from its first instruction on: called when everything is made
 * and the program has not been executed. cgroup: the container's, or -1. */
struct run_watch {
	int (*begin)(void *context, int cgroup, struct err *e);
	void *context;
};

struct create_request {
	const char *id;
	const char *bundle;         /* absolute */
	const char *config;         /* file in the bundle: "config.json" */
	const char *console_socket; /* or NULL */
	const char *pidfd_socket;   /* or NULL */
	const char *pid_file;       /* or NULL; absolute */
	bool no_pivot, no_new_keyring;
	enum admin_isolation isolation; /* ADMIN_UNSET: nobody has said */
	const char *kernel;             /* of the guest; or NULL; absolute */
	unsigned int preserve_fds;
	bool detach; /* nobody stays in front: always so for create */
	/* run only */
	bool keep, no_subreaper;
	const struct run_watch *watch; /* or NULL */
};

struct exec_request {
	const char *id;
	struct oci_strings args;                              /* of the command line */
	const char *process;                                  /* --process FILE, or NULL */
	const char *console_socket, *pidfd_socket, *pid_file; /* or NULL */
	const char *cwd;                                      /* or NULL: as the container's */
	struct oci_strings env;                               /* added to the container's */
	const char *user;                                     /* "UID[:GID]" or NULL */
	struct oci_strings groups;                            /* additional gids */
	struct oci_strings caps;
	const char *apparmor, *process_label;
	struct oci_strings cgroups; /* --cgroup; more than one is an error */
	const char *deadline;       /* as it was given, or NULL */
	int64_t deadline_ms;
	bool tty, detach, no_new_privs, ignore_paused;
	unsigned int preserve_fds;
};

struct update_request {
	const char *id;
	const struct oci_resources *resources; /* NULL: the group stays as it is */
	bool device_rules;                     /* those of `resources` are meant, too */
	const struct oci_intel_rdt *rdt;       /* NULL: its class of caches stays as it is */
	struct process_change process;         /* of its first one */
};

enum container_status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED
};

const char *container_status_name(enum container_status status);

/* What `state` and `list` tell; strings are in the arena given. */
struct container_info {
	const char *id, *bundle, *rootfs, *created; /* created: RFC 3339, UTC */
	enum container_status status;
	pid_t pid; /* 0 when stopped */
	uint32_t owner;
	struct oci_pairs annotations;
};

/* What there is to know of a container beyond `list`: the limits that it ran into and,
 * when it has ended, how. Its group tells, so there is nothing where that is gone, and the
 * exit status is known only where a `run --keep` or `events` looked on. */
struct container_details {
	struct limit_hits hits;
	bool status_known;
	int exit_status, exit_signal; /* 0-255 or 128 + signal; signal or 0 */
	bool counted;                 /* it has ended, and `last` is what its group counted */
	struct meter_reading last;
};

/* An id is [A-Za-z0-9_+.-]+, at most 1024 bytes, not "." or "..". ERR_USAGE. */
MUST_CHECK int container_id_check(const char *id, struct err *e);

MUST_CHECK int container_create(const struct container_context *c, const struct create_request *r,
                                struct err *e);
/* The exit status (0-255) in *ret_status; 0 for a detached run. */
MUST_CHECK int container_run(const struct container_context *c, const struct create_request *r,
                             int *ret_status, struct err *e);
MUST_CHECK int container_start(const struct container_context *c, const char *id, struct err *e);
MUST_CHECK int container_exec(const struct container_context *c, const struct exec_request *r,
                              int *ret_status, struct err *e);
MUST_CHECK int container_kill(const struct container_context *c, const char *id, int signo,
                              bool all, struct err *e);
MUST_CHECK int container_delete(const struct container_context *c, const char *id, bool force,
                                struct err *e);
MUST_CHECK int container_pause(const struct container_context *c, const char *id, struct err *e);
MUST_CHECK int container_resume(const struct container_context *c, const char *id, struct err *e);
/* Changes the limits of one that runs, all or nothing. */
MUST_CHECK int container_update(const struct container_context *c, const struct update_request *r,
                                struct err *e);
MUST_CHECK int container_info(const struct container_context *c, struct arena *a, const char *id,
                              struct container_info *ret, struct err *e);
MUST_CHECK int container_details(const struct container_context *c, struct arena *a, const char *id,
                                 struct container_info *ret_info, struct container_details *ret,
                                 struct err *e);
/* All containers below the root, sorted by id; broken ones are warned of. */
MUST_CHECK int container_list(const struct container_context *c, struct arena *a,
                              struct container_info **ret, size_t *ret_count, struct err *e);

/* Its processes. Where their kernel is the host's, the pids are those of our pid namespace;
 * where it is another, ps(1) cannot see them, and the table says what it would. */
struct process_list {
	pid_t *pids;
	size_t count;
	const char *table; /* with a first line of names; NULL: ask ps(1) */
};

MUST_CHECK int container_processes(const struct container_context *c, struct arena *a,
                                   const char *id, struct process_list *ret, struct err *e);

struct events_request {
	const char *id;
	bool once;           /* the numbers, once */
	int64_t interval_ms; /* more than 0 */
};

/* Takes one event: a line of JSON with its newline. 0, or -1 to end the stream. */
struct buf;
typedef int event_teller(const struct buf *line, struct err *e);

/* Follows a container until it ends. */
MUST_CHECK int container_events(const struct container_context *c, const struct events_request *r,
                                event_teller *tell, struct err *e);

/* One thing that `check` looked at. */
struct check_verdict {
	enum { CHECK_PASS, CHECK_FAIL, CHECK_UNKNOWN } result;
	const char *subject;        /* field of config.json, or a word: "cgroup" */
	const char *text;           /* why it fails, or why nobody can know; else "" */
	const char *pointer, *hint; /* of a failure; may be "" */
	int sys;                    /* errno of a failure, or 0 */
};

/* Whether create and start would succeed on this host, found out without any effect
 * outside of a process that ends with this call. All that would not is in ret, too;
 * -1 only when the looking itself fails. */
MUST_CHECK int container_check(const struct container_context *c, const struct create_request *r,
                               struct arena *a, struct check_verdict **ret, size_t *ret_count,
                               struct err *e);

/* The plan that create would execute, as JSON text. */
MUST_CHECK int container_plan(const struct container_context *c, const struct create_request *r,
                              struct buf *ret, struct err *e);
