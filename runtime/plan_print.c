/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as JSON: what `caisson plan` shows and what the golden tests compare. Every
 * argument has its name; what is absent is left out; bits are words; programs of
 * bytes are shown by their length and a hash. The same plan always prints the same
 * text. The plan has passed plan_check().
 */
#include <inttypes.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <sys/personality.h>

#include "base/scope.h"
#include "oci-spec/json.h"
#include "runtime/compile.h"
#include "runtime/launch/plan_check.h"
#include "runtime/plan_words.h"

struct printer {
	struct json_writer w;
	const struct plan *plan;
};

typedef void words_function(struct buf *ret, uint64_t bits);

static void string(struct printer *p, const char *key, const char *value)
{
	if (!value)
		return;
	json_put_string(&p->w, key, value);
}

static void text(struct printer *p, const char *key, plan_str at)
{
	string(p, key, plan_text(p->plan, at));
}

static void number(struct printer *p, const char *key, uint64_t value)
{
	json_put_u64(&p->w, key, value);
}

/* A number of which 0 says that there is none. */
static void size(struct printer *p, const char *key, uint32_t value)
{
	if (value)
		number(p, key, value);
}

static void flag(struct printer *p, const char *key, uint32_t value)
{
	if (!value)
		return;
	json_put_bool(&p->w, key, true);
}

static void octal(struct printer *p, const char *key, uint64_t value)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "0%" PRIo64, value);
	string(p, key, digits);
}

/* Bits as words; nothing at all if there are none. */
static void bits(struct printer *p, const char *key, uint64_t value, words_function *words)
{
	BUF struct buf out = { 0 };

	words(&out, value);
	string(p, key, out.data);
}

/* A set that says something by being empty. */
static void set(struct printer *p, const char *key, uint64_t value)
{
	BUF struct buf out = { 0 };

	plan_words_caps(&out, value);
	string(p, key, out.data ? out.data : "");
}

static void vector(struct printer *p, const char *key, struct plan_list list)
{
	const plan_vector_entry *entry = plan_array(p->plan, list);

	json_key(&p->w, key);
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < list.count; i++)
		json_string(&p->w, plan_text(p->plan, (plan_str)entry[i]));
	json_close(&p->w, ']');
}

/* Instructions, eight bytes each: their number and FNV-1a over the bytes. */
static void program(struct printer *p, const char *key, struct plan_list list)
{
	const unsigned char *byte = plan_array(p->plan, list);
	uint64_t sum = 0xcbf29ce484222325u;
	char hash[20];

	for (size_t i = 0; i < (size_t)list.count * 8; i++)
		sum = (sum ^ byte[i]) * 0x100000001b3u;
	(void)snprintf(hash, sizeof(hash), "%016" PRIx64, sum);
	json_key(&p->w, key);
	json_open(&p->w, '{');
	number(p, "instructions", list.count);
	string(p, "hash", hash);
	json_close(&p->w, '}');
}

static void limit(struct printer *p, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		string(p, key, "unlimited");
	else
		number(p, key, value);
}

/* "key=value" each: an option may stand there twice, and the kernel sees both. */
static void options(struct printer *p, struct plan_list list)
{
	const struct plan_option *o = plan_array(p->plan, list);

	if (list.count == 0)
		return;
	json_key(&p->w, "options");
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < list.count; i++) {
		const char *value = plan_text(p->plan, o[i].value);
		BUF struct buf option = { 0 };

		buf_text(&option, plan_text(p->plan, o[i].key));
		if (value)
			buf_printf(&option, "=%s", value);
		json_string(&p->w, option.failed ? NULL : option.data);
	}
	json_close(&p->w, ']');
}

static void print_mount(struct printer *p, const struct plan_step *s)
{
	const struct plan_mount *m = &s->mount;

	text(p, "type", m->fstype);
	text(p, "source", m->source);
	text(p, "target", m->target);
	options(p, m->options);
	bits(p, "attributes", m->attr, plan_words_attr);
	text(p, "instead", m->instead);
	bits(p, "insteadAttributes", m->instead_attr, plan_words_attr);
	bits(p, "flags", m->flags, plan_words_target);
	bits(p, "propagation", m->propagation, plan_words_mount);
	octal(p, "targetMode", m->target_mode);
}

