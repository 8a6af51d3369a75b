/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) for the process in a container: it gets a socket of its own, in a
 * folder of the container's record that is mounted read-only into it. While the
 * runtime waits, it tells the service manager of READY=1, with the pid that the
 * manager knows (MAINPID), and of nothing else that is sent there.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Where the process finds it. */
#define NOTIFY_FOLDER_INSIDE "/run/notify"
#define NOTIFY_VARIABLE      "NOTIFY_SOCKET=" NOTIFY_FOLDER_INSIDE "/notify.sock"
/* The folder's name in the record. */
#define NOTIFY_FOLDER "notify"

/* Makes the folder in the record at `dir`; it exists before the container is built. */
MUST_CHECK int notify_make_folder(int dir, struct err *e);

/* The socket; -1 when the container has none, or with e->kind set. */
int notify_listen(int dir, struct err *e);

/* Takes what has been sent. true: READY=1 was among it and has been relayed to `manager`
 * ($NOTIFY_SOCKET). Failing to relay it is warned of: the container runs all the same. */
bool notify_take(int sock, const char *manager, pid_t pid);

/* sd_notify_barrier(3): the manager closes its end of a pipe when it has read all that was
 * sent before. Our end, which is readable then; -1 where that cannot be had. */
int notify_barrier(const char *manager);

enum { NOTIFY_END_MS = 5000 }; /* for a `run` that could end */

/* Warns when there is no answer in time. */
void notify_barrier_wait(int barrier, const char *manager, int limit_ms);

/* Waits until the process has told that it is ready, or has ended; then until the
 * manager has taken notice (BARRIER), at most half a minute. */
void notify_wait(int sock, const char *manager, pid_t pid, int pidfd);

/* Takes the folder and what is in it away. */
void notify_remove(int dir);
