/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/console.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/unix.h"

enum { CONSOLE_TIMEOUT_MS = 10000 };

int console_check(bool terminal, bool detached, const char *console_socket, struct err *e)
{
	/* both texts are runc's: callers know them */
	if (!terminal && console_socket)
		return err_set(e, ERR_USAGE,
		               "cannot use console socket if runc will not detach or allocate tty");
	if (terminal && detached && !console_socket) {
		err_set(e, ERR_USAGE,
		        "cannot allocate tty if runc will detach without setting console socket");
		return err_hint(e, "use --console-socket");
	}
	return 0;
}

int console_connect(const char *path, struct err *e)
{
	int sock = unix_connect(AT_FDCWD, path, SOCK_STREAM, CONSOLE_TIMEOUT_MS, e);

	return sock < 0 ? err_in(e, "console socket") : sock;
}

int console_hand_over(int sock, int master, const char *name, struct err *e)
{
	if (fd_send(sock, name, strlen(name), &master, 1, e) < 0)
		return err_in(e, "console socket");
	return 0;
}

void console_make_raw(struct console_raw *c)
{
	struct termios raw;

	c->raw = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &c->before) == 0;
	if (!c->raw)
		return;
	raw = c->before;
	cfmakeraw(&raw);
	raw.c_oflag = c->before.c_oflag;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void console_restore(struct console_raw *c)
{
	if (c->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &c->before);
	c->raw = false;
}

void console_resize(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

void console_attach(int master)
{
	struct termios pty;

	console_resize(master);
	if (tcgetattr(master, &pty) < 0)
		return;
	pty.c_oflag &= ~(tcflag_t)ONLCR;
	(void)tcsetattr(master, TCSANOW, &pty);
}
