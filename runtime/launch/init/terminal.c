/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's terminal. The pty comes from the container's own devpts, checked
 * to be one; its slave is opened through the master (TIOCGPTPEER, ioctl_tty(2)), so
 * no name in /dev/pts is believed. /dev/console is made with O_EXCL's rule (a
 * node or plain file that is there already serves, a link does not) and the slave
 * is bound on it. The master goes to the launcher; the slave becomes stdio and the
 * controlling terminal of the session that init has led since it started.
 */
#include <asm/ioctls.h>
#include <asm/termios.h>
#include <linux/magic.h>

#include "runtime/launch/init/init.h"
#include "runtime/launch/init/mountapi.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/target.h"

enum {
	PTS_MAJOR_FIRST = 136, /* linux/major.h: UNIX98_PTY_SLAVE_MAJOR, 8 of them */
	PTS_MAJOR_LAST = 143,
	CONSOLE_MODE = 0600,
	NAME_ROOM = 24,
};

#define PTMX    "/dev/pts/ptmx"
#define CONSOLE "/dev/console"

static int open_master(void)
{
	int pts = (int)must(sys_openat2(AT_FDCWD, "/dev/pts", O_PATH | O_DIRECTORY,
	                                RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
	                    CALL_OPEN, "/dev/pts");
	struct statfs fs;

	must(sys_fstatfs(pts, &fs), CALL_STAT, "/dev/pts");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		fail(CHECK_FILESYSTEM, 0, "/dev/pts");
	return (int)must(sys_openat2(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW,
	                             RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS),
	                 CALL_OPEN, PTMX);
}

/* ret_name: "/dev/pts/N". */
static int open_slave(int master, char *ret_name)
{
	const int unlock = 0;
	unsigned int number = 0, major;
	struct text t = text_in(ret_name, NAME_ROOM);
	struct stat st;
	int slave;

	must(sys_ioctl(master, TIOCSPTLCK, &unlock), CALL_IOCTL, PTMX);
	must(sys_ioctl(master, TIOCGPTN, &number), CALL_IOCTL, PTMX);
	slave = (int)must(sys_ioctl(master, TIOCGPTPEER,
	                            (const void *)(uintptr_t)(O_RDWR | O_NOCTTY | O_CLOEXEC)),
	                  CALL_IOCTL, PTMX);
	must(sys_fstat(slave, &st), CALL_STAT, PTMX);
	major = (unsigned int)(st.st_rdev >> 8) & 0xfff;
	if (!S_ISCHR(st.st_mode) || major < PTS_MAJOR_FIRST || major > PTS_MAJOR_LAST)
		fail(CHECK_READ_BACK, 0, PTMX);
	text_add(&t, "/dev/pts/");
	text_add_number(&t, number);
	return slave;
}

static void bind_console(int slave)
{
	const char *name;
	int folder = target_parent(CONSOLE, &name), place, tree;
	long made = sys_mknodat(folder, name, S_IFREG | CONSOLE_MODE, 0);
	struct stat st;

	if (made != -EEXIST)
		must(made, CALL_MKNOD, CONSOLE);
	place = (int)must(sys_openat2(folder, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS),
	                  CALL_OPEN, CONSOLE);
	must(sys_fstat(place, &st), CALL_STAT, CONSOLE);
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		fail(CALL_MKNOD, EEXIST, CONSOLE);
	tree = mount_clone(slave, 0, CONSOLE);
	mount_set(tree, 0, 0, SYS_MS_PRIVATE, 0, CONSOLE);
	mount_attach(tree, place, CONSOLE);
}

void step_terminal(const struct plan_step *step)
{
	struct winsize size = {
		.ws_row = (uint16_t)step->terminal.height,
		.ws_col = (uint16_t)step->terminal.width,
	};
	char name[NAME_ROOM];
	int master = open_master(), slave = open_slave(master, name);

	must(sys_fchownat(slave, "", step->terminal.uid, UINT32_MAX, AT_EMPTY_PATH), CALL_CHOWN,
	     name);
	if (size.ws_row || size.ws_col)
		must(sys_ioctl(slave, TIOCSWINSZ, &size), CALL_IOCTL, name);
	if (step->terminal.console)
		bind_console(slave);
	report_send(FRAME_CONSOLE, 0, name, master);
	must(sys_ioctl(slave, TIOCSCTTY, NULL), CALL_IOCTL, name);
	for (int fd = 0; fd <= 2; fd++)
		must(sys_dup3(slave, fd, 0), CALL_DUP, name);
}
