/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and passing descriptors. Every fd made here is close-on-exec. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Writes all of data; retries EINTR and short writes. `what` names it in errors. */
MUST_CHECK int fd_write_all(int fd, const void *data, size_t len, const char *what, struct err *e);

/* Appends what fd holds until its end; more than `limit` bytes is ERR_REFUSED. */
MUST_CHECK int fd_read_all(int fd, size_t limit, const char *what, struct buf *ret, struct err *e);

/* Opens, reads and closes a regular file; a fifo, device or folder is ERR_REFUSED. */
MUST_CHECK int fd_read_file(int dir, const char *path, size_t limit, struct buf *ret,
                            struct err *e);

/* Replaces dir/name in one step: writes dir/name.tmp, then renames it. No fsync:
 * a crash of the host ends all containers, and the boot id in the state tells. A device, or
 * what a link below /dev or /proc leads to, is written to instead. */
MUST_CHECK int fd_replace_file(int dir, const char *name, mode_t mode, const void *data, size_t len,
                               struct err *e);

/* The same in two steps: the content is written at a moment that suits, and takes
 * the name at the one that counts. */
MUST_CHECK int fd_replace_begin(int dir, const char *name, mode_t mode, const void *data,
                                size_t len, struct err *e);
MUST_CHECK int fd_replace_end(int dir, const char *name, struct err *e);

/* A memfd with this content, sealed against writing, growing and shrinking, with
 * its offset at 0. `exec` makes it executable, as vm.memfd_noexec wants it said. */
MUST_CHECK int fd_sealed(const char *name, const void *data, size_t len, bool exec, struct err *e);

enum { FD_PASS_MAX = 253 }; /* SCM_MAX_FD, unix(7) */

/* Sends one packet with nfds descriptors (0 to FD_PASS_MAX); never raises SIGPIPE. */
MUST_CHECK int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds,
                       struct err *e);

/* Receives one packet: its length, or 0 at the peer's end. *nfds is the room in
 * fds, then the number received; fds beyond the room are closed by the kernel and
 * reported as an error, so nothing is leaked. */
MUST_CHECK ssize_t fd_receive(int sock, void *data, size_t room, int *fds, size_t *nfds,
                              struct err *e);
