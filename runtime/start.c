/* SPDX-License-Identifier: Apache-2.0 */
/* start: the parked process is told to go on, by whoever comes with the id. */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/unix.h"
#include "runtime/activation.h"
#include "runtime/backend.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/hooks.h"
#include "runtime/launch/plan_check.h"
#include "runtime/notify.h"
#include "runtime/query.h"
#include "runtime/seccomp_agent.h"

enum { CONNECT_MS = 10000 };

static int load_plan(const struct found *f, struct buf *ret, struct err *e)
{
	TRY(fd_read_file(f->dir.fd, "plan", PLAN_SIZE_MAX, ret, e));
	if (ret->len == 0 || plan_check(ret->data, ret->len) != 0)
		return err_set(e, ERR_STATE, "the plan of container %s is damaged", f->dir.id);
	return 0;
}

static int check_status(const struct found *f, struct err *e)
{
	switch (f->status) {
	case STATUS_CREATED:
		return 0;
	case STATUS_STOPPED:
		return err_set(e, ERR_STATE, "cannot start a container that has stopped");
	case STATUS_PAUSED:
		return err_set(e, ERR_STATE, "container paused");
	default:
		return err_set(e, ERR_STATE, "cannot start an already running container");
	}
}

struct starting {
	const struct found *found;
	const struct oci_config *config; /* NULL: not needed to start */
};

static int on_listener(void *context, pid_t pid, int notify, struct err *e)
{
	const struct starting *s = context;

	if (!s->config)
		return err_set(e, ERR_BUG, "caisson-init: an unexpected LISTENER packet");
	return seccomp_agent_send(s->config, &s->found->state, pid, notify, e);
}

/* From START to the end of the poststart hooks. */
static int set_off(struct found *f, const struct oci_config *config, const struct plan *plan,
                   struct err *e)
{
	const struct backend *backend = backend_find(f->state.backend);
	struct starting starting = { .found = f, .config = config };
	const struct launch_events events = { .context = &starting, .listener = on_listener };
	FD int inside = -1;

	if (!backend)
		return err_set(e, ERR_STATE, "this caisson has no backend \"%s\"",
		               f->state.backend);
	FD int sock = unix_connect(f->dir.fd, "start.sock", SOCK_SEQPACKET, CONNECT_MS, e);
	TRY(sock);
	if (config && config->hooks[OCI_HOOK_START_CONTAINER].n > 0) {
		inside = hooks_state(&f->state, f->state.private_pids ? 1 : f->state.pid, "created",
		                     e);
		TRY(inside);
	}
	const struct launch_start start = {
		.socket = sock,
		.pid = f->state.pid,
		.pidfd = f->pidfd,
		.state = inside,
		.events = &events,
		.later = true,
	};
	TRY(backend->start(plan, &start, e));
	f->state.phase = PHASE_STARTED;
	TRY(state_save(&f->dir, &f->state, e));
	if (!config || config->hooks[OCI_HOOK_POSTSTART].n == 0)
		return 0;
	FD int outside = hooks_state(&f->state, f->state.pid, "running", e);
	TRY(outside);
	return hooks_run(OCI_HOOK_POSTSTART, &config->hooks[OCI_HOOK_POSTSTART], f->state.bundle,
	                 outside, NULL, e);
}

int container_start(const struct container_context *c, const char *id, struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;
	BUF struct buf plan = { 0 };
	BUF struct buf text = { 0 };
	const struct oci_config *config = NULL;
	struct activation activation;

	TRY(found_open(c, &a, id, true, &f, e));
	TRY(check_status(&f, e));
	TRY(load_plan(&f, &plan, e));
	if (f.state.start_needs_config)
		TRY(bundle_config(&a, f.dir.fd, "config.json", &text, &config, e));
	TRY(activation_read(&activation, e));
	FD int notify = activation.notify ? notify_listen(f.dir.fd, e) : -1;
	if (e->kind)
		return -1;
	if (set_off(&f, config, (const struct plan *)(const void *)plan.data, e) == 0) {
		if (notify < 0)
			return 0;
		/* while we only wait, other commands may work on it */
		state_dir_unlock(&f.dir);
		notify_wait(notify, activation.notify, f.state.pid, f.pidfd);
		return 0;
	}
	/* a start that failed leaves no half-started process */
	struct err ignored = { 0 };
	FD int cgroup = f.state.cgroup ? cgroup_open(&f.cgroup, f.state.cgroup, &ignored) : -1;
	if (cgroup >= 0)
		(void)!cgroup_kill(cgroup, &ignored);
	else
		(void)!proc_signal(f.pidfd, SIGKILL, &ignored);
	return -1;
}
