/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where a plan's bytes are doubted. Whoever reads a plan after
 * plan_check() may follow every string, array and slot in it without looking
 * again. Nothing is read before its offset and length were compared with the
 * size, and the first fault ends the check, so arbitrary bytes are safe here.
 *
 * What counts as a fault is what would let a reader leave the buffer or meet a
 * value that it has no case for. Whether the steps make sense together is the
 * compiler's business: a step that lacks what an earlier one should have made
 * fails in init as a system call does. The one rule about order is that execve is
 * last and nowhere else, because a walk must not run off its end.
 *
 * Compiled twice: into caisson with libc, into init without.
 */
#include "runtime/launch/plan_check.h"

#include <linux/sched.h>
#include <stdbool.h>

/* Namespaces; CLONE_NEWTIME lies in the bits of the exit signal. */
#define NAMESPACES                                                                                \
	((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	            CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME))

enum {
	FDS_MAX = 252, /* SCM_MAX_FD of unix(7), less one for the plan itself */
	SLOTS = 256,
	VALUE_FD_MAX = 1 << 20,
	FILTER_MAX = 4096, /* BPF_MAXINSNS of linux/bpf_common.h */
	INSN_SIZE = 8,     /* of both sock_filter and bpf_insn */
};

struct checker {
	const char *base;
	const struct plan *plan;
	size_t size;
	size_t fault;               /* offset of the first fault, 0: none yet */
	uint64_t slots[SLOTS / 64]; /* which slots are filled so far */
	struct plan_list envp;      /* of the execve step */
};

static bool bad(struct checker *c, const void *where)
{
	if (!c->fault) {
		c->fault = (size_t)((const char *)where - c->base);
		if (!c->fault)
			c->fault = 1;
	}
	return false;
}

static bool want(struct checker *c, bool holds, const void *where)
{
	return holds || bad(c, where);
}

/* A string may start anywhere behind the head: the plan's last byte ends it. */
static bool string(struct checker *c, const plan_str *at)
{
	return want(c, *at == 0 || (*at >= sizeof(struct plan) && *at < c->size), at);
}

static bool text(struct checker *c, const plan_str *at)
{
	return want(c, *at != 0, at) && string(c, at);
}

static bool flag(struct checker *c, const uint32_t *value)
{
	return want(c, *value <= 1, value);
}

static bool list(struct checker *c, const struct plan_list *l, size_t element)
{
	if (l->count == 0)
		return want(c, l->at <= c->size, l);
	return want(c, l->at % 8 == 0 && l->at >= sizeof(struct plan) && l->at < c->size, l) &&
	       want(c, l->count <= (c->size - l->at) / element, &l->count);
}

/* See plan_vector_entry. A list of {0, 0} is an empty vector. */
static bool vector(struct checker *c, const struct plan_list *l)
{
	const plan_vector_entry *entry;

	if (l->at == 0 && l->count == 0)
		return true;
	if (!want(c, l->at % 8 == 0 && l->at >= sizeof(struct plan) && l->at < c->size, l) ||
	    !want(c, l->count < (c->size - l->at) / sizeof(*entry), &l->count))
		return false;
	entry = (const plan_vector_entry *)(const void *)(c->base + l->at);
	for (uint32_t i = 0; i < l->count; i++) {
		if (entry[i] && (entry[i] < sizeof(struct plan) || entry[i] >= c->size))
			return bad(c, &entry[i]);
	}
	return want(c, entry[l->count] == 0, &entry[l->count]);
}

static bool slot_filled(const struct checker *c, uint32_t slot)
{
	return slot < SLOTS && (c->slots[slot / 64] >> (slot % 64) & 1);
}

static bool filled(struct checker *c, const uint32_t *slot)
{
	return want(c, slot_filled(c, *slot), slot);
}

static void fill(struct checker *c, uint32_t slot)
{
	c->slots[slot / 64] |= 1ull << (slot % 64);
}

static bool namespaces(struct checker *c, const uint64_t *flags)
{
	return want(c, (*flags & ~NAMESPACES) == 0, flags);
}

