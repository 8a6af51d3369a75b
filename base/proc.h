/* SPDX-License-Identifier: Apache-2.0 */
/* Processes by pidfd. A pid alone is never signalled: it may be another's by now. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* From /proc/PID/stat (proc(5)). */
struct proc_stat {
	uint64_t start_time; /* clock ticks after boot, field 22                     */
	uint64_t ignored;    /* signals 1 to 31 that it ignores, bit N-1; field 33   */
};

/* -1 and ERR_STATE when there is no such process or it is a zombie: both are dead
 * for us. */
MUST_CHECK int proc_stat(pid_t pid, struct proc_stat *ret, struct err *e);

/* Whether we are in a user namespace that is not the initial one, where every id
 * maps to itself: /proc/self/uid_map (user_namespaces(7)). */
bool proc_in_user_namespace(void);

/* A pidfd of the process that has this pid and this start time; -1 and ERR_STATE
 * when it is gone, a zombie, or the pid belongs to another process by now. */
MUST_CHECK int proc_open(pid_t pid, uint64_t start_time, struct err *e);

/* Since Linux 6.9 the inode of a pidfd is its process's alone, as long as the host runs; 0 if it
 * cannot be had. Before, all pidfds have the same one: proc_inodes_tell(). */
uint64_t proc_inode(int pidfd);
bool proc_inodes_tell(void);

/* Whether the process with that pid and that inode lives: as proc_open(), and cheaper. */
bool proc_lives(pid_t pid, uint64_t inode);

/* pidfd_send_signal(2); a process that is gone is ERR_STATE "container not running". */
MUST_CHECK int proc_signal(int pidfd, int signo, struct err *e);

/* Waits until the process has ended, at most timeout_ms (-1: for ever).
 * 1: it ended, 0: time is up. */
MUST_CHECK int proc_wait_end(int pidfd, int timeout_ms, struct err *e);

/* How a process that has ended did, though it is no child of ours: 1 and the status as of
 * proc_reap(), and the signal or 0. 0: its parent has reaped it, and the kernel does not
 * tell any more (before 6.15). */
int proc_ended(pid_t pid, uint64_t start_time, int pidfd, int *ret_status, int *ret_signal);

enum { PROC_STATUS_ROOM = 64 };

/* Says what proc_reap() returned: "exit status 3", or, where a signal may be meant,
 * "exit status 159 (bad system call)". */
void proc_status_text(int status, char ret[PROC_STATUS_ROOM]);

/* Calls the function in a child: what it changes of its process, namespaces say, is not ours.
 * Its result and error come back; a child that ends in the middle is ERR_KERNEL. */
typedef int proc_function(void *context, struct err *e);
MUST_CHECK int proc_in_child(proc_function *function, void *context, struct err *e);

/* Reaps a child by its pidfd: its exit status as a shell sees it (128 + signal). */
MUST_CHECK int proc_reap(int pidfd, struct err *e);
