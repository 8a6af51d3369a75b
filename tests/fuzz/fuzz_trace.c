/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: what a trace has noted, from any bytes: calls, values of arguments,
 * refusals, each record of 16 bytes. What must hold: no sanitizer speaks; the profile
 * can be read again and compiled; what was seen is allowed in it, what was not is
 * refused; and the same trace united with it changes no verdict.
 */
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/why.h"
#include "seccomp/seccomp.h"
#include "seccomp/verdict.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { RECORD = 16, RECORDS_MAX = 512 };

struct noted {
	struct trace_value values[RECORDS_MAX];
	struct trace_refusal refusals[RECORDS_MAX];
	struct trace_result result;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What the kernel's part can note: one value for a number and a value, of calls that
 * have an argument that is noted, which were made. */
static void note_value(struct noted *n, uint32_t number, uint64_t value)
{
	bool wide = true;
	int index = trace_argument(number, &wide);

	value = wide ? value : (uint32_t)value;
	if (index < 0)
		return;
	for (size_t i = 0; i < n->result.value_count; i++) {
		if (n->values[i].number == number && n->values[i].value == value)
			return;
	}
	n->result.calls[number]++;
	n->values[n->result.value_count++] = (struct trace_value){ number, (uint32_t)index, value };
}

static void note(struct noted *n, const unsigned char *record)
{
	uint32_t number;
	uint64_t value;
	bool wide;

	memcpy(&number, record + 4, sizeof(number));
	memcpy(&value, record + 8, sizeof(value));
	number %= TRACE_CALLS;
	switch (record[0] % 4) {
	case 0:
		if (trace_argument(number, &wide) < 0)
			n->result.calls[number] += value | 1;
		break;
	case 1:
		note_value(n, number, value);
		break;
	case 2:
		n->refusals[n->result.refusal_count++] =
			(struct trace_refusal){ number, (uint32_t)value % 4096,
			                        (record[1] & 1) != 0, value };
		break;
	default:
		n->result.values_lost |= record[1] == 0xff;
		n->result.compat[number] += record[2];
	}
}

static const struct oci_seccomp *profile_of(struct arena *a, const struct trace_result *result,
                                            const struct oci_seccomp *earlier)
{
	const struct oci_seccomp *ret = NULL;
	BUF struct buf out = { 0 };
	struct err e = { 0 };
	size_t named;

	must(trace_profile(a, result, earlier, &out, &named, &e) == 0);
	must(oci_profile_parse(a, out.data, out.len, &ret, &e) == 0);
	return ret;
}

/* Which of x86-64's calls were made, by whomever. */
static void find_seen(const struct trace_result *result, bool ret[TRACE_CALLS])
{
	char name[SECCOMP_NAME_MAX];

	for (uint32_t nr = 0; nr < TRACE_CALLS; nr++) {
		ret[nr] |= result->calls[nr] > 0;
		if (!result->compat[nr])
			continue;
		seccomp_call_name(AUDIT_ARCH_I386, (int)nr, name);
		int native = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
		if (native >= 0 && native < TRACE_CALLS)
			ret[native] = true;
	}
}

static void check_profile(struct arena *a, const struct trace_result *result)
{
	const struct oci_seccomp *once = profile_of(a, result, NULL);
	const struct oci_seccomp *twice = profile_of(a, result, once);
	struct seccomp_program program = { 0 };
	bool seen[TRACE_CALLS] = { false };
	struct verdict *v, *again;
	struct err e = { 0 };
	size_t n;

	must(seccomp_compile(a, once, -1, &program, &e) == 0);
	find_seen(result, seen);
	verdict_all(a, once, &v, &n);
	verdict_all(a, twice, &again, &n);
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, v[i].name);

		must((v[i].kind == VERDICT_REFUSED) == !seen[nr]);
		must(again[i].kind == v[i].kind);
	}
}

static void check_why(struct arena *a, const struct trace_result *result)
{
	static const char text[] = "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"}}";
	const struct oci_config *config;
	BUF struct buf out = { 0 };
	struct err e = { 0 };
	struct why *v;
	size_t n;

	must(oci_config_parse(a, text, sizeof(text) - 1, &config, &e) == 0);
	why_explain(a, config, result, &v, &n);
	must(n <= result->refusal_count);
	why_text(v, n, &out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	FREE struct noted *n = calloc(1, sizeof(*n));
	ARENA struct arena a;

	if (!n)
		return 0;
	arena_init(&a, 0);
	n->result.values = n->values;
	n->result.refusals = n->refusals;
	for (size_t i = 0; i < size / RECORD && i < RECORDS_MAX; i++)
		note(n, data + i * RECORD);
	trace_sort_values(n->values, n->result.value_count);
	check_profile(&a, &n->result);
	check_why(&a, &n->result);
	return 0;
}
