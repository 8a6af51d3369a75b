/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a name in a folder, and what a file's attributes are. A descriptor with O_PATH
 * can be asked for them, but to be changed its file is named by the descriptor's number in
 * /proc/self/fd, which leads to that very file, whatever has become of its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/sys.h"
#include "vm-sandbox/fs_internal.h"

enum { BLOCK = 4096 };

void fs_fill_attr(const struct stat *st, struct fuse_attr *ret)
{
	*ret = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		/* new_encode_dev of linux/kdev_t.h */
		.rdev = (minor(st->st_rdev) & 0xff) | (major(st->st_rdev) & 0xfff) << 8 |
		        (minor(st->st_rdev) & ~0xffu) << 12,
		.blksize = BLOCK,
	};
}

static void fill_root(const struct fs *fs, struct stat *st)
{
	*st = (struct stat){
		.st_ino = FUSE_ROOT_ID,
		.st_mode = S_IFDIR | 0555,
		.st_nlink = 2 + fs->setup.share_count,
	};
}

static int get_stat(const struct fs *fs, const struct fs_inode *i, struct stat *st)
{
	if (!i->share) {
		fill_root(fs, st);
		return 0;
	}
	return fstatat(i->fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? fs_failed() : 0;
}

static int find_share(struct fs *fs, const char *name, struct fs_inode **ret, struct stat *st)
{
	for (unsigned int i = 0; i < fs->setup.share_count; i++) {
		const struct fs_share *share = &fs->setup.shares[i];
		int fd;

		if (strcmp(share->name, name) != 0)
			continue;
		fd = fcntl(share->fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? fs_failed() : fs_inode_add(fs, fd, share, ret, st);
	}
	return -ENOENT;
}

int fs_find(struct fs *fs, const struct fs_inode *parent, const char *name, struct fs_inode **ret,
            struct stat *st)
{
	int fd;

	if (parent->type != S_IFDIR)
		return -ENOTDIR;
	if (!parent->share)
		return find_share(fs, name, ret, st);
	fd = sys_openat2(parent->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0,
	                 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
	return fd < 0 ? fs_failed() : fs_inode_add(fs, fd, parent->share, ret, st);
}

static uint64_t seconds(const struct fs_inode *i)
{
	return i->share ? i->share->cache_seconds : 1;
}

/* Another mount begins below its parent as a mount does in the guest: its inode numbers
 * are its own. */
void fs_fill_entry(const struct fs_inode *parent, const struct fs_inode *i, const struct stat *st,
                   struct fuse_entry_out *ret)
{
	ret->nodeid = i->id;
	ret->entry_valid = ret->attr_valid = seconds(i);
	fs_fill_attr(st, &ret->attr);
	if (i->type == S_IFDIR && (parent->share != i->share || parent->mount != i->mount))
		ret->attr.flags = FUSE_ATTR_SUBMOUNT;
}

int fs_answer_entry(struct fs_call *c, struct fs_inode *i, const struct stat *st)
{
	struct fuse_entry_out *out = fs_answer(c, sizeof(*out));

	if (!out) { /* the guest will not know of it, so it has nothing to forget */
		fs_inode_forget(c->fs, i->id, 1);
		fs_inode_put(c->fs, i);
		return -EINVAL;
	}
	fs_fill_entry(c->inode, i, st, out);
	fs_inode_put(c->fs, i);
	return 0;
}

/* That a name is not there is an error, and no entry that the guest would keep for a while: who
 * makes it on the host, as a `cp` into a container does, uses it at once. */
int fs_op_lookup(struct fs_call *c)
{
	const char *name = fs_name(c);
	struct fs_inode *i;
	struct stat st;
	int failed;

	if (!name)
		return -EINVAL;
	failed = fs_find(c->fs, c->inode, name, &i, &st);
	return failed ? failed : fs_answer_entry(c, i, &st);
}

static int answer_attr(struct fs_call *c)
{
	struct fuse_attr_out *out = fs_answer(c, sizeof(*out));
	struct stat st;
	int failed = get_stat(c->fs, c->inode, &st);

	if (!out)
		return -EINVAL;
	if (failed)
		return failed;
	out->attr_valid = seconds(c->inode);
	fs_fill_attr(&st, &out->attr);
	return 0;
}

int fs_op_getattr(struct fs_call *c)
{
	return fs_arg(c, sizeof(struct fuse_getattr_in)) ? answer_attr(c) : -EINVAL;
}

static int set_owner(const struct fs_inode *i, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	return fchownat(i->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? fs_failed()
	                                                                              : 0;
}

static int set_size(struct fs_call *c, const struct fuse_setattr_in *in)
{
	struct fs_handle *h = NULL;
	int fd, result;

	if (in->valid & FATTR_FH) {
		h = fs_handle_get(c->fs, in->fh, false);
		if (!h)
			return -EBADF;
	}
	fd = h ? h->fd : fs_inode_open(c->fs, c->inode, O_WRONLY);
	result = fd < 0 ? fd : 0;
	if (result == 0 && (in->valid & FATTR_KILL_SUIDGID))
		result = fs_creds_without_fsetid();
	if (result == 0 && ftruncate(fd, (off_t)in->size) < 0)
		result = fs_failed();
	if (in->valid & FATTR_KILL_SUIDGID)
		fs_creds_back();
	if (h)
		fs_handle_put(c->fs, h);
	else
		scope_close(&fd);
	return result;
}

static struct timespec time_of(uint32_t valid, uint32_t set, uint32_t now, uint64_t seconds_set,
                               uint32_t nanoseconds)
{
	if (valid & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (valid & set)
		return (struct timespec){ (time_t)seconds_set, nanoseconds };
	return (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_times(const struct fs *fs, const struct fs_inode *i,
                     const struct fuse_setattr_in *in)
{
	char name[FS_FD_ROOM];
	struct timespec times[2] = {
		time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
	};

	return utimensat(fs->setup.proc_fds, fs_fd_name(i->fd, name), times, 0) < 0 ? fs_failed()
	                                                                            : 0;
}

static int set_mode(const struct fs *fs, const struct fs_inode *i, uint32_t mode)
{
	char name[FS_FD_ROOM];

	return fchmodat(fs->setup.proc_fds, fs_fd_name(i->fd, name), mode & 07777, 0) < 0
	               ? fs_failed()
	               : 0;
}

/* The owner before the mode, because a new owner takes set-id bits away. */
int fs_op_setattr(struct fs_call *c)
{
	struct fuse_setattr_in in;
	const void *at = fs_arg(c, sizeof(in));
	int failed = 0;

	if (!at)
		return -EINVAL;
	memcpy(&in, at, sizeof(in));
	if (in.valid & (FATTR_UID | FATTR_GID))
		failed = set_owner(c->inode, &in);
	if (!failed && (in.valid & FATTR_MODE))
		failed = set_mode(c->fs, c->inode, in.mode);
	if (!failed && (in.valid & FATTR_SIZE))
		failed = set_size(c, &in);
	if (!failed && (in.valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW)))
		failed = set_times(c->fs, c->inode, &in);
	return failed ? failed : answer_attr(c);
}

int fs_op_readlink(struct fs_call *c)
{
	size_t room = c->room < PATH_MAX ? c->room : PATH_MAX;
	ssize_t len;

	if (c->inode->type != S_IFLNK)
		return -EINVAL;
	len = readlinkat(c->inode->fd, "", (char *)c->reply, room);
	if (len < 0)
		return fs_failed();
	c->reply_len = (size_t)len;
	return 0;
}

int fs_op_statfs(struct fs_call *c)
{
	struct fuse_statfs_out *out = fs_answer(c, sizeof(*out));
	struct statvfs v = { .f_bsize = BLOCK, .f_frsize = BLOCK, .f_namemax = FS_NAME_MAX };

	if (!out)
		return -EINVAL;
	if (c->inode->share && fstatvfs(c->inode->fd, &v) < 0)
		return fs_failed();
	out->st = (struct fuse_kstatfs){
		.blocks = v.f_blocks,
		.bfree = v.f_bfree,
		.bavail = v.f_bavail,
		.files = v.f_files,
		.ffree = v.f_ffree,
		.bsize = (uint32_t)v.f_bsize,
		.namelen = (uint32_t)v.f_namemax,
		.frsize = (uint32_t)v.f_frsize,
	};
	return 0;
}
