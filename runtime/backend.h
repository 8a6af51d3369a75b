/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds a container: the contract between its life (create.c, run.c, exec.c,
 * delete.c: records, locks, hooks, terminals) and the wall around it. A backend is
 * one table; backend_find() is the only place that knows which there are.
 */
#pragma once

#include "base/err.h"
#include "runtime/compile.h"
#include "runtime/host_check.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/plan.h"
#include "runtime/query.h"
#include "runtime/state.h"
#include "runtime/vm_box.h"

struct backend {
	const char *name; /* the tag in state.json */

	/* Where in the record's folder its process hears commands; NULL: the kernel does. */
	const char *commands;

	/* Its processes and groups are those of another kernel. */
	bool guest;

	/* The plan of another process in a container that is there. */
	int (*compile_exec)(const struct compile_exec_options *options,
	                    const struct host_facts *facts, struct buf *ret, struct err *e);

	/* Leads the plan's process up to the point before user code. `box` is what a microVM
	 * is made of; NULL for what is no microVM, and for an exec. */
	int (*create)(const struct plan *plan, const struct launch_options *options,
	              const struct vm_box *box, struct launch *ret, struct err *e);

	/* Lets it execute. */
	int (*start)(const struct plan *plan, const struct launch_start *s, struct err *e);

	/* Ends the process of an exec with all of its process group, which it leads (setsid).
	 * `commands` is the connection that it was made with. */
	void (*kill_exec)(const struct launch *l, int commands);

	/* --- of a container that was found, perhaps ended: it says so where that matters --- */

	/* Of one that has ended: nobody. ret is empty before. */
	int (*list)(const struct found *f, struct arena *a, struct process_list *ret,
	            struct err *e);

	/* What counts it, open. *ret is closed before, and after a failure. */
	int (*meter)(const struct found *f, uint32_t wanted, struct meter *ret, struct err *e);

	/* To its first process, or to all. */
	int (*signal)(const struct found *f, int signo, bool all, struct err *e);

	/* All or nothing; of one that is not so already. */
	int (*freeze)(const struct found *f, bool frozen, struct err *e);

	/* All or nothing. The arena is for what lives as long as the call. */
	int (*update)(const struct found *f, const struct update_request *r, struct arena *a,
	              struct err *e);

	/* Its processes are gone: takes away what they have left in places of others, and warns of
	 * what stays. NULL: there can be nothing. */
	void (*clear)(const struct oci_config *config);

	/* Tells what of the host it needs is there. */
	void (*check_host)(struct host_report *report);
};

/* The backend of this name (state.json), NULL: unknown to this version. */
const struct backend *backend_find(const char *name);

/* That of a container. What died before its record was written, or was made by a version with
 * more of them, is on this host's kernel all the same. */
const struct backend *backend_of_record(const struct found *f);

/* check_host of all. */
void backends_check_host(struct host_report *report);

/* The one that a new container gets. */
const struct backend *backend_of(bool vm);
