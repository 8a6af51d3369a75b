/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes from the container is hostile: a datagram is looked at for one line,
 * descriptors in it are dropped by the kernel because nobody asks for them, and what
 * goes to the manager is written here, not there. Only while the runtime waits is
 * there a socket at all; then senders are told that the connection is refused.
 */
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/unix.h"

enum { SEND_MS = 5000, BARRIER_MS = 30000, DATAGRAM_MAX = 4096, TAKEN_AT_ONCE = 64 };

static const char socket_name[] = NOTIFY_FOLDER "/notify.sock";

int notify_make_folder(int dir, struct err *e)
{
	/* of any user of the container; outside, only root passes through the record's */
	if (mkdirat(dir, NOTIFY_FOLDER, 0755) < 0 || fchmodat(dir, NOTIFY_FOLDER, 0755, 0) < 0)
		return err_sys(e, "make the folder %s", NOTIFY_FOLDER);
	return 0;
}

void notify_remove(int dir)
{
	(void)unlinkat(dir, socket_name, 0);
	(void)unlinkat(dir, NOTIFY_FOLDER, AT_REMOVEDIR);
}

int notify_listen(int dir, struct err *e)
{
	struct stat st;

	if (fstatat(dir, NOTIFY_FOLDER, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	/* of a `start` that failed or was killed */
	(void)unlinkat(dir, socket_name, 0);
	FD int sock = unix_bind(dir, socket_name, SOCK_DGRAM, e);
	if (sock < 0)
		return -1;
	if (fchmodat(dir, socket_name, 0777, 0) < 0)
		return err_sys(e, "fchmod socket %s", socket_name);
	return fd_give(&sock);
}

/* A path, or an abstract name behind '@'. */
static int connect_manager(const char *manager, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval timeout = { .tv_sec = SEND_MS / 1000 };
	size_t len = strlen(manager);

	if (manager[0] != '@')
		return unix_connect(AT_FDCWD, manager, SOCK_DGRAM, SEND_MS, e);
	if (len > sizeof(address.sun_path))
		return err_set(e, ERR_USAGE, "the name is too long");
	FD int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(e, "socket");
	memcpy(address.sun_path + 1, manager + 1, len - 1);
	(void)setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(sock, (const struct sockaddr *)&address,
	            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return err_sys(e, "connect");
	return fd_give(&sock);
}

static void warn_of(const char *manager, const struct err *e)
{
	log_warn("NOTIFY_SOCKET=%s: %s", manager, e->text);
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, line, len) == 0 && (text[len] == '\n' || text[len] == '\0'))
			return true;
	}
	return false;
}

/* Two datagrams, as runc sends them: whoever reads only the first sees what it waits for. */
static int tell_ready(int sock, pid_t pid, struct err *e)
{
	char main_pid[32];
	int len = snprintf(main_pid, sizeof(main_pid), "MAINPID=%d", pid);

	TRY(fd_send(sock, "READY=1", 7, NULL, 0, e));
	return fd_send(sock, main_pid, (size_t)len, NULL, 0, e);
}

bool notify_take(int sock, const char *manager, pid_t pid)
{
	char text[DATAGRAM_MAX + 1];
	struct err e = { 0 };
	bool ready = false;

	/* not for ever: whoever floods it is no reason not to look at anything else */
	for (int i = 0; i < TAKEN_AT_ONCE && !ready; i++) {
		ssize_t n = recv(sock, text, DATAGRAM_MAX, MSG_DONTWAIT);

		if (n < 0)
			return false;
		text[n] = '\0';
		ready = has_line(text, "READY=1");
	}
	if (!ready)
		return false;
	FD int out = connect_manager(manager, &e);
	if (out < 0 || tell_ready(out, pid, &e) < 0)
		warn_of(manager, &e);
	return true;
}

int notify_barrier(const char *manager)
{
	struct err e = { 0 };
	int ends[2];
	FD int out = connect_manager(manager, &e);

	if (out < 0)
		return -1; /* it has been said */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	FD int read_end = ends[0];
	FD int write_end = ends[1];
	if (fd_send(out, "BARRIER=1", 9, &write_end, 1, &e) < 0) {
		warn_of(manager, &e);
		return -1;
	}
	return fd_give(&read_end);
}

void notify_barrier_wait(int barrier, const char *manager, int limit_ms)
{
	struct pollfd poll_fd = { .fd = barrier, .events = POLLIN };
	int64_t deadline = clock_ms() + limit_ms;
	int result;

	do
		result = poll(&poll_fd, 1, (int)(deadline - clock_ms()));
	while (result < 0 && errno == EINTR && clock_ms() < deadline);
	if (result == 0)
		log_warn("NOTIFY_SOCKET=%s: no answer to BARRIER after %d s", manager,
		         limit_ms / 1000);
}

void notify_wait(int sock, const char *manager, pid_t pid, int pidfd)
{
	struct pollfd fds[] = { { .fd = sock, .events = POLLIN },
		                { .fd = pidfd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, LEN(fds), -1) < 0 && errno != EINTR)
			return;
		/* the last word of a process that has ended counts, too */
		if (fds[0].revents && notify_take(sock, manager, pid))
			break;
		if (fds[1].revents && !fds[0].revents)
			return;
	}
	FD int barrier = notify_barrier(manager);
	if (barrier >= 0)
		notify_barrier_wait(barrier, manager, BARRIER_MS);
}
