/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: another process in a container that exists. What it may do comes from the
 * config as it was at create, never from the bundle's present file: a later edit
 * must not widen what a running container's neighbour gets.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/unix.h"
#include "runtime/backend.h"
#include "runtime/compile.h"
#include "runtime/console.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/exec_process.h"
#include "runtime/foreground.h"
#include "runtime/mount_note.h"
#include "runtime/query.h"
#include "runtime/rdt.h"
#include "runtime/seccomp_agent.h"

enum { CONNECT_MS = 10000 };

/* All that one exec holds. */
struct execution {
	const struct container_context *context;
	const struct exec_request *request;
	struct arena arena;
	struct found found;
	struct buf config_text, plan_bytes;
	const struct oci_config *config;
	const struct oci_process *process;
	struct host_facts facts;
	const struct backend *backend;
	const char *cgroup_path, *group; /* the latter is a guest's, below the container's */
	int cgroup, freezer, console_socket, master, commands;
	struct launch launch;
	struct patience patience;
};

static void execution_end(struct execution *x)
{
	launch_done(&x->launch);
	fd_drop(&x->master);
	fd_drop(&x->console_socket);
	fd_drop(&x->commands);
	fd_drop(&x->freezer);
	fd_drop(&x->cgroup);
	found_close(&x->found);
	buf_done(&x->plan_bytes);
	buf_done(&x->config_text);
	arena_done(&x->arena);
}

#define EXECUTION __attribute__((cleanup(execution_end)))

/* --- checks, all before anything happens -------------------------------------------------- */

static int check_status(const struct found *f, bool ignore_paused, struct err *e)
{
	switch (f->status) {
	case STATUS_CREATED:
	case STATUS_RUNNING:
		return 0;
	case STATUS_PAUSED:
		if (ignore_paused)
			return 0;
		return err_set(e, ERR_STATE,
		               "cannot exec in a paused container (use "
		               "--ignore-paused to override)");
	default:
		return err_set(e, ERR_STATE, "cannot exec in a stopped container");
	}
}

/* Entering the namespaces of a process takes the right to trace it (setns(2)). Init gives
 * that to nobody; a caller with capabilities does not have to ask. */
static int check_access(const struct execution *x, struct err *e)
{
	if (x->found.status != STATUS_CREATED || geteuid() == 0)
		return 0;
	err_set(e, ERR_STATE,
	        "cannot exec in a created container without privileges: the kernel lets nobody "
	        "else into the namespaces of a process that cannot be traced, as its init");
	return err_hint(e, "start it first");
}

/* --- where: the container's cgroup, or a group below it ------------------------------------ */

/* What --cgroup means. The words are those of runc, with which its callers compare. */
static int read_cgroup(struct execution *x, const char **ret, struct err *e)
{
	const struct oci_strings given = x->request->cgroups;
	const char *own = x->found.state.cgroup;

	*ret = own;
	if (given.n == 0)
		return 0;
	if (!own)
		return err_set(e, ERR_STATE, "--cgroup %s: the container has no cgroup of its own",
		               given.v[0]);
	if (given.n > 1) {
		err_set(e, ERR_USAGE, "--cgroup %s: given more than once", given.v[1]);
		return err_hint(e, "a process is in one cgroup of version 2");
	}
	if (strchr(given.v[0], ':')) {
		err_set(e, ERR_USAGE, "--cgroup %s: cgroup v2 has no controllers to choose",
		        given.v[0]);
		return err_hint(e, "give the path alone");
	}
	*ret = path_clean(&x->arena, "", arena_printf(&x->arena, "%s/%s", own, given.v[0]));
	if (!path_is_below(*ret, own))
		return err_set(e, ERR_USAGE, "--cgroup: %s is not a sub cgroup path", given.v[0]);
	if (!x->backend->guest)
		return 0;
	/* the host's process is where the container's is */
	x->group = path_clean(&x->arena, "", *ret + strlen(own));
	x->group += x->group[0] == '/';
	if (strlen(x->group) >= PATH_MAX)
		return err_set(e, ERR_USAGE, "--cgroup: the path is longer than any can be");
	*ret = own;
	return 0;
}

/* A container without a cgroup (path NULL) is where its caller was, and so will be this
 * process. In a frozen group nothing happens until it is thawed: said at once, and noticed when
 * it comes later, unless the caller wants to wait for that. */
