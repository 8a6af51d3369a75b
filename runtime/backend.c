/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend.h"

#include <string.h>

#include "base/scope.h"
#include "runtime/backend_vm.h"

/* A Linux container: namespaces made by the launcher on this host's kernel. */
static const struct backend namespaces = {
	.name = "namespaces",
	.create = launch_prepare,
	.start = launch_start,
	.check_host = host_check_containers,
};

static const struct backend *const backends[] = { &namespaces };

const struct backend *backend_find(const char *name)
{
	for (size_t i = 0; i < LEN(backends); i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}
	return NULL;
}

const struct backend *backend_default(void)
{
	return backends[0];
}

void backends_check_host(struct host_report *report)
{
	for (size_t i = 0; i < LEN(backends); i++)
		backends[i]->check_host(report);
	backend_vm_check(report);
}
