/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of effects: claim the id (a folder, locked); note the cgroup; make it
 * and put its limits in place; only then the process, born inside of it; at last the
 * record that names the process. Whoever is killed in between leaves at most what
 * the note names (runtime/state.h).
 */
#include "runtime/creation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/unix.h"
#include "runtime/compile.h"
#include "runtime/console.h"
#include "runtime/hooks.h"
#include "runtime/notify.h"
#include "runtime/owner.h"
#include "runtime/rdt.h"
#include "runtime/seccomp_agent.h"

enum { DESTROY_MS = 10000, PIDFD_SOCKET_MS = 10000 };

void creation_begin(struct creation *c, const struct container_context *context,
                    const struct create_request *request)
{
	*c = (struct creation){
		.context = context,
		.request = request,
		.patience = PATIENCE_ENDLESS,
		.console_socket = -1,
		.dir = STATE_DIR_NONE,
		.systemd = SYSTEMD_NONE,
		.cgroup = -1,
		.listener = -1,
		.commands = -1,
		.launch = LAUNCH_NONE,
		.master = -1,
	};
	arena_init(&c->arena, 0);
}

void creation_end(struct creation *c)
{
	launch_done(&c->launch);
	fd_drop(&c->master);
	fd_drop(&c->listener);
	fd_drop(&c->commands);
	fd_drop(&c->cgroup);
	systemd_close(&c->systemd);
	state_dir_close(&c->dir);
	fd_drop(&c->console_socket);
	if (c->box)
		vm_box_done(c->box);
	buf_done(&c->plan_bytes);
	buf_done(&c->config_text);
	arena_done(&c->arena);
}

const struct plan *creation_plan(const struct creation *c)
{
	return (const struct plan *)(const void *)c->plan_bytes.data;
}

/* --- before any effect ----------------------------------------------------------------- */

/* Which part of the path it is that does not exist, or is no folder. */
static int config_missing(int dir, const char *file, struct err *e)
{
	const char *slash = strrchr(file, '/');
	char folder[4096];

	if (slash) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
		if (faccessat(dir, folder, F_OK, 0) < 0)
			return err_sys(e, "bundle %s", folder);
		if (e->sys == ENOTDIR) {
			errno = ENOTDIR;
			err_sys(e, "bundle %s", folder);
			return err_hint(e, "a bundle is the folder with a config.json");
		}
	}
	err_set(e, ERR_SPEC, "JSON specification file %s not found", slash ? slash + 1 : file);
	return err_hint(e, "looked for %s; caisson spec writes a default one", file);
}

int bundle_text(int dir, const char *file, struct buf *ret, struct err *e)
{
	if (fd_read_file(dir, file, OCI_CONFIG_MAX_BYTES, ret, e) < 0)
		return e->sys == ENOENT || e->sys == ENOTDIR ? config_missing(dir, file, e) : -1;
	return 0;
}

int bundle_config(struct arena *a, int dir, const char *file, struct buf *text,
                  const struct oci_config **ret, struct err *e)
{
	TRY(bundle_text(dir, file, text, e));
	if (oci_config_parse(a, text->data ? text->data : "", text->len, ret, e) < 0)
		return err_in(e, "%s", file);
	return 0;
}

int seccomp_cache_open(const struct oci_config *config, const char *root)
{
	char path[4096];

	if (!config->linux_->seccomp)
		return -1;
	/* '@' is in no container's id */
	int n = snprintf(path, sizeof(path), "%s/@seccomp", root);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -1;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && (mkdir(path, 0700) == 0 || errno == EEXIST))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

int creation_check_fds(unsigned int before, unsigned int count, struct err *e)
{
	for (unsigned int fd = 3 + before; fd < 3 + before + count; fd++) {
		if (fcntl((int)fd, F_GETFD) < 0)
			return err_set(e, ERR_USAGE, "--preserve-fds %u: fd %u is not open", count,
			               fd);
	}
	return 0;
}

int creation_compile_plan(struct creation *c, bool listener, struct err *e)
{
	const struct create_request *r = c->request;
	FD int cache = seccomp_cache_open(c->config, c->context->root);
	const struct compile_options options = {
		.id = r->id,
		.bundle = r->bundle,
		.no_pivot = r->no_pivot,
		.keyring = c->keyring,
		.no_cgroup = c->context->no_cgroup,
		.systemd = c->context->systemd_cgroup,
		.preserve_fds = c->activation.listen_fds + r->preserve_fds,
		.listen_fds = c->activation.listen_fds,
		.notify_folder = c->activation.notify
		                         ? arena_printf(&c->arena, "%s/%s/" NOTIFY_FOLDER,
		                                        c->context->root, r->id)
		                         : NULL,
		.listener = listener,
		.seccomp_cache = cache,
		.warn = log_warn,
	};

	if (c->box)
		TRY(vm_box_make(&c->arena, c->config, &options, c->box, e));
	return compile_create(c->box ? c->box->host : c->config, &options, &c->facts,
	                      &c->plan_bytes, e);
}