static int open_cgroup(struct execution *x, const char *path, struct err *e)
{
	fd_drop(&x->freezer);
	fd_drop(&x->cgroup);
	x->cgroup_path = path;
	if (!path)
		return 0;
	x->cgroup = cgroup_open(&x->facts.cgroup, path, e);
	TRY(x->cgroup);
	if (x->request->ignore_paused)
		return 0;
	x->freezer = cgroup_watch(x->cgroup, e);
	TRY(x->freezer);
	int frozen = cgroup_watch_frozen(x->freezer, e);
	TRY(frozen);
	if (frozen)
		return err_set(e, ERR_STATE,
		               "cannot exec in a frozen cgroup, %s (use --ignore-paused to "
		               "override)",
		               path);
	x->patience.freezer = x->freezer;
	return 0;
}

/* A group that hands controllers to groups below it may not hold processes itself
 * (cgroup-v2.rst, "No Internal Process Constraint"): when the container has made such
 * groups and went there, so does an exec. Nowhere else: limits are those of the top. */
static int follow_init(struct execution *x, struct err *e)
{
	const char *path;

	TRY(cgroup_of(&x->arena, x->found.state.pid, &path, e));
	int ended = proc_wait_end(x->found.pidfd, 0, e);
	TRY(ended);
	if (ended)
		return err_set(e, ERR_STATE, "cannot exec in a stopped container");
	if (!path_is_below(path, x->found.state.cgroup))
		return err_set(e, ERR_STATE,
		               "the container's first process is in cgroup %s, outside of %s", path,
		               x->found.state.cgroup);
	return open_cgroup(x, path, e);
}

/* --- all that comes before an effect --------------------------------------------------------- */

/* Where the container's root is, if its mount namespace does not tell. */
static int find_root(struct execution *x, struct mount_note *ret, struct err *e)
{
	if (!x->found.state.shares_mounts)
		return 0;
	int noted = mount_note_read(&x->found.dir, &x->arena, ret, e);
	if (noted == 0)
		return err_set(e, ERR_STATE, "nothing tells where the container's root is mounted");
	return noted < 0 ? -1 : 0;
}

static int compile_plan(struct execution *x, struct err *e)
{
	struct mount_note root = { .rootfs = NULL };

	TRY(find_root(x, &root, e));
	FD int cache = seccomp_cache_open(x->config, x->context->root);
	const struct compile_exec_options options = {
		.config = x->config,
		.process = x->process,
		.cgroup = x->cgroup_path,
		.keyring = x->found.state.keyring,
		.root = root.rootfs,
		.root_mount = root.id,
		.preserve_fds = x->request->preserve_fds,
		.seccomp_cache = cache,
	};

	return x->backend->compile_exec(&options, &x->facts, &x->plan_bytes, e);
}

static int find_backend(struct execution *x, struct err *e)
{
	const char *name = x->found.state.backend;

	x->backend = backend_find(name);
	return x->backend ? 0 : err_set(e, ERR_STATE, "this caisson has no backend \"%s\"", name);
}

/* Where the container's process is that hears commands. */
static int connect_to_container(struct execution *x, struct err *e)
{
	struct err why = { 0 };

	if (!x->backend->commands)
		return 0;
	x->commands = unix_connect(x->found.dir.fd, x->backend->commands, SOCK_SEQPACKET,
	                           CONNECT_MS, &why);
	if (x->commands >= 0)
		return 0;
	if (why.sys == ECONNREFUSED || why.sys == ENOENT)
		return err_set(e, ERR_STATE, "cannot exec in a stopped container");
	*e = why;
	return -1;
}

static int prepare(struct execution *x, struct err *e)
{
	const struct exec_request *r = x->request;
	const char *path;

	TRY(creation_check_fds(0, r->preserve_fds, e)); /* before we open some ourselves */
	TRY(found_open(x->context, &x->arena, r->id, false, &x->found, e));
	TRY(check_status(&x->found, r->ignore_paused, e));
	TRY(find_backend(x, e));
	TRY(bundle_config(&x->arena, x->found.dir.fd, "config.json", &x->config_text, &x->config,
	                  e));
	TRY(exec_process(&x->arena, r, x->config->process, &x->process, e));
	TRY(console_check(x->process->terminal, r->detach, r->console_socket, e));
	if (r->console_socket) {
		x->console_socket = console_connect(r->console_socket, e);
		TRY(x->console_socket);
	}
	/* labels and limits are this process's own */
	struct oci_config config = *x->config;

	config.process = x->process;
	TRY(check_access(x, e));
	TRY(host_facts_read(&x->arena, &config, NULL, &x->facts, e));
	TRY(read_cgroup(x, &path, e));
	TRY(open_cgroup(x, path, e));
	TRY(compile_plan(x, e));
	return connect_to_container(x, e);
}

/* --- effects ---------------------------------------------------------------------------------- */

static int on_console(void *context, int master, const char *name, struct err *e)
{
	struct execution *x = context;

	x->master = master;
	if (x->console_socket < 0) {
		console_attach(master); /* before the program can ask or print */
		return 0;
	}
	TRY(console_hand_over(x->console_socket, master, name, e));
	fd_drop(&x->master);
	return 0;
}

