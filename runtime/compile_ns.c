/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: which are made, which are joined, and by whom.
 *
 * One stage: the launcher's clone makes the new namespaces at once, and init joins
 * the others. Only the network namespace, which takes longer than all else of the
 * clone, is made by the launcher while init is at work; init joins it when it is
 * first needed. (Not with two stages: there it belongs to the new user namespace.)
 * Where systemd makes the cgroup, init is born outside of it, and a new cgroup
 * namespace is made when it has been moved.
 *
 * Two stages, where a user namespace is new or joined, a pid namespace is joined, or a
 * new time namespace is asked for: stage 1 does what has to be done before the final
 * clone, and that clone (PLAN_CLONE) makes the rest. A joined pid namespace holds only
 * for children, and it is full of strangers: whoever has CAP_SYS_PTRACE there may look
 * into what is born in it. So nothing is that has our memory, our executable or our
 * root (CVE-2016-9962): stage 1, which they cannot see, joins all others before.
 *
 * Joined namespaces come before a user namespace, joined or new, which would take away
 * the right to join what it does not own. Only for a caller without privileges is it the
 * joined user namespace that gives the right, and comes first (setns(2),
 * user_namespaces(7)).
 */
#include <inttypes.h>
#include <linux/sched.h>

#include "runtime/compile_parts.h"

uint32_t compile_add_fd(struct compile *c, const struct plan_fd *fd)
{
	size_t slot = c->fds.len / sizeof(*fd);

	buf_add(&c->fds, fd, sizeof(*fd));
	return (uint32_t)slot;
}

static bool is_new(const struct compile *c, enum oci_namespace_kind kind)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[kind];

	return ns->wanted && !ns->path;
}

static bool is_joined(const struct compile *c, enum oci_namespace_kind kind)
{
	return c->linux_->namespaces[kind].wanted && c->linux_->namespaces[kind].path;
}

static uint32_t namespace_slot(struct compile *c, enum oci_namespace_kind kind)
{
	const struct oci_namespace *ns = &c->linux_->namespaces[kind];
	const char *origin = arena_printf(&c->arena, "linux.namespaces[%u].path", ns->index);

	return compile_add_fd(c, &(struct plan_fd){
					 .kind = PLAN_FD_NAMESPACE,
					 .path = plan_put_string(&c->plan, ns->path),
					 .ns_type = oci_namespace_flag(kind),
					 .origin = plan_put_string(&c->plan, origin),
				 });
}

static void join(struct compile *c, enum oci_namespace_kind kind)
{
	uint32_t slot = namespace_slot(c, kind);
	const char *origin = arena_printf(&c->arena, "linux.namespaces[%u].path",
	                                  c->linux_->namespaces[kind].index);
	struct plan_step *step = plan_add(&c->plan, PLAN_JOIN, origin);

	step->join.slot = slot;
	step->join.types = oci_namespace_flag(kind);
}

bool compile_shares_mounts(const struct oci_config *config)
{
	const struct oci_namespace *ns = &config->linux_->namespaces[OCI_NS_MOUNT];

	return !ns->wanted || ns->path;
}

static bool user_comes_first(const struct compile *c)
{
	return c->facts->euid != 0;
}

static void join_all(struct compile *c)
{
	bool user = is_joined(c, OCI_NS_USER);

	if (user && user_comes_first(c))
		join(c, OCI_NS_USER);
	for (int kind = 0; kind < OCI_NS_KINDS; kind++) {
		if (kind == OCI_NS_USER || !is_joined(c, (enum oci_namespace_kind)kind))
			continue;
		join(c, (enum oci_namespace_kind)kind);
	}
	if (user && !user_comes_first(c))
		join(c, OCI_NS_USER);
}

