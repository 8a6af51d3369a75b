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
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/hooks.h"
#include "runtime/owner.h"
#include "runtime/query.h"

enum { END_MS = 10000, FREEZE_MS = 10000 };

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
	if (f.pidfd < 0) {
		/* the first process is gone; others may live on in a shared pid namespace */
		if (!all && (f.state.private_pids || signo != SIGKILL))
			return err_set(e, ERR_STATE, "container not running");
		all = true;
	}
	if (!all && (f.state.private_pids || signo != SIGKILL))
		return proc_signal(f.pidfd, signo, e);

	FD int cgroup = f.state.cgroup ? open_cgroup(&f, e) : -1;
	if (cgroup < 0) {
		*e = (struct err){ 0 };
		return all ? 0 : err_set(e, ERR_STATE, "container not running");
	}
	return signo == SIGKILL ? cgroup_kill(cgroup, e) : cgroup_signal(cgroup, signo, e);
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
	FD int cgroup = open_cgroup(&f, e);
	TRY(cgroup);
	if (cgroup_freeze(cgroup, frozen, FREEZE_MS, e) == 0)
		return 0;
	if (frozen) { /* half-frozen is worse than not at all */
		struct err ignored = { 0 };

		(void)!cgroup_freeze(cgroup, false, 0, &ignored);
	}
	return -1;
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

/* 1: what lives in the noted cgroup is this container's. A complete record proves
 * it; a wreck's note alone does not (runtime/owner.h). */
static int may_clear(const struct container_context *c, const struct found *f, int cgroup,
                     struct err *e)
{
	if (f->state.phase != PHASE_CREATING)
		return 1;
	return owner_is(cgroup, c->root, f->dir.id, e);
}

static int clear_cgroup(const struct container_context *c, const struct found *f, struct err *e)
{
	if (!f->state.cgroup)
		return 0;
	FD int cgroup = open_cgroup(f, e);
	if (cgroup < 0) {
		if (e->sys != ENOENT)
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	int ours = may_clear(c, f, cgroup, e);
	TRY(ours);
	if (ours)
		TRY(cgroup_kill(cgroup, e));
	else if (cgroup_is_populated(cgroup, e) != 0)
		return e->kind ? -1 : 0; /* others live there: not ours to touch */
	if (f->pidfd >= 0 && proc_wait_end(f->pidfd, END_MS, e) <= 0)
		return e->kind ? -1 : err_set(e, ERR_STATE, "container %s does not end", f->dir.id);
	return cgroup_destroy(&f->cgroup, f->state.cgroup, END_MS, e);
}

/* A failing poststop hook is only told: the container is gone all the same. */
static void run_poststop(const struct found *f, struct arena *a)
{
	BUF struct buf text = { 0 };
	const struct oci_config *config;
	struct err e = { 0 };

	if (!f->state.poststop)
		return;
	if (bundle_config(a, f->dir.fd, "config.json", &text, &config, &e) < 0) {
		log_warn("poststop hooks: %s", e.text);
		return;
	}
	FD int state = hooks_state(&f->state, 0, "stopped", &e);
	if (state < 0 ||
	    hooks_run(OCI_HOOK_POSTSTOP, &config->hooks[OCI_HOOK_POSTSTOP], state, &e) < 0)
		log_warn("%s", e.text);
}

/* A record that cannot be read is no reason to leave anything behind. */
static int open_wreck(const struct container_context *c, struct arena *a, const char *id,
                      struct found *f, struct err *e)
{
	found_close(f);
	*f = (struct found)FOUND_NONE;
	TRY(state_dir_open(c->root, id, &f->dir, e));
	TRY(state_dir_lock(&f->dir, e));
	TRY(cgroup_probe(false, &f->cgroup, e));
	f->state = (struct state){ .id = id };
	f->status = STATUS_STOPPED;
	return state_dir_noted_cgroup(&f->dir, a, &f->state.cgroup, e);
}

int container_delete(const struct container_context *c, const char *id, bool force, struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;

	if (found_open(c, &a, id, true, &f, e) < 0) {
		bool missing = strcmp(e->text, "container does not exist") == 0;

		if (!force || (!missing && e->kind != ERR_STATE))
			return -1;
		*e = (struct err){ 0 };
		if (missing)
			return 0;
		TRY(open_wreck(c, &a, id, &f, e));
	}
	if (!force && f.status != STATUS_STOPPED && f.status != STATUS_CREATED)
		return err_set(e, ERR_STATE, "cannot delete container %s that is not stopped: %s",
		               id, container_status_name(f.status));
	TRY(clear_cgroup(c, &f, e));
	run_poststop(&f, &a);
	return state_dir_remove(&f.dir, e);
}
