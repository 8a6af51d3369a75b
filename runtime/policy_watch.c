/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching the system calls of a bundle that is run for it, or of a container that runs
 * already; and what that costs everybody else, by trying.
 */
#include "runtime/policy_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "base/scope.h"
#include "runtime/backend.h"
#include "runtime/foreground.h"
#include "runtime/policy_notify.h"
#include "runtime/query.h"

enum { PROBES = 1000, ROUNDS = 20 };

/* What a system call takes here and now: the least of several rounds, since others have
 * the processor, too. */
static uint64_t call_ns(void)
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		struct timespec from, to;

		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		for (int i = 0; i < PROBES; i++)
			(void)syscall(SYS_getppid);
		(void)clock_gettime(CLOCK_MONOTONIC, &to);
		uint64_t ns = (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
		                         from.tv_nsec);
		least = ns < least ? ns : least;
	}
	return least / PROBES;
}

int policy_watch_begin(void *context, int cgroup, struct err *e)
{
	struct policy_watch *t = context;

	if (cgroup < 0)
		return err_set(e, ERR_REFUSED,
		               "the container has no cgroup of its own, by which it could be told "
		               "from other processes");
	t->before_ns = call_ns();
	TRY(trace_begin(cgroup, &t->options, &t->trace, e));
	t->meanwhile_ns = call_ns();
	return 0;
}

/* --- what is watched ---------------------------------------------------------------------------
 */

static int run_bundle(const struct invocation *in, struct policy_watch *t, int *ret_status,
                      struct err *e)
{
	const struct run_watch watch = { .begin = policy_watch_begin, .context = t };
	const struct create_request request = {
		.id = arena_printf(in->arena, "trace-%d", (int)getpid()),
		.bundle = path_clean(in->arena, in->cwd, in->args.v[0]),
		.config = "config.json",
		.watch = t->notify ? NULL : &watch,
	};

	if (cli_given(in, "for"))
		return err_set(e, ERR_USAGE,
		               "--for: only a container that runs already is watched "
		               "for a time");
	t->bundle = request.bundle;
	if (t->notify)
		return policy_notify_run(&in->context, &request, &t->options, in->arena, &t->noted,
		                         ret_status, e);
	return container_run(&in->context, &request, ret_status, e);
}

/* Until it ends, the time is up, or somebody wants us to stop. */
static int watch_until(int pidfd, uint32_t seconds, struct err *e)
{
	FD int signals = -1;

	TRY(foreground_begin(&signals, e));
	struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
		                { .fd = signals, .events = POLLIN } };
	if (poll(fds, LEN(fds), seconds ? (int)seconds * 1000 : -1) < 0)
		return err_sys(e, "poll");
	return 0;
}

static int watch_container(const struct invocation *in, struct policy_watch *t, struct err *e)
{
	FOUND struct found f = FOUND_NONE;

	TRY(found_open(&in->context, in->arena, in->args.v[0], false, &f, e));
	if (f.pidfd < 0) {
		err_set(e, ERR_STATE, "container %s is %s", in->args.v[0],
		        container_status_name(f.status));
		return err_hint(e, "give its bundle, to run it once more: %s", f.state.bundle);
	}
	if (backend_of_record(&f)->guest)
		return err_set(e, ERR_REFUSED,
		               "container %s: system calls in a microVM are the guest kernel's: "
		               "the host's cannot tell of them",
		               in->args.v[0]);
	FD int cgroup = f.state.cgroup ? cgroup_open(&f.cgroup, f.state.cgroup, e) : -1;
	if (e->kind)
		return -1;
	/* what its init still calls is not the program's */
	t->options.at_once = f.status != STATUS_CREATED;
	t->bundle = f.state.bundle;
	TRY(policy_watch_begin(t, cgroup, e));
	return watch_until(f.pidfd, cli_number(in, "for"), e);
}

/* A name without a slash that is a container's means that container. */
bool policy_watch_container(const struct invocation *in)
{
	STATE_DIR struct state_dir dir = STATE_DIR_NONE;
	struct err missing = { 0 };
	const char *name = in->args.v[0];

	return !strchr(name, '/') && container_id_check(name, &missing) == 0 &&
	       state_dir_open(in->context.root, name, &dir, &missing) == 0;
}

int policy_watch(const struct invocation *in, struct policy_watch *t, int *ret_status,
                 struct err *e)
{
	const char *name = in->args.v[0];
	bool container = policy_watch_container(in);

	if (!container && !strchr(name, '/') && faccessat(AT_FDCWD, name, F_OK, 0) < 0)
		return err_set(e, ERR_STATE,
		               "%s: there is neither a container nor a %s of this name", name,
		               t->options.refusals ? "bundle or log" : "bundle");
	if (!container)
		return run_bundle(in, t, ret_status, e);
	if (!t->notify)
		return watch_container(in, t, e);
	return err_set(e, ERR_REFUSED,
	               "container %s: one that runs already is watched only by who has CAP_BPF and "
	               "CAP_PERFMON over the host",
	               name);
}
