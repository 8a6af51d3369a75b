/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy explain: a seccomp profile in words. The whole of it by groups, with what is
 * dangerous of that which is allowed; or one system call, with the rules that name it.
 */
#include <ctype.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/policy_profile.h"
#include "seccomp/verdict.h"

/* clang-format off */
static const struct option_spec explain_options[] = {
	{ .name = "syscall", .letter = 's', .kind = OPTION_TEXT, .value = "NAME",
	  .help = "tell of this system call alone, with the rules that name it" },
	{ .name = "format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = NULL },
};
/* clang-format on */

/* What one run talks about. */
struct explained {
	struct arena *arena;
	const struct oci_seccomp *profile;   /* NULL: none */
	const struct oci_landlock *landlock; /* NULL: none */
	const struct verdict *v;
	size_t n;
};

static size_t count(const struct explained *x, enum syscall_group group, enum verdict_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		n += (group == GROUP_KINDS || x->v[i].group == group) && x->v[i].kind == kind;
	return n;
}

static size_t group_size(const struct explained *x, enum syscall_group group)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		n += x->v[i].group == group;
	return n;
}

/* "allowed", "refused with EPERM" */
static const char *answer(struct arena *a, const struct verdict *v)
{
	BUF struct buf text = { 0 };

	verdict_action_text(v->action, v->errno_value, &text);
	return arena_printf(a, "%s", text.data);
}

static const char *conditions(struct arena *a, const struct oci_seccomp_rule *rule,
                              const char *call)
{
	BUF struct buf text = { 0 };

	verdict_conditions(rule, call, &text);
	return arena_printf(a, "%s", text.data ? text.data : "");
}

/* What is done with a call that no rule names. */
static struct verdict default_verdict(const struct oci_seccomp *profile)
{
	struct verdict v = { .action = OCI_ACT_ALLOW };

	if (!profile)
		return v;
	v.action = profile->default_action;
	v.errno_value = profile->default_errno_ret.set ? profile->default_errno_ret.value : 1;
	return v;
}

/* --- text -------------------------------------------------------------------------------- */

static void text_calls(const struct explained *x, enum syscall_group group, enum verdict_kind kind,
                       const char *title, struct buf *out)
{
	size_t column = 0;

	if (count(x, group, kind) == 0)
		return;
	buf_printf(out, "  %s:\n", title);
	for (size_t i = 0; i < x->n; i++) {
		if (x->v[i].group == group && x->v[i].kind == kind)
			policy_word(out, 4, &column, x->v[i].name);
	}
	policy_words_end(out, &column);
}

static void text_group(const struct explained *x, enum syscall_group group, struct buf *out)
{
	size_t all = group_size(x, group), allowed = count(x, group, VERDICT_ALLOWED);

	if (all == 0)
		return;
	buf_printf(out, "\n%s: %zu of %zu allowed\n", syscall_group_info(group)->title, allowed,
	           all);
	text_calls(x, group, VERDICT_ALLOWED, "allowed", out);
	text_calls(x, group, VERDICT_CONDITIONAL, "by their arguments", out);
	text_calls(x, group, VERDICT_ASKED, "asked of an agent or a tracer", out);
	text_calls(x, group, VERDICT_REFUSED, "refused", out);
}

static void text_dangers(const struct explained *x, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct verdict *v = &x->v[i];
		const char *why = syscall_danger(v->name);

		if (!why || v->kind == VERDICT_REFUSED)
			continue;
		if (n++ == 0)
			buf_text(out, "\ndangerous, and not refused:\n");
		buf_printf(out, "  %s%s: %s\n", v->name,
		           v->kind == VERDICT_ALLOWED ? "" : " (not always allowed)", why);
	}
	if (n == 0)
		buf_text(out, "\nnothing that is known to be dangerous is allowed\n");
}