int creation_read(struct creation *c, struct err *e)
{
	const struct create_request *r = c->request;
	const char *config = path_clean(&c->arena, r->bundle, r->config);

	TRY(bundle_config(&c->arena, AT_FDCWD, config, &c->config_text, &c->config, e));
	TRY(activation_read(&c->activation, e));
	TRY(creation_check_fds(c->activation.listen_fds, r->preserve_fds, e));
	TRY(console_check(c->config->process && c->config->process->terminal, r->detach,
	                  r->console_socket, e));
	if (r->console_socket) {
		c->console_socket = console_connect(r->console_socket, e);
		TRY(c->console_socket);
	}
	const struct facts_options options = { .rootless = c->context->rootless,
		                               .no_cgroup = c->context->no_cgroup,
		                               .systemd = c->context->systemd_cgroup };
	TRY(creation_choose(c, e));
	TRY(host_facts_read(&c->arena, c->config, &options, &c->facts, e));
	return r->no_pivot ? host_facts_read_mounts(&c->arena, &c->facts, e) : 0;
}

/* --- effects ------------------------------------------------------------------------------ */

static const char *time_now(struct arena *a)
{
	char text[CLOCK_TEXT_MAX];
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	clock_text(&now, 1, text);
	return arena_string(a, text, strlen(text));
}

static void fill_state(struct creation *c)
{
	const struct oci_config *config = c->config;
	const struct plan *plan = creation_plan(c);
	const struct oci_namespace *pids = &config->linux_->namespaces[OCI_NS_PID];

	c->state = (struct state){
		.id = c->request->id,
		.bundle = c->request->bundle,
		.rootfs = path_clean(&c->arena, c->request->bundle, config->root_path),
		.backend = c->backend->name,
		.created = time_now(&c->arena),
		.cgroup = plan_text(plan, plan->cgroup.path),
		.scope = plan_text(plan, plan->cgroup.unit),
		.phase = PHASE_CREATING,
		.owner = c->facts.euid,
		.private_pids = pids->wanted && !pids->path,
		.start_needs_config =
			config->hooks[OCI_HOOK_START_CONTAINER].n > 0 ||
			config->hooks[OCI_HOOK_POSTSTART].n > 0 ||
			(config->linux_->seccomp && config->linux_->seccomp->listener_path),
		.keyring = c->keyring,
		.poststop = config->hooks[OCI_HOOK_POSTSTOP].n > 0,
		.rdt = config->linux_->intel_rdt != NULL,
		.shares_mounts = compile_shares_mounts(config),
		.annotations = config->annotations,
	};
}

static int keep_file(const struct creation *c, const char *name, const void *data, size_t len,
                     struct err *e)
{
	FD int fd = openat(c->dir.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "open %s", name);
	return fd_write_all(fd, data, len, name, e);
}

static int claim(struct creation *c, bool listener, struct err *e)
{
	TRY(state_dir_make(c->context->root, c->request->id, &c->dir, e));
	fill_state(c);
	c->dir.brief = !listener;
	if (c->activation.notify)
		TRY(notify_make_folder(c->dir.fd, e));
	if (c->backend->commands) {
		c->commands = unix_listen(c->dir.fd, c->backend->commands, SOCK_SEQPACKET, e);
		TRY(c->commands);
	}
	if (!listener)
		return 0;
	c->listener = unix_listen(c->dir.fd, "start.sock", SOCK_SEQPACKET, e);
	return c->listener < 0 ? -1 : 0;
}

/* The plan's writes as the cgroup's; *ret_controllers: those that they need. */
static const struct cgroup_write *plan_writes(struct creation *c, const struct plan *plan,
                                              unsigned int *ret_controllers)
{
	const struct plan_cgroup_write *from = plan_array(plan, plan->cgroup.writes);
	struct cgroup_write *writes =
		arena_array(&c->arena, plan->cgroup.writes.count, sizeof(*writes));

	*ret_controllers = 0;
	for (uint32_t i = 0; i < plan->cgroup.writes.count; i++) {
		writes[i] = (struct cgroup_write){
			.file = plan_text(plan, from[i].file),
			.value = plan_text(plan, from[i].value),
			.origin = plan_text(plan, from[i].origin),
			.instead = from[i].instead,
		};
		*ret_controllers |= cgroup_file_controller(writes[i].file);
	}
	return writes;
}

