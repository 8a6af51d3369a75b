/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"

/* Beyond RLIMIT_FSIZE a write ends in a signal, if that is not held back as main() does. */
static int write_failed(const char *kind, const char *what, struct err *e)
{
	err_sys(e, "write %s%s", kind, what);
	if (e->sys == EFBIG)
		err_hint(e, "the caller's limit on the size of a file (ulimit -f) is too low");
	return -1;
}

int fd_write_all(int fd, const void *data, size_t len, const char *what, struct err *e)
{
	const char *next = data;

	while (len > 0) {
		ssize_t n = write(fd, next, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return write_failed("", what, e);
		next += n;
		len -= (size_t)n;
	}
	return 0;
}

static int too_large(const char *what, size_t limit, struct err *e)
{
	return err_set(e, ERR_REFUSED, "%s is larger than the limit of %zu bytes", what, limit);
}

/* As much as fstat(2) promised, or less if the file has become shorter. */
static int read_size(int fd, size_t size, const char *what, struct buf *ret, struct err *e)
{
	char *to = buf_room(ret, size);

	TRY(buf_ok(ret, e));
	while (size > 0) {
		ssize_t n = read(fd, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read %s", what);
		if (n == 0)
			break;
		buf_used(ret, (size_t)n);
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

int fd_read_all(int fd, size_t limit, const char *what, struct buf *ret, struct err *e)
{
	char chunk[16384];
	size_t total = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read %s", what);
		if (n == 0)
			return buf_ok(ret, e);
		total += (size_t)n;
		if (total > limit)
			return too_large(what, limit, e);
		buf_add(ret, chunk, (size_t)n);
	}
}

int fd_read_file(int dir, const char *path, size_t limit, struct buf *ret, struct err *e)
{
	struct stat st;
	/* Not blocking: a fifo must not hold us before fstat sees that it is one. */
	FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "fstat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is not a regular file", path);
	if (st.st_size == 0) /* so says procfs of every file */
		return fd_read_all(fd, limit, path, ret, e);
	if ((uint64_t)st.st_size > limit)
		return too_large(path, limit, e);
	return read_size(fd, (size_t)st.st_size, path, ret, e);
}

/* name.tmp; -1 and ERR_KERNEL when that is too long for a path. */
static int replacement_name(const char *name, char *tmp, size_t room, struct err *e)
{
	if ((size_t)snprintf(tmp, room, "%s.tmp", name) < room)
		return 0;
	errno = ENAMETOOLONG;
	return err_sys(e, "open %s", name);
}

int fd_replace_begin(int dir, const char *name, mode_t mode, const void *data, size_t len,
                     struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	char tmp[PATH_MAX];

	TRY(replacement_name(name, tmp, sizeof(tmp), e));
	FD int fd = openat(dir, tmp, flags, mode);
	/* a killed command has left its own, or it is a fifo that would hold us */
	if (fd < 0 && errno == EEXIST && unlinkat(dir, tmp, 0) == 0)
		fd = openat(dir, tmp, flags, mode);
	if (fd < 0)
		return err_sys(e, "open %s", tmp);
	if (fd_write_all(fd, data, len, tmp, e) < 0) {
		(void)unlinkat(dir, tmp, 0);
		return -1;
	}
	return 0;
}

int fd_replace_end(int dir, const char *name, struct err *e)
{
	char tmp[PATH_MAX];

	TRY(replacement_name(name, tmp, sizeof(tmp), e));
	if (renameat(dir, tmp, dir, name) < 0) {
		err_sys(e, "rename %s to %s", tmp, name);
		(void)unlinkat(dir, tmp, 0);
		return -1;
	}
	return 0;
}

/* A device, or what a link of the system's leads to (/dev/stdout), is written to: no other file
 * can take its place. */
static bool is_written_to(int dir, const char *name)
{
	bool systems = strncmp(name, "/dev/", 5) == 0 || strncmp(name, "/proc/", 6) == 0;
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISCHR(st.st_mode) || (systems && S_ISLNK(st.st_mode)));
}

int fd_replace_file(int dir, const char *name, mode_t mode, const void *data, size_t len,
                    struct err *e)
{
	if (is_written_to(dir, name)) {
		FD int fd = openat(dir, name, O_WRONLY | O_NOCTTY | O_CLOEXEC);

		return fd < 0 ? err_sys(e, "open %s", name) : fd_write_all(fd, data, len, name, e);
	}
	TRY(fd_replace_begin(dir, name, mode, data, len, e));
	return fd_replace_end(dir, name, e);
}

int fd_sealed(const char *name, const void *data, size_t len, bool exec, struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	FD int fd = memfd_create(name, flags | (exec ? MFD_EXEC : MFD_NOEXEC_SEAL));

	if (fd < 0 && errno == EINVAL) /* before 6.3: neither flag is known */
		fd = memfd_create(name, flags);
	if (fd < 0)
		return err_sys(e, "memfd_create %s", name);

	/* pwrite leaves the offset at 0 for whoever reads it next */
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return write_failed("memfd ", name, e);
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return err_sys(e, "seal memfd %s", name);
	return fd_give(&fd);
}

int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds, struct err *e)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > FD_PASS_MAX)
		return err_set(e, ERR_BUG, "%zu descriptors in one packet", nfds);
	if (nfds > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * nfds);
		memset(control.bytes, 0, msg.msg_controllen);

		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nfds);
	}
	while (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return err_sys(e, "sendmsg");
	}
	return 0;
}

/* musl's macro mixes signs and alignments. */
static struct cmsghdr *next_control(struct msghdr *msg, struct cmsghdr *c)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wcast-align"
	return CMSG_NXTHDR(msg, c);
#pragma GCC diagnostic pop
}

/* Copies the received descriptors out; closes those that have no room. */
static void take_fds(struct msghdr *msg, int *fds, size_t room, size_t *got)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = next_control(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*got < room)
				fds[(*got)++] = fd;
			else
				(void)close(fd);
		}
	}
}

ssize_t fd_receive(int sock, void *data, size_t room, int *fds, size_t *nfds, struct err *e)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = room };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.bytes,
		              .msg_controllen = sizeof(control.bytes) };
	size_t fd_room = nfds ? *nfds : 0, got = 0;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "recvmsg");

	take_fds(&msg, fds, fd_room, &got);
	if (nfds)
		*nfds = got;
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < got; i++)
			fd_drop(&fds[i]); /* the caller may close them once more */
		if (nfds)
			*nfds = 0;
		return err_set(e, ERR_REFUSED, "a packet was longer than agreed");
	}
	return n;
}
