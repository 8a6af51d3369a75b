/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp: config-linux.md, "Seccomp". Words become enums here; which system
 * calls exist is the compiler's affair. A profile without a default action and
 * without rules asks for nothing and is absent, as engines write "unconfined".
 */
#include <string.h>

#include "oci-spec/parse.h"

static const struct word action_words[] = {
	{ "SCMP_ACT_KILL", OCI_ACT_KILL },        { "SCMP_ACT_KILL_PROCESS", OCI_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", OCI_ACT_KILL }, { "SCMP_ACT_TRAP", OCI_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", OCI_ACT_ERRNO },      { "SCMP_ACT_TRACE", OCI_ACT_TRACE },
	{ "SCMP_ACT_ALLOW", OCI_ACT_ALLOW },      { "SCMP_ACT_LOG", OCI_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", OCI_ACT_NOTIFY },    { 0 },
};

static const struct word op_words[] = {
	{ "SCMP_CMP_NE", OCI_CMP_NE },
	{ "SCMP_CMP_LT", OCI_CMP_LT },
	{ "SCMP_CMP_LE", OCI_CMP_LE },
	{ "SCMP_CMP_EQ", OCI_CMP_EQ },
	{ "SCMP_CMP_GE", OCI_CMP_GE },
	{ "SCMP_CMP_GT", OCI_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", OCI_CMP_MASKED_EQ },
	{ 0 },
};

static const struct word arch_words[] = {
	{ "SCMP_ARCH_X86", 0 },      { "SCMP_ARCH_X86_64", 0 },      { "SCMP_ARCH_X32", 0 },
	{ "SCMP_ARCH_ARM", 0 },      { "SCMP_ARCH_AARCH64", 0 },     { "SCMP_ARCH_MIPS", 0 },
	{ "SCMP_ARCH_MIPS64", 0 },   { "SCMP_ARCH_MIPS64N32", 0 },   { "SCMP_ARCH_MIPSEL", 0 },
	{ "SCMP_ARCH_MIPSEL64", 0 }, { "SCMP_ARCH_MIPSEL64N32", 0 }, { "SCMP_ARCH_PPC", 0 },
	{ "SCMP_ARCH_PPC64", 0 },    { "SCMP_ARCH_PPC64LE", 0 },     { "SCMP_ARCH_S390", 0 },
	{ "SCMP_ARCH_S390X", 0 },    { "SCMP_ARCH_PARISC", 0 },      { "SCMP_ARCH_PARISC64", 0 },
	{ "SCMP_ARCH_RISCV64", 0 },  { "SCMP_ARCH_LOONGARCH64", 0 }, { "SCMP_ARCH_M68K", 0 },
	{ "SCMP_ARCH_SH", 0 },       { "SCMP_ARCH_SHEB", 0 },        { 0 },
};

static const struct word flag_words[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", 0 },
	{ "SECCOMP_FILTER_FLAG_LOG", 0 },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 0 },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0 },
	{ 0 },
};

/* A list of words that stay words. */
static struct oci_strings read_words(struct reader *r, const struct json *object, const char *key,
                                     const struct word *words)
{
	const struct json *list = read_list(r, object, key, JSON_STRING);
	uint64_t known;

	for (const struct json *j = list->first; j; j = j->next)
		read_word_value(r, j, words, &known);
	return read_strings(r, list);
}

static enum oci_seccomp_action parse_action(struct reader *r, const struct json *object,
                                            const char *key)
{
	uint64_t action = OCI_ACT_KILL;

	if (read_needed_text(r, object, key))
		read_word(r, object, key, action_words, &action);
	return (enum oci_seccomp_action)action;
}

/* The number that goes with ERRNO and TRACE, and with no other action. */
static struct opt_u32 parse_errno(struct reader *r, const struct json *object, const char *key,
                                  enum oci_seccomp_action action)
{
	enum { ERRNO_MAX = 4095, TRACE_MAX = UINT16_MAX }; /* MAX_ERRNO; SECCOMP_RET_DATA */
	struct opt_u32 ret =
		read_u32(r, object, key, action == OCI_ACT_TRACE ? TRACE_MAX : ERRNO_MAX);

	if (ret.set && action != OCI_ACT_ERRNO && action != OCI_ACT_TRACE)
		fault_member(r, object, key,
		             "can only be given with SCMP_ACT_ERRNO or SCMP_ACT_TRACE");
	return ret;
}

