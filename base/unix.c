/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/scope.h"

int unix_connect(int dir, const char *path, int type, int timeout_ms, struct err *e)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000,
		                   .tv_usec = (timeout_ms % 1000) * 1000L };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	FD int file = openat(dir, path, O_PATH | O_CLOEXEC);
	FD int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (file < 0)
		return err_sys(e, "open socket %s", path);
	if (sock < 0)
		return err_sys(e, "socket");
	(void)setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == EAGAIN)
			return err_set(e, ERR_STATE, "connect to %s: nobody accepts the connection",
			               path);
		return err_sys(e, "connect to %s", path);
	}
	return fd_give(&sock);
}

int unix_bind(int dir, const char *name, int type, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	FD int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, "socket");
	/* the socket file takes its mode from the open socket, less the umask */
	if (fchmod(sock, 0600) < 0)
		return err_sys(e, "fchmod socket %s", name);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
	               name);
	if (bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(e, "bind socket %s", name);
	return fd_give(&sock);
}

int unix_listen(int dir, const char *name, int type, struct err *e)
{
	FD int sock = unix_bind(dir, name, type, e);

	if (sock < 0)
		return -1;
	if (listen(sock, 4) < 0)
		return err_sys(e, "listen on socket %s", name);
	return fd_give(&sock);
}
