/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of `check` share. A part looks at one subject of the plan (what create
 * would do) and gives verdicts; it changes nothing that outlives this command.
 *
 *	check.c          the config and the plan, and the order of the parts
 *	check_host.c     what the launcher needs: namespaces, ids, groups, hooks, sockets
 *	check_inside.c   a process in the container's new namespaces, for:
 *	check_mounts.c   rootfs, filesystems, binds, devices, attached for that process alone
 *	check_process.c  becoming the user, and finding the program as that user
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci-spec/spec.h"
#include "runtime/container.h"
#include "runtime/facts.h"
#include "runtime/launch/plan.h"

/* One verdict on its way, from whichever process. */
struct check_packet {
	int result, sys;
	char subject[128];
	char text[1024], hint[ERR_HINT_MAX];
};

struct check {
	struct arena *arena;
	const struct create_request *request;
	const struct oci_config *config;
	const struct host_facts *facts;
	const struct plan *plan;
	struct buf verdicts; /* struct check_verdict */
	int report;          /* inside: the socket that takes packets; else -1 */
	int root;            /* inside: the rootfs, attached; -1: there is none */
	bool gaps;           /* inside: targets are missing, so not all mounts are there */
};

/* A verdict on `subject`, NULL where a step has no origin. */
void check_pass(struct check *c, const char *subject);
void check_fail(struct check *c, const char *subject, const struct err *e);
void check_unknown(struct check *c, const char *subject, const char *why);
/* By a result and its error: pass for 0. */
void check_result(struct check *c, const char *subject, int result, const struct err *e);

void check_host(struct check *c);
MUST_CHECK int check_inside(struct check *c, struct err *e);
void check_mounts(struct check *c);
/* Limits that are raised with the rights that a new user namespace takes away: raised
 * for this command, which has no other use for them. */
void check_limits_outside(struct check *c);
void check_process(struct check *c);

/* The field of config.json that asked for the step, or a word for the step. */
const char *check_subject(const struct check *c, const struct plan_step *step);
/* An error of a step in create's words: the call that failed, with errno, on `what`. */
void check_step_error(const struct check *c, const struct plan_step *step, uint32_t call,
                      const char *what, struct err *ret);
