/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen, as a profile: an error by default, one rule for the names, and for
 * each call whose argument had few values a rule for each of them. An earlier profile is
 * united with it by what it allows, so that several runs add up.
 */
#include <seccomp.h>
#include <string.h>

#include "base/scope.h"
#include "oci-spec/json.h"
#include "seccomp/seccomp.h"
#include "seccomp/trace.h"
#include "seccomp/verdict.h"

enum { FEW = 24 }; /* values of an argument; with more the rule would say nothing */

struct writer {
	struct json_writer w;
	struct arena *arena;
	const struct trace_result *result;
	const struct oci_seccomp *earlier;
	size_t count;
	bool compat;            /* there are 32-bit programs */
	bool both[TRACE_CALLS]; /* which of x86-64's calls these make, too: open to all */
};

/* --- what is allowed ------------------------------------------------------------------------- */

static size_t values_of(const struct trace_result *r, uint32_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < r->value_count; i++)
		n += r->values[i].number == nr;
	return n;
}

/* The call was seen, and its argument has few values. */
static bool is_narrow(const struct writer *x, uint32_t nr)
{
	const struct trace_result *r = x->result;
	size_t n = values_of(r, nr);

	return r->calls[nr] && !x->both[nr] && !r->values_lost && n > 0 && n <= FEW;
}

static enum verdict_kind before(const struct writer *x, const char *name)
{
	struct verdict v;

	return x->earlier && verdict_of(x->earlier, name, &v) ? v.kind : VERDICT_REFUSED;
}

/* Allowed whatever its arguments are, by this run or by an earlier one. */
static bool is_open(const struct writer *x, uint32_t nr, const char *name)
{
	if (before(x, name) == VERDICT_ALLOWED)
		return true;
	return x->both[nr] || (x->result->calls[nr] && !is_narrow(x, nr));
}

/* --- 32-bit programs ---------------------------------------------------------------------------
 */

/* -1: x86-64 has no such call. */
static int number_of(const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);

	return nr < TRACE_CALLS ? nr : -1;
}

static bool names_i386(const struct oci_seccomp *p)
{
	for (size_t i = 0; p && i < p->architectures.n; i++) {
		if (strcmp(p->architectures.v[i], "SCMP_ARCH_X86") == 0)
			return true;
	}
	return false;
}

static void find_compat(struct writer *x)
{
	char name[SECCOMP_NAME_MAX];

	x->compat = names_i386(x->earlier);
	for (uint32_t i = 0; i < TRACE_CALLS; i++) {
		if (!x->result->compat[i])
			continue;
		x->compat = true;
		seccomp_call_name(SCMP_ARCH_X86, (int)i, name);
		int nr = number_of(name);
		if (nr >= 0)
			x->both[nr] = true;
	}
}

