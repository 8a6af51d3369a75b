/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill, pause, resume and delete. Deleting works on whatever is there: a container,
 * or what a killed command left of one. It kills by cgroup, so that nothing that
 * the container ever started can hide, and ends with the note of the cgroup, so
 * that a delete that is killed itself can be repeated.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "cgroups/systemd.h"
#include "runtime/backend.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/hooks.h"
#include "runtime/mount_note.h"
#include "runtime/query.h"
#include "runtime/rdt.h"

enum { END_MS = 10000 };

static int open_cgroup(const struct found *f, struct err *e)
{
	return cgroup_open(&f->cgroup, f->state.cgroup, e);
}

int container_kill(const struct container_context *c, const char *id, int signo, bool all,
                   struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;

	TRY(found_open(c, &a, id, false, &f, e));
	return backend_of_record(&f)->signal(&f, signo, all, e);
}

static int set_frozen(const struct container_context *c, const char *id, bool frozen, struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;

	TRY(found_open(c, &a, id, true, &f, e));
	if (f.status == STATUS_STOPPED)
		return err_set(e, ERR_STATE, "container not running");
	if (frozen && f.status == STATUS_PAUSED)
		return err_set(e, ERR_STATE, "container already paused");
	if (!frozen && f.status != STATUS_PAUSED)
		return err_set(e, ERR_STATE, "container not paused");
	return backend_of_record(&f)->freeze(&f, frozen, e);
}

int container_pause(const struct container_context *c, const char *id, struct err *e)
{
	return set_frozen(c, id, true, e);
}

int container_resume(const struct container_context *c, const char *id, struct err *e)
{
	return set_frozen(c, id, false, e);
}

/* --- delete ------------------------------------------------------------------------------ */

/* What died while it was being created may have left a scope that nobody was ever in, which
 * systemd would keep for ever. */
static int destroy_cgroup(struct found *f, struct arena *a, struct err *e)
{
	bool wreck = f->state.phase == PHASE_CREATING;

	if (!f->state.scope)
		return cgroup_destroy(&f->cgroup, f->state.cgroup, END_MS, e);
	TRY(host_facts_systemd(a, &f->cgroup, e));
	return systemd_destroy(&f->cgroup, f->state.cgroup, f->state.scope, wreck, END_MS, e);
}

/* That it is still known there is no reason to keep the container. */
static void forget_unit(struct found *f, struct arena *a)
{
	struct err e = { 0 };

	if (!f->state.scope || !systemd_keeps_failure(f->state.annotations))
		return;
	if (host_facts_systemd(a, &f->cgroup, &e) < 0 ||
	    systemd_forget(&f->cgroup, f->state.scope, &e) < 0)
		log_warn("reset %s: %s", f->state.scope, e.text);
}

/* By its pidfd as well: somebody may have moved it out of the container's group. */
static int end_first_process(const struct found *f, struct err *e)
{
	if (f->pidfd < 0)
		return 0;
	if (proc_signal(f->pidfd, SIGKILL, e) < 0 && e->kind != ERR_STATE)
		return -1;
	*e = (struct err){ 0 };
	if (proc_wait_end(f->pidfd, END_MS, e) <= 0)
		return e->kind ? -1 : err_set(e, ERR_STATE, "container %s does not end", f->dir.id);
	return 0;
}

static int clear_cgroup(struct found *f, struct arena *a, struct err *e)
{
	if (!f->state.cgroup)
		return end_first_process(f, e);
	FD int cgroup = open_cgroup(f, e);
	if (cgroup < 0) {
		if (e->sys != ENOENT)
			return -1;
		*e = (struct err){ 0 };
		return end_first_process(f, e);
	}
	int ours = found_owns(f, cgroup, e);
	TRY(ours);
	int populated = ours ? 1 : cgroup_is_populated(cgroup, e);
	TRY(populated);
	if (ours) {
		TRY(cgroup_kill(cgroup, e));
	} else if (populated) {
		log_warn("cgroup %s holds processes of others: it is left alone", f->state.cgroup);
		return 0;
	}
	TRY(end_first_process(f, e));
	return destroy_cgroup(f, a, e);
}