static int wait_for(void *context, int fd, struct err *e)
{
	const struct execution *x = context;

	return patience_wait(&x->patience, fd, e);
}

static int on_listener(void *context, pid_t pid, int notify, struct err *e)
{
	struct execution *x = context;

	return seccomp_agent_send(x->config, &x->found.state, pid, notify, e);
}

static int set_off(struct execution *x, struct err *e)
{
	const struct exec_request *r = x->request;
	const struct plan *plan = (const struct plan *)(const void *)x->plan_bytes.data;
	const struct launch_events events = { .context = x,
		                              .wait = wait_for,
		                              .listener = on_listener };
	const struct launch_start start = {
		.socket = x->launch.socket,
		.pid = x->launch.pid,
		.pidfd = x->launch.pidfd,
		.state = -1,
		.events = &events,
	};

	if (r->pid_file)
		TRY(pid_file_write(r->pid_file, x->launch.pid, e));
	if (r->pidfd_socket)
		TRY(creation_send_pidfd(r->pidfd_socket, x->launch.pidfd, "setns", e));
	log_debug("setns_init: about to exec in container %s", x->found.dir.id);
	return x->backend->start(plan, &start, e);
}

/* config.md: where the runtime's process runs before the new one is in the container's
 * cgroup. We stay there: that is what such CPUs are set aside for. */
static int move_to_initial_cpus(const struct oci_process *process, struct err *e)
{
	const char *list = process->exec_cpu_affinity.initial;
	uint64_t words[OCI_CPU_LIST_WORDS];

	if (!list || oci_cpu_list_bits(list, words) < 0) /* compiling has refused the latter */
		return 0;
	if (sched_setaffinity(0, sizeof(words), (const cpu_set_t *)(const void *)words) < 0)
		return err_sys(e, "process.execCPUAffinity.initial: sched_setaffinity %s", list);
	return 0;
}

static int make_process(struct execution *x, struct err *e)
{
	const struct plan *plan = (const struct plan *)(const void *)x->plan_bytes.data;
	const struct launch_options options = {
		.cgroup = x->cgroup,
		.container_pidfd = x->found.pidfd,
		.listener = -1,
		.commands = x->commands,
		.group = x->group,
		.plain_terminal = x->console_socket < 0,
		.events = { .context = x,
		            .wait = wait_for,
		            .console = on_console,
		            .listener = on_listener },
	};

	return x->backend->create(plan, &options, NULL, &x->launch, e);
}

static int make_process_somewhere(struct execution *x, struct err *e)
{
	if (make_process(x, e) == 0)
		return 0;
	if (x->launch.pid != 0 || !x->cgroup_path || x->request->cgroups.n > 0 ||
	    (e->sys != EBUSY && e->sys != EOPNOTSUPP))
		return -1;
	*e = (struct err){ 0 };
	TRY(follow_init(x, e));
	return make_process(x, e);
}

static void kill_process(struct execution *x)
{
	if (x->launch.pid > 0)
		x->backend->kill_exec(&x->launch, x->commands);
	launch_abort(&x->launch);
}

static int execute(struct execution *x, int *ret_status, struct err *e)
{
	TRY(make_process_somewhere(x, e));
	const struct foreground in_front = {
		.pid = x->launch.pid,
		.pidfd = x->launch.pidfd,
		.patience = &x->patience,
		.master = x->master,
	};

	struct foreground_end end = { .status = 0 };

	if (rdt_join(x->found.dir.id, x->config, x->launch.pid, e) < 0 || set_off(x, e) < 0 ||
	    (!x->request->detach && foreground_wait(&in_front, &end, e) < 0)) {
		kill_process(x);
		return -1;
	}
	*ret_status = end.status;
	return 0;
}

int container_exec(const struct container_context *c, const struct exec_request *r, int *ret_status,
                   struct err *e)
{
	EXECUTION struct execution x = {
		.context = c,
		.request = r,
		.found = FOUND_NONE,
		.cgroup = -1,
		.freezer = -1,
		.console_socket = -1,
		.commands = -1,
		.master = -1,
		.launch = LAUNCH_NONE,
		.patience = PATIENCE_ENDLESS,
	};
	FD int signals = -1;

	if (r->deadline) {
		x.patience.deadline = clock_ms() + r->deadline_ms;
		x.patience.limit = arena_printf(&x.arena, "%s (--deadline)", r->deadline);
	}
	TRY(prepare(&x, e));
	if (!r->detach)
		TRY(foreground_begin(&signals, e));
	x.patience.signals = signals;
	TRY(move_to_initial_cpus(x.process, e));
	return execute(&x, ret_status, e);
}
