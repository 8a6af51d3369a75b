/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process: what it may do, how much, and what it is given.
 *
 * No capabilities in the config means none, as runc reads it. A set is cut to what
 * the kernel knows. An exec that names none has the container's; one that names some
 * (`docker exec --privileged` does) means them. An ambient capability that is not also
 * permitted and inheritable cannot be raised (capabilities(7)); old default configs
 * have such, so init only warns of them.
 *
 * Of a variable that is given twice the last value wins, as in a shell. HOME is left
 * as a spare slot where it is missing or empty: init fills it from the container's
 * /etc/passwd.
 */
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/compile_parts.h"

/* --- limits ----------------------------------------------------------------------- */

static void add_limit(struct compile *c, size_t index, uint64_t soft, uint64_t hard)
{
	const char *origin = arena_printf(&c->arena, "process.rlimits[%zu]", index);
	struct plan_step *step = plan_add(&c->plan, PLAN_RLIMIT, origin);

	step->rlimit.resource = (uint32_t)c->process->rlimits[index].resource;
	step->rlimit.soft = soft;
	step->rlimit.hard = hard;
}

/* The soft limit follows when the process is nearly there: a low one (of open
 * files, of memory) would hinder init itself. */
void compile_limits_raised(struct compile *c)
{
	for (size_t i = 0; i < c->process->rlimit_count; i++) {
		const struct oci_rlimit *r = &c->process->rlimits[i];

		if (r->resource < FACTS_LIMITS && r->hard > c->facts->hard_limits[r->resource])
			add_limit(c, i, r->hard, r->hard);
	}
}

void compile_limits(struct compile *c)
{
	for (size_t i = 0; i < c->process->rlimit_count; i++)
		add_limit(c, i, c->process->rlimits[i].soft, c->process->rlimits[i].hard);
}

void compile_oom_score(struct compile *c)
{
	if (c->process->oom_score_adj.set)
		plan_add(&c->plan, PLAN_OOM_SCORE_ADJ, "process.oomScoreAdj")->value =
			c->process->oom_score_adj.value;
}

/* --- scheduling ------------------------------------------------------------------- */

void compile_io_priority(struct compile *c)
{
	const struct oci_io_priority *p = c->process->io_priority;

	if (p)
		plan_add(&c->plan, PLAN_IO_PRIORITY, "process.ioPriority")->value =
			IOPRIO_PRIO_VALUE(p->class, p->priority);
}

void compile_personality(struct compile *c)
{
	if (c->linux_->personality.set)
		plan_add(&c->plan, PLAN_PERSONALITY, "linux.personality")->value =
			(int64_t)c->linux_->personality.domain;
}

void compile_scheduler(struct compile *c)
{
	const struct oci_scheduler *s = c->process->scheduler;

	if (!s)
		return;
	c->plan.head.scheduler = (struct plan_scheduler){
		.given = 1,
		.policy = (uint32_t)s->policy,
		.nice = s->nice,
		.priority = (uint32_t)s->priority,
		.flags = s->flags,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};
}

/* Stores a list of CPUs or nodes as bits, without the zero words at the end. */
static int put_bits(struct compile *c, const char *field, const char *text, struct plan_list *ret,
                    struct err *e)
{
	uint64_t words[OCI_CPU_LIST_WORDS];
	size_t count = OCI_CPU_LIST_WORDS;

	if (oci_cpu_list_bits(text, words) < 0)
		return err_set(e, ERR_SPEC, "%s: %s: no kernel has more than %d", field, text,
		               OCI_CPU_LIST_WORDS * 64);
	while (count > 1 && words[count - 1] == 0)
		count--;
	*ret = plan_put_array(&c->plan, words, count, sizeof(*words));
	return 0;
}

int compile_memory_policy(struct compile *c, struct err *e)
{
	const struct oci_memory_policy *p = c->linux_->memory_policy;
	struct plan_list nodes = { 0 };

	if (!p)
		return 0;
	if (p->nodes)
		TRY(put_bits(c, "linux.memoryPolicy.nodes", p->nodes, &nodes, e));

	struct plan_step *step = plan_add(&c->plan, PLAN_MEMORY_POLICY, "linux.memoryPolicy");
	step->memory_policy.mode = (uint32_t)p->mode | p->flags;
	step->memory_policy.nodes = nodes;
	return 0;
}

