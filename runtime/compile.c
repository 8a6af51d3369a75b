/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a config to a launch plan: the order of the steps, and nothing else. What
 * each subject turns into is in compile_SUBJECT.c.
 *
 * The order that matters:
 *   - what needs the launcher's capabilities over the host (a lower oom_score_adj,
 *     raised limits, real-time I/O) comes before a user namespace is entered;
 *   - shared sources are cloned before / becomes a slave, or they would be slaves;
 *   - in a mount namespace of others / does not become a slave, and nothing is pivoted:
 *     that would be done to them all. There the root is entered, and that is the wall;
 *   - the root is entered before anything of the image is touched: whatever a link
 *     in it says, it leads into the container;
 *   - the network namespace, which the launcher makes meanwhile, is joined before the
 *     first mount that may look at it, and before any hook;
 *   - where systemd makes the cgroup, it is waited for before the first mount that
 *     shows it or fills memory, before stage 2, and before any hook;
 *   - hooks run when all mounts are there and the root is still writable, and before
 *     the old root is gone, since createContainer hooks are the host's programs;
 *   - the read-only root, masks, sysctls come after the pivot, when no name of the
 *     host can be meant any more;
 *   - bounding set, then ids, then capability sets: each needs what the next drops;
 *   - Landlock comes when all is mounted, and while the container's root can still
 *     open the paths of its rules; unlike the filter it stands in nobody's way later;
 *   - the program is looked up as the user who will execute it;
 *   - all that can fail for a reason is before the park, so that `create` tells it;
 *   - the filter is loaded at the very end, so that the profile needs to allow nothing
 *     but execve. seccomp(2) wants no_new_privs or CAP_SYS_ADMIN: without the former,
 *     init keeps the latter up to execve, which computes what the program has from
 *     other sets (see compile_caps);
 *   - descriptors are closed before the park, so that a container that waits for its
 *     start holds nothing.
 */
#include "runtime/compile.h"

#include <string.h>
#include <sys/mount.h>

#include "base/scope.h"
#include "runtime/compile_parts.h"
#include "runtime/launch/plan_check.h"
#include "runtime/notify.h"
#include "seccomp/seccomp.h"

enum { FAULTS_MAX = 100 };

int compile_go_on(struct compile *c, int result, struct err *e)
{
	if (result == 0 || !c->faults)
		return result;
	if (c->faults->len < FAULTS_MAX * sizeof(*e))
		buf_add(c->faults, e, sizeof(*e));
	*e = (struct err){ 0 };
	return 0;
}

/* What the last part of a plan needs, for create and exec alike. */
struct ending {
	unsigned int preserve_fds;
	bool hooks;
	struct seccomp_program seccomp;
};

static void add_seccomp(struct compile *c, const struct seccomp_program *program)
{
	if (!program->filter)
		return;

	struct plan_list filter = plan_put_array(&c->plan, program->filter, program->length,
	                                         8 /* struct sock_filter */);
	struct plan_step *step = plan_add(&c->plan, PLAN_SECCOMP, "linux.seccomp");
	step->seccomp.filter = filter;
	step->seccomp.flags = program->flags;
	step->seccomp.notify = program->notify;
}

static void add_text(struct compile *c, enum plan_op op, const char *origin, const char *text)
{
	plan_str string = plan_put_string(&c->plan, text);

	plan_add(&c->plan, op, origin)->string = string;
}

/* Unset means "unchanged" to the spec, but what a caller's mask happens to be is no
 * business of the container: 022 as runc does, which engines have come to rely on. */
static void add_umask(struct compile *c, struct opt_u32 mask)
{
	plan_add(&c->plan, PLAN_UMASK, mask.set ? "process.user.umask" : NULL)->value =
		mask.set ? mask.value : 022;
}

static void add_close_fds(struct compile *c, unsigned int preserved)
{
	plan_add(&c->plan, PLAN_CLOSE_FDS, NULL)->value = 3 + (int64_t)preserved;
}