static void print_map(struct printer *p, const char *key, struct plan_list list)
{
	const struct plan_idmap *map = plan_array(p->plan, list);

	if (list.count == 0)
		return;
	json_key(&p->w, key);
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < list.count; i++) {
		json_open(&p->w, '{');
		number(p, "inside", map[i].inside);
		number(p, "outside", map[i].outside);
		number(p, "count", map[i].count);
		json_close(&p->w, '}');
	}
	json_close(&p->w, ']');
}

static void attributes(struct printer *p, const struct plan_attr *a)
{
	bits(p, "set", a->set, plan_words_attr);
	bits(p, "clear", a->clear, plan_words_attr);
	bits(p, "setAll", a->set_all, plan_words_attr);
	bits(p, "clearAll", a->clear_all, plan_words_attr);
}

static void print_bind(struct printer *p, const struct plan_step *s)
{
	const struct plan_bind *b = &s->bind;

	text(p, "source", b->source);
	text(p, "target", b->target);
	if (b->slot != PLAN_NO_SLOT)
		number(p, "slot", b->slot);
	bits(p, "flags", b->flags, plan_words_target);
	attributes(p, &b->attr);
	if (b->id_maps) {
		print_map(p, "uidMap", plan_maps(p->plan, b->id_maps)->uid);
		print_map(p, "gidMap", plan_maps(p->plan, b->id_maps)->gid);
	}
	bits(p, "propagation", b->propagation, plan_words_mount);
}

static void print_remount(struct printer *p, const struct plan_step *s)
{
	text(p, "target", s->remount.target);
	attributes(p, &s->remount.attr);
	bits(p, "propagation", s->remount.propagation, plan_words_mount);
}

static void print_device(struct printer *p, const struct plan_step *s)
{
	text(p, "path", s->device.path);
	octal(p, "mode", s->device.mode);
	number(p, "major", s->device.major);
	number(p, "minor", s->device.minor);
	number(p, "uid", s->device.uid);
	number(p, "gid", s->device.gid);
	flag(p, "bind", s->device.how == PLAN_DEVICE_BIND);
	flag(p, "lent", s->device.how == PLAN_DEVICE_LENT);
}

static void print_ids(struct printer *p, const struct plan_step *s)
{
	const uint32_t *group = plan_array(p->plan, s->ids.groups);

	number(p, "uid", s->ids.uid);
	number(p, "gid", s->ids.gid);
	json_key(&p->w, "groups");
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < s->ids.groups.count; i++)
		json_u64(&p->w, group[i]);
	json_close(&p->w, ']');
	flag(p, "keepGroups", s->ids.keep_groups == PLAN_GROUPS_KEEP);
	flag(p, "tryGroups", s->ids.keep_groups == PLAN_GROUPS_TRY);
}

static void print_hook(struct printer *p, const struct plan_step *s)
{
	text(p, "path", s->hook.path);
	vector(p, "args", s->hook.argv);
	vector(p, "env", s->hook.envp);
	size(p, "timeout", s->hook.timeout_s);
	number(p, "index", s->hook.index);
}

static void print_caps(struct printer *p, const struct plan_step *s)
{
	set(p, "bounding", s->caps.bounding);
	if (s->op == PLAN_BOUNDING)
		return;
	set(p, "effective", s->caps.effective);
	set(p, "permitted", s->caps.permitted);
	set(p, "inheritable", s->caps.inheritable);
	set(p, "ambient", s->caps.ambient);
}

static void print_limit(struct printer *p, const struct plan_step *s)
{
	string(p, "resource", plan_limit_name(s->rlimit.resource));
	limit(p, "soft", s->rlimit.soft);
	limit(p, "hard", s->rlimit.hard);
}

static void print_program(struct printer *p, const struct plan_step *s)
{
	text(p, "file", s->exec.file);
	text(p, "search", s->exec.search);
	if (s->op == PLAN_EXECUTABLE)
		return; /* they are shown once, with execve */
	vector(p, "args", s->exec.argv);
	vector(p, "env", s->exec.envp);
}

static void print_value(struct printer *p, const struct plan_step *s)
{
	json_key(&p->w, "value");
	json_i64(&p->w, s->value);
}

/* As the kernel shows masks of CPUs: hexadecimal, the highest word first. */
static void mask(struct printer *p, const char *key, struct plan_list list)
{
	const uint64_t *words = plan_array(p->plan, list);
	BUF struct buf out = { 0 };

	for (uint32_t i = list.count; i > 0; i--)
		buf_printf(&out, "%016" PRIx64, words[i - 1]);
	string(p, key, out.data ? out.data : "");
}

