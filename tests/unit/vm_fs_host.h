/* SPDX-License-Identifier: Apache-2.0 */
/* The steps by system calls, on a folder of the host. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/scope.h"
#include "tests/unit/vm_fs_steps.h"

static int host = -1; /* the folder */

/* What a step left beside its errno: data, attributes. */
struct outcome {
	int64_t result;
	char text[4200];
};

static int64_t errno_of(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void describe(const struct stat *st, char *text, size_t room)
{
	snprintf(text, room, "mode %o nlink %u uid %u gid %u size %lld rdev %llu", st->st_mode,
	         (unsigned int)st->st_nlink, st->st_uid, st->st_gid,
	         S_ISDIR(st->st_mode) ? 0ll : (long long)st->st_size,
	         (unsigned long long)st->st_rdev);
}

static int64_t host_file(const struct step *s, struct outcome *o)
{
	int flags = s->op == READ || s->op == HOLE || s->op == SYNC ? O_RDONLY : O_WRONLY;
	FD int fd = openat(host, s->path, flags | (s->op == APPEND ? O_APPEND : 0) | O_CLOEXEC);
	FD int other = -1;
	off_t at = (off_t)s->m, zero = 0;

	if (fd < 0)
		return -errno;
	switch (s->op) {
	case READ:
		return errno_of(pread(fd, o->text, s->n, at));
	case APPEND:
		return errno_of(pwrite(fd, s->other, strlen(s->other), 0));
	case HOLE:
		return errno_of(lseek(fd, (off_t)s->n, (int)s->m));
	case ALLOCATE:
		return errno_of(fallocate(fd, (int)s->m, 0, (off_t)s->n));
	case PUNCH:
		return errno_of(
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)s->n));
	case SYNC:
		return errno_of(fsync(fd));
	case COPY:
		other = openat(host, s->path, O_RDONLY | O_CLOEXEC);
		fd_drop(&fd);
		fd = openat(host, s->other, O_WRONLY | O_CLOEXEC);
		return errno_of(copy_file_range(other, &at, fd, &zero, s->n, 0));
	default:
		return errno_of(pwrite(fd, s->other, strlen(s->other), at));
	}
}

static int64_t host_xattr(const struct step *s, struct outcome *o)
{
	static const char value[4096] = "value";
	FD int fd = openat(host, s->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	switch (s->op) {
	case GETXATTR:
		return errno_of(fgetxattr(fd, s->other, o->text, s->n));
	case REMOVEXATTR:
		return errno_of(fremovexattr(fd, s->other));
	default:
		return errno_of(fsetxattr(fd, s->other, value, s->n,
		                          s->op == XATTR_NEW ? XATTR_CREATE : 0));
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, in one line. */
static void join(char **names, size_t count, char *text, size_t room)
{
	size_t len = 0;

	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(text + len, room - len, "%s ", names[i]);
		free(names[i]);
	}
}

static int64_t host_list(const struct step *s, struct outcome *o)
{
	char *names[64];
	size_t count = 0;
	int fd = openat(host, s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	for (struct dirent *d = readdir(dir); d && s->op == LIST; d = readdir(dir))
		names[count++] = strdup(d->d_name);
	closedir(dir);
	join(names, count, o->text, sizeof(o->text));
	return (int64_t)count;
}

static int64_t host_make(const struct step *s)
{
	static const int flags[] = { O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC };
	char path[64];
	int fd;

	if (s->op == TMPFILE) {
		fd = openat(host, s->path, O_TMPFILE | O_RDWR | O_CLOEXEC, (mode_t)s->n);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (fd >= 0 && (pwrite(fd, "temporary", 9, 0) != 9 ||
		                linkat(AT_FDCWD, path, host, s->other, AT_SYMLINK_FOLLOW) < 0)) {
			close(fd);
			return -errno;
		}
	} else {
		fd = openat(host, s->path, O_WRONLY | flags[s->op - CREATE] | O_CLOEXEC,
		            (mode_t)s->n);
	}
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int64_t host_attr(const struct step *s, struct outcome *o)
{
	struct timespec times[2] = { { (time_t)s->n, 5 }, { (time_t)s->m, 6 } };
	struct statvfs v;
	struct stat st;
	int64_t result;

	switch (s->op) {
	case CHMOD:
		return errno_of(fchmodat(host, s->path, (mode_t)s->n, AT_SYMLINK_NOFOLLOW));
	case CHOWN:
		return errno_of(
			fchownat(host, s->path, (uid_t)s->n, (gid_t)s->m, AT_SYMLINK_NOFOLLOW));
	case TIMES:
		return errno_of(utimensat(host, s->path, times, AT_SYMLINK_NOFOLLOW));
	case STATFS:
		result = errno_of(fstatvfs(host, &v));
		snprintf(o->text, sizeof(o->text), "%lu %lu %lu", v.f_bsize, v.f_blocks,
		         v.f_namemax);
		return result;
	default:
		result = errno_of(fstatat(host, s->path, &st, AT_SYMLINK_NOFOLLOW));
		if (result == 0)
			describe(&st, o->text, sizeof(o->text));
		return result;
	}
}

static int64_t host_truncate(const struct step *s)
{
	FD int fd = openat(host, s->path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : errno_of(ftruncate(fd, (off_t)s->n));
}

static int64_t on_host(const struct step *s, struct outcome *o)
{
	switch (s->op) {
	case MKDIR:
		return errno_of(mkdirat(host, s->path, (mode_t)s->n));
	case MKNOD:
		return errno_of(mknodat(host, s->path, (mode_t)s->n, 0));
	case CREATE:
	case CREATE_EXCL:
	case CREATE_TRUNC:
	case TMPFILE:
		return host_make(s);
	case SYMLINK:
		return errno_of(symlinkat(s->other, host, s->path));
	case LINK:
		return errno_of(linkat(host, s->path, host, s->other, 0));
	case UNLINK:
		return errno_of(unlinkat(host, s->path, 0));
	case RMDIR:
		return errno_of(unlinkat(host, s->path, AT_REMOVEDIR));
	case RENAME:
	case RENAME_NEW:
	case RENAME_SWAP:
	case RENAME_BAD:
		return errno_of(renameat2(host, s->path, host, s->other,
		                          s->op == RENAME_BAD ? 8u : (unsigned int)s->op - RENAME));
	case READLINK:
		return errno_of(readlinkat(host, s->path, o->text, sizeof(o->text)));
	case TRUNCATE:
		return host_truncate(s);
	case OPEN_DIR:
	case LIST:
		return host_list(s, o);
	case SETXATTR:
	case XATTR_NEW:
	case GETXATTR:
	case REMOVEXATTR:
		return host_xattr(s, o);
	case CHMOD:
	case CHOWN:
	case TIMES:
	case STAT:
	case STATFS:
		return host_attr(s, o);
	default:
		return host_file(s, o);
	}
}
