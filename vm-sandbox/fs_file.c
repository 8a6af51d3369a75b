/* SPDX-License-Identifier: Apache-2.0 */
/* Open files: their data go straight between the file and the guest's memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vm-sandbox/fs_internal.h"

enum {
	IOV_MAX_OURS = 256,  /* as many as a virtqueue has */
	COPY_MAX = 16 << 20, /* in one request, so that others do not wait for long */
};

static struct fs_handle *file_of(struct fs_call *c, uint64_t fh)
{
	return fs_handle_get(c->fs, fh, false);
}

int fs_op_open(struct fs_call *c)
{
	const struct fuse_open_in *in = fs_arg(c, sizeof(*in));
	const uint32_t safe = O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_NOATIME | O_TRUNC;
	struct fuse_open_out *out;
	bool changes;
	int fd, failed = 0;

	if (!in)
		return -EINVAL;
	if (c->inode->type == S_IFDIR)
		return -EISDIR;
	changes = (in->flags & O_ACCMODE) != O_RDONLY || (in->flags & O_TRUNC);
	if (changes)
		failed = fs_may_change(c->inode);
	if (!failed && (in->open_flags & FUSE_OPEN_KILL_SUIDGID))
		failed = fs_creds_without_fsetid();
	fd = failed ? failed : fs_inode_open(c->fs, c->inode, (int)(in->flags & safe));
	if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
		fs_creds_back();
	if (fd < 0)
		return fd;
	out = fs_answer(c, sizeof(*out));
	if (!out) {
		(void)close(fd);
		return -EINVAL;
	}
	out->open_flags = changes ? 0 : FOPEN_NOFLUSH;
	if (fs_inode_unchanged(c->fs, c->inode, fd)) /* what the guest has of it is still so */
		out->open_flags |= FOPEN_KEEP_CACHE;
	return fs_handle_add(c->fs, fd, false, c->inode->share, &out->fh);
}

int fs_op_read(struct fs_call *c)
{
	const struct fuse_read_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *h = in ? file_of(c, in->fh) : NULL;
	struct iovec iov[IOV_MAX_OURS];
	size_t len;
	unsigned int count;
	ssize_t got;

	if (!h)
		return in ? -EBADF : -EINVAL;
	len = in->size < c->room ? in->size : c->room;
	if (c->message->out_count > IOV_MAX_OURS)
		len = 0;
	count = len ? fs_slice(c->message->out, c->message->out_count,
	                       sizeof(struct fuse_out_header), len, iov)
	            : 0;
	got = preadv(h->fd, iov, (int)count, (off_t)in->offset);
	if (got < 0)
		got = fs_failed();
	fs_handle_put(c->fs, h);
	if (got < 0)
		return (int)got;
	c->reply_len = (size_t)got;
	c->direct = true;
	return 0;
}

/* Only where there is a bit to take away does it cost more than the write. */
static bool has_set_id(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || (st.st_mode & (S_ISUID | S_ISGID));
}

static ssize_t write_data(struct fs_call *c, const struct fs_handle *h,
                          const struct fuse_write_in *in)
{
	const size_t head = sizeof(struct fuse_in_header) + sizeof(*in);
	struct iovec iov[IOV_MAX_OURS];
	bool kill = (in->write_flags & FUSE_WRITE_KILL_SUIDGID) && has_set_id(h->fd);
	unsigned int count;
	ssize_t got;

	if (in->size != c->in_len - head || c->message->in_count > IOV_MAX_OURS)
		return -EINVAL;
	count = fs_slice(c->message->in, c->message->in_count, head, in->size, iov);
	if (kill && fs_creds_without_fsetid() < 0)
		return -EPERM;
	got = pwritev(h->fd, iov, (int)count, (off_t)in->offset);
	if (got < 0)
		got = fs_failed();
	if (kill)
		fs_creds_back();
	return got;
}