static void print_bits(struct printer *p, const struct plan_step *s)
{
	mask(p, "value", s->bits);
}

static void print_memory_policy(struct printer *p, const struct plan_step *s)
{
	bits(p, "flags", s->memory_policy.mode & MPOL_MODE_FLAGS, plan_words_mempolicy);
	number(p, "mode", s->memory_policy.mode & ~(uint32_t)MPOL_MODE_FLAGS);
	mask(p, "nodes", s->memory_policy.nodes);
}

static void print_io_priority(struct printer *p, const struct plan_step *s)
{
	static const char *const classes[] = {
		[IOPRIO_CLASS_RT] = "IOPRIO_CLASS_RT",
		[IOPRIO_CLASS_BE] = "IOPRIO_CLASS_BE",
		[IOPRIO_CLASS_IDLE] = "IOPRIO_CLASS_IDLE",
	};
	uint64_t value = (uint64_t)s->value, class = value >> IOPRIO_CLASS_SHIFT;

	string(p, "class", class < LEN(classes) ? classes[class] : NULL);
	number(p, "priority", value & ((1u << IOPRIO_CLASS_SHIFT) - 1));
}

static void print_personality(struct printer *p, const struct plan_step *s)
{
	string(p, "domain", s->value == PER_LINUX32 ? "PER_LINUX32" : "PER_LINUX");
}

static void print_umask(struct printer *p, const struct plan_step *s)
{
	octal(p, "value", (uint64_t)s->value);
}

static void print_string(struct printer *p, const struct plan_step *s)
{
	text(p, "value", s->string);
}

static void print_cgroup_join(struct printer *p, const struct plan_step *s)
{
	bits(p, "unshare", (uint64_t)s->value, plan_words_namespaces);
}

static void print_propagation(struct printer *p, const struct plan_step *s)
{
	bits(p, "value", s->propagation, plan_words_mount);
}

static void print_join(struct printer *p, const struct plan_step *s)
{
	number(p, "slot", s->join.slot);
	bits(p, "types", s->join.types, plan_words_namespaces);
}

static void print_clone(struct printer *p, const struct plan_step *s)
{
	bits(p, "namespaces", s->clone.clone_flags, plan_words_namespaces);
}

static void print_tree(struct printer *p, const struct plan_step *s)
{
	number(p, "slot", s->tree.slot);
	text(p, "source", s->tree.source);
	flag(p, "recursive", s->tree.recursive);
}

static void print_rootfs(struct printer *p, const struct plan_step *s)
{
	text(p, "path", s->rootfs.path);
	flag(p, "recursive", s->rootfs.recursive);
	bits(p, "propagation", s->rootfs.propagation, plan_words_mount);
	if (s->rootfs.lasting)
		flag(p, "lasting", s->rootfs.lasting);
}

static void print_find(struct printer *p, const struct plan_step *s)
{
	text(p, "path", s->find.path);
	number(p, "mount", s->find.mount);
}

static void print_link(struct printer *p, const struct plan_step *s)
{
	text(p, "path", s->link.path);
	text(p, "target", s->link.target);
}

static void print_terminal(struct printer *p, const struct plan_step *s)
{
	size(p, "height", s->terminal.height);
	size(p, "width", s->terminal.width);
	number(p, "uid", s->terminal.uid);
	flag(p, "console", s->terminal.console);
}

static void print_label(struct printer *p, const struct plan_step *s)
{
	text(p, "attribute", s->label.attribute);
	text(p, "value", s->label.value);
}

static void print_sysctl(struct printer *p, const struct plan_step *s)
{
	text(p, "path", s->sysctl.path);
	text(p, "value", s->sysctl.value);
}

static void print_home(struct printer *p, const struct plan_step *s)
{
	number(p, "uid", s->home.uid);
	number(p, "slot", s->home.env_slot);
}

static void print_seccomp(struct printer *p, const struct plan_step *s)
{
	program(p, "filter", s->seccomp.filter);
	bits(p, "flags", s->seccomp.flags, plan_words_seccomp);
	flag(p, "notify", s->seccomp.notify);
}

