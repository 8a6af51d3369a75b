/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a config to a plan, on one of four forged hosts (chosen by the input's
 * size, so that the corpus is plain JSON). What must hold: no sanitizer speaks; what
 * is refused has a text that begins with a word; every plan that comes out passes
 * plan_check, ends in execve, prints, and is the same when it is made again. Run
 * with -dict=tests/fuzz/config.dict.
 */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "oci-spec/json.h"
#include "runtime/compile.h"
#include "runtime/launch/plan_check.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define ALL_CAPABILITIES 0x1ffffffffffu

static const struct host_facts hosts[] = {
	{ .cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .controllers = 0xff },
	  .capabilities = ALL_CAPABILITIES,
	  .apparmor = true,
	  .selinux = true },
	{ .cgroup = { .mode = CGROUP_HYBRID, .mount = "/sys/fs/cgroup/unified" },
	  .capabilities = ALL_CAPABILITIES },
	{ .euid = 1000,
	  .egid = 1000,
	  .rootless = true,
	  .cgroup = { .mode = CGROUP_UNIFIED, .mount = "/sys/fs/cgroup", .controllers = 0xff },
	  .capabilities = ALL_CAPABILITIES },
	{ .user_namespace = true, .rootless = true, .setgroups_denied = true, .capabilities = 1 },
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct buf *bytes)
{
	const struct plan *plan = (const struct plan *)(const void *)bytes->data;
	BUF struct buf text = { 0 };
	ARENA struct arena a;
	const struct json *json;
	struct err e = { 0 };

	must(plan_check(bytes->data, bytes->len) == 0);
	const struct plan_step *steps = plan_array(plan, plan->steps);
	must(steps[plan->steps.count - 1].op == PLAN_EXECVE);
	plan_print(plan, &text);
	arena_init(&a, 0);
	must(json_parse(&a, text.data, text.len, &json, &e) == 0);
}

static void must_be_error(const struct err *e)
{
	/* libseccomp's own refusals come as errors of a call. */
	must(e->kind == ERR_SPEC || e->kind == ERR_REFUSED ||
	     strncmp(e->text, "linux.seccomp.", 14) == 0);
	must(e->text[0] > ' ');
}

static void create(const struct oci_config *config, const struct host_facts *facts)
{
	const struct compile_options options = {
		.id = "fuzz", .bundle = "/bundle", .listener = true, .seccomp_cache = -1
	};
	BUF struct buf first = { 0 }, second = { 0 };
	struct err e = { 0 };

	if (compile_create(config, &options, facts, &first, &e) < 0) {
		must_be_error(&e);
		return;
	}
	check(&first);
	must(compile_create(config, &options, facts, &second, &e) == 0);
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

static void exec(const struct oci_config *config, const struct host_facts *facts)
{
	const struct compile_exec_options options = {
		.config = config, .process = config->process, .cgroup = "/fuzz", .seccomp_cache = -1
	};
	BUF struct buf bytes = { 0 };
	struct err e = { 0 };

	if (compile_exec(&options, facts, &bytes, &e) < 0)
		must_be_error(&e);
	else
		check(&bytes);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const struct host_facts *facts = &hosts[size % LEN(hosts)];
	const struct oci_config *config;
	struct err e = { 0 };
	ARENA struct arena a;

	arena_init(&a, 0);
	if (oci_config_parse(&a, (const char *)data, size, &config, &e) < 0)
		return 0;
	create(config, facts);
	if (config->process)
		exec(config, facts);
	return 0;
}