int fs_op_write(struct fs_call *c)
{
	const struct fuse_write_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *h = in ? file_of(c, in->fh) : NULL;
	struct fuse_write_out *out = fs_answer(c, sizeof(*out));
	ssize_t got = -EINVAL;

	if (!h)
		return in ? -EBADF : -EINVAL;
	if (out)
		got = write_data(c, h, in);
	fs_handle_put(c->fs, h);
	if (got < 0)
		return (int)got;
	out->size = (uint32_t)got;
	return 0;
}

int fs_op_release(struct fs_call *c)
{
	const struct fuse_release_in *in = fs_arg(c, sizeof(*in));

	return in ? fs_handle_release(c->fs, in->fh, false) : -EINVAL;
}

/* Closing a copy of the descriptor is how a file system's late errors come out. */
int fs_op_flush(struct fs_call *c)
{
	const struct fuse_flush_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *h = in ? file_of(c, in->fh) : NULL;
	int copy, result = 0;

	if (!h)
		return in ? -EBADF : -EINVAL;
	copy = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0 || close(copy) < 0)
		result = fs_failed();
	fs_handle_put(c->fs, h);
	return result;
}

static int sync_handle(struct fs_call *c, bool folder)
{
	const struct fuse_fsync_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *h = in ? fs_handle_get(c->fs, in->fh, folder) : NULL;
	int result = 0;

	if (!h)
		return in ? -EBADF : -EINVAL;
	if (h->fd >= 0 &&
	    (in->fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(h->fd) : fsync(h->fd)) < 0)
		result = fs_failed();
	fs_handle_put(c->fs, h);
	return result;
}

int fs_op_fsync(struct fs_call *c)
{
	return sync_handle(c, false);
}

int fs_op_fsyncdir(struct fs_call *c)
{
	return sync_handle(c, true);
}

int fs_op_fallocate(struct fs_call *c)
{
	const struct fuse_fallocate_in *in = fs_arg(c, sizeof(*in));
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	struct fs_handle *h = in ? file_of(c, in->fh) : NULL;
	int result = 0;

	if (!h)
		return in ? -EBADF : -EINVAL;
	if (in->mode & ~known)
		result = -EOPNOTSUPP;
	else if (fallocate(h->fd, (int)in->mode, (off_t)in->offset, (off_t)in->length) < 0)
		result = fs_failed();
	fs_handle_put(c->fs, h);
	return result;
}

/* Holes and data alone: the other kinds of seeking are the guest's own. */
int fs_op_lseek(struct fs_call *c)
{
	const struct fuse_lseek_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *h = in ? file_of(c, in->fh) : NULL;
	struct fuse_lseek_out *out = fs_answer(c, sizeof(*out));
	off_t at = -1;

	if (!h)
		return in ? -EBADF : -EINVAL;
	errno = EINVAL;
	if (out && (in->whence == SEEK_DATA || in->whence == SEEK_HOLE))
		at = lseek(h->fd, (off_t)in->offset, (int)in->whence);
	fs_handle_put(c->fs, h);
	if (at < 0)
		return fs_failed();
	out->offset = (uint64_t)at;
	return 0;
}

int fs_op_copy_file_range(struct fs_call *c)
{
	const struct fuse_copy_file_range_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *from = in ? file_of(c, in->fh_in) : NULL;
	struct fs_handle *to = in ? file_of(c, in->fh_out) : NULL;
	struct fuse_write_out *out = fs_answer(c, sizeof(*out));
	off_t at, to_at;
	ssize_t got = in ? -EBADF : -EINVAL;

	if (from && to && out) {
		at = (off_t)in->off_in;
		to_at = (off_t)in->off_out;
		got = copy_file_range(from->fd, &at, to->fd, &to_at,
		                      in->len < COPY_MAX ? in->len : COPY_MAX, 0);
		if (got < 0)
			got = fs_failed();
	}
	fs_handle_put(c->fs, from);
	fs_handle_put(c->fs, to);
	if (got < 0)
		return (int)got;
	out->size = (uint32_t)got;
	return 0;
}