/* From a process in its namespaces to the program. */
static int become_process(struct compile *c, const struct ending *end, struct err *e)
{
	bool no_new_privs = c->process->no_new_privileges;

	if (c->config->landlock) { /* whose rules may not allow /etc/passwd */
		compile_environment(c);
		TRY(compile_go_on(c, compile_landlock(c, e), e));
	}
	compile_personality(c); /* both before a filter that may forbid them */
	TRY(compile_go_on(c, compile_memory_policy(c, e), e));
	TRY(compile_go_on(c, compile_bounding(c, e), e));
	compile_limits(c);
	add_umask(c, c->process->user.umask);
	add_text(c, PLAN_CWD, "process.cwd", c->process->cwd);
	TRY(compile_go_on(c, compile_ids(c, e), e));
	compile_caps(c, end->seccomp.filter && !no_new_privs);
	if (!c->config->landlock)
		compile_environment(c);
	compile_find_program(c);

	add_close_fds(c, end->preserve_fds);
	(void)plan_add(&c->plan, PLAN_PARK, NULL);
	if (no_new_privs)
		(void)plan_add(&c->plan, PLAN_NO_NEW_PRIVS, "process.noNewPrivileges");
	add_seccomp(c, &end->seccomp);
	if (end->hooks)
		compile_hooks_start(c);
	compile_program(c);
	compile_scheduler(c);
	c->plan.head.preserve_fds = end->preserve_fds;
	return 0;
}

static int create_steps(struct compile *c, const struct compile_options *options,
                        const struct ending *end, struct err *e)
{
	compile_oom_score(c);
	compile_io_priority(c);
	compile_enter_new(c);
	if (options->keyring)
		compile_keyring(c, PLAN_KEYRING, options->keyring);

	compile_shared_sources(c);
	if (!c->shares_mounts)
		plan_add(&c->plan, PLAN_PROPAGATION, NULL)->propagation = MS_REC | MS_SLAVE;
	compile_rootfs(c);
	(void)plan_add(&c->plan, PLAN_ENTER_ROOT, NULL);
	compile_mounts(c);
	compile_mount_notify(c);
	TRY(compile_go_on(c, compile_devices(c, e), e));
	/* made where it is missing, as runc does: before the root is read-only */
	if (strcmp(c->process->cwd, "/") != 0)
		add_text(c, PLAN_FOLDER, "process.cwd", c->process->cwd);
	compile_terminal(c, true);
	compile_network(c);
	compile_scope(c);
	compile_hooks_create(c, options->wait);

	if (!c->shares_mounts)
		compile_leave_host(c, options->no_pivot);
	compile_seal_mounts(c);
	compile_root_finish(c);
	compile_labels(c);
	TRY(compile_go_on(c, compile_system(c, e), e));
	TRY(compile_go_on(c, compile_net_devices(c, e), e));
	return become_process(c, end, e);
}

static int exec_steps(struct compile *c, const struct compile_exec_options *options,
                      const struct ending *end, struct err *e)
{
	TRY(compile_affinity(c, e));
	compile_oom_score(c);
	compile_io_priority(c);
	compile_enter_container(c);
	if (options->root)
		compile_find_root(c, options->root, options->root_mount);
	if (options->keyring)
		compile_keyring(c, PLAN_JOIN_KEYRING, options->keyring);
	compile_terminal(c, false);
	compile_labels(c);
	return become_process(c, end, e);
}

static int add_fds(struct compile *c, struct err *e)
{
	size_t count = c->fds.len / sizeof(struct plan_fd);

	TRY(buf_ok(&c->fds, e));
	c->plan.head.fds = plan_put_array(&c->plan, c->fds.data, count, sizeof(struct plan_fd));
	return 0;
}

/* sd_listen_fds(3), sd_notify(3): what a service manager gave us is the process's
 * now, which is the first of its namespace. */
static struct oci_strings added_variables(struct compile *c, const struct compile_options *options)
{
	const char **v = arena_array(&c->arena, 3, sizeof(*v));
	size_t n = 0;