static bool fds(struct checker *c, const struct plan_list *l)
{
	const struct plan_fd *fd;

	if (!list(c, l, sizeof(*fd)) || !want(c, l->count <= FDS_MAX, &l->count))
		return false;
	fd = plan_array(c->plan, *l);
	for (uint32_t i = 0; i < l->count; i++, fd++) {
		bool named = fd->kind == PLAN_FD_NAMESPACE || fd->kind == PLAN_FD_TREE;

		if (!want(c, fd->kind <= PLAN_FD_LISTENER, &fd->kind) ||
		    !(named ? text(c, &fd->path) : string(c, &fd->path)) ||
		    !namespaces(c, &fd->ns_type) || !flag(c, &fd->recursive) ||
		    !string(c, &fd->origin))
			return false;
		fill(c, i);
	}
	return true;
}

static bool cgroup(struct checker *c, const struct plan_cgroup *g)
{
	const struct plan_cgroup_write *w;

	if (!string(c, &g->path) || !list(c, &g->writes, sizeof(*w)) ||
	    !list(c, &g->devices, INSN_SIZE) || !string(c, &g->unit) || !string(c, &g->slice) ||
	    !list(c, &g->properties, 1))
		return false;
	w = plan_array(c->plan, g->writes);
	for (uint32_t i = 0; i < g->writes.count; i++, w++) {
		if (!text(c, &w->file) || !text(c, &w->value) || !string(c, &w->origin) ||
		    !flag(c, &w->instead))
			return false;
	}
	return true;
}

static bool net_devices(struct checker *c, const struct plan_list *l)
{
	const struct plan_net_device *device = plan_array(c->plan, *l);

	if (!list(c, l, sizeof(*device)))
		return false;
	for (uint32_t i = 0; i < l->count; i++, device++) {
		if (!text(c, &device->host_name) || !text(c, &device->name))
			return false;
	}
	return true;
}

static bool head(struct checker *c)
{
	const struct plan *p = c->plan;

	return want(c, p->magic == PLAN_MAGIC, &p->magic) &&
	       want(c, p->version == PLAN_VERSION, &p->version) &&
	       want(c, p->size == c->size, &p->size) &&
	       want(c, c->base[c->size - 1] == 0, c->base + c->size - 1) &&
	       want(c, p->kind == PLAN_CREATE || p->kind == PLAN_EXEC, &p->kind) &&
	       namespaces(c, &p->clone_flags) && fds(c, &p->fds) && flag(c, &p->two_stages) &&
	       flag(c, &p->network) && list(c, &p->uid_map, sizeof(struct plan_idmap)) &&
	       list(c, &p->gid_map, sizeof(struct plan_idmap)) && flag(c, &p->setgroups_deny) &&
	       flag(c, &p->uid_helper) && flag(c, &p->gid_helper) && flag(c, &p->terminal) &&
	       cgroup(c, &p->cgroup) && flag(c, &p->scheduler.given) &&
	       net_devices(c, &p->net_devices) && flag(c, &p->runtime_hooks) &&
	       want(c, p->preserve_fds <= VALUE_FD_MAX, &p->preserve_fds);
}

static bool mount(struct checker *c, const struct plan_mount *m)
{
	const uint32_t known = PLAN_TARGET_FILE | PLAN_TARGET_PLAIN | PLAN_COVER_MODE |
	                       PLAN_COVER_OWNER | PLAN_COVER_CONTENT;
	const struct plan_option *o;

	if (!text(c, &m->fstype) || !string(c, &m->source) || !text(c, &m->target) ||
	    !string(c, &m->instead) || !list(c, &m->options, sizeof(*o)) ||
	    !want(c, (m->flags & ~known) == 0, &m->flags) ||
	    !want(c, (m->target_mode & ~07777u) == 0, &m->target_mode))
		return false;
	o = plan_array(c->plan, m->options);
	for (uint32_t i = 0; i < m->options.count; i++, o++) {
		if (!text(c, &o->key) || !string(c, &o->value))
			return false;
	}
	return true;
}