/* The note was there before the record, which may be damaged where nobody sees it: both
 * groups are looked at. Each is touched only if it is ours. */
static int clear_noted_cgroup(struct found *f, struct arena *a, struct err *e)
{
	const char *noted, *scope;

	TRY(state_dir_noted_cgroup(&f->dir, a, &noted, &scope, e));
	if (!noted || (f->state.cgroup && strcmp(noted, f->state.cgroup) == 0))
		return 0;
	f->state.cgroup = noted;
	f->state.scope = scope;
	return clear_cgroup(f, a, e);
}

/* Without a record nobody knows whether there is such a note. */
static int clear_mount(const struct found *f, bool force, struct err *e)
{
	if (!f->state.shares_mounts && *f->state.bundle)
		return 0;
	if (mount_note_undo(&f->dir, e) == 0)
		return 0;
	if (!force || e->kind != ERR_STATE)
		return -1;
	log_warn("%s", e->text);
	*e = (struct err){ 0 };
	return 0;
}

static const struct oci_config *recorded_config(const struct found *f, struct arena *a,
                                                struct buf *text, const char *what)
{
	const struct oci_config *config;
	struct err e = { 0 };

	if (bundle_config(a, f->dir.fd, "config.json", text, &config, &e) == 0)
		return config;
	log_warn("%s: %s", what, e.text);
	return NULL;
}

static void clear_backend(const struct found *f, struct arena *a)
{
	const struct backend *backend = backend_of_record(f);
	BUF struct buf text = { 0 };
	const struct oci_config *config;

	if (!backend->clear)
		return;
	config = recorded_config(f, a, &text, "network");
	if (config)
		backend->clear(config);
}

/* A poststop hook that fails is only told of, and the next one runs: the container is
 * gone all the same. */
static void run_poststop(const struct found *f, struct arena *a)
{
	BUF struct buf text = { 0 };
	const struct oci_config *config;
	struct err e = { 0 };

	if (!f->state.poststop)
		return;
	config = recorded_config(f, a, &text, "poststop hooks");
	if (!config)
		return;
	FD int state = hooks_state(&f->state, 0, "stopped", &e);
	if (state < 0)
		log_warn("%s", e.text);
	else
		hooks_run_each(OCI_HOOK_POSTSTOP, &config->hooks[OCI_HOOK_POSTSTOP],
		               f->state.bundle, state, NULL);
}

/* What there is to delete, locked: a container or, with `force`, a wreck. A record
 * that is damaged is no reason to leave anything behind. 0: there is nothing. */
static int open_remains(const struct container_context *c, struct arena *a, const char *id,
                        bool force, struct found *ret, struct err *e)
{
	if (state_dir_open(c->root, id, &ret->dir, e) < 0 || state_dir_lock(&ret->dir, e) < 0) {
		if (!force || !state_dir_missing(e))
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	if (found_read(ret, a, true, e) == 0)
		return 1;
	if (!force || e->kind != ERR_STATE)
		return -1;
	*e = (struct err){ 0 };
	TRY(found_read_note(ret, a, e));
	return 1;
}

int container_delete(const struct container_context *c, const char *id, bool force, struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;
	int there = open_remains(c, &a, id, force, &f, e);

	if (there <= 0)
		return there;
	if (!force && f.status != STATUS_STOPPED && f.status != STATUS_CREATED)
		return err_set(e, ERR_STATE, "cannot delete container %s that is not stopped: %s",
		               id, container_status_name(f.status));
	TRY(clear_cgroup(&f, &a, e));
	if (force)
		TRY(clear_noted_cgroup(&f, &a, e));
	forget_unit(&f, &a);
	clear_backend(&f, &a);
	TRY(clear_mount(&f, force, e));
	if (f.state.rdt || !*f.state.bundle)
		TRY(rdt_undo(&f.dir, e));
	run_poststop(&f, &a);
	return state_dir_remove(&f.dir, e);
}
