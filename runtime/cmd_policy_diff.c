/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy diff: two seccomp profiles by what they do, not by how they are written. Each
 * system call on which they do not agree is in one list: what the second allows beyond
 * the first, what the first allows beyond the second, or what is neither.
 */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/cmd.h"
#include "runtime/policy_profile.h"
#include "seccomp/verdict.h"

enum { EXIT_SAME = 0, EXIT_DIFFERENT = 1, EXIT_TROUBLE = 2 };

/* clang-format off */
static const struct option_spec diff_options[] = {
	{ .name = "format", .kind = OPTION_TEXT, .value = "FORMAT", .words = "text json",
	  .help = "text (default) or json" },
	{ .name = NULL },
};
/* clang-format on */

enum relation { SAME, SECOND_ALLOWS, FIRST_ALLOWS, OTHERWISE, RELATIONS };

static const char *const relation_keys[] = {
	[SECOND_ALLOWS] = "allowedBySecond",
	[FIRST_ALLOWS] = "allowedByFirst",
	[OTHERWISE] = "otherwise",
};

struct pair {
	const struct verdict *v[2];
	const char *text[2]; /* the answer, with all conditions */
	enum relation relation;
};

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static const char *one_rule(struct arena *a, const struct oci_seccomp_rule *rule, const char *call)
{
	BUF struct buf text = { 0 };

	verdict_action_text(rule->action, rule->errno_ret.set ? rule->errno_ret.value : 1, &text);
	buf_text(&text, " if ");
	verdict_conditions(rule, call, &text);
	return arena_printf(a, "%s", text.data);
}

/* "allowed", or each condition with what becomes of the call, in an order that is not
 * that of the file: rules for one call are alternatives. */
static const char *describe(struct arena *a, const struct oci_seccomp *profile,
                            const struct verdict *v)
{
	bool conditional = profile && v->kind == VERDICT_CONDITIONAL;
	const char **rules = arena_array(a, profile ? profile->rule_count + 1 : 1, sizeof(*rules));
	BUF struct buf text = { 0 };
	size_t n = 0;

	for (size_t i = 0; conditional && verdict_next_rule(profile, v->name, &i); i++)
		rules[n++] = one_rule(a, &profile->rules[i], v->name);
	qsort(rules, n, sizeof(*rules), by_text);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s, ", rules[i]);
	verdict_action_text(v->action, v->errno_value, &text);
	return arena_printf(a, "%s", text.data);
}

/* The more a profile lets happen without anybody's leave, the smaller the number. */
static enum relation relate(const struct pair *p)
{
	if (strcmp(p->text[0], p->text[1]) == 0)
		return SAME;
	if (p->v[0]->kind == p->v[1]->kind)
		return OTHERWISE;
	return p->v[1]->kind < p->v[0]->kind ? SECOND_ALLOWS : FIRST_ALLOWS;
}

static size_t count(const struct pair *p, size_t n, enum relation relation)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += p[i].relation == relation;
	return found;
}

static void print_text(const struct pair *p, size_t n, const char *const *names, struct buf *out)
{
	for (enum relation r = SECOND_ALLOWS; r < RELATIONS; r++) {
		if (count(p, n, r) == 0)
			continue;
		if (r == OTHERWISE)
			buf_text(out, "answered otherwise:\n");
		else
			buf_printf(out, "%s allows, and %s does not (or not always):\n",
			           names[r == SECOND_ALLOWS], names[r != SECOND_ALLOWS]);
		for (size_t i = 0; i < n; i++) {
			if (p[i].relation != r)
				continue;
			buf_printf(out, "  %s: %s; was: %s\n", p[i].v[0]->name, p[i].text[1],
			           p[i].text[0]);
		}
	}
	if (count(p, n, SAME) == n)
		buf_text(out, "the same for every system call\n");
}

static void print_json(const struct pair *p, size_t n, struct buf *out)
{
	struct json_writer w = { .out = out, .indent = "  " };

	json_open(&w, '{');
	for (enum relation r = SECOND_ALLOWS; r < RELATIONS; r++) {
		json_key(&w, relation_keys[r]);
		json_open(&w, '[');
		for (size_t i = 0; i < n; i++) {
			if (p[i].relation != r)
				continue;
			json_open(&w, '{');
			json_put_string(&w, "name", p[i].v[0]->name);
			json_put_string(&w, "group", syscall_group_info(p[i].v[0]->group)->name);
			json_put_string(&w, "first", p[i].text[0]);
			json_put_string(&w, "second", p[i].text[1]);
			json_close(&w, '}');
		}
		json_close(&w, ']');
	}
	json_close(&w, '}');
	buf_text(out, "\n");
}

static int diff_run(const struct invocation *in, struct err *e)
{
	const char *format = cli_text(in, "format");
	const struct oci_seccomp *profile[2];
	struct policy policy;
	struct verdict *v[2];
	size_t n = 0;
	BUF struct buf out = { 0 };

	for (size_t i = 0; i < 2; i++) {
		TRY(policy_profile_read(in->arena, in->args.v[i], &policy, e));
		profile[i] = policy.seccomp;
		verdict_all(in->arena, profile[i], &v[i], &n);
	}
	struct pair *pairs = arena_array(in->arena, n, sizeof(*pairs));
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < 2; i++) {
			pairs[k].v[i] = &v[i][k];
			pairs[k].text[i] = describe(in->arena, profile[i], &v[i][k]);
		}
		pairs[k].relation = relate(&pairs[k]);
	}
	if (format && strcmp(format, "json") == 0)
		print_json(pairs, n, &out);
	else
		print_text(pairs, n, in->args.v, &out);
	TRY(cmd_print(&out, e));
	return count(pairs, n, SAME) == n ? EXIT_SAME : EXIT_DIFFERENT;
}

const struct command command_policy_diff = {
	.name = "policy diff",
	.arguments = "FIRST SECOND",
	.summary = "tell what one seccomp profile allows beyond another",
	.description =
		"Compares two profiles (each a bundle, a config.json or a profile in a file, as "
		"for policy explain) by what becomes of each system call of x86-64. Prints what "
		"the second allows beyond the first, what the first allows beyond the second, "
		"and what they answer otherwise.\n\n"
		"The exit status is 0 when there is no difference, 1 when there is one, and 2 "
		"when a profile could not be read.",
	.examples = "caisson policy diff old.json new.json\n",
	.options = diff_options,
	.complete = { COMPLETE_FILE, COMPLETE_FILE },
	.args_min = 2,
	.args_max = 2,
	.failure = EXIT_TROUBLE,
	.run = diff_run,
};