/* "SCMP_ARCH_X86" to "x86"; x86-64 is always there. */
static void text_architectures(const struct oci_seccomp *profile, struct buf *out)
{
	static const char prefix[] = "SCMP_ARCH_";

	if (!profile)
		return;
	buf_text(out, "architectures: x86_64");
	for (size_t i = 0; i < profile->architectures.n; i++) {
		const char *name = profile->architectures.v[i] + strlen(prefix);

		if (strcmp(name, "X86_64") == 0)
			continue;
		buf_text(out, ", ");
		for (; *name; name++)
			buf_printf(out, "%c", tolower((unsigned char)*name));
	}
	buf_text(out, "\n");
}

static void text_all(const struct explained *x, struct buf *out)
{
	struct verdict rest = default_verdict(x->profile);

	if (!x->profile)
		buf_text(out, "no seccomp profile: every system call is allowed\n");
	else
		buf_printf(out, "what no rule names: %s\n", answer(x->arena, &rest));
	for (size_t i = 0; i < x->n; i++) {
		if (!x->v[i].newer)
			continue;
		buf_text(out, "what is newer than the profile: refused with ENOSYS\n");
		break;
	}
	text_architectures(x->profile, out);
	buf_printf(out, "%zu of %zu system calls allowed, %zu by their arguments, %zu asked\n",
	           count(x, GROUP_KINDS, VERDICT_ALLOWED), x->n,
	           count(x, GROUP_KINDS, VERDICT_CONDITIONAL),
	           count(x, GROUP_KINDS, VERDICT_ASKED));
	for (enum syscall_group g = 0; g < GROUP_KINDS; g++)
		text_group(x, g, out);
	text_dangers(x, out);
	policy_landlock_text(x->landlock, out);
}

static void text_rules(const struct explained *x, const struct verdict *v, struct buf *out)
{
	for (size_t i = 0; x->profile && verdict_next_rule(x->profile, v->name, &i); i++) {
		const struct oci_seccomp_rule *rule = &x->profile->rules[i];
		const struct verdict does = {
			.action = rule->action,
			.errno_value = rule->errno_ret.set ? rule->errno_ret.value : 1,
		};

		buf_printf(out, "  syscalls[%zu]: %s", i, answer(x->arena, &does));
		if (rule->arg_count > 0)
			buf_printf(out, " if %s", conditions(x->arena, rule, v->name));
		buf_text(out, "\n");
	}
}

