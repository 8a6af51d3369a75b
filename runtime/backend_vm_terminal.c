/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"

#define PTMX "/dev/ptmx"

/* Bytes go through as they are, both ways. */
static int make_raw(int slave, struct err *e)
{
	struct termios t;

	if (tcgetattr(slave, &t) < 0)
		return err_sys(e, "process.terminal: tcgetattr");
	cfmakeraw(&t);
	if (tcsetattr(slave, TCSANOW, &t) < 0)
		return err_sys(e, "process.terminal: tcsetattr");
	return 0;
}

/* As init does it in the guest. */
static int set_size(const struct plan *plan, int slave, struct err *e)
{
	const struct plan_step *steps = plan_array(plan, plan->steps);
	struct winsize size = { 0 };

	for (uint32_t i = 0; i < plan->steps.count; i++) {
		if (steps[i].op != PLAN_TERMINAL)
			continue;
		size.ws_row = (uint16_t)steps[i].terminal.height;
		size.ws_col = (uint16_t)steps[i].terminal.width;
	}
	if ((size.ws_row || size.ws_col) && sys_ioctl(slave, TIOCSWINSZ, &size) < 0)
		return err_sys(e, "process.consoleSize: TIOCSWINSZ");
	return 0;
}

static int open_pair(int *master, int *slave, char name[32], struct err *e)
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	unsigned int number;
	int unlock = 0;

	*master = open(PTMX, flags);
	if (*master < 0)
		return err_sys(e, "process.terminal: open " PTMX);
	if (sys_ioctl(*master, TIOCSPTLCK, &unlock) < 0 ||
	    sys_ioctl(*master, TIOCGPTN, &number) < 0)
		return err_sys(e, "process.terminal: " PTMX);
	*slave = ioctl(*master, TIOCGPTPEER, flags | O_NONBLOCK);
	if (*slave < 0)
		return err_sys(e, "process.terminal: TIOCGPTPEER");
	(void)snprintf(name, 32, "/dev/pts/%u", number);
	return 0;
}

int vm_terminal_make(const struct plan *plan, const struct launch_events *events, int *ret_slave,
                     struct err *e)
{
	FD int master = -1;
	FD int slave = -1;
	char name[32];

	*ret_slave = -1;
	if (!plan->terminal)
		return 0;
	if (!events->console)
		return err_set(e, ERR_BUG, "process.terminal: there is nobody to take it");
	TRY(open_pair(&master, &slave, name, e));
	TRY(make_raw(slave, e));
	TRY(set_size(plan, slave, e));
	TRY(events->console(events->context, fd_give(&master), name, e));
	*ret_slave = fd_give(&slave);
	return 0;
}

int vm_terminal_take(int *slave, struct err *e)
{
	FD int fd = fd_give(slave);

	if (sys_ioctl(fd, TIOCSCTTY, NULL) < 0)
		return err_sys(e, "process.terminal: TIOCSCTTY");
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) < 0)
			return err_sys(e, "process.terminal: dup2");
	return 0;
}

struct vm_size vm_terminal_size(int slave)
{
	struct winsize size = { 0 };

	(void)ioctl(slave, TIOCGWINSZ, &size);
	return (struct vm_size){ .rows = size.ws_row, .columns = size.ws_col };
}
