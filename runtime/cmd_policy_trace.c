/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy trace: runs a bundle, or watches a container that runs, and writes the smallest
 * seccomp profile with which that would have worked. What was not done while it was
 * watched is not in it: several runs are united with --merge.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/foreground.h"
#include "runtime/policy_profile.h"
#include "runtime/query.h"
#include "seccomp/trace.h"

enum { PROBES = 1000, ROUNDS = 20 };

/* clang-format off */
static const struct option_spec trace_options[] = {
	{ .name = "output", .letter = 'o', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "write the profile to this file (default: stdout)" },
	{ .name = "merge", .letter = 'm', .kind = OPTION_TEXT, .value = "FILE",
	  .complete = COMPLETE_FILE, .help = "allow also what this earlier profile allows" },
	{ .name = "args", .help = "allow some calls only with the arguments that they had" },
	{ .name = "for", .kind = OPTION_NUMBER, .value = "SECONDS",
	  .help = "watch a container for so long (default: until it ends or SIGINT)" },
	{ .name = NULL },
};
/* clang-format on */

struct tracing {
	struct trace_options options;
	struct trace trace;
	uint64_t before_ns, meanwhile_ns; /* of one system call of ours */
};

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

static int begin(void *context, int cgroup, struct err *e)
{
	struct tracing *t = context;

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

static int run_bundle(const struct invocation *in, struct tracing *t, int *ret_status,
                      struct err *e)
{
	const struct run_watch watch = { .begin = begin, .context = t };
	const struct create_request request = {
		.id = arena_printf(in->arena, "trace-%d", (int)getpid()),
		.bundle = path_clean(in->arena, in->cwd, in->args.v[0]),
		.config = "config.json",
		.watch = &watch,
	};

	if (cli_given(in, "for"))
		return err_set(e, ERR_USAGE,
		               "--for: only a container that runs already is watched "
		               "for a time");
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

static int watch_container(const struct invocation *in, struct tracing *t, struct err *e)
{
	FOUND struct found f = FOUND_NONE;

	TRY(found_open(&in->context, in->arena, in->args.v[0], false, &f, e));
	if (f.pidfd < 0)
		return err_set(e, ERR_STATE, "container %s is %s", in->args.v[0],
		               container_status_name(f.status));
	FD int cgroup = f.state.cgroup ? cgroup_open(&f.cgroup, f.state.cgroup, e) : -1;
	if (e->kind)
		return -1;
	/* what its init still calls is not the program's */
	t->options.at_once = f.status != STATUS_CREATED;
	TRY(begin(t, cgroup, e));
	return watch_until(f.pidfd, cli_number(in, "for"), e);
}

/* A name without a slash that is a container's means that container. */
static int watch(const struct invocation *in, struct tracing *t, int *ret_status, struct err *e)
{
	STATE_DIR struct state_dir dir = STATE_DIR_NONE;
	struct err missing = { 0 };
	const char *name = in->args.v[0];

	if (!strchr(name, '/') && container_id_check(name, &missing) == 0 &&
	    state_dir_open(in->context.root, name, &dir, &missing) == 0)
		return watch_container(in, t, e);
	return run_bundle(in, t, ret_status, e);
}

/* --- what comes of it
 * ------------------------------------------------------------------------------ */

static int tell(const struct tracing *t, const struct trace_result *result, size_t named,
                struct err *e)
{
	uint64_t more = t->meanwhile_ns > t->before_ns ? t->meanwhile_ns - t->before_ns : 0;
	BUF struct buf out = { 0 };

	buf_printf(&out,
	           "the profile names %zu system calls; each call of every process of this host "
	           "took about %llu ns longer meanwhile\n",
	           named, (unsigned long long)more);
	if (result->compat)
		buf_printf(&out,
		           "warning: %llu calls of 32-bit programs are not in the profile, which "
		           "refuses them all\n",
		           (unsigned long long)result->compat);
	if (result->values_lost)
		buf_text(&out,
		         "warning: there were too many arguments to note: none is narrowed\n");
	return fd_write_all(STDERR_FILENO, out.data, out.len, "stderr", e);
}

static int write_profile(const struct invocation *in, const struct buf *text, struct err *e)
{
	const char *path = cli_path(in, "output");

	TRY(buf_ok(text, e));
	if (!path)
		return cmd_print(text, e);
	return fd_replace_file(AT_FDCWD, path, 0644, text->data, text->len, e);
}

static int trace_run(const struct invocation *in, struct err *e)
{
	struct tracing t = { .options = { .arguments = cli_flag(in, "args") },
		             .trace = TRACE_NONE };
	const char *merge = cli_path(in, "merge");
	struct policy earlier = { 0 };
	struct trace_result result;
	BUF struct buf out = { 0 };
	size_t named;
	int status = 0;

	if (merge)
		TRY(policy_profile_read(in->arena, merge, &earlier, e));
	if (watch(in, &t, &status, e) < 0 || trace_read(&t.trace, in->arena, &result, e) < 0) {
		trace_close(&t.trace);
		return -1;
	}
	trace_close(&t.trace);
	if (trace_profile(in->arena, &result, earlier.seccomp, &out, &named, e) < 0)
		return err_in(e, "%s", merge);
	TRY(write_profile(in, &out, e));
	TRY(tell(&t, &result, named, e));
	return status;
}

const struct command command_policy_trace = {
	.name = "policy trace",
	.arguments = "BUNDLE|ID",
	.summary = "write the seccomp profile that a workload needs",
	.description =
		"Runs a bundle as run does, under its own config.json, and notes each system call "
		"that its processes make, also those that its profile refuses. When it has ended, "
		"the smallest profile with which that works is written. Given a container's id "
		"(a name without a slash), that container is watched until it ends, until the "
		"time of --for is over, or until SIGINT.\n\n"
		"What the workload did not do meanwhile is not in the profile: give the profile of "
		"earlier runs with --merge, and try what it may ever do. With --args, calls like "
		"socket, clone, ioctl and prctl are allowed only with the families, flags, "
		"requests and options that were seen.\n\n"
		"The calls are seen by BPF programs, which needs root's rights over the host, and "
		"make every system call of every process a little slower for as long; how much is "
		"told at the end. What caisson exec starts while a container is watched is noted "
		"with it. The exit status is the workload's.",
	.examples = "caisson policy trace -o web.json /srv/web\n"
		    "caisson policy trace --merge web.json -o web.json --for 60 web1\n",
	.options = trace_options,
	.complete = { COMPLETE_DIR },
	.args_min = 1,
	.args_max = 1,
	.run = trace_run,
};
