/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the system calls of other processes, by ptrace(2): who may not load
 * tracing programs may still follow the processes of a user namespace of his own. A
 * process that is followed stops twice a call, and nobody else can trace it meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct seccomp_data;

struct follower {
	/* Whether a call is to fail with an errno (0: to return 0) instead of being made. */
	bool (*refuses)(void *context, const struct seccomp_data *call, int *ret_errno);
	/* A call that the kernel has answered with an error, and the path that it was given,
	 * maybe cut; NULL: none. */
	void (*failed)(void *context, const struct seccomp_data *call, uint32_t errno_value,
	               const char *path);
	void *context;
};

/* Whether this process may follow any, by trying with a child. */
bool follow_possible(void);

/* Follows a process from its next execve(2) on, with all that it starts. Its only thread
 * has to be in that call, held there by somebody. False: we may not, or it is followed. */
bool follow_begin(pid_t pid);

/* After a SIGCHLD: looks at all that have stopped, and lets them go on. They must have
 * been begun by this thread, which has no other children. */
void follow_serve(const struct follower *f);