static void landlock_words(struct printer *p, const char *key, uint64_t bits,
                           enum oci_landlock_kind kind)
{
	if (!bits)
		return;
	json_key(&p->w, key);
	json_open(&p->w, '[');
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (bits & UINT64_C(1) << bit)
			json_string(&p->w, oci_landlock_word(kind, bit));
	}
	json_close(&p->w, ']');
}

static void print_landlock(struct printer *p, const struct plan_step *s)
{
	const struct plan_landlock *rule = plan_array(p->plan, s->landlock.rules);

	landlock_words(p, "files", s->landlock.fs, OCI_LANDLOCK_FS);
	landlock_words(p, "network", s->landlock.net, OCI_LANDLOCK_NET);
	landlock_words(p, "scopes", s->landlock.scopes, OCI_LANDLOCK_SCOPE);
	flag(p, "strict", s->landlock.strict);
	json_key(&p->w, "rules");
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < s->landlock.rules.count; i++) {
		json_open(&p->w, '{');
		text(p, "path", rule[i].path);
		if (!rule[i].path)
			number(p, "port", rule[i].port);
		landlock_words(p, "access", rule[i].access,
		               rule[i].path ? OCI_LANDLOCK_FS : OCI_LANDLOCK_NET);
		json_close(&p->w, '}');
	}
	json_close(&p->w, ']');
}

/* NULL: a step without arguments. */
static void (*const arguments[PLAN_OP_END])(struct printer *p, const struct plan_step *s) = {
	[PLAN_OOM_SCORE_ADJ] = print_value,
	[PLAN_RLIMIT] = print_limit,
	[PLAN_IO_PRIORITY] = print_io_priority,
	[PLAN_CPU_AFFINITY] = print_bits,
	[PLAN_JOIN] = print_join,
	[PLAN_TIME_OFFSETS] = print_string,
	[PLAN_CLONE] = print_clone,
	[PLAN_KEYRING] = print_string,
	[PLAN_JOIN_KEYRING] = print_string,
	[PLAN_CLONE_SHARED] = print_tree,
	[PLAN_PROPAGATION] = print_propagation,
	[PLAN_ROOTFS] = print_rootfs,
	[PLAN_FIND_ROOT] = print_find,
	[PLAN_CGROUP] = print_cgroup_join,
	[PLAN_MOUNT] = print_mount,
	[PLAN_BIND] = print_bind,
	[PLAN_REMOUNT] = print_remount,
	[PLAN_CGROUP_MOUNT] = print_mount,
	[PLAN_DEVICE] = print_device,
	[PLAN_SYMLINK] = print_link,
	[PLAN_TERMINAL] = print_terminal,
	[PLAN_HOOK_HOST] = print_hook,
	[PLAN_ROOT_PROPAGATION] = print_propagation,
	[PLAN_HIDE] = print_string,
	[PLAN_MASK] = print_string,
	[PLAN_READONLY] = print_string,
	[PLAN_LABEL] = print_label,
	[PLAN_SYSCTL] = print_sysctl,
	[PLAN_FOLDER] = print_string,
	[PLAN_HOSTNAME] = print_string,
	[PLAN_DOMAINNAME] = print_string,
	[PLAN_LANDLOCK] = print_landlock,
	[PLAN_PERSONALITY] = print_personality,
	[PLAN_MEMORY_POLICY] = print_memory_policy,
	[PLAN_BOUNDING] = print_caps,
	[PLAN_UMASK] = print_umask,
	[PLAN_CWD] = print_string,
	[PLAN_IDS] = print_ids,
	[PLAN_CAPS] = print_caps,
	[PLAN_ENVIRONMENT] = print_home,
	[PLAN_EXECUTABLE] = print_program,
	[PLAN_CLOSE_FDS] = print_value,
	[PLAN_SECCOMP] = print_seccomp,
	[PLAN_HOOK_CONTAINER] = print_hook,
	[PLAN_EXECVE] = print_program,
};

static void print_steps(struct printer *p)
{
	const struct plan_step *s = plan_array(p->plan, p->plan->steps);

	json_key(&p->w, "steps");
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < p->plan->steps.count; i++) {
		json_open(&p->w, '{');
		string(p, "op", plan_op_name(s[i].op));
		text(p, "origin", s[i].origin);
		if (arguments[s[i].op])
			arguments[s[i].op](p, &s[i]);
		json_close(&p->w, '}');
	}
	json_close(&p->w, ']');
}

