/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, removing and moving names. Each is one system call on the folder's descriptor
 * and a name of one component, so there is nothing for a race to lead elsewhere. What is
 * made belongs to the request's ids from the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/fs_internal.h"

enum { TARGET_MAX = 4095 };

/* Answers with the entry that was just made. */
static int answer_made(struct fs_call *c, const char *name)
{
	struct fs_inode *i;
	struct stat st;
	int failed = fs_find(c->fs, c->inode, name, &i, &st);

	return failed ? failed : fs_answer_entry(c, i, &st);
}

/* A device is a way around the host's rules for devices; 0:0 is overlayfs's mark for a
 * name that is not there any more, and opens nothing. */
static bool may_make(uint32_t mode, uint32_t device)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	case S_IFCHR:
		return device == 0;
	default:
		return false;
	}
}

int fs_op_mknod(struct fs_call *c)
{
	const struct fuse_mknod_in *in = fs_arg(c, sizeof(*in));
	const char *name = in ? fs_name(c) : NULL;
	int result;

	if (!name)
		return -EINVAL;
	if (!may_make(in->mode, in->rdev))
		return -EPERM;
	result = fs_creds_user(c->head.uid, c->head.gid);
	if (result == 0 && mknodat(c->inode->fd, name, in->mode & (S_IFMT | 07777), 0) < 0)
		result = fs_failed();
	fs_creds_back();
	return result ? result : answer_made(c, name);
}

int fs_op_mkdir(struct fs_call *c)
{
	const struct fuse_mkdir_in *in = fs_arg(c, sizeof(*in));
	const char *name = in ? fs_name(c) : NULL;
	int result;

	if (!name)
		return -EINVAL;
	result = fs_creds_user(c->head.uid, c->head.gid);
	if (result == 0 && mkdirat(c->inode->fd, name, in->mode & 07777) < 0)
		result = fs_failed();
	fs_creds_back();
	return result ? result : answer_made(c, name);
}

/* The target is the guest's text: nobody here follows it. */
int fs_op_symlink(struct fs_call *c)
{
	const char *name = fs_name(c);
	const char *target = name ? fs_text(c, TARGET_MAX) : NULL;
	int result;

	if (!target)
		return -EINVAL;
	result = fs_creds_user(c->head.uid, c->head.gid);
	if (result == 0 && symlinkat(target, c->inode->fd, name) < 0)
		result = fs_failed();
	fs_creds_back();
	return result ? result : answer_made(c, name);
}

/* linkat with AT_EMPTY_PATH would want a capability over the host. */
int fs_op_link(struct fs_call *c)
{
	const struct fuse_link_in *in = fs_arg(c, sizeof(*in));
	const char *name = in ? fs_name(c) : NULL;
	char old[FS_FD_ROOM];
	struct fs_inode *source;
	int result = 0;

	if (!name)
		return -EINVAL;
	source = fs_inode_get(c->fs, in->oldnodeid);
	if (!source)
		return -ESTALE;
	if (source->share != c->inode->share)
		result = -EXDEV;
	else if (linkat(c->fs->setup.proc_fds, fs_fd_name(source->fd, old), c->inode->fd, name,
	                AT_SYMLINK_FOLLOW) < 0)
		result = fs_failed();
	fs_inode_put(c->fs, source);
	return result ? result : answer_made(c, name);
}

static int remove_name(struct fs_call *c, int flags)
{
	const char *name = fs_name(c);

	if (!name)
		return -EINVAL;
	return unlinkat(c->inode->fd, name, flags) < 0 ? fs_failed() : 0;
}

int fs_op_unlink(struct fs_call *c)
{
	return remove_name(c, 0);
}

int fs_op_rmdir(struct fs_call *c)
{
	return remove_name(c, AT_REMOVEDIR);
}

static int move(struct fs_call *c, uint64_t to_id, uint32_t flags)
{
	const char *from = fs_name(c);
	const char *name = from ? fs_name(c) : NULL;
	struct fs_inode *to;
	int result = 0;

	if (!name || (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE)))
		return -EINVAL;
	to = fs_inode_get(c->fs, to_id);
	if (!to)
		return -ESTALE;
	if (to->share != c->inode->share)
		result = -EXDEV;
	else if (syscall(SYS_renameat2, c->inode->fd, from, to->fd, name, flags) < 0)
		result = fs_failed();
	fs_inode_put(c->fs, to);
	return result;
}

int fs_op_rename(struct fs_call *c)
{
	const struct fuse_rename_in *in = fs_arg(c, sizeof(*in));

	return in ? move(c, in->newdir, 0) : -EINVAL;
}

