/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process object: "Process" of config.md. It stands in config.json and, alone,
 * in the file of exec --process, so every rule about it is here and none needs
 * anything from outside the object.
 */
#include <limits.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/resource.h>

#include "oci-spec/parse.h"

/* --- user ---------------------------------------------------------------------------- */

static void parse_groups(struct reader *r, const struct json *user, struct oci_user *ret)
{
	const struct json *list = read_list(r, user, "additionalGids", JSON_NUMBER);
	uint32_t *gids;

	if (list->count > NGROUPS_MAX) {
		fault(r, list, "%u groups: at most %d", list->count, NGROUPS_MAX);
		return;
	}
	gids = read_room(r, list, sizeof(*gids));
	for (const struct json *j = list->first; j; j = j->next)
		gids[ret->additional_gid_count++] = (uint32_t)read_u64_value(r, j, UINT32_MAX - 1);
	ret->additional_gids = gids;
}

static struct oci_user parse_user(struct reader *r, const struct json *process)
{
	const struct json *user = read_object(r, process, "user");
	struct oci_user ret = {
		.uid = read_id(r, user, "uid").value,
		.gid = read_id(r, user, "gid").value,
		.umask = read_u32(r, user, "umask", 0777),
	};

	parse_groups(r, user, &ret);
	return ret;
}

/* --- capabilities and limits ------------------------------------------------------------ */

/* One set as a mask; unknown names go into the list behind `unknown`. */
static uint64_t parse_capability_set(struct reader *r, const struct json *object, const char *key,
                                     const char **unknown, size_t *unknown_count)
{
	const struct json *list = read_list(r, object, key, JSON_STRING);
	uint64_t mask = 0;

	for (const struct json *j = list->first; j; j = j->next) {
		int number = oci_capability_number(j->text);

		if (number >= 0)
			mask |= UINT64_C(1) << number;
		else
			unknown[(*unknown_count)++] = j->text;
	}
	return mask;
}

static const struct oci_capabilities *parse_capabilities(struct reader *r,
                                                         const struct json *process)
{
	const struct json *j = read_object(r, process, "capabilities");
	struct oci_capabilities *caps;
	size_t room = 1, n = 0;

	if (!j)
		return NULL;
	for (const struct json *set = j->first; set; set = set->next)
		room += set->count;

	const char **unknown = arena_array(r->arena, room, sizeof(const char *));
	caps = arena_new(r->arena, sizeof(*caps));
	caps->bounding = parse_capability_set(r, j, "bounding", unknown, &n);
	caps->effective = parse_capability_set(r, j, "effective", unknown, &n);
	caps->permitted = parse_capability_set(r, j, "permitted", unknown, &n);
	caps->inheritable = parse_capability_set(r, j, "inheritable", unknown, &n);
	caps->ambient = parse_capability_set(r, j, "ambient", unknown, &n);
	caps->unknown = (struct oci_strings){ .v = unknown, .n = n };
	return caps;
}

static const struct word rlimit_words[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
	{ 0 },
};

static void parse_rlimit(struct reader *r, const struct json *j, struct oci_rlimit *ret)
{
	uint64_t resource = RLIM_NLIMITS;

	if (read_needed_text(r, j, "type") && read_word(r, j, "type", rlimit_words, &resource))
		ret->name = read_text(r, j, "type");
	ret->resource = (int)resource;
	read_needed(r, j, "soft");
	read_needed(r, j, "hard");
	ret->soft = read_u64(r, j, "soft", UINT64_MAX).value;
	ret->hard = read_u64(r, j, "hard", UINT64_MAX).value;
	if (ret->soft > ret->hard)
		fault(r, j, "soft must not be above hard");
}

static void parse_rlimits(struct reader *r, const struct json *process, struct oci_process *ret)
{
	const struct json *list = read_list(r, process, "rlimits", JSON_OBJECT);
	struct oci_rlimit *v = read_room(r, list, sizeof(*v));
	uint32_t seen = 0;

	for (const struct json *j = list->first; j; j = j->next) {
		struct oci_rlimit *limit = &v[ret->rlimit_count++];

		parse_rlimit(r, j, limit);
		if (!limit->name)
			continue;
		if (seen & UINT32_C(1) << limit->resource)
			fault(r, j, "duplicated rlimit type %s", limit->name);
		seen |= UINT32_C(1) << limit->resource;
	}
	ret->rlimits = v;
}

/* --- scheduling ---------------------------------------------------------------------------- */

static const struct word policy_words[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", 4 }, /* reserved in linux/sched.h, and refused by the kernel */
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	{ 0 },
};

static const struct word scheduler_flag_words[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ 0 },
};

/* sched_setattr(2): which fields belong to which policy, and their order. */
static void check_scheduler(struct reader *r, const struct json *j, const struct oci_scheduler *s)
{
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	bool times = s->runtime != 0 || s->deadline != 0 || s->period != 0;

	if (realtime && s->priority == 0)
		fault_member(r, j, "priority", "must be from 1 to 99 for %s", s->policy_name);
	if (!realtime && s->priority != 0)
		fault_member(r, j, "priority", "can only be given for SCHED_FIFO or SCHED_RR");
	if (s->policy != SCHED_DEADLINE && times)
		fault(r, j, "runtime, deadline and period can only be given for SCHED_DEADLINE");
	if (s->policy == SCHED_DEADLINE && (s->runtime == 0 || s->runtime > s->deadline ||
	                                    (s->period != 0 && s->deadline > s->period)))
		fault(r, j, "must have 0 < runtime <= deadline <= period for SCHED_DEADLINE");
}