static void parse_args(struct reader *r, const struct json *rule, struct oci_seccomp_rule *ret)
{
	const struct json *list = read_list(r, rule, "args", JSON_OBJECT);
	struct oci_seccomp_arg *v = read_room(r, list, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next) {
		struct oci_seccomp_arg *arg = &v[ret->arg_count++];
		uint64_t op = OCI_CMP_EQ;

		read_needed(r, j, "index");
		read_needed(r, j, "value");
		if (read_needed_text(r, j, "op"))
			read_word(r, j, "op", op_words, &op);
		arg->index = read_u32(r, j, "index", 5).value;
		arg->op = (enum oci_seccomp_op)op;
		arg->value = read_u64(r, j, "value", UINT64_MAX).value;
		arg->value_two = read_u64(r, j, "valueTwo", UINT64_MAX).value;
	}
	ret->args = v;
}

static void parse_names(struct reader *r, const struct json *rule, struct oci_seccomp_rule *ret)
{
	const struct json *list = read_list(r, rule, "names", JSON_STRING);
	const struct json *given = read_member(rule, "names");

	if (!given || (given->kind == JSON_ARRAY && given->count == 0))
		fault_member(r, rule, "names", "must name at least one system call");
	for (const struct json *j = list->first; j; j = j->next) {
		if (j->text[0] == '\0')
			fault(r, j, "\"\": must not be empty");
	}
	ret->names = read_strings(r, list);
}

static void parse_rules(struct reader *r, const struct json *seccomp, rule_filter *applies,
                        struct oci_seccomp *ret)
{
	const struct json *list = read_list(r, seccomp, "syscalls", JSON_OBJECT);
	struct oci_seccomp_rule *v = read_room(r, list, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next) {
		if (applies && !applies(j))
			continue;
		struct oci_seccomp_rule *rule = &v[ret->rule_count++];

		parse_names(r, j, rule);
		rule->action = parse_action(r, j, "action");
		rule->errno_ret = parse_errno(r, j, "errnoRet", rule->action);
		parse_args(r, j, rule);
	}
	ret->rules = v;
}

/* Notifying needs someone who listens, and a default of it would stop init itself. */
static void check_notify(struct reader *r, const struct json *seccomp,
                         const struct oci_seccomp *profile)
{
	if (profile->default_action == OCI_ACT_NOTIFY)
		fault_member(r, seccomp, "defaultAction",
		             "SCMP_ACT_NOTIFY cannot be used as default action");
	for (size_t i = 0; i < profile->rule_count; i++) {
		if (profile->rules[i].action == OCI_ACT_NOTIFY && !profile->listener_path) {
			fault_member(r, seccomp, "listenerPath",
			             "is required when a rule has SCMP_ACT_NOTIFY");
			return;
		}
	}
}

/* Whether there is anything in it: an action, or a rule. */
static bool asks(const struct json *seccomp)
{
	const struct json *action = read_member(seccomp, "defaultAction");
	const struct json *rules = read_member(seccomp, "syscalls");
	bool no_action = !action || (action->kind == JSON_STRING && action->text[0] == '\0');
	bool no_rules = !rules || (rules->kind == JSON_ARRAY && rules->count == 0);

	return !no_action || !no_rules;
}

struct oci_seccomp *parse_profile(struct reader *r, const struct json *seccomp,
                                  rule_filter *applies)
{
	struct oci_seccomp *ret;

	if (!asks(seccomp))
		return NULL;
	ret = arena_new(r->arena, sizeof(*ret));
	ret->default_action = parse_action(r, seccomp, "defaultAction");
	ret->default_errno_ret = parse_errno(r, seccomp, "defaultErrnoRet", ret->default_action);
	ret->architectures = read_words(r, seccomp, "architectures", arch_words);
	ret->flags_set = read_member(seccomp, "flags") != NULL;
	ret->flags = read_words(r, seccomp, "flags", flag_words);
	ret->listener_path = read_path(r, seccomp, "listenerPath");
	ret->listener_metadata = read_text(r, seccomp, "listenerMetadata");
	parse_rules(r, seccomp, applies, ret);
	check_notify(r, seccomp, ret);
	return ret;
}

const struct oci_seccomp *parse_seccomp(struct reader *r, const struct json *seccomp)
{
	return parse_profile(r, seccomp, NULL);
}
