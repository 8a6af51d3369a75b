/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the backend that holds a container in a microVM (runtime/backend.h). Its
 * files are the only ones of the runtime that see vm-sandbox/.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "runtime/host_check.h"
#include "runtime/launch/launch.h"
#include "runtime/query.h"
#include "runtime/vm_box.h"

#define VM_COMMANDS_SOCKET "commands.sock"

/* struct backend's, of a microVM: options->cgroup has its monitor. */
MUST_CHECK int backend_vm_create(const struct plan *plan, const struct launch_options *options,
                                 const struct vm_box *box, struct launch *ret, struct err *e);
MUST_CHECK int backend_vm_start(const struct plan *plan, const struct launch_start *s,
                                struct err *e);
void backend_vm_kill_exec(const struct launch *l, int commands);

/* backend_vm_ops.c */
MUST_CHECK int backend_vm_list(const struct found *f, struct arena *a, struct process_list *ret,
                               struct err *e);
MUST_CHECK int backend_vm_meter(const struct found *f, uint32_t wanted, struct meter *ret,
                                struct err *e); /* backend_vm_meter.c */
MUST_CHECK int backend_vm_signal(const struct found *f, int signo, bool all, struct err *e);
MUST_CHECK int backend_vm_freeze(const struct found *f, bool frozen, struct err *e);
MUST_CHECK int backend_vm_update(const struct found *f, const struct update_request *r,
                                 struct arena *a, struct err *e); /* backend_vm_update.c */

/* In a network namespace that was joined, the redirection to a microVM outlives it
 * (backend_vm_net.c). */
void backend_vm_clear(const struct oci_config *config);

/* The lines on what it needs of the host, HOST_VM. */
void backend_vm_check(struct host_report *r);

/* Which kernel. */
struct vm_choice {
	const char *kernel; /* NULL: the host's newest one */
	const char *cache;  /* a folder; NULL: backend_vm_cache() */
	const char *disk;   /* the file system of the guest's disk; NULL: it has none */
	bool anew;          /* even if it is prepared */
};

/* A kernel and a first root, ready to be booted. The caller closes both; strings are in the
 * arena. */
struct vm_kernel {
	int vmlinux, initramfs;
	bool made; /* now, with so many modules */
	unsigned int modules;
	bool bare; /* the host has no modules of this version */
	const char *path, *version, *cache;
};

/* ERR_REFUSED when there is no kernel, or the folder could be another user's; ERR_SPEC when
 * the kernel's file is none for a microVM. */
MUST_CHECK int backend_vm_prepare(struct arena *a, const struct vm_choice *choice,
                                  struct vm_kernel *ret, struct err *e);

/* Where what is prepared is kept. */
const char *backend_vm_cache(struct arena *a);
