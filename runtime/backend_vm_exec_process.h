/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host process of an exec in a microVM: its caller waits for it, signals it and looks up
 * its group, as if it were the process in the guest, whose streams and end it passes on
 * (backend_vm_exec.h). To the command that has made it it speaks like caisson-init: READY,
 * START, and then the end of file or ERROR.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Standard input, output and error are the process's; a terminal is a slave that
 * vm_terminal_take() has taken. */
struct vm_exec_process {
	int launcher; /* the socket to the command */
	int monitor;  /* a connection to the thread beside the monitor */
	const struct plan *plan;
	size_t plan_len;
	const char *group; /* below the container's */
	bool plain_terminal;
};

/* To the thread, by the command that has made the connection: the guest's process is to be killed,
 * with its process group. Its host process is gone by then. */
void vm_exec_process_kill(int monitor);

/* Ends with the process's exit status; returns when it could not begin. */
void vm_exec_process_run(struct vm_exec_process *p, struct err *e);