/* From here on the group is ours to kill and to remove. */
static int set_up_cgroup(struct creation *c, const struct cgroup_write *writes, struct err *e)
{
	const struct plan *plan = creation_plan(c);

	c->cgroup_noted = true;
	TRY(owner_mark(c->cgroup, &c->dir.stat, c->request->id, e));
	TRY(cgroup_apply(c->cgroup, writes, plan->cgroup.writes.count, e));
	if (plan->cgroup.owner == PLAN_NO_OWNER)
		return 0;
	return cgroup_delegate(c->cgroup, plan->cgroup.owner, e);
}

/* systemd makes it around init: for now there is only somebody to ask. */
static int make_cgroup(struct creation *c, struct err *e)
{
	unsigned int controllers;
	const struct cgroup_write *writes = plan_writes(c, creation_plan(c), &controllers);
	bool made;

	if (!c->state.cgroup)
		return 0;
	TRY(state_dir_note_cgroup(&c->dir, c->state.cgroup, c->state.scope, e));
	if (c->state.scope)
		return creation_scope_connect(c, e);
	c->cgroup = cgroup_create(&c->facts.cgroup, c->state.cgroup, controllers, &made, e);
	TRY(c->cgroup);
	return set_up_cgroup(c, writes, e);
}

/* Without a listener there is nobody who could start it later: the record may say
 * that it is started before it is, for it ends with us. */
static void note_process(struct creation *c)
{
	c->state.pid = c->launch.pid;
	c->state.start_time = c->launch.start_time;
	c->state.pidfd_inode = proc_inode(c->launch.pidfd);
	c->state.phase = c->listener >= 0 ? PHASE_CREATED : PHASE_STARTED;
}

/* The whole record, but for its name: a container is one when its process is ready.
 * Hooks read it before, and a second stage has another pid: they write it later. */
static int prepare_record(struct creation *c, struct err *e)
{
	const struct plan *plan = creation_plan(c);

	TRY(keep_file(c, "config.json", c->config_text.data, c->config_text.len, e));
	if (c->listener >= 0)
		TRY(keep_file(c, "plan", c->plan_bytes.data, c->plan_bytes.len, e));
	TRY(state_boot_id(&c->arena, &c->state.boot_id, e));
	if (plan->runtime_hooks || plan->two_stages || c->state.shares_mounts)
		return 0;
	note_process(c);
	c->prepared = true;
	return state_prepare(&c->dir, &c->state, e);
}

static int load_devices(struct creation *c, struct err *e)
{
	const struct plan *plan = creation_plan(c);
	struct plan_list devices = plan->cgroup.devices;

	if (devices.count == 0)
		return 0;
	return cgroup_apply_devices(c->cgroup, plan_array(plan, devices), devices.count, e);
}

/* systemd is at work, too. */
static int on_busy_scope(struct creation *c, struct err *e)
{
	unsigned int controllers;
	const struct cgroup_write *writes = plan_writes(c, creation_plan(c), &controllers);

	TRY(creation_scope_begin(c, e));
	TRY(prepare_record(c, e));
	int there = creation_scope_await(c, controllers, e);
	if (there <= 0)
		return there;
	TRY(set_up_cgroup(c, writes, e));
	return load_devices(c, e);
}

/* Init builds the container meanwhile, on another core. */
static int on_busy(void *context, struct err *e)
{
	struct creation *c = context;

	if (c->state.scope)
		return on_busy_scope(c, e);
	TRY(load_devices(c, e));
	return prepare_record(c, e);
}

/* The process is known before its mount is: a delete ends the one, then the other. */
static int on_mount(void *context, pid_t pid, uint64_t id, struct err *e)
{
	struct creation *c = context;
	const char *joined = c->config->linux_->namespaces[OCI_NS_MOUNT].path;

	c->state.pid = pid;
	c->state.start_time = c->launch.start_time;
	TRY(state_save(&c->dir, &c->state, e));
	return mount_note_write(&c->dir, pid, id, joined ? joined : "", c->state.rootfs, &c->mount,
	                        e);
}

static int run_outside(struct creation *c, enum oci_hook_kind kind, pid_t pid, const char *status,
                       struct err *e)
{
	const struct oci_hook_list *hooks = &c->config->hooks[kind];
	FD int state = -1;

	if (hooks->n == 0)
		return 0;
	state = hooks_state(&c->state, pid, status, e);
	TRY(state);
	return hooks_run(kind, hooks, c->state.bundle, state, &c->patience, e);
}