/* Lines of /proc/PID/timens_offsets (time_namespaces(7)). */
static bool add_time_offsets(struct compile *c)
{
	const struct oci_time_offset *monotonic = &c->linux_->monotonic;
	const struct oci_time_offset *boottime = &c->linux_->boottime;
	BUF struct buf lines = { 0 };

	if (!is_new(c, OCI_NS_TIME) || (!monotonic->set && !boottime->set))
		return false;
	if (monotonic->set)
		buf_printf(&lines, "monotonic %" PRId64 " %" PRIu32 "\n", monotonic->secs,
		           monotonic->nanosecs);
	if (boottime->set)
		buf_printf(&lines, "boottime %" PRId64 " %" PRIu32 "\n", boottime->secs,
		           boottime->nanosecs);

	plan_str string = plan_put_string(&c->plan, lines.data);
	plan_add(&c->plan, PLAN_TIME_OFFSETS, "linux.timeOffsets")->string = string;
	return true;
}

void compile_enter_new(struct compile *c)
{
	uint64_t flags = 0;

	c->two_stages = c->user_namespace || is_joined(c, OCI_NS_PID) || is_new(c, OCI_NS_TIME);
	for (int kind = 0; kind < OCI_NS_KINDS; kind++)
		if (kind != OCI_NS_USER && is_new(c, (enum oci_namespace_kind)kind))
			flags |= oci_namespace_flag((enum oci_namespace_kind)kind);

	if (c->user_namespace)
		compile_limits_raised(c);
	join_all(c);
	if (!c->two_stages) {
		/* whoever makes it beside must go back to a network of the host's, in which
		 * root of another user namespace has no rights (setns(2)) */
		bool beside = flags & CLONE_NEWNET && !c->facts->rootless;

		c->plan.head.network = beside;
		if (beside)
			flags &= ~(uint64_t)CLONE_NEWNET;
		if (c->scope) { /* its root shall be the scope, where we are not yet */
			c->scope_flags = flags & CLONE_NEWCGROUP;
			flags &= ~(uint64_t)CLONE_NEWCGROUP;
		}
		c->plan.head.clone_flags = flags;
		return;
	}
	if (is_new(c, OCI_NS_USER))
		(void)plan_add(&c->plan, PLAN_USER_NAMESPACE, "linux.namespaces");
	if (add_time_offsets(c))
		flags &= ~(uint64_t)CLONE_NEWTIME; /* it exists already */
	compile_scope(c);                          /* stage 2 is born in it */
	plan_add(&c->plan, PLAN_CLONE, NULL)->clone.clone_flags = flags;
	c->plan.head.two_stages = 1;
}

void compile_network(struct compile *c)
{
	if (c->plan.head.network && !c->network_joined)
		(void)plan_add(&c->plan, PLAN_NETWORK, NULL);
	c->network_joined = true;
}

void compile_scope(struct compile *c)
{
	if (c->scope && !c->scope_joined)
		plan_add(&c->plan, PLAN_CGROUP, NULL)->value = (int64_t)c->scope_flags;
	c->scope_joined = true;
}

static void join_container(struct compile *c, uint32_t slot, uint64_t types)
{
	struct plan_step *step;

	if (!types)
		return;
	step = plan_add(&c->plan, PLAN_JOIN, NULL);
	step->join.slot = slot;
	step->join.types = types;
}

void compile_enter_container(struct compile *c)
{
	uint32_t slot = compile_add_fd(c, &(struct plan_fd){ .kind = PLAN_FD_CONTAINER });
	uint64_t user = c->user_namespace ? CLONE_NEWUSER : 0, types = 0;

	for (int kind = 0; kind < OCI_NS_KINDS; kind++)
		if (kind != OCI_NS_USER && c->linux_->namespaces[kind].wanted)
			types |= oci_namespace_flag((enum oci_namespace_kind)kind);

	c->two_stages = c->user_namespace || types & CLONE_NEWPID;
	if (user)
		compile_limits_raised(c);
	join_container(c, slot, user_comes_first(c) ? user : types);
	join_container(c, slot, user_comes_first(c) ? types : user);
	if (c->two_stages) {
		(void)plan_add(&c->plan, PLAN_CLONE, NULL);
		c->plan.head.two_stages = 1;
	}
}