static bool id_maps(struct checker *c, const uint32_t *at)
{
	const struct plan_id_maps *maps;

	if (*at == 0)
		return true;
	if (!want(c,
	          *at % 8 == 0 && *at >= sizeof(struct plan) && *at < c->size &&
	                  c->size - *at >= sizeof(*maps),
	          at))
		return false;
	maps = plan_maps(c->plan, *at);
	return list(c, &maps->uid, sizeof(struct plan_idmap)) &&
	       list(c, &maps->gid, sizeof(struct plan_idmap));
}

static bool bind(struct checker *c, const struct plan_bind *b)
{
	const uint32_t known = PLAN_TARGET_FILE | PLAN_TARGET_PLAIN | PLAN_BIND_RECURSIVE |
	                       PLAN_BIND_IDMAP | PLAN_BIND_IDMAP_ALL | PLAN_SOURCE_NOFOLLOW |
	                       PLAN_SOURCE_LINK | PLAN_TARGET_NOFOLLOW;

	if (b->slot == PLAN_NO_SLOT ? !text(c, &b->source) : !filled(c, &b->slot))
		return false;
	return string(c, &b->source) && text(c, &b->target) && id_maps(c, &b->id_maps) &&
	       want(c, (b->flags & ~known) == 0, &b->flags);
}

static bool process(struct checker *c, const struct plan_step *s)
{
	if (!text(c, &s->exec.file) || !vector(c, &s->exec.argv) ||
	    !want(c, s->exec.argv.count > 0, &s->exec.argv.count) || !vector(c, &s->exec.envp) ||
	    !string(c, &s->exec.search))
		return false;
	if (s->op == PLAN_EXECVE)
		c->envp = s->exec.envp;
	return true;
}

static bool hook(struct checker *c, const struct plan_step *s)
{
	return text(c, &s->hook.path) && vector(c, &s->hook.argv) && vector(c, &s->hook.envp) &&
	       want(c, s->hook.timeout_s <= INT32_MAX / 1000, &s->hook.timeout_s);
}

static const struct plan_list *nodes_or_cpus(const struct plan_step *s)
{
	return s->op == PLAN_CPU_AFFINITY ? &s->bits : &s->memory_policy.nodes;
}

static bool filter(struct checker *c, const struct plan_step *s)
{
	return list(c, &s->seccomp.filter, INSN_SIZE) && flag(c, &s->seccomp.notify) &&
	       want(c, s->seccomp.filter.count <= FILTER_MAX, &s->seccomp.filter.count);
}

static bool landlock(struct checker *c, const struct plan_step *s)
{
	const uint64_t fs = s->landlock.fs, net = s->landlock.net;
	const struct plan_landlock *rule;

	if (!want(c, fs <= UINT16_MAX, &s->landlock.fs) || !want(c, net <= 3, &s->landlock.net) ||
	    !want(c, s->landlock.scopes <= 3, &s->landlock.scopes) ||
	    !flag(c, &s->landlock.strict) || !list(c, &s->landlock.rules, sizeof(*rule)))
		return false;
	rule = plan_array(c->plan, s->landlock.rules);
	for (uint32_t i = 0; i < s->landlock.rules.count; i++, rule++) {
		if (!string(c, &rule->path) || !want(c, rule->port <= UINT16_MAX, &rule->port) ||
		    !want(c, rule->access && !(rule->access & ~(rule->path ? fs : net)),
		          &rule->access))
			return false;
	}
	return true;
}

/* Slots that this step fills are known to the steps behind it. */
static bool shared_tree(struct checker *c, const struct plan_step *s)
{
	if (!text(c, &s->tree.source) || !flag(c, &s->tree.recursive) ||
	    !want(c, s->tree.slot < FDS_MAX, &s->tree.slot))
		return false;
	fill(c, s->tree.slot);
	return true;
}