/* config.md: without `final` the CPUs of the container's cgroup, which init gives
 * itself in any case. `initial` is for our own process, before the clone. */
int compile_affinity(struct compile *c, struct err *e)
{
	static const char initial[] = "process.execCPUAffinity.initial";
	static const char final[] = "process.execCPUAffinity.final";
	struct plan_list bits;

	if (c->process->exec_cpu_affinity.initial)
		TRY(put_bits(c, initial, c->process->exec_cpu_affinity.initial, &bits, e));
	if (!c->process->exec_cpu_affinity.final)
		return 0;
	TRY(put_bits(c, final, c->process->exec_cpu_affinity.final, &bits, e));
	plan_add(&c->plan, PLAN_CPU_AFFINITY, final)->bits = bits;
	return 0;
}

/* --- terminal and labels ------------------------------------------------------------ */

void compile_terminal(struct compile *c, bool console)
{
	if (!c->process->terminal)
		return;

	struct plan_step *step = plan_add(&c->plan, PLAN_TERMINAL, "process.terminal");
	if (c->process->console_size.set) {
		step->terminal.height = c->process->console_size.height;
		step->terminal.width = c->process->console_size.width;
	}
	step->terminal.uid = c->process->user.uid;
	step->terminal.console = console;
	c->plan.head.terminal = 1;
}

static void add_label(struct compile *c, const char *origin, const char *attribute,
                      const char *value)
{
	struct plan_step *step = plan_add(&c->plan, PLAN_LABEL, origin);

	step->label.attribute = plan_put_string(&c->plan, attribute);
	step->label.value = plan_put_string(&c->plan, value);
}

void compile_labels(struct compile *c)
{
	const char *profile = c->process->apparmor_profile, *label = c->process->selinux_label;

	if (profile && *profile)
		add_label(c, "process.apparmorProfile", "apparmor/exec",
		          arena_printf(&c->arena, "exec %s", profile));
	if (label && *label)
		add_label(c, "process.selinuxLabel", "exec", label);
}

/* Keys have labels of their own, and the process shall have rights over its session's.
 * The kernel forgets the label of new keys at execve (security/selinux/hooks.c). */
void compile_keyring(struct compile *c, enum plan_op op, const char *name)
{
	const char *label = c->process->selinux_label;
	plan_str text = plan_put_string(&c->plan, name);

	if (label && *label)
		add_label(c, "process.selinuxLabel", "keycreate", label);
	plan_add(&c->plan, op, NULL)->string = text;
}

/* --- capabilities ------------------------------------------------------------------- */

static struct oci_capabilities sets(const struct compile *c)
{
	uint64_t known = c->facts->capabilities;
	struct oci_capabilities s = { 0 };

	if (c->process->capabilities)
		s = *c->process->capabilities;
	s.bounding &= known;
	s.effective &= known;
	s.permitted &= known;
	s.inheritable &= known;
	s.ambient &= s.permitted & s.inheritable; /* capabilities(7); the rest is warned of */
	return s;
}

/* The name of the lowest capability in a set that is not empty. */
static const char *first_name(uint64_t set)
{
	return oci_capability_name(__builtin_ctzll(set));
}

int compile_bounding(struct compile *c, struct err *e)
{
	struct oci_capabilities s = sets(c);

	if (s.effective & ~s.permitted)
		return err_set(e, ERR_SPEC,
		               "process.capabilities.effective: %s is not in the permitted set",
		               first_name(s.effective & ~s.permitted));
	if (s.inheritable & ~s.bounding)
		return err_set(e, ERR_SPEC,
		               "process.capabilities.inheritable: %s is not in the bounding set",
		               first_name(s.inheritable & ~s.bounding));
	plan_add(&c->plan, PLAN_BOUNDING, "process.capabilities.bounding")->caps.bounding =
		s.bounding;
	return 0;
}

/* The program's capabilities are computed by execve(2) from the bounding, inheritable and
 * ambient sets, the ids and the file, and from none of init's permitted and effective
 * ones (capabilities(7), "Transformation of capabilities during execve()"). So init may
 * keep the one that loads a filter without no_new_privs. */
