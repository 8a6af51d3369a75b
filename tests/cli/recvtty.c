/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recvtty SOCKET: the side of an engine that receives a container's terminal. It
 * listens on SOCKET, takes one connection and from it one message (the terminal's
 * name and its master as a descriptor), prints "tty NAME", then copies stdin to the
 * terminal and the terminal to stdout until the last process has left it. The end
 * of stdin ends nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "recvtty: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int accept_one(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener, connection;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		die(path);
	/* cppcheck-suppress nullPointer ; accept4(2) takes NULL */
	connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		die("accept");
	(void)close(listener);
	return connection;
}

/* The terminal's master; its name goes to `name`. */
static int receive(int connection, char *name, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { .iov_base = name, .iov_len = size - 1 };
	struct msghdr message = { .msg_iov = &data,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *c;
	ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	int master;

	if (got < 0)
		die("recvmsg");
	name[got] = '\0';
	c = CMSG_FIRSTHDR(&message);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int))) {
		errno = EBADMSG;
		die("no descriptor in the message");
	}
	memcpy(&master, CMSG_DATA(c), sizeof(master));
	return master;
}

/* Copies what is there. 0 at the end; a terminal without processes answers EIO. */
static int copy(int from, int to)
{
	char buffer[4096];
	ssize_t got = read(from, buffer, sizeof(buffer)), put;

	for (ssize_t at = 0; at < got; at += put) {
		put = write(to, buffer + at, (size_t)(got - at));
		if (put < 0)
			die("write");
	}
	return got > 0;
}

int main(int argc, char **argv)
{
	char name[4096];
	int master;
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };

	if (argc != 2) {
		fputs("usage: recvtty SOCKET\n", stderr);
		return 2;
	}
	master = receive(accept_one(argv[1]), name, sizeof(name));
	printf("tty %s\n", name);
	fflush(stdout);
	fds[1].fd = master;
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[0].revents && !copy(STDIN_FILENO, master))
			fds[0].fd = -1;
		if (fds[1].revents && !copy(master, STDOUT_FILENO))
			return 0;
	}
}
