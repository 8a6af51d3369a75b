/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: another process in a container that exists. What it may do comes from the
 * config as it was at create, never from the bundle's present file: a later edit
 * must not widen what a running container's neighbour gets.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/path.h"
#include "base/scope.h"
#include "runtime/backend.h"
#include "runtime/compile.h"
#include "runtime/console.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/foreground.h"
#include "runtime/query.h"
#include "runtime/seccomp_agent.h"

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
	const char *cgroup_path;
	int cgroup, console_socket, master;
	struct launch launch;
	struct patience patience;
};

static void execution_end(struct execution *x)
{
	launch_done(&x->launch);
	fd_drop(&x->master);
	fd_drop(&x->console_socket);
	fd_drop(&x->cgroup);
	found_close(&x->found);
	buf_done(&x->plan_bytes);
	buf_done(&x->config_text);
	arena_done(&x->arena);
}

#define EXECUTION __attribute__((cleanup(execution_end)))

/* --- the process: the container's own, as the command line changes it ---------------- */

static int apply_user(const char *text, struct oci_user *user, struct err *e)
{
	char uid[16] = "";
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len < sizeof(uid)) {
		memcpy(uid, text, len);
		if (num_id(uid, &user->uid) == 0 && (!colon || num_id(colon + 1, &user->gid) == 0))
			return 0;
	}
	err_set(e, ERR_USAGE, "--user %s: must be UID or UID:GID", text);
	return err_hint(e, "numbers only, 0 to 4294967294; names are not looked up");
}

static int apply_groups(struct arena *a, struct oci_strings groups, struct oci_user *user,
                        struct err *e)
{
	size_t total = user->additional_gid_count + groups.n;
	uint32_t *gids = arena_array(a, total + 1, sizeof(*gids));

	if (user->additional_gid_count > 0)
		memcpy(gids, user->additional_gids, user->additional_gid_count * sizeof(*gids));
	for (size_t i = 0; i < groups.n; i++) {
		if (num_id(groups.v[i], &gids[user->additional_gid_count + i]) < 0)
			return err_set(e, ERR_USAGE, "--additional-gids %s: must be a number",
			               groups.v[i]);
	}
	user->additional_gids = gids;
	user->additional_gid_count = total;
	return 0;
}

static void apply_caps(struct arena *a, struct oci_strings names, struct oci_process *p)
{
	struct oci_capabilities *caps = arena_new(a, sizeof(*caps));

	if (p->capabilities)
		*caps = *p->capabilities;
	for (size_t i = 0; i < names.n; i++) {
		int number = oci_capability_number(names.v[i]);

		if (number < 0) { /* as in a config: it may be newer than we are */
			log_warn("--cap %s: ignored, this version does not know it", names.v[i]);
			continue;
		}
		uint64_t bit = (uint64_t)1 << number;
		caps->bounding |= bit;
		caps->effective |= bit;
		caps->permitted |= bit;
		if (caps->inheritable & bit)
			caps->ambient |= bit;
	}
	p->capabilities = caps;
}

static struct oci_strings join_strings(struct arena *a, struct oci_strings first,
                                       struct oci_strings second)
{
	const char **all = arena_array(a, first.n + second.n + 1, sizeof(*all));

	if (first.n > 0)
		memcpy(all, first.v, first.n * sizeof(*all));
	if (second.n > 0)
		memcpy(all + first.n, second.v, second.n * sizeof(*all));
	return (struct oci_strings){ .v = all, .n = first.n + second.n };
}

static int process_from_flags(struct execution *x, struct err *e)
{
	const struct exec_request *r = x->request;
	struct oci_process *p = arena_new(&x->arena, sizeof(*p));

	if (!x->config->process)
		return err_set(e, ERR_SPEC, "process: missing in the container's config.json");
	*p = *x->config->process;
	p->args = r->args;
	p->terminal = r->tty;
	p->env = join_strings(&x->arena, p->env, r->env);
	p->no_new_privileges |= r->no_new_privs;
	if (r->cwd)
		p->cwd = r->cwd;
	if (r->apparmor)
		p->apparmor_profile = r->apparmor;
	if (r->process_label)
		p->selinux_label = r->process_label;
	if (r->user)
		TRY(apply_user(r->user, &p->user, e));
	if (r->groups.n > 0)
		TRY(apply_groups(&x->arena, r->groups, &p->user, e));
	if (r->caps.n > 0)
		apply_caps(&x->arena, r->caps, p);
	x->process = p;
	return 0;
}

static int process_from_file(struct execution *x, struct err *e)
{
	BUF struct buf text = { 0 };
	/* a pipe, too: shells make one of <(...) */
	FD int fd = open(x->request->process, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, "open %s", x->request->process);
	TRY(fd_read_all(fd, OCI_CONFIG_MAX_BYTES, x->request->process, &text, e));
	if (oci_process_parse(&x->arena, text.data ? text.data : "", text.len, &x->process, e) < 0)
		return err_in(e, "%s", x->request->process);
	return 0;
}

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