void compile_caps(struct compile *c, bool filter)
{
	struct oci_capabilities s = sets(c);
	const uint64_t loads_filter = UINT64_C(1) << CAP_SYS_ADMIN;
	struct plan_step *step = plan_add(&c->plan, PLAN_CAPS, "process.capabilities");

	step->caps.bounding = s.bounding;
	step->caps.effective = s.effective | (filter ? loads_filter : 0);
	step->caps.permitted = s.permitted | (filter ? loads_filter : 0);
	step->caps.inheritable = s.inheritable;
	step->caps.ambient = s.ambient;
}

/* --- program and environment ---------------------------------------------------------- */

struct variable {
	const char *text;
	size_t name_len;
	bool last; /* no later one has this name */
};

static int compare_names(const struct variable *a, const struct variable *b)
{
	size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(a->text, b->text, len);

	return order ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* By name; of the same name in the order of the list, which the array's order is. */
static int compare(const void *a, const void *b)
{
	const struct variable *const *x = a, *const *y = b;
	int order = compare_names(*x, *y);

	return order ? order : (*x > *y) - (*x < *y);
}

static int read_variables(struct compile *c, struct oci_strings added, struct variable *v,
                          struct err *e)
{
	const struct oci_strings given = c->process->env;
	size_t n = given.n + added.n;
	const struct variable **sorted = arena_array(&c->arena, n, sizeof(const void *));

	for (size_t i = 0; i < n; i++) {
		const char *text = i < given.n ? given.v[i] : added.v[i - given.n];
		size_t len = strcspn(text, "=");

		if (len == 0 || text[len] != '=')
			return err_set(e, ERR_SPEC, "process.env[%zu]: must be NAME=VALUE", i);
		v[i] = (struct variable){ .text = text, .name_len = len, .last = true };
		sorted[i] = &v[i];
	}
	qsort(sorted, n, sizeof(const void *), compare);
	for (size_t i = 1; i < n; i++)
		if (compare_names(sorted[i - 1], sorted[i]) == 0)
			v[sorted[i - 1] - v].last = false;
	return 0;
}

static const char *value_of(const struct variable *v, const char *name)
{
	size_t len = strlen(name);

	return v->name_len == len && memcmp(v->text, name, len) == 0 ? v->text + len + 1 : NULL;
}

int compile_read_program(struct compile *c, struct oci_strings added_env, struct err *e)
{
	size_t n = c->process->env.n + added_env.n, kept = 0;
	struct variable *v = arena_array(&c->arena, n, sizeof(*v));
	const char **env = arena_array(&c->arena, n + 1, sizeof(*env));
	const char *path = NULL;
	bool home_missing = true;

	TRY(read_variables(c, added_env, v, e));
	for (size_t i = 0; i < n; i++) {
		if (!v[i].last)
			continue;
		const char *value = value_of(&v[i], "PATH");
		if (value)
			path = value;
		value = value_of(&v[i], "HOME");
		if (value && !*value)
			continue; /* the spare slot takes its place */
		home_missing &= !value;
		env[kept++] = v[i].text;
	}
	c->exec.home_missing = home_missing;
	c->exec.home_slot = (uint32_t)kept;
	c->exec.search = path ? path : "/bin:/usr/bin"; /* as execvp(3) without a PATH */
	c->exec.argv = plan_put_vector(&c->plan, c->process->args.v, c->process->args.n);
	c->exec.envp = plan_put_vector(&c->plan, env, kept + home_missing);
	return 0;
}

static void put_program(struct compile *c, enum plan_op op)
{
	const char *file = c->process->args.v[0];
	struct plan_step *step = plan_add(&c->plan, op, "process.args");

	step->exec.file = plan_put_string(&c->plan, file);
	step->exec.argv = c->exec.argv;
	step->exec.envp = c->exec.envp;
	if (!strchr(file, '/'))
		step->exec.search = plan_put_string(&c->plan, c->exec.search);
}

void compile_environment(struct compile *c)
{
	if (!c->exec.home_missing)
		return;

	struct plan_step *step = plan_add(&c->plan, PLAN_ENVIRONMENT, NULL);
	step->home.uid = c->process->user.uid;
	step->home.env_slot = c->exec.home_slot;
}

void compile_find_program(struct compile *c)
{
	put_program(c, PLAN_EXECUTABLE);
}

void compile_program(struct compile *c)
{
	put_program(c, PLAN_EXECVE);
}
