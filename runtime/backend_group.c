/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_group.h"

#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/members.h"

enum { FREEZE_MS = 10000 };

static int open_cgroup(const struct found *f, struct err *e)
{
	return cgroup_open(&f->cgroup, f->state.cgroup, e);
}

int backend_group_list(const struct found *f, struct arena *a, struct process_list *ret,
                       struct err *e)
{
	if (!f->state.cgroup && f->pidfd < 0)
		return 0;
	if (!f->state.cgroup && !f->state.private_pids)
		return err_set(e, ERR_REFUSED,
		               "container %s has neither a cgroup nor a pid namespace of its own: "
		               "its processes cannot be told from others",
		               f->dir.id);
	if (!f->state.cgroup)
		return members_pids(a, f->state.pid, &ret->pids, &ret->count, e);
	FD int cgroup = open_cgroup(f, e);
	if (cgroup < 0) {
		if (f->status != STATUS_STOPPED || e->sys != ENOENT)
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	return cgroup_pids(a, cgroup, &ret->pids, &ret->count, e);
}

int backend_group_meter(const struct found *f, uint32_t wanted, struct meter *ret, struct err *e)
{
	if (!f->state.cgroup)
		return err_set(e, ERR_REFUSED,
		               "container %s has no cgroup of its own, so nothing counts what it "
		               "uses",
		               f->dir.id);
	FD int cgroup = open_cgroup(f, e);
	TRY(cgroup);
	return meter_open(cgroup, wanted, ret, e);
}

/* Without a cgroup only the first process can be found. In a pid namespace of its own
 * the others end with it. */
static int signal_first(const struct found *f, int signo, bool all, struct err *e)
{
	if (f->pidfd < 0)
		return all ? 0 : err_set(e, ERR_STATE, "container not running");
	if (signo != SIGKILL || !f->state.private_pids)
		log_warn("container %s has no cgroup of its own: only its first process is "
		         "signalled",
		         f->dir.id);
	return proc_signal(f->pidfd, signo, e);
}

/* To all of its processes. Without `all` the caller means its first process, and wants
 * to hear if there was nobody left. */
static int signal_group(const struct found *f, int signo, bool all, struct err *e)
{
	if (!f->state.cgroup)
		return signal_first(f, signo, all, e);
	FD int cgroup = open_cgroup(f, e);

	if (cgroup < 0 && e->sys != ENOENT)
		return -1;
	*e = (struct err){ 0 };
	int ours = cgroup < 0 ? 0 : found_owns(f, cgroup, e);
	TRY(ours);
	int populated = ours ? cgroup_is_populated(cgroup, e) : 0;
	TRY(populated);
	if (!populated)
		return all ? 0 : err_set(e, ERR_STATE, "container not running");
	return signo == SIGKILL ? cgroup_kill(cgroup, e) : cgroup_signal(cgroup, signo, e);
}

int backend_group_signal(const struct found *f, int signo, bool all, struct err *e)
{
	/* in a shared pid namespace others outlive the first process */
	if (all || (signo == SIGKILL && !f->state.private_pids))
		return signal_group(f, signo, all, e);
	if (f->pidfd < 0)
		return err_set(e, ERR_STATE, "container not running");
	return proc_signal(f->pidfd, signo, e);
}

int backend_group_freeze(const struct found *f, bool frozen, struct err *e)
{
	if (!f->state.cgroup)
		return err_set(e, ERR_REFUSED,
		               "container %s has no cgroup of its own, so nothing can freeze it",
		               f->dir.id);
	FD int cgroup = open_cgroup(f, e);
	TRY(cgroup);
	if (cgroup_freeze(cgroup, frozen, FREEZE_MS, e) == 0)
		return 0;
	if (frozen) { /* half-frozen is worse than not at all */
		struct err ignored = { 0 };

		(void)!cgroup_freeze(cgroup, false, 0, &ignored);
	}
	return -1;
}