/* Steps with nothing to point at: numbers, which the kernel judges, or no value. */
static bool is_bare(enum plan_op op)
{
	switch (op) {
	case PLAN_USER_NAMESPACE:
	case PLAN_ENTER_ROOT:
	case PLAN_WAIT_HOOKS:
	case PLAN_PIVOT:
	case PLAN_NETWORK:
	case PLAN_CGROUP:
	case PLAN_MOVE_ROOT:
	case PLAN_LOOPBACK:
	case PLAN_PARK:
	case PLAN_NO_NEW_PRIVS:
	case PLAN_PROPAGATION:
	case PLAN_ROOT_PROPAGATION:
	case PLAN_ROOT_READONLY:
	case PLAN_RLIMIT:
	case PLAN_OOM_SCORE_ADJ:
	case PLAN_IO_PRIORITY:
	case PLAN_PERSONALITY:
	case PLAN_UMASK:
	case PLAN_BOUNDING:
	case PLAN_CAPS:
		return true;
	default:
		return false;
	}
}

static bool ids(struct checker *c, const struct plan_step *s)
{
	return list(c, &s->ids.groups, sizeof(uint32_t)) &&
	       want(c, s->ids.keep_groups < PLAN_GROUPS_END, &s->ids.keep_groups);
}

/* Steps with one string. */
static bool is_text(enum plan_op op)
{
	switch (op) {
	case PLAN_TIME_OFFSETS:
	case PLAN_KEYRING:
	case PLAN_JOIN_KEYRING:
	case PLAN_MASK:
	case PLAN_READONLY:
	case PLAN_HOSTNAME:
	case PLAN_DOMAINNAME:
	case PLAN_CWD:
	case PLAN_FOLDER:
	case PLAN_HIDE:
		return true;
	default:
		return false;
	}
}

/* A kind that stands neither there nor here is refused: a new one cannot be
 * forgotten. */
static bool body(struct checker *c, const struct plan_step *s)
{
	if (is_text(s->op))
		return text(c, &s->string);
	switch (s->op) {
	case PLAN_CPU_AFFINITY:
	case PLAN_MEMORY_POLICY:
		return list(c, nodes_or_cpus(s), sizeof(uint64_t));
	case PLAN_JOIN:
		return filled(c, &s->join.slot) && namespaces(c, &s->join.types);
	case PLAN_CLONE:
		return namespaces(c, &s->clone.clone_flags);
	case PLAN_CLONE_SHARED:
		return shared_tree(c, s);
	case PLAN_ROOTFS:
		return text(c, &s->rootfs.path) && flag(c, &s->rootfs.recursive) &&
		       flag(c, &s->rootfs.lasting);
	case PLAN_FIND_ROOT:
		return text(c, &s->find.path);
	case PLAN_MOUNT:
	case PLAN_CGROUP_MOUNT:
		return mount(c, &s->mount);
	case PLAN_BIND:
		return bind(c, &s->bind);
	case PLAN_REMOUNT:
		return text(c, &s->remount.target);
	case PLAN_DEVICE:
		return text(c, &s->device.path) &&
		       want(c, s->device.how <= PLAN_DEVICE_LENT, &s->device.how);
	case PLAN_SYMLINK:
		return text(c, &s->link.target) && text(c, &s->link.path);
	case PLAN_TERMINAL:
		return flag(c, &s->terminal.console);
	case PLAN_HOOK_HOST:
	case PLAN_HOOK_CONTAINER:
		return hook(c, s);
	case PLAN_LABEL:
		return text(c, &s->label.attribute) && text(c, &s->label.value);
	case PLAN_SYSCTL:
		return text(c, &s->sysctl.path) && text(c, &s->sysctl.value);
	case PLAN_IDS:
		return ids(c, s);
	case PLAN_ENVIRONMENT:
		return want(c, s->home.env_slot < c->envp.count, &s->home.env_slot);
	case PLAN_EXECUTABLE:
	case PLAN_EXECVE:
		return process(c, s);
	case PLAN_CLOSE_FDS:
		return want(c, s->value >= 3 && s->value <= VALUE_FD_MAX, &s->value);
	case PLAN_LANDLOCK:
		return landlock(c, s);
	case PLAN_SECCOMP:
		return filter(c, s);
	default:
		return want(c, is_bare(s->op), &s->op);
	}
}