/* A call that only i386 has, in any earlier rule: these cannot be narrowed. */
static bool earlier_has(const struct writer *x, const char *name)
{
	size_t rule = 0;

	return names_i386(x->earlier) && verdict_next_rule(x->earlier, name, &rule);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void open_rule(struct json_writer *w)
{
	json_open(w, '{');
	json_key(w, "names");
	json_open(w, '[');
}

static void write_name(struct writer *x, const char *name)
{
	if (x->count++ == 0)
		open_rule(&x->w);
	json_string(&x->w, name);
}

/* Those of x86-64, then what i386 alone has. */
static void write_names(struct writer *x)
{
	char only[SECCOMP_NAME_MAX];

	for (uint32_t nr = 0; nr < TRACE_CALLS; nr++) {
		const char *name = verdict_call_name(x->arena, nr);

		if (name && is_open(x, nr, name))
			write_name(x, name);
	}
	for (uint32_t nr = 0; x->compat && nr < TRACE_CALLS; nr++) {
		seccomp_call_name(SCMP_ARCH_X86, (int)nr, only);
		if (number_of(only) < 0 && only[0] > '9' &&
		    (x->result->compat[nr] || earlier_has(x, only)))
			write_name(x, only);
	}
	if (x->count == 0)
		return;
	json_close(&x->w, ']');
	json_put_string(&x->w, "action", "SCMP_ACT_ALLOW");
	json_close(&x->w, '}');
}

static void write_value(struct writer *x, const char *name, const struct trace_value *v)
{
	bool wide = true;

	(void)trace_argument(v->number, &wide);
	open_rule(&x->w);
	json_string(&x->w, name);
	json_close(&x->w, ']');
	json_put_string(&x->w, "action", "SCMP_ACT_ALLOW");
	json_key(&x->w, "args");
	json_open(&x->w, '[');
	json_open(&x->w, '{');
	json_put_u64(&x->w, "index", v->index);
	if (wide) {
		json_put_u64(&x->w, "value", v->value);
		json_put_string(&x->w, "op", "SCMP_CMP_EQ");
	} else { /* the upper half of the register may hold anything */
		json_put_u64(&x->w, "value", UINT32_MAX);
		json_put_u64(&x->w, "valueTwo", v->value);
		json_put_string(&x->w, "op", "SCMP_CMP_MASKED_EQ");
	}
	json_close(&x->w, '}');
	json_close(&x->w, ']');
	json_close(&x->w, '}');
}

static void write_narrow(struct writer *x)
{
	for (uint32_t nr = 0; nr < TRACE_CALLS; nr++) {
		const char *name = is_narrow(x, nr) ? verdict_call_name(x->arena, nr) : NULL;

		if (!name || is_open(x, nr, name))
			continue;
		x->count++;
		for (size_t i = 0; i < x->result->value_count; i++) {
			if (x->result->values[i].number == nr)
				write_value(x, name, &x->result->values[i]);
		}
	}
}

/* Whether this run has just written the same rule. */
static bool is_written(const struct writer *x, int nr, const struct oci_seccomp_rule *rule)
{
	const struct oci_seccomp_arg *arg = rule->args;

	if (rule->arg_count != 1 || !is_narrow(x, (uint32_t)nr))
		return false;
	for (size_t i = 0; i < x->result->value_count; i++) {
		const struct trace_value *v = &x->result->values[i];
		bool wide = true;

		if (v->number != (uint32_t)nr || v->index != arg->index)
			continue;
		(void)trace_argument(v->number, &wide);
		if (wide ? arg->op == OCI_CMP_EQ && arg->value == v->value
		         : arg->op == OCI_CMP_MASKED_EQ && arg->value == UINT32_MAX &&
		                    arg->value_two == v->value)
			return true;
	}
	return false;
}

static void write_arguments(struct json_writer *w, const struct oci_seccomp_rule *rule)
{
	static const char *const operators[] = {
		[OCI_CMP_NE] = "SCMP_CMP_NE",
		[OCI_CMP_LT] = "SCMP_CMP_LT",
		[OCI_CMP_LE] = "SCMP_CMP_LE",
		[OCI_CMP_EQ] = "SCMP_CMP_EQ",
		[OCI_CMP_GE] = "SCMP_CMP_GE",
		[OCI_CMP_GT] = "SCMP_CMP_GT",
		[OCI_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};

	json_key(w, "args");
	json_open(w, '[');
	for (size_t i = 0; i < rule->arg_count; i++) {
		json_open(w, '{');
		json_put_u64(w, "index", rule->args[i].index);
		json_put_u64(w, "value", rule->args[i].value);
		if (rule->args[i].op == OCI_CMP_MASKED_EQ)
			json_put_u64(w, "valueTwo", rule->args[i].value_two);
		json_put_string(w, "op", operators[rule->args[i].op]);
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* The conditions of the earlier profile on calls that are still not open. */
static void write_earlier(struct writer *x)
{
	for (size_t i = 0; x->earlier && i < x->earlier->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &x->earlier->rules[i];

		for (size_t k = 0; rule->arg_count > 0 && k < rule->names.n; k++) {
			const char *name = rule->names.v[k];
			int nr = number_of(name);

			if (nr < 0 || is_open(x, (uint32_t)nr, name) || is_written(x, nr, rule))
				continue;
			size_t first = 0;
			(void)verdict_next_rule(x->earlier, name, &first);
			x->count += !is_narrow(x, (uint32_t)nr) && first == i;
			open_rule(&x->w);
			json_string(&x->w, name);
			json_close(&x->w, ']');
			json_put_string(&x->w, "action", "SCMP_ACT_ALLOW");
			write_arguments(&x->w, rule);
			json_close(&x->w, '}');
		}
	}
}

static int check_earlier(const struct oci_seccomp *p, struct err *e)
{
	if (p->default_action == OCI_ACT_ALLOW || p->default_action == OCI_ACT_LOG)
		return err_set(e, ERR_SPEC, "defaultAction: it allows what it does not name");
	for (size_t i = 0; i < p->rule_count; i++) {
		if (p->rules[i].action != OCI_ACT_ALLOW)
			return err_set(e, ERR_SPEC,
			               "syscalls[%zu].action: only SCMP_ACT_ALLOW can be merged",
			               i);
	}
	return 0;
}

int trace_profile(struct arena *a, const struct trace_result *result,
                  const struct oci_seccomp *earlier, struct buf *ret, size_t *ret_count,
                  struct err *e)
{
	struct writer x = { .w = { .out = ret, .indent = "\t" },
		            .arena = a,
		            .result = result,
		            .earlier = earlier };

	if (earlier)
		TRY(check_earlier(earlier, e));
	find_compat(&x);
	json_open(&x.w, '{');
	json_put_string(&x.w, "defaultAction", "SCMP_ACT_ERRNO");
	json_key(&x.w, "architectures");
	json_open(&x.w, '[');
	json_string(&x.w, "SCMP_ARCH_X86_64");
	if (x.compat)
		json_string(&x.w, "SCMP_ARCH_X86");
	json_close(&x.w, ']');
	json_key(&x.w, "syscalls");
	json_open(&x.w, '[');
	write_names(&x);
	write_narrow(&x);
	write_earlier(&x);
	json_close(&x.w, ']');
	json_close(&x.w, '}');
	buf_text(ret, "\n");
	*ret_count = x.count;
	return 0;
}