int fs_op_rename2(struct fs_call *c)
{
	const struct fuse_rename2_in *in = fs_arg(c, sizeof(*in));

	return in ? move(c, in->newdir, in->flags) : -EINVAL;
}

/* The reply to what makes a file and opens it: its entry, then the handle. */
static int answer_opened(struct fs_call *c, struct fs_inode *i, const struct stat *st, int fd)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} *out = fs_answer(c, sizeof(*out));
	uint64_t handle;
	int failed;

	if (!out) {
		(void)close(fd);
		failed = -EINVAL;
	} else {
		failed = fs_handle_add(c->fs, fd, false, i->share, &handle);
	}
	if (failed) {
		fs_inode_forget(c->fs, i->id, 1);
	} else {
		fs_fill_entry(c->inode, i, st, &out->entry);
		out->open.fh = handle;
	}
	fs_inode_put(c->fs, i);
	return failed;
}

/* The inode of a file that is open, by the very descriptor: its name may be another's. */
static int inode_of(const struct fs_call *c, int fd, struct fs_inode **ret, struct stat *st)
{
	char name[FS_FD_ROOM];
	int path = openat(c->fs->setup.proc_fds, fs_fd_name(fd, name), O_PATH | O_CLOEXEC);

	return path < 0 ? fs_failed() : fs_inode_add(c->fs, path, c->inode->share, ret, st);
}

static int make_file(struct fs_call *c, const char *name, uint32_t flags, uint32_t mode)
{
	int fd = fs_creds_user(c->head.uid, c->head.gid);

	if (fd == 0) {
		fd = sys_openat2(c->inode->fd, name,
		                 flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 07777,
		                 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
		if (fd < 0)
			fd = fs_failed();
	}
	fs_creds_back();
	return fd;
}

/* The flags of an open that are the guest's to choose. */
static uint32_t safe_flags(uint32_t flags)
{
	return flags & (O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_NOATIME);
}

/* What is there already is opened as fs_op_open would: not created anew, no fifo. */
static int open_existing(struct fs_call *c, const char *name, const struct fuse_create_in *in,
                         struct fs_inode **ret, struct stat *st)
{
	bool kill = in->open_flags & FUSE_OPEN_KILL_SUIDGID;
	int fd, failed = fs_find(c->fs, c->inode, name, ret, st);

	if (failed)
		return failed;
	fd = kill ? fs_creds_without_fsetid() : 0;
	if (fd == 0)
		fd = fs_inode_open(c->fs, *ret,
		                   (int)(safe_flags(in->flags) | (in->flags & O_TRUNC)));
	if (kill)
		fs_creds_back();
	if (fd >= 0 && fstat(fd, st) < 0) { /* it may have been cut */
		int saved = fs_failed();

		(void)close(fd);
		fd = saved;
	}
	if (fd < 0) {
		fs_inode_forget(c->fs, (*ret)->id, 1);
		fs_inode_put(c->fs, *ret);
	}
	return fd;
}

int fs_op_create(struct fs_call *c)
{
	const struct fuse_create_in *in = fs_arg(c, sizeof(*in));
	const char *name = in ? fs_name(c) : NULL;
	struct fs_inode *i;
	struct stat st;
	int fd, failed;

	if (!name)
		return -EINVAL;
	fd = make_file(c, name, safe_flags(in->flags), in->mode);
	if (fd == -EEXIST && !(in->flags & O_EXCL)) {
		fd = open_existing(c, name, in, &i, &st);
		return fd < 0 ? fd : answer_opened(c, i, &st, fd);
	}
	if (fd < 0)
		return fd;
	failed = inode_of(c, fd, &i, &st);
	if (failed) {
		(void)close(fd);
		return failed;
	}
	return answer_opened(c, i, &st, fd);
}

int fs_op_tmpfile(struct fs_call *c)
{
	const struct fuse_create_in *in = fs_arg(c, sizeof(*in));
	struct fs_inode *i;
	struct stat st;
	int fd, failed;

	if (!in)
		return -EINVAL;
	fd = fs_creds_user(c->head.uid, c->head.gid);
	if (fd == 0) {
		fd = sys_openat2(c->inode->fd, ".",
		                 safe_flags(in->flags) | (in->flags & O_EXCL) | O_TMPFILE |
		                         O_CLOEXEC,
		                 in->mode & 07777, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
		if (fd < 0)
			fd = fs_failed();
	}
	fs_creds_back();
	if (fd < 0)
		return fd;
	failed = inode_of(c, fd, &i, &st);
	if (failed) {
		(void)close(fd);
		return failed;
	}
	return answer_opened(c, i, &st, fd);
}