/* The container's cgroup, or a group below it (--cgroup). A container without one is
 * where its caller was, and so will be this process. */
static int open_cgroup(struct execution *x, struct err *e)
{
	const char *sub = x->request->cgroup;

	x->cgroup_path = x->found.state.cgroup;
	if (!x->cgroup_path && !sub)
		return 0;
	if (!x->cgroup_path)
		return err_set(e, ERR_STATE, "--cgroup %s: the container has no cgroup of its own",
		               sub);
	if (sub) {
		if (strchr(sub, ':'))
			return err_set(e, ERR_USAGE,
			               "--cgroup %s: cgroup v2 has no controllers to choose", sub);
		x->cgroup_path =
			path_clean(&x->arena, x->cgroup_path, path_clean(&x->arena, "", sub) + 1);
	}
	x->cgroup = cgroup_open(&x->facts.cgroup, x->cgroup_path, e);
	return x->cgroup < 0 ? -1 : 0;
}

static int compile_plan(struct execution *x, struct err *e)
{
	FD int cache = seccomp_cache_open(x->config, x->context->root);
	const struct compile_exec_options options = {
		.config = x->config,
		.process = x->process,
		.cgroup = x->cgroup_path,
		.keyring = x->found.state.keyring
		                   ? arena_printf(&x->arena, "_ses.%s", x->found.state.id)
		                   : NULL,
		.preserve_fds = x->request->preserve_fds,
		.seccomp_cache = cache,
	};

	return compile_exec(&options, &x->facts, &x->plan_bytes, e);
}

static int prepare(struct execution *x, struct err *e)
{
	const struct exec_request *r = x->request;

	TRY(found_open(x->context, &x->arena, r->id, false, &x->found, e));
	TRY(check_status(&x->found, r->ignore_paused, e));
	TRY(bundle_config(&x->arena, x->found.dir.fd, "config.json", &x->config_text, &x->config,
	                  e));
	TRY(r->process ? process_from_file(x, e) : process_from_flags(x, e));
	TRY(console_check(x->process->terminal, r->detach, r->console_socket, e));
	if (r->console_socket) {
		x->console_socket = console_connect(r->console_socket, e);
		TRY(x->console_socket);
	}
	TRY(check_access(x, e));
	TRY(host_facts_read(&x->arena, x->config, NULL, &x->facts, e));
	TRY(open_cgroup(x, e));
	return compile_plan(x, e);
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
	TRY(console_send(x->console_socket, master, name, e));
	fd_drop(&x->master);
	return 0;
}

static int on_listener(void *context, pid_t pid, int notify, struct err *e)
{
	struct execution *x = context;

	return seccomp_agent_send(x->config, &x->found.state, pid, notify, e);
}

static int wait_for(void *context, int fd, struct err *e)
{
	const struct execution *x = context;

	return patience_wait(&x->patience, fd, e);
}

static int set_off(struct execution *x, const struct backend *backend, struct err *e)
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
	return backend->start(plan, &start, e);
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

int container_exec(const struct container_context *c, const struct exec_request *r, int *ret_status,
                   struct err *e)
{
	EXECUTION struct execution x = {
		.context = c,
		.request = r,
		.found = FOUND_NONE,
		.cgroup = -1,
		.console_socket = -1,
		.master = -1,
		.launch = LAUNCH_NONE,
		.patience = PATIENCE_ENDLESS,
	};
	FD int signals = -1;

	TRY(prepare(&x, e));
	const struct backend *backend = backend_find(x.found.state.backend);
	if (!backend)
		return err_set(e, ERR_STATE, "this caisson has no backend \"%s\"",
		               x.found.state.backend);
	if (!r->detach)
		TRY(foreground_begin(&signals, e));
	x.patience.signals = signals;

	TRY(move_to_initial_cpus(x.process, e));

	const struct launch_options options = {
		.cgroup = x.cgroup,
		.container_pidfd = x.found.pidfd,
		.listener = -1,
		.events = { .context = &x,
		            .wait = wait_for,
		            .console = on_console,
		            .listener = on_listener },
	};
	TRY(backend->create((const struct plan *)(const void *)x.plan_bytes.data, &options,
	                    &x.launch, e));
	if (set_off(&x, backend, e) < 0) {
		launch_abort(&x.launch);
		return -1;
	}
	*ret_status = 0;
	if (r->detach)
		return 0;
	const struct foreground in_front = {
		.pid = x.launch.pid,
		.pidfd = x.launch.pidfd,
		.patience = &x.patience,
		.master = x.master,
	};
	return foreground_wait(&in_front, ret_status, e);
}
