/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inodes that the guest knows. One file is one inode, however it was found: by its
 * device, number and mount. Those cannot become another file's while the descriptor is
 * held, so no generation of the host's file system is needed.
 *
 * An inode is freed when the guest has forgotten it and no request uses it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "vm-sandbox/fs_internal.h"

const char *fs_fd_name(int fd, char room[FS_FD_ROOM])
{
	(void)snprintf(room, FS_FD_ROOM, "%d", fd);
	return room;
}

static struct fs_inode **bucket_of(struct fs *fs, uint64_t dev, uint64_t ino)
{
	return &fs->bucket[(ino ^ ino >> 13 ^ dev * 31) % FS_BUCKETS];
}

struct fs_inode *fs_inode_get(struct fs *fs, uint64_t id)
{
	struct fs_inode *i;

	(void)pthread_mutex_lock(&fs->lock);
	i = id == FUSE_ROOT_ID ? &fs->root : fs_table_get(&fs->inodes, id);
	if (i)
		i->users++;
	(void)pthread_mutex_unlock(&fs->lock);
	return i;
}

/* With the lock held. */
static void free_unused(struct fs *fs, struct fs_inode *i)
{
	struct fs_inode **at;

	if (i == &fs->root || i->users > 0 || i->lookups > 0)
		return;
	at = bucket_of(fs, i->dev, i->ino);
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	fs_table_drop(&fs->inodes, i->slot);
	(void)close(i->fd);
	free(i);
}

void fs_inode_put(struct fs *fs, struct fs_inode *i)
{
	if (!i)
		return;
	(void)pthread_mutex_lock(&fs->lock);
	i->users--;
	free_unused(fs, i);
	(void)pthread_mutex_unlock(&fs->lock);
}

void fs_inode_forget(struct fs *fs, uint64_t id, uint64_t lookups)
{
	struct fs_inode *i;

	(void)pthread_mutex_lock(&fs->lock);
	i = fs_table_get(&fs->inodes, id);
	if (i) {
		i->lookups -= lookups < i->lookups ? lookups : i->lookups;
		free_unused(fs, i);
	}
	(void)pthread_mutex_unlock(&fs->lock);
}

void fs_inode_forget_all(struct fs *fs)
{
	(void)pthread_mutex_lock(&fs->lock);
	for (uint32_t n = 0; n < fs->inodes.room; n++) {
		struct fs_inode *i = fs->inodes.slot[n].object;

		if (!i)
			continue;
		i->lookups = 0;
		free_unused(fs, i);
	}
	(void)pthread_mutex_unlock(&fs->lock);
}

static struct fs_inode *known(struct fs *fs, const struct fs_inode *like)
{
	struct fs_inode *i = *bucket_of(fs, like->dev, like->ino);

	while (i && (i->dev != like->dev || i->ino != like->ino || i->mount != like->mount ||
	             i->share != like->share))
		i = i->next;
	return i;
}

/* With the lock held; takes the descriptor of `like` over only when it is a new inode. */
static int add(struct fs *fs, const struct fs_inode *like, struct fs_inode **ret)
{
	struct fs_inode *i = known(fs, like), **bucket;
	int failed;

	if (i) {
		i->lookups++;
		i->users++;
		*ret = i;
		return 0;
	}
	i = malloc(sizeof(*i));
	if (!i)
		return -ENOMEM;
	*i = *like;
	failed = fs_table_add(&fs->inodes, i, &i->slot, &i->id);
	if (failed) {
		free(i);
		return failed;
	}
	bucket = bucket_of(fs, i->dev, i->ino);
	i->next = *bucket;
	*bucket = i;
	i->lookups = i->users = 1;
	*ret = i;
	return 1;
}

static void fill_stat(const struct statx *x, struct stat *st)
{
	*st = (struct stat){
		.st_dev = makedev(x->stx_dev_major, x->stx_dev_minor),
		.st_ino = x->stx_ino,
		.st_mode = x->stx_mode,
		.st_nlink = x->stx_nlink,
		.st_uid = x->stx_uid,
		.st_gid = x->stx_gid,
		.st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
		.st_size = (off_t)x->stx_size,
		.st_blksize = (blksize_t)x->stx_blksize,
		.st_blocks = (blkcnt_t)x->stx_blocks,
		.st_atim = { x->stx_atime.tv_sec, x->stx_atime.tv_nsec },
		.st_mtim = { x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec },
		.st_ctim = { x->stx_ctime.tv_sec, x->stx_ctime.tv_nsec },
	};
}

int fs_inode_add(struct fs *fs, int taken_fd, const struct fs_share *share, struct fs_inode **ret,
                 struct stat *st)
{
	FD int fd = taken_fd;
	struct fs_inode like = { .share = share };
	struct statx x;
	int added;

	/* musl has no function for it */
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
	            STATX_BASIC_STATS | STATX_MNT_ID, &x) < 0)
		return fs_failed();
	fill_stat(&x, st);
	like.fd = fd;
	like.dev = st->st_dev;
	like.ino = st->st_ino;
	like.mount = x.stx_mnt_id;
	like.type = st->st_mode & S_IFMT;
	(void)pthread_mutex_lock(&fs->lock);
	added = add(fs, &like, ret);
	(void)pthread_mutex_unlock(&fs->lock);
	if (added > 0)
		(void)fd_give(&fd);
	return added < 0 ? added : 0;
}

int fs_inode_open(const struct fs *fs, const struct fs_inode *i, int flags)
{
	char name[FS_FD_ROOM];
	int fd;

	if (i->type != S_IFREG && i->type != S_IFDIR)
		return i->type == S_IFLNK ? -ELOOP : -ENXIO;
	fd = openat(fs->setup.proc_fds, fs_fd_name(i->fd, name),
	            (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? fs_failed() : fd;
}

bool fs_inode_unchanged(struct fs *fs, struct fs_inode *i, int fd)
{
	struct fs_version *old = &i->opened, is;
	struct timespec now;
	struct stat st;
	bool same;

	/* in this order: what changes after the clock was read is no older than that */
	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || fstat(fd, &st) < 0)
		return false;
	is = (struct fs_version){
		.ctime = st.st_ctim,
		.size = st.st_size,
		.settled = now.tv_sec - st.st_ctim.tv_sec >= 2,
	};
	(void)pthread_mutex_lock(&fs->lock);
	same = old->settled && old->size == is.size && old->ctime.tv_sec == is.ctime.tv_sec &&
	       old->ctime.tv_nsec == is.ctime.tv_nsec;
	*old = is;
	(void)pthread_mutex_unlock(&fs->lock);
	return same;
}
