/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scoped resources: what a block opens is released where the block ends, or
 * given away with a *_give call. Cleaners keep errno and accept the clean value.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* An int that holds an fd; start it at -1. */
#define FD __attribute__((cleanup(scope_close)))
/* A pointer from malloc; start it at NULL. */
#define FREE __attribute__((cleanup(scope_free)))

static inline void scope_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

/* Hands the fd to the caller, whose scope it now is. */
static inline int fd_give(int *fd)
{
	int given = *fd;

	*fd = -1;
	return given;
}

/* Closes the fd now and marks it as closed. */
static inline void fd_drop(int *fd)
{
	scope_close(fd);
	*fd = -1;
}

static inline void scope_free(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
