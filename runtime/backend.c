/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "runtime/backend_group.h"
#include "runtime/backend_vm.h"

static int create_namespaces(const struct plan *plan, const struct launch_options *options,
                             const struct vm_box *box, struct launch *ret, struct err *e)
{
	(void)box;
	return launch_prepare(plan, options, ret, e);
}

static void kill_exec_here(const struct launch *l, int commands)
{
	(void)commands;
	(void)sys_kill_group(l->pid, SIGKILL);
}

/* A Linux container: namespaces made by the launcher on this host's kernel. */
static const struct backend namespaces = {
	.name = "namespaces",
	.compile_exec = compile_exec,
	.create = create_namespaces,
	.start = launch_start,
	.kill_exec = kill_exec_here,
	.list = backend_group_list,
	.meter = backend_group_meter,
	.signal = backend_group_signal,
	.freeze = backend_group_freeze,
	.update = backend_group_update,
	.check_host = host_check_containers,
};

/* The same in a virtual machine of its own, whose monitor is the container's process. */
static const struct backend vm = {
	.name = "vm",
	.commands = VM_COMMANDS_SOCKET,
	.guest = true,
	.compile_exec = vm_box_exec,
	.create = backend_vm_create,
	.start = backend_vm_start,
	.kill_exec = backend_vm_kill_exec,
	.list = backend_vm_list,
	.meter = backend_vm_meter,
	.signal = backend_vm_signal,
	.freeze = backend_vm_freeze,
	.update = backend_vm_update,
	.clear = backend_vm_clear,
	.check_host = backend_vm_check,
};

static const struct backend *const backends[] = { &namespaces, &vm };

const struct backend *backend_find(const char *name)
{
	for (size_t i = 0; i < LEN(backends); i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}
	return NULL;
}

const struct backend *backend_of(bool of_vm)
{
	return of_vm ? &vm : &namespaces;
}

/* A create that was killed may have left no state, but has begun with the socket. */
static const struct backend *backend_of_socket(int record)
{
	for (size_t i = 0; i < LEN(backends); i++) {
		const char *name = backends[i]->commands;

		if (name && faccessat(record, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return backends[i];
	}
	return &namespaces;
}

const struct backend *backend_of_record(const struct found *f)
{
	const struct backend *found = f->state.backend ? backend_find(f->state.backend) : NULL;

	return found ? found : backend_of_socket(f->dir.fd);
}

void backends_check_host(struct host_report *report)
{
	for (size_t i = 0; i < LEN(backends); i++)
		backends[i]->check_host(report);
}