static bool steps(struct checker *c)
{
	const struct plan_list *l = &c->plan->steps;
	const struct plan_step *s;

	if (!list(c, l, sizeof(*s)) || !want(c, l->count > 0, &l->count))
		return false;
	s = plan_array(c->plan, *l);
	/* The last one first: it has the vector that an earlier step fills. */
	if (!want(c, s[l->count - 1].op == PLAN_EXECVE, &s[l->count - 1].op) ||
	    !process(c, &s[l->count - 1]))
		return false;
	for (uint32_t i = 0; i < l->count; i++, s++) {
		if (!want(c, s->op != PLAN_EXECVE || i == l->count - 1, &s->op) ||
		    !want(c, s->flags == 0, &s->flags) || !string(c, &s->origin) || !body(c, s))
			return false;
	}
	return true;
}

size_t plan_check(const void *memory, size_t size)
{
	struct checker c = { .base = memory, .plan = memory, .size = size };

	if (size <= sizeof(struct plan) || size > PLAN_SIZE_MAX)
		return 1;
	if (head(&c) && steps(&c))
		return 0;
	return c.fault;
}

/* Not an array of pointers: init has no relocations, and caisson few. */
static const char op_names[][20] = {
	[PLAN_OOM_SCORE_ADJ] = "oom-score-adj",
	[PLAN_RLIMIT] = "rlimit",
	[PLAN_IO_PRIORITY] = "io-priority",
	[PLAN_CPU_AFFINITY] = "cpu-affinity",
	[PLAN_JOIN] = "join",
	[PLAN_USER_NAMESPACE] = "user-namespace",
	[PLAN_TIME_OFFSETS] = "time-offsets",
	[PLAN_CLONE] = "clone",
	[PLAN_KEYRING] = "keyring",
	[PLAN_JOIN_KEYRING] = "join-keyring",
	[PLAN_CLONE_SHARED] = "clone-shared",
	[PLAN_PROPAGATION] = "propagation",
	[PLAN_ROOTFS] = "rootfs",
	[PLAN_ENTER_ROOT] = "enter-root",
	[PLAN_FIND_ROOT] = "find-root",
	[PLAN_NETWORK] = "network",
	[PLAN_CGROUP] = "cgroup",
	[PLAN_MOUNT] = "mount",
	[PLAN_BIND] = "bind",
	[PLAN_REMOUNT] = "remount",
	[PLAN_CGROUP_MOUNT] = "cgroup-mount",
	[PLAN_DEVICE] = "device",
	[PLAN_SYMLINK] = "symlink",
	[PLAN_TERMINAL] = "terminal",
	[PLAN_FOLDER] = "folder",
	[PLAN_WAIT_HOOKS] = "wait-hooks",
	[PLAN_HOOK_HOST] = "hook-host",
	[PLAN_PIVOT] = "pivot",
	[PLAN_HIDE] = "hide",
	[PLAN_MOVE_ROOT] = "move-root",
	[PLAN_ROOT_PROPAGATION] = "root-propagation",
	[PLAN_ROOT_READONLY] = "root-readonly",
	[PLAN_MASK] = "mask",
	[PLAN_READONLY] = "readonly",
	[PLAN_LABEL] = "label",
	[PLAN_SYSCTL] = "sysctl",
	[PLAN_HOSTNAME] = "hostname",
	[PLAN_DOMAINNAME] = "domainname",
	[PLAN_LOOPBACK] = "loopback",
	[PLAN_LANDLOCK] = "landlock",
	[PLAN_PERSONALITY] = "personality",
	[PLAN_MEMORY_POLICY] = "memory-policy",
	[PLAN_BOUNDING] = "bounding",
	[PLAN_UMASK] = "umask",
	[PLAN_CWD] = "cwd",
	[PLAN_IDS] = "ids",
	[PLAN_CAPS] = "caps",
	[PLAN_ENVIRONMENT] = "environment",
	[PLAN_EXECUTABLE] = "executable",
	[PLAN_PARK] = "park",
	[PLAN_NO_NEW_PRIVS] = "no-new-privs",
	[PLAN_CLOSE_FDS] = "close-fds",
	[PLAN_SECCOMP] = "seccomp",
	[PLAN_HOOK_CONTAINER] = "hook-container",
	[PLAN_EXECVE] = "execve",
};

const char *plan_op_name(unsigned int op)
{
	return op > 0 && op < PLAN_OP_END ? op_names[op] : NULL;
}
