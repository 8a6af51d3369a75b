/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errno in words. The words are glibc's with every libc: they are what people search
 * for and what engines match, and musl has its own for some. Those are listed here,
 * as far as a runtime can meet them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"

static const struct {
	int number;
	char words[44];
} special[] = {
	{ EIO, "input/output error" },
	{ ECHILD, "no child processes" },
	{ ENOMEM, "cannot allocate memory" },
	{ EBUSY, "device or resource busy" },
	{ EXDEV, "invalid cross-device link" },
	{ EMFILE, "too many open files" },
	{ ENOTTY, "inappropriate ioctl for device" },
	{ ESPIPE, "illegal seek" },
	{ EDOM, "numerical argument out of domain" },
	{ ERANGE, "numerical result out of range" },
	{ EDEADLK, "resource deadlock avoided" },
	{ ENAMETOOLONG, "file name too long" },
	{ ELOOP, "too many levels of symbolic links" },
	{ ETIME, "timer expired" },
	{ EOVERFLOW, "value too large for defined data type" },
	{ ELIBACC, "can not access a needed shared library" },
	{ ELIBBAD, "accessing a corrupted shared library" },
	{ EUSERS, "too many users" },
	{ ENOTSOCK, "socket operation on non-socket" },
	{ EMSGSIZE, "message too long" },
	{ EOPNOTSUPP, "operation not supported" },
	{ EADDRINUSE, "address already in use" },
	{ EADDRNOTAVAIL, "cannot assign requested address" },
	{ ENETUNREACH, "network is unreachable" },
	{ ECONNABORTED, "software caused connection abort" },
	{ EISCONN, "transport endpoint is already connected" },
	{ ENOTCONN, "transport endpoint is not connected" },
	{ ETOOMANYREFS, "too many references: cannot splice" },
	{ ETIMEDOUT, "connection timed out" },
	{ EHOSTUNREACH, "no route to host" },
	{ EINPROGRESS, "operation now in progress" },
	{ EUCLEAN, "structure needs cleaning" },
	{ EDQUOT, "disk quota exceeded" },
	{ EHWPOISON, "memory page has hardware error" },
};

const char *err_words(int sys)
{
	static __thread char words[96];

	for (size_t i = 0; i < LEN(special); i++) {
		if (special[i].number == sys)
			return special[i].words;
	}
	(void)snprintf(words, sizeof(words), "%s", strerror(sys));
	words[0] = (char)tolower((unsigned char)words[0]);
	return words;
}
