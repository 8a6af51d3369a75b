/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating a container, step by step, and undoing it: what create and run share.
 * Every step's effect is held in the struct, so that undoing needs no guesses.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cgroups/systemd.h"
#include "runtime/activation.h"
#include "runtime/backend.h"
#include "runtime/container.h"
#include "runtime/facts.h"
#include "runtime/isolation.h"
#include "runtime/mount_note.h"
#include "runtime/patience.h"
#include "runtime/state.h"

struct creation {
	const struct container_context *context;
	const struct create_request *request;
	struct patience patience; /* for what may take its time */
	struct arena arena;

	/* before any effect */
	struct activation activation;
	const struct oci_config *config;
	struct buf config_text;
	struct host_facts facts;
	const char *keyring; /* of its session; NULL: the caller's */
	struct buf plan_bytes;
	const struct backend *backend;
	struct vm_box *box; /* of a microVM; NULL: it is none */
	int console_socket; /* connected, or -1 */

	/* effects, in the order in which they come about */
	struct state_dir dir;
	struct state state;
	bool cgroup_noted;
	bool prepared;          /* the record is written, but has not got its name */
	struct systemd systemd; /* connected where it makes the cgroup */
	int cgroup;             /* fd, or -1 */
	int listener;           /* of start.sock, or -1 */
	int commands;           /* of the backend's socket, or -1 */
	struct launch launch;
	struct mount_note mount; /* of the root, among the mounts of others; rootfs: there is one */
	int master;              /* the pty's, when nobody else took it, or -1 */
};

void creation_begin(struct creation *c, const struct container_context *context,
                    const struct create_request *request);
void creation_end(struct creation *c);

/* Reads what there is to read: bundle, host, the console's socket. */
MUST_CHECK int creation_read(struct creation *c, struct err *e);

/* creation_backend.c: what is to hold it, by the command line, the bundle and the
 * administrator; part of creation_read. */
MUST_CHECK int creation_choose(struct creation *c, struct err *e);

/* Compiles the plan. With creation_read nothing is changed yet. */
MUST_CHECK int creation_compile_plan(struct creation *c, bool listener, struct err *e);

/* Makes everything, up to the process that waits for START. `listener`: it shall
 * wait for a later `start`. What was made is undone if a step fails. */
MUST_CHECK int creation_build(struct creation *c, bool listener, struct err *e);

/* launch_events.wait for a creation: a signal to a command that waits in front ends what
 * it waits for. NULL for one that does not. */
typedef int creation_waiting(void *context, int fd, struct err *e);
creation_waiting *creation_patience(const struct creation *c);

/* The process has ended and the container is kept: the record says how it did. */
MUST_CHECK int creation_record_end(struct creation *c, int status, int signo, struct err *e);

/* --- creation_scope.c: where systemd makes the cgroup --- */

/* Connects to it, before there is a process. */
MUST_CHECK int creation_scope_connect(struct creation *c, struct err *e);

/* Asks it for the scope with the process of c->launch in it; await waits for that, enables
 * `controllers` of those that it does not know, and opens the group. 1: it is there, 0: the
 * process has ended meanwhile and will have said why. */
MUST_CHECK int creation_scope_begin(struct creation *c, struct err *e);
MUST_CHECK int creation_scope_await(struct creation *c, unsigned int controllers, struct err *e);
void creation_scope_undo(struct creation *c);

/* Takes all effects back, as far as they came; hooks of poststop run. */
void creation_undo(struct creation *c);

/* The same without the record, which is gone: for the cgroup and the root's mount, if nobody
 * has done it. */
void creation_undo_unrecorded(struct creation *c);

const struct plan *creation_plan(const struct creation *c);

/* For struct launch_events; the context is the creation. */
MUST_CHECK int creation_on_listener(void *context, pid_t pid, int notify, struct err *e);

/* The socket packet for --pidfd-socket. */
MUST_CHECK int creation_send_pidfd(const char *path, int pidfd, const char *payload, struct err *e);

/* The folder of compiled seccomp profiles below --root; -1 without a profile, and
 * where there is none to be had: without it a start only takes longer. */
int seccomp_cache_open(const struct oci_config *config, const char *root);

/* --preserve-fds N: refuses one that is not open. They stand behind those of LISTEN_FDS,
 * of which there are `before`. */
MUST_CHECK int creation_check_fds(unsigned int before, unsigned int count, struct err *e);

/* Writes a pid-file in one step: digits, no newline. */
MUST_CHECK int pid_file_write(const char *path, pid_t pid, struct err *e);

/* Reads the config of a bundle; which part of the path is wrong, the error tells. */
MUST_CHECK int bundle_text(int dir, const char *file, struct buf *ret, struct err *e);

/* The same, and parses it; text, kept by the caller, holds its bytes. */
MUST_CHECK int bundle_config(struct arena *a, int dir, const char *file, struct buf *text,
                             const struct oci_config **ret, struct err *e);