	if (options->listen_fds > 0) {
		v[n++] = arena_printf(&c->arena, "LISTEN_FDS=%u", options->listen_fds);
		v[n++] = "LISTEN_PID=1";
	}
	if (options->notify_folder)
		v[n++] = NOTIFY_VARIABLE;
	return (struct oci_strings){ .v = v, .n = n };
}

/* What everything else reads. The process's own faults are told before those that
 * only a whole config can have. */
static int begin(struct compile *c, const struct oci_config *config,
                 const struct oci_process *process, struct oci_strings added_env,
                 const struct host_facts *facts, struct err *e)
{
	c->config = config;
	c->linux_ = config->linux_;
	c->process = process;
	c->facts = facts;
	if (!process) /* the config's check has refused it */
		return err_set(e, ERR_BUG, "no process");
	if (process->args.n == 0)
		c->faults = NULL; /* what could be executed is half of the plan */
	TRY(compile_go_on(c, compile_check_process(process, facts, e), e));
	TRY(compile_go_on(c, compile_maps(c, e), e));
	return compile_read_program(c, added_env, e);
}

static int create(struct compile *c, const struct oci_config *config,
                  const struct compile_options *options, const struct host_facts *facts,
                  struct err *e)
{
	struct ending end = {
		.preserve_fds = options->preserve_fds,
		.hooks = true,
	};

	plan_begin(&c->plan, PLAN_CREATE);
	c->shares_mounts = compile_shares_mounts(config);
	c->bundle = options->bundle;
	c->warn = options->warn;
	c->faults = config->process ? options->faults : NULL;
	TRY(compile_go_on(c, compile_check_config(config, facts, e), e));
	TRY(begin(c, config, config->process, added_variables(c, options), facts, e));
	TRY(compile_read_mounts(c, e));
	compile_open_notify(c, options->notify_folder);
	if (options->listener)
		(void)compile_add_fd(c, &(struct plan_fd){ .kind = PLAN_FD_LISTENER });
	if (c->linux_->seccomp)
		TRY(compile_go_on(c,
		                  seccomp_compile(&c->arena, c->linux_->seccomp,
		                                  options->seccomp_cache, &end.seccomp, e),
		                  e));
	TRY(compile_go_on(c, compile_cgroup(c, options, e), e));
	TRY(create_steps(c, options, &end, e));
	return add_fds(c, e);
}

static int exec(struct compile *c, const struct compile_exec_options *options,
                const struct host_facts *facts, struct err *e)
{
	struct ending end = {
		.preserve_fds = options->preserve_fds,
	};

	plan_begin(&c->plan, PLAN_EXEC);
	TRY(begin(c, options->config, options->process, (struct oci_strings){ 0 }, facts, e));
	if (c->linux_->seccomp)
		TRY(seccomp_compile(&c->arena, c->linux_->seccomp, options->seccomp_cache,
		                    &end.seccomp, e));
	c->plan.head.cgroup.path = plan_put_string(&c->plan, options->cgroup);
	c->plan.head.cgroup.owner = PLAN_NO_OWNER;
	TRY(exec_steps(c, options, &end, e));
	return add_fds(c, e);
}

/* Whatever became of it: the plan is in ret or nowhere. */
static int finish(struct compile *c, int result, struct buf *ret, struct err *e)
{
	if (result == 0)
		result = plan_finish(&c->plan, ret, e);
	else
		plan_abandon(&c->plan);
	buf_done(&c->fds);
	arena_done(&c->arena);
	return result;
}

int compile_create(const struct oci_config *config, const struct compile_options *options,
                   const struct host_facts *facts, struct buf *ret, struct err *e)
{
	struct compile c = { 0 };

	arena_init(&c.arena, 0);
	return finish(&c, create(&c, config, options, facts, e), ret, e);
}

int compile_exec(const struct compile_exec_options *options, const struct host_facts *facts,
                 struct buf *ret, struct err *e)
{
	struct compile c = { 0 };

	arena_init(&c.arena, 0);
	return finish(&c, exec(&c, options, facts, e), ret, e);
}
