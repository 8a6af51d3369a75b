/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes to the three entry points of oci-spec. What must hold: no
 * sanitizer speaks, the arena's limit is never reached (that would end the process),
 * an error has a text, and an accepted config keeps what spec.h promises where it
 * is cheap to ask. Run with -dict=tests/fuzz/config.dict.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "oci-spec/spec.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_error(const struct err *e)
{
	must(e->kind == ERR_SPEC);
	must(e->text[0] != '\0');
	must(strnlen(e->text, sizeof(e->text)) < sizeof(e->text) - 1);
}

static void check_process(const struct oci_process *p)
{
	must(p->args.n > 0 && p->args.v[p->args.n] == NULL);
	must(p->cwd[0] == '/');
	must(p->user.uid != UINT32_MAX && p->user.gid != UINT32_MAX);
	for (size_t i = 0; i < p->env.n; i++)
		must(strchr(p->env.v[i], '=') > p->env.v[i]);
	for (size_t i = 0; i < p->rlimit_count; i++)
		must(p->rlimits[i].name && p->rlimits[i].soft <= p->rlimits[i].hard);
}

static void check_config(const struct oci_config *c)
{
	must(strncmp(c->oci_version, "1.", 2) == 0);
	must(c->root_path && c->root_path[0] && c->linux_);
	must(c->mount_count <= OCI_MOUNTS_MAX);
	for (size_t i = 0; i < c->mount_count; i++)
		must(c->mounts[i].destination && c->mounts[i].destination[0]);
	for (int kind = 0; kind < OCI_HOOK_KINDS; kind++) {
		for (size_t i = 0; i < c->hooks[kind].n; i++)
			must(c->hooks[kind].v[i].path[0] == '/');
	}
	if (c->vm)
		must(c->vm->kernel_path && c->vm->kernel_path[0] == '/');
	if (c->process)
		check_process(c->process);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	const struct oci_config *config;
	const struct oci_process *process;
	const struct oci_resources *resources;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, OCI_CONFIG_MAX_ARENA);
	if (oci_config_parse(&a, text, size, &config, &e) < 0)
		must_be_error(&e);
	else
		check_config(config);
	arena_done(&a);

	arena_init(&a, OCI_CONFIG_MAX_ARENA);
	if (oci_process_parse(&a, text, size, &process, &e) < 0)
		must_be_error(&e);
	else
		check_process(process);
	arena_done(&a);

	arena_init(&a, OCI_CONFIG_MAX_ARENA);
	if (oci_resources_parse(&a, text, size, &resources, &e) < 0)
		must_be_error(&e);
	arena_done(&a);
	return 0;
}