static void print_fds(struct printer *p)
{
	static const char *const kinds[] = {
		[PLAN_FD_NAMESPACE] = "namespace",
		[PLAN_FD_TREE] = "tree",
		[PLAN_FD_CONTAINER] = "container",
		[PLAN_FD_LISTENER] = "listener",
	};
	const struct plan_fd *fd = plan_array(p->plan, p->plan->fds);

	json_key(&p->w, "slots");
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < p->plan->fds.count; i++) {
		json_open(&p->w, '{');
		string(p, "kind", kinds[fd[i].kind]);
		text(p, "path", fd[i].path);
		bits(p, "type", fd[i].ns_type, plan_words_namespaces);
		flag(p, "recursive", fd[i].recursive);
		text(p, "origin", fd[i].origin);
		json_close(&p->w, '}');
	}
	json_close(&p->w, ']');
}

static void print_cgroup(struct printer *p, const struct plan_cgroup *g)
{
	const struct plan_cgroup_write *write = plan_array(p->plan, g->writes);

	json_key(&p->w, "cgroup");
	json_open(&p->w, '{');
	text(p, "path", g->path);
	text(p, "unit", g->unit);
	text(p, "slice", g->slice);
	if (g->owner != PLAN_NO_OWNER)
		number(p, "owner", g->owner);
	if (g->writes.count > 0) {
		json_key(&p->w, "writes");
		json_open(&p->w, '[');
		for (uint32_t i = 0; i < g->writes.count; i++) {
			json_open(&p->w, '{');
			text(p, "file", write[i].file);
			text(p, "value", write[i].value);
			text(p, "origin", write[i].origin);
			if (write[i].instead)
				flag(p, "instead", true);
			json_close(&p->w, '}');
		}
		json_close(&p->w, ']');
	}
	if (g->devices.count > 0)
		program(p, "devices", g->devices);
	json_close(&p->w, '}');
}

static void print_scheduler(struct printer *p, const struct plan_scheduler *s)
{
	if (!s->given)
		return;
	json_key(&p->w, "scheduler");
	json_open(&p->w, '{');
	string(p, "policy", plan_policy_name(s->policy));
	bits(p, "flags", s->flags, plan_words_scheduler);
	json_key(&p->w, "nice");
	json_i64(&p->w, s->nice);
	number(p, "priority", s->priority);
	number(p, "runtime", s->runtime);
	number(p, "deadline", s->deadline);
	number(p, "period", s->period);
	json_close(&p->w, '}');
}

static void print_net_devices(struct printer *p, struct plan_list list)
{
	const struct plan_net_device *device = plan_array(p->plan, list);

	if (list.count == 0)
		return;
	json_key(&p->w, "netDevices");
	json_open(&p->w, '[');
	for (uint32_t i = 0; i < list.count; i++) {
		json_open(&p->w, '{');
		text(p, "hostName", device[i].host_name);
		text(p, "name", device[i].name);
		json_close(&p->w, '}');
	}
	json_close(&p->w, ']');
}

void plan_print(const struct plan *plan, struct buf *ret)
{
	struct printer p = { .w = { .out = ret, .indent = "  " }, .plan = plan };

	json_open(&p.w, '{');
	number(&p, "version", plan->version);
	string(&p, "kind", plan->kind == PLAN_EXEC ? "exec" : "create");
	bits(&p, "namespaces", plan->clone_flags, plan_words_namespaces);
	flag(&p, "twoStages", plan->two_stages);
	flag(&p, "network", plan->network);
	print_map(&p, "uidMap", plan->uid_map);
	print_map(&p, "gidMap", plan->gid_map);
	flag(&p, "setgroupsDeny", plan->setgroups_deny);
	flag(&p, "uidHelper", plan->uid_helper);
	flag(&p, "gidHelper", plan->gid_helper);
	flag(&p, "terminal", plan->terminal);
	flag(&p, "runtimeHooks", plan->runtime_hooks);
	number(&p, "preserveFds", plan->preserve_fds);
	print_cgroup(&p, &plan->cgroup);
	print_scheduler(&p, &plan->scheduler);
	print_net_devices(&p, plan->net_devices);
	print_fds(&p);
	print_steps(&p);
	json_close(&p.w, '}');
	buf_text(ret, "\n");
}
