/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: what the policy commands make of a config or a profile that is none of ours.
 * What must hold: no sanitizer speaks; every finding has a rule, a pointer and a sentence;
 * a profile united with a trace is one again, and allows what it allowed before.
 */
#include <asm/unistd_64.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "oci-spec/json.h"
#include "runtime/audit.h"
#include "runtime/policy_profile.h"
#include "runtime/why.h"
#include "seccomp/verdict.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* One of everything that the config could have refused. */
static void check_why(struct arena *a, const struct oci_config *config)
{
	static const struct trace_refusal refusals[] = {
		{ __NR_mount, 1, false, 1 },   { __NR_openat, 13, false, 2 },
		{ __NR_openat, 30, false, 3 }, { __NR_openat, 1, false, 1 },
		{ __NR_clone, 1, true, 1 },    { __NR_reboot, 0, true, 1 },
		{ 999, 1, true, 1 },           { __NR_statx, 38, false, 1 },
	};
	const struct trace_result result = { .refusals = refusals, .refusal_count = LEN(refusals) };
	BUF struct buf text = { 0 };
	struct why *v;
	size_t n;

	why_explain(a, config, &result, &v, &n);
	must(n == LEN(refusals) - 1);
	for (size_t i = 0; i < n; i++)
		must(v[i].layer && *v[i].what && (!*v[i].pointer || v[i].pointer[0] == '/'));
	why_text(v, n, &text);
}

static void check_config(struct arena *a, const struct json *tree, const char *text, size_t len)
{
	struct audit audit = { .arena = a, .tree = tree, .bundle = "/bundle" };
	struct audit_line lines[AUDIT_POSTURE_MAX];
	BUF struct buf landlock = { 0 };
	struct err e = { 0 };

	if (oci_config_parse(a, text, len, &audit.config, &e) < 0)
		return;
	audit_config(&audit);
	for (size_t i = 0; i < audit.n; i++) {
		const struct audit_finding *f = &audit.v[i];

		must(*f->rule && *f->what && *f->fix && f->pointer[0] == '/');
		must(i == 0 || audit.v[i - 1].severity >= f->severity);
	}
	size_t n = audit_posture(&audit, lines);
	must(n <= AUDIT_POSTURE_MAX);
	for (size_t i = 0; i < n; i++)
		must(lines[i].key && lines[i].text);
	policy_landlock_text(audit.config->landlock, &landlock);
	if (audit.config->process)
		check_why(a, audit.config);
}

static void check_profile(struct arena *a, const char *text, size_t len)
{
	static const struct trace_value values[] = { { __NR_socket, 0, 2 } };
	struct trace_result result = { .values = values, .value_count = 1 };
	const struct oci_seccomp *profile = NULL, *merged = NULL;
	BUF struct buf out = { 0 };
	struct verdict *before, *after;
	struct err e = { 0 };
	size_t n, named;

	if (oci_profile_parse(a, text, len, &profile, &e) < 0)
		return;
	verdict_all(a, profile, &before, &n);
	for (size_t i = 0; profile && i < profile->rule_count; i++) {
		BUF struct buf words = { 0 };

		verdict_conditions(&profile->rules[i], "clone", &words);
	}
	result.calls[__NR_socket] = result.calls[__NR_read] = 1;
	if (trace_profile(a, &result, profile, &out, &named, &e) < 0)
		return;
	must(oci_profile_parse(a, out.data, out.len, &merged, &e) == 0);
	verdict_all(a, merged, &after, &n);
	for (size_t i = 0; profile && i < n; i++)
		must(before[i].kind != VERDICT_ALLOWED || after[i].kind == VERDICT_ALLOWED);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	FREE char *text = malloc(size + 1);
	const struct json *tree;
	struct err e = { 0 };
	ARENA struct arena a;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	arena_init(&a, 0);
	if (json_parse(&a, text, size, &tree, &e) == 0) {
		if (json_member(tree, "ociVersion"))
			check_config(&a, tree, text, size);
		else
			check_profile(&a, text, size);
	}
	return 0;
}