static const struct oci_scheduler *parse_scheduler(struct reader *r, const struct json *process)
{
	const struct json *j = read_object(r, process, "scheduler");
	const size_t faults = r->faults;
	struct oci_scheduler *s;
	uint64_t word = 0;

	if (!j)
		return NULL;
	s = arena_new(r->arena, sizeof(*s));
	if (read_needed_text(r, j, "policy") && read_word(r, j, "policy", policy_words, &word))
		s->policy_name = read_text(r, j, "policy");
	s->policy = (int)word;
	s->nice = (int32_t)read_i64(r, j, "nice", -20, 19).value;
	s->priority = (int32_t)read_i64(r, j, "priority", 0, 99).value;
	s->runtime = read_u64(r, j, "runtime", INT64_MAX).value;
	s->deadline = read_u64(r, j, "deadline", INT64_MAX).value;
	s->period = read_u64(r, j, "period", INT64_MAX).value;
	const struct json *flags = read_list(r, j, "flags", JSON_STRING);
	for (const struct json *flag = flags->first; flag; flag = flag->next) {
		if (read_word_value(r, flag, scheduler_flag_words, &word))
			s->flags |= word;
	}
	/* a number that could not be read would break a rule, too, and be told twice */
	if (s->policy_name && r->faults == faults)
		check_scheduler(r, j, s);
	return s;
}

static const struct oci_io_priority *parse_io_priority(struct reader *r, const struct json *process)
{
	static const struct word words[] = {
		{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
		{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
		{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
		{ 0 },
	};
	const struct json *j = read_object(r, process, "ioPriority");
	struct oci_io_priority *ret;
	uint64_t class = 0;

	if (!j)
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	if (read_needed_text(r, j, "class") && read_word(r, j, "class", words, &class))
		ret->class = (int)class;
	ret->priority = (int)read_i64(r, j, "priority", 0, 7).value;
	return ret;
}

/* --- arguments and environment ------------------------------------------------------------- */

static size_t strings_size(struct oci_strings strings)
{
	size_t bytes = 0;

	for (size_t i = 0; i < strings.n; i++)
		bytes += strlen(strings.v[i]) + 1;
	return bytes;
}

static void parse_environment(struct reader *r, const struct json *j, struct oci_process *ret)
{
	const struct json *env = read_list(r, j, "env", JSON_STRING);

	for (const struct json *entry = env->first; entry; entry = entry->next) {
		const char *equals = strchr(entry->text, '=');

		if (!equals)
			fault(r, entry, "\"%.*s\": must have the form NAME=VALUE",
			      SHOWN(entry->text));
		else if (equals == entry->text)
			fault(r, entry, "\"%.*s\": its name is empty", SHOWN(entry->text));
	}
	ret->env = read_strings(r, env);
}

static void parse_arguments(struct reader *r, const struct json *j, struct oci_process *ret)
{
	const struct json *args = read_member(j, "args");

	ret->args = read_texts(r, j, "args");
	if (!args || (args->kind == JSON_ARRAY && args->count == 0))
		fault_member(r, j, "args", "must not be empty");
}

/* --- the whole -------------------------------------------------------------------------------- */

static void parse_console(struct reader *r, const struct json *process, struct oci_process *ret)
{
	const struct json *size = read_object(r, process, "consoleSize");

	ret->terminal = read_bool(r, process, "terminal");
	if (!size)
		return;
	read_needed(r, size, "height");
	read_needed(r, size, "width");
	ret->console_size.set = true;
	ret->console_size.height = read_u32(r, size, "height", UINT16_MAX).value;
	ret->console_size.width = read_u32(r, size, "width", UINT16_MAX).value;
}

const struct oci_process *parse_process(struct reader *r, const struct json *process)
{
	const struct json *affinity = read_object(r, process, "execCPUAffinity");
	struct opt_i64 oom_score_adj = read_i64(r, process, "oomScoreAdj", -1000, 1000);
	struct oci_process *ret;

	if (!process)
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	parse_console(r, process, ret);
	ret->user = parse_user(r, process);
	parse_arguments(r, process, ret);
	parse_environment(r, process, ret);
	ret->cwd = read_needed_path(r, process, "cwd");
	ret->capabilities = parse_capabilities(r, process);
	parse_rlimits(r, process, ret);
	ret->no_new_privileges = read_bool(r, process, "noNewPrivileges");
	ret->oom_score_adj.set = oom_score_adj.set;
	ret->oom_score_adj.value = (int32_t)oom_score_adj.value;
	ret->apparmor_profile = read_text(r, process, "apparmorProfile");
	ret->selinux_label = read_text(r, process, "selinuxLabel");
	ret->scheduler = parse_scheduler(r, process);
	ret->io_priority = parse_io_priority(r, process);
	ret->exec_cpu_affinity.initial = read_cpu_list(r, affinity, "initial");
	ret->exec_cpu_affinity.final = read_cpu_list(r, affinity, "final");
	if (strings_size(ret->args) + strings_size(ret->env) > OCI_ARGS_ENV_MAX_BYTES)
		fault_member(r, process, "args", "args and env together are longer than %d bytes",
		             OCI_ARGS_ENV_MAX_BYTES);
	return ret;
}
