/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: linux.seccomp, as JSON, to a filter. What must hold: no sanitizer speaks; a
 * refusal has a text; the filter is one that seccomp(2) takes; for each call that the
 * profile names, and classes of its arguments, it answers what the rules mean. Run with
 * -dict=tests/fuzz/seccomp.dict.
 */
#include <stdlib.h>
#include <string.h>

#define SIM_FAULT(text) abort()

#include "base/buf.h"
#include "oci-spec/spec.h"
#include "seccomp/seccomp.h"
#include "tests/unit/bpf_sim.h"
#include "tests/unit/seccomp_model.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum {
	COMBINATIONS = 64, /* of arguments, for a call that a rule names */
	NAMES = 64,        /* looked at */
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void ask(const struct seccomp_program *program, const struct oci_seccomp *profile,
                const struct seccomp_data *d)
{
	uint32_t answers[MODEL_ANSWERS];

	(void)model_answers(profile, d, answers);
	must(sim_run(program->filter, program->length, d) == answers[0]);
}

static void ask_call(const struct seccomp_program *program, const struct oci_seccomp *profile,
                     const char *name, uint64_t *seed)
{
	struct model_values values[6];
	struct seccomp_data d = { .nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name),
		                  .arch = AUDIT_ARCH_X86_64 };

	if (d.nr < 0)
		return;
	model_classes(profile, name, values);
	for (int i = 0; i < COMBINATIONS; i++) {
		for (size_t k = 0; k < 6; k++)
			d.args[k] = values[k].v[model_random(seed, (uint32_t)values[k].n)];
		ask(program, profile, &d);
	}
}

static void check(const struct oci_seccomp *profile)
{
	struct seccomp_program program;
	struct err e = { 0 };
	uint64_t seed = 1;
	size_t left = NAMES;
	ARENA struct arena a;

	arena_init(&a, 0);
	if (seccomp_compile(&a, profile, -1, &program, &e) < 0) {
		must(e.text[0] > ' ');
		return;
	}
	must(program.length > 0 && program.length <= BPF_MAXINSNS);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct oci_strings *names = &profile->rules[i].names;

		for (size_t k = 0; k < names->n && left > 0; k++, left--)
			ask_call(&program, profile, names->v[k], &seed);
	}
	for (uint32_t nr = 0; nr < 600; nr += 7) {
		struct seccomp_data d = { .nr = (int)nr, .arch = AUDIT_ARCH_X86_64 };

		ask(&program, profile, &d);
		d.arch = AUDIT_ARCH_AARCH64;
		ask(&program, profile, &d);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char before[] = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},"
				     "\"linux\":{\"seccomp\":";
	BUF struct buf text = { 0 };
	const struct oci_config *config;
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	buf_add(&text, before, sizeof(before) - 1);
	buf_add(&text, data, size);
	buf_add(&text, "}}", 2);
	if (buf_ok(&text, &e) == 0 && oci_config_parse(&a, text.data, text.len, &config, &e) == 0 &&
	    config->linux_ && config->linux_->seccomp)
		check(config->linux_->seccomp);
	return 0;
}