/* createContainer hooks are programs of the host's, and a guest has no namespaces here but
 * that of its network. */
static int run_beside(struct creation *c, pid_t pid, struct err *e)
{
	const struct oci_hook_list *hooks = &c->config->hooks[OCI_HOOK_CREATE_CONTAINER];
	FD int state = hooks_state(&c->state, pid, "creating", e);

	TRY(state);
	return hooks_run_beside(OCI_HOOK_CREATE_CONTAINER, hooks, c->state.rootfs, c->launch.pidfd,
	                        state, &c->patience, e);
}

/* prestart and createRuntime, and the state for createContainer hooks. What `creating` means
 * is over when prestart hooks run (runtime.md, State, and steps 2 and 3 of Lifecycle), and
 * those, older than the word, were promised "created"; to the newer kinds it is said until
 * `create` has done its work. */
static int on_hooks(void *context, pid_t pid, int *ret_state, struct err *e)
{
	struct creation *c = context;
	const struct oci_hook_list *hooks = c->config->hooks;

	/* a hook may ask `state` about the container */
	c->state.pid = pid;
	c->state.start_time = c->launch.start_time;
	TRY(state_save(&c->dir, &c->state, e));

	TRY(run_outside(c, OCI_HOOK_PRESTART, pid, "created", e));
	TRY(run_outside(c, OCI_HOOK_CREATE_RUNTIME, pid, "creating", e));
	if (hooks[OCI_HOOK_CREATE_CONTAINER].n == 0)
		return 0;
	if (c->box)
		return run_beside(c, pid, e);
	*ret_state = hooks_state(&c->state, c->state.private_pids ? 1 : pid, "creating", e);
	return *ret_state < 0 ? -1 : 0;
}

static int on_console(void *context, int master, const char *name, struct err *e)
{
	struct creation *c = context;

	c->master = master;
	if (c->console_socket < 0) {
		console_attach(master); /* before the program can ask or print */
		return 0;
	}
	TRY(console_hand_over(c->console_socket, master, name, e));
	fd_drop(&c->master);
	return 0;
}

static int wait_for(void *context, int fd, struct err *e)
{
	const struct creation *c = context;

	return patience_wait(&c->patience, fd, e);
}

creation_waiting *creation_patience(const struct creation *c)
{
	return c->patience.signals >= 0 ? wait_for : NULL;
}

int creation_on_listener(void *context, pid_t pid, int notify, struct err *e)
{
	struct creation *c = context;

	c->state.pid = pid;
	return seccomp_agent_send(c->config, &c->state, pid, notify, e);
}

static int make_process(struct creation *c, struct err *e)
{
	const struct launch_options options = {
		.cgroup = c->cgroup,
		.container_pidfd = -1,
		.listener = c->listener,
		.commands = c->commands,
		.plain_terminal = c->console_socket < 0,
		.events = { .context = c,
		            .wait = creation_patience(c),
		            .busy = on_busy,
		            .mount = on_mount,
		            .hooks = on_hooks,
		            .console = on_console,
		            .listener = creation_on_listener },
	};

	int result = c->backend->create(creation_plan(c), &options, c->box, &c->launch, e);
	fd_drop(&c->commands); /* who connects shall hear when the process has ended */
	return result;
}

int pid_file_write(const char *path, pid_t pid, struct err *e)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", pid);

	if (fd_replace_file(AT_FDCWD, path, 0644, text, (size_t)len, e) < 0)
		return err_in(e, "pid file");
	return 0;
}

int creation_send_pidfd(const char *path, int pidfd, const char *payload, struct err *e)
{
	FD int sock = unix_connect(AT_FDCWD, path, SOCK_STREAM, PIDFD_SOCKET_MS, e);

	if (sock < 0 || fd_send(sock, payload, strlen(payload), &pidfd, 1, e) < 0)
		return err_in(e, "pidfd socket");
	return 0;
}

static int record(struct creation *c, struct err *e)
{
	const struct create_request *r = c->request;

	if (!c->prepared) {
		note_process(c);
		TRY(state_prepare(&c->dir, &c->state, e));
	}
	TRY(state_commit(&c->dir, e));
	if (r->pid_file)
		TRY(pid_file_write(r->pid_file, c->state.pid, e));
	if (r->pidfd_socket)
		TRY(creation_send_pidfd(r->pidfd_socket, c->launch.pidfd, "standard", e));
	return 0;
}