static void text_one(const struct explained *x, const struct verdict *v, struct buf *out)
{
	const char *why = syscall_danger(v->name);
	size_t first = 0;
	bool named = verdict_next_rule(x->profile, v->name, &first);

	buf_printf(out, "%s (%s): ", v->name, syscall_group_info(v->group)->title);
	if (v->kind == VERDICT_CONDITIONAL)
		buf_printf(out, "by its arguments; otherwise %s\n", answer(x->arena, v));
	else
		buf_printf(out, "%s\n", answer(x->arena, v));
	if (!x->profile)
		buf_text(out, "  there is no seccomp profile\n");
	else if (v->newer)
		buf_text(out, "  newer than every system call that the profile names\n");
	else if (!named)
		buf_text(out, "  no rule names it: this is the default action\n");
	text_rules(x, v, out);
	if (why)
		buf_printf(out, "  dangerous: %s\n", why);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void json_action(struct json_writer *w, enum oci_seccomp_action action, uint32_t errno_value)
{
	json_put_string(w, "action", verdict_action_name(action));
	if (action == OCI_ACT_ERRNO || action == OCI_ACT_TRACE)
		json_put_u64(w, "errno", errno_value);
}

static void json_rules(struct json_writer *w, const struct explained *x, const struct verdict *v)
{
	json_key(w, "rules");
	json_open(w, '[');
	for (size_t i = 0; x->profile && verdict_next_rule(x->profile, v->name, &i); i++) {
		const struct oci_seccomp_rule *rule = &x->profile->rules[i];

		json_open(w, '{');
		json_put_string(w, "pointer", arena_printf(x->arena, "/syscalls/%zu", i));
		json_action(w, rule->action, rule->errno_ret.set ? rule->errno_ret.value : 1);
		if (rule->arg_count > 0)
			json_put_string(w, "if", conditions(x->arena, rule, v->name));
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void json_verdict(struct json_writer *w, const struct explained *x, const struct verdict *v,
                         bool rules)
{
	const char *why = syscall_danger(v->name);

	json_open(w, '{');
	json_put_string(w, "name", v->name);
	if (rules)
		json_put_string(w, "group", syscall_group_info(v->group)->name);
	json_put_string(w, "verdict", verdict_kind_name(v->kind));
	json_action(w, v->action, v->errno_value);
	if (rules || v->kind == VERDICT_CONDITIONAL)
		json_rules(w, x, v);
	if (why)
		json_put_string(w, "danger", why);
	json_close(w, '}');
}

static void json_all(struct json_writer *w, const struct explained *x)
{
	struct verdict rest = default_verdict(x->profile);

	json_open(w, '{');
	json_put_bool(w, "profile", x->profile != NULL);
	json_key(w, "default");
	json_open(w, '{');
	json_action(w, rest.action, rest.errno_value);
	json_close(w, '}');
	json_key(w, "counts");
	json_open(w, '{');
	for (enum verdict_kind k = VERDICT_ALLOWED; k <= VERDICT_REFUSED; k++)
		json_put_u64(w, verdict_kind_name(k), count(x, GROUP_KINDS, k));
	json_close(w, '}');
	json_key(w, "groups");
	json_open(w, '[');
	for (enum syscall_group g = 0; g < GROUP_KINDS; g++) {
		if (group_size(x, g) == 0)
			continue;
		json_open(w, '{');
		json_put_string(w, "group", syscall_group_info(g)->name);
		json_put_string(w, "title", syscall_group_info(g)->title);
		json_key(w, "syscalls");
		json_open(w, '[');
		for (size_t i = 0; i < x->n; i++) {
			if (x->v[i].group == g)
				json_verdict(w, x, &x->v[i], false);
		}
		json_close(w, ']');
		json_close(w, '}');
	}
	json_close(w, ']');
	policy_landlock_json(x->landlock, w);
	json_close(w, '}');
}

/* --- the command ------------------------------------------------------------------------- */

static int explain_run(const struct invocation *in, struct err *e)
{
	const char *call = cli_text(in, "syscall"), *format = cli_text(in, "format");
	struct explained x = { .arena = in->arena };
	struct policy policy;
	struct verdict one, *all;
	BUF struct buf out = { 0 };
	struct json_writer w = { .out = &out, .indent = "  " };
	bool json = format && strcmp(format, "json") == 0;

	TRY(policy_profile_read(in->arena, in->args.v[0], &policy, e));
	x.profile = policy.seccomp;
	x.landlock = policy.landlock;
	if (call && !verdict_of(x.profile, call, &one))
		return err_set(e, ERR_USAGE, "--syscall: \"%s\": x86-64 has no such system call",
		               call);
	verdict_all(in->arena, x.profile, &all, &x.n);
	x.v = all;
	if (json && call)
		json_verdict(&w, &x, &one, true);
	else if (json)
		json_all(&w, &x);
	else if (call)
		text_one(&x, &one, &out);
	else
		text_all(&x, &out);
	if (json)
		buf_text(&out, "\n");
	return cmd_print(&out, e);
}

const struct command command_policy_explain = {
	.name = "policy explain",
	.arguments = "PROFILE",
	.summary = "say in words what a seccomp profile allows",
	.description =
		"PROFILE is a bundle, a config.json, a file with the seccomp object of one, or a "
		"profile as Docker and Podman keep theirs (of which the rules are taken that hold "
		"for x86-64 and the capabilities that Docker gives by default).\n\n"
		"Prints for each group of system calls (files, network, kernel administration "
		"and so on) which are allowed, which depend on their arguments and which are "
		"refused, and of those that are not refused which are dangerous, and why; of a "
		"bundle also the rules of Landlock. With "
		"--syscall it is told of one call what becomes of it, by which rules.",
	.examples = "caisson policy explain /srv/web\n"
		    "caisson policy explain --syscall clone /etc/docker/seccomp.json\n",
	.options = explain_options,
	.complete = { COMPLETE_FILE },
	.args_min = 1,
	.args_max = 1,
	.run = explain_run,
};
