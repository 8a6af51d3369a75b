/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's first process executes, and a container sees as /proc/PID/exe, is a
 * memory file of ours, sealed against writing (CVE-2019-5736).
 *
 * Where the sysctl vm.memfd_noexec forbids to execute such files, the installed program is
 * used instead: the same bytes, or none at all. It is executed through a clone of its mount
 * that is attached nowhere and read-only. When the last descriptor of the clone is closed,
 * which the execve does, it stays what it is for ever: mount_setattr(2) takes none that is
 * not mounted.
 */
#include "runtime/launch/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "base/sys.h"

extern const char init_image[], init_image_end[];

/* PREFIX/libexec/caisson/caisson-init, where PREFIX/bin/caisson is our own file. */
static int installed_path(char ret[PATH_MAX], struct err *e)
{
	static const char below[] = "libexec/caisson/caisson-init";
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (n < 0)
		return err_sys(e, "readlink /proc/self/exe");
	own[n] = '\0';
	for (int parts = 0; parts < 2; parts++) {
		char *slash = strrchr(own, '/');

		if (slash)
			*slash = '\0';
	}
	n = snprintf(ret, PATH_MAX, "%s/%s", own, below);
	return n < PATH_MAX ? 0 : err_set(e, ERR_KERNEL, "%s: too long a path", own);
}

/* The bytes are those that we carry, and nobody else can change them. */
static int check_installed(int fd, const char *path, struct err *e)
{
	size_t len = (size_t)(init_image_end - init_image);
	BUF struct buf there = { 0 };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "fstat %s", path);
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, ERR_REFUSED,
		               "%s: not a file that only its owner, root, may write", path);
	if ((size_t)st.st_size == len)
		TRY(fd_read_all(fd, len, path, &there, e));
	if (!there.data || there.len != len || memcmp(there.data, init_image, len) != 0)
		return err_set(e, ERR_REFUSED, "%s: belongs to another build of this program",
		               path);
	return 0;
}

static int open_installed(struct err *e)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE };
	char path[PATH_MAX];

	TRY(installed_path(path, e));
	FD int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return err_sys(e, "open %s", path);
	TRY(check_installed(file, path, e));

	FD int clone = sys_open_tree(file, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone < 0)
		return err_sys(e, "open_tree %s", path);
	if (sys_mount_setattr(clone, "", AT_EMPTY_PATH, &readonly) < 0)
		return err_sys(e, "mount_setattr %s", path);
	return fd_give(&clone);
}

int image_open(struct err *e)
{
	int fd = fd_sealed("caisson-init", init_image, (size_t)(init_image_end - init_image), true,
	                   e);

	if (fd >= 0 || e->sys != EACCES)
		return fd;
	*e = (struct err){ 0 };
	fd = open_installed(e);
	if (fd >= 0)
		return fd;
	err_in(e, "sysctl vm.memfd_noexec forbids executable memory files, and in their place");
	return err_hint(e, "install caisson with its libexec folder, or lower the sysctl");
}