int creation_record_end(struct creation *c, int status, int signo, struct err *e)
{
	c->state.ended = true;
	c->state.exit_status = status;
	c->state.exit_signal = signo;
	return state_save(&c->dir, &c->state, e);
}

/* The spec wants a start in spite of these, and a word about them. */
static void warn_of_capabilities(const struct oci_capabilities *caps)
{
	if (!caps)
		return;
	for (size_t i = 0; i < caps->unknown.n; i++)
		log_warn("process.capabilities: %s: ignored, this version does not know it",
		         caps->unknown.v[i]);

	uint64_t refused = caps->ambient & ~(caps->permitted & caps->inheritable);
	for (int cap = 0; refused >> cap; cap++) {
		if (refused >> cap & 1)
			log_warn("can't raise ambient capability %s: operation not permitted "
			         "(it is not permitted and inheritable)",
			         oci_capability_name(cap));
	}
}

/* Whoever has the same uid may have made a keyring of any name and opened it to us, and might
 * join ours: so its name cannot be guessed. These are the kernel's random bytes for this
 * process, of which the C library takes the first eight for itself: getauxval(3). */
static const char *keyring_name(struct creation *c)
{
	uint64_t secret;

	if (c->request->no_new_keyring)
		return NULL;
	memcpy(&secret, (const char *)getauxval(AT_RANDOM) + sizeof(secret), sizeof(secret));
	return arena_printf(&c->arena, "_ses.%s.%016" PRIx64, c->request->id, secret);
}

int creation_build(struct creation *c, bool listener, struct err *e)
{
	c->keyring = keyring_name(c);
	TRY(creation_compile_plan(c, listener, e));
	if (c->config->process)
		warn_of_capabilities(c->config->process->capabilities);
	if (claim(c, listener, e) == 0 && make_cgroup(c, e) == 0 &&
	    rdt_make(&c->dir, c->config, e) == 0 && make_process(c, e) == 0 &&
	    rdt_join(c->request->id, c->config, c->launch.pid, e) == 0 && record(c, e) == 0)
		return 0;
	creation_undo(c);
	return -1;
}

/* --- undo ------------------------------------------------------------------------------------ */

static void warn_of(const char *what, const struct err *e)
{
	log_warn("undo: %s: %s", what, e->text);
}

static void run_poststop(const struct creation *c)
{
	const struct oci_hook_list *hooks = &c->config->hooks[OCI_HOOK_POSTSTOP];
	struct err e = { 0 };

	if (hooks->n == 0 || c->state.pid == 0)
		return;
	FD int state = hooks_state(&c->state, 0, "stopped", &e);
	if (state < 0)
		log_warn("%s", e.text);
	else
		hooks_run_each(OCI_HOOK_POSTSTOP, hooks, c->state.bundle, state, &c->patience);
}

static void destroy_cgroup(struct creation *c)
{
	struct err e = { 0 };

	if (c->state.scope) {
		creation_scope_undo(c);
		return;
	}
	/* mostly its last process has ended, and the group goes at once */
	if (!c->cgroup_noted || cgroup_destroy(&c->facts.cgroup, c->state.cgroup, 0, &e) == 0)
		return;
	if (cgroup_kill(c->cgroup, &e) < 0)
		warn_of("kill what is left", &e);
	if (cgroup_destroy(&c->facts.cgroup, c->state.cgroup, DESTROY_MS, &e) < 0)
		warn_of("remove the cgroup", &e);
}

static void undo_mount(const struct creation *c)
{
	struct err e = { 0 };

	if (c->mount.rootfs && mount_note_detach(&c->mount, &e) < 0)
		warn_of("unmount the root", &e);
}

/* Whoever took the record away with `delete` has removed the group as well; then ours is
 * dead, and what is at its path is not ours. So it is with the mount. */
void creation_undo_unrecorded(struct creation *c)
{
	struct err ignored = { 0 };

	if (c->cgroup >= 0 && owner_is(c->cgroup, c->dir.fd, c->request->id, &ignored) == 1)
		destroy_cgroup(c);
	undo_mount(c);
}

void creation_undo(struct creation *c)
{
	struct err e = { 0 };

	if (c->dir.fd < 0)
		return;
	launch_abort(&c->launch);
	destroy_cgroup(c);
	if (c->backend && c->backend->clear)
		c->backend->clear(c->config);
	if (c->state.rdt && rdt_undo(&c->dir, &e) < 0)
		warn_of("remove what was made for linux.intelRdt", &e);
	undo_mount(c);
	run_poststop(c);
	if (state_dir_remove(&c->dir, &e) < 0)
		warn_of("remove the record", &e);
	state_dir_close(&c->dir);
}
