/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces of the monitor, and the empty folder that is its root.
 *
 * A map with more than one's own id has to be written from outside of the new namespace
 * (user_namespaces(7)), so a child that was made before waits until we are in it. The
 * guest's memory is not there yet, or not inherited (vm-sandbox/memory.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/jail.h"

enum { MAP_ROOM = 4096 }; /* the kernel takes a page: 340 lines at the most */

struct id_map {
	const char *file;
	char text[MAP_ROOM];
	size_t len;
};

/* --- ids ---------------------------------------------------------------------------------- */

/* Every id that we have stands for itself: our own map, with the inner ids on both sides. A
 * plain user may map one id, the own. The kernel's numbers are copied as words. */
static int identity_of(struct id_map *m, unsigned int own, bool all, struct err *e)
{
	char name[32], line[128];
	FILE *f;

	m->len = 0;
	if (!all) {
		m->len = (size_t)snprintf(m->text, MAP_ROOM, "%u %u 1\n", own, own);
		return 0;
	}
	(void)snprintf(name, sizeof(name), "/proc/self/%s", m->file);
	f = fopen(name, "re");
	if (!f)
		return err_sys(e, "open %s", name);
	while (fgets(line, sizeof(line), f) && m->len + sizeof(line) < MAP_ROOM) {
		char *rest, *inside = strtok_r(line, " \n", &rest);
		char *outside = strtok_r(NULL, " \n", &rest), *count = strtok_r(NULL, " \n", &rest);

		if (inside && outside && count)
			m->len += (size_t)snprintf(m->text + m->len, MAP_ROOM - m->len,
			                           "%s %s %s\n", inside, inside, count);
	}
	(void)fclose(f);
	return 0;
}

static bool put(int self, const char *file, const char *text, size_t len)
{
	FD int fd = openat(self, file, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, len) == (ssize_t)len;
}

/* The child: an errno. */
static int write_maps(int self, int go, const struct id_map maps[2], bool all)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		return ECANCELED;
	if (!all && !put(self, "setgroups", "deny", 4))
		return errno;
	for (int i = 0; i < 2; i++)
		if (!put(self, maps[i].file, maps[i].text, maps[i].len))
			return errno;
	return 0;
}

static int unshare_all(int go, struct err *e)
{
	const int flags =
		CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	if (unshare(flags) < 0)
		return err_sys(e, "make the monitor's namespaces");
	if (write(go, "", 1) != 1)
		return err_sys(e, "map the monitor's ids");
	return 0;
}

static int wait_for_maps(pid_t child, struct err *e)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "map the monitor's ids");
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return errno ? err_sys(e, "map the monitor's ids") : 0;
}

int jail_namespaces(struct err *e)
{
	struct err unused = { 0 };
	struct id_map maps[2] = { { .file = "uid_map" }, { .file = "gid_map" } };
	bool all = geteuid() == 0;
	FD int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int pair[2], result;
	pid_t child;

	if (self < 0)
		return err_sys(e, "open /proc/self");
	TRY(identity_of(&maps[0], geteuid(), all, e));
	TRY(identity_of(&maps[1], getegid(), all, e));
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	FD int go = pair[1];
	child = fork();
	if (child == 0) {
		(void)close(go);
		_exit(write_maps(self, pair[0], maps, all));
	}
	(void)close(pair[0]);
	if (child < 0)
		return err_sys(e, "fork");
	result = unshare_all(go, e);
	fd_drop(&go); /* a child that still waits ends */
	if (wait_for_maps(child, result < 0 ? &unused : e) < 0)
		return -1;
	return result;
}

/* --- files --------------------------------------------------------------------------------- */

/* A detached, read-only tmpfs without room for anything. */
static int empty_folder(struct err *e)
{
	const unsigned int flags =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	FD int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", "2", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, "make the monitor's empty root");
	FD int mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, flags);
	if (mount < 0)
		return err_sys(e, "mount the monitor's empty root");
	return fd_give(&mount);
}

int jail_root(struct err *e)
{
	FD int folder = empty_folder(e);

	TRY(folder);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "keep the monitor's mounts to itself");
	if (sys_move_mount(folder, "/", 0) < 0 || fchdir(folder) < 0)
		return err_sys(e, "enter the monitor's empty root");
	/* the old root comes to lie on the new one, and goes (pivot_root(2), "NOTES") */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "leave the host's root");
	return 0;
}

int jail_proc_fds(struct err *e)
{
	int fd = sys_open_tree(AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	return fd < 0 ? err_sys(e, "open_tree /proc/self/fd") : fd;
}
