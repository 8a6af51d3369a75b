/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a request to the operation, and back. A request is copied, all but the
 * data of a write, before anything in it is looked at; its length has to be what its head
 * says. Whatever is wrong with it is an errno in the reply.
 */
#include <errno.h>
#include <string.h>

#include "vm-sandbox/fs_internal.h"

enum {
	HEAD = sizeof(struct fuse_in_header),
	REPLY_HEAD = sizeof(struct fuse_out_header),
	MINOR_MIN = 31, /* Linux 5.4, the first with virtio-fs */
	MAX_PAGES = 256,
	MAX_WRITE = MAX_PAGES * 4096,
	MAX_BACKGROUND = 64,

	NO_REPLY = 1, /* of an operation */
};

static size_t total(const struct iovec *iov, unsigned int count)
{
	size_t n = 0;

	for (unsigned int i = 0; i < count; i++)
		n += iov[i].iov_len;
	return n;
}

unsigned int fs_slice(const struct iovec *iov, unsigned int count, size_t skip, size_t len,
                      struct iovec *ret)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count && len > 0; i++) {
		size_t part = iov[i].iov_len;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part -= skip;
		if (part > len)
			part = len;
		ret[n++] = (struct iovec){ (uint8_t *)iov[i].iov_base + skip, part };
		skip = 0;
		len -= part;
	}
	return n;
}

static void gather(const struct iovec *iov, unsigned int count, size_t skip, uint8_t *to,
                   size_t len)
{
	for (unsigned int i = 0; i < count && len > 0; i++) {
		size_t n = iov[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < len ? n - skip : len;
		memcpy(to, (const uint8_t *)iov[i].iov_base + skip, n);
		skip = 0;
		to += n;
		len -= n;
	}
}

static void scatter(const struct iovec *iov, unsigned int count, const uint8_t *from, size_t len)
{
	for (unsigned int i = 0; i < count && len > 0; i++) {
		size_t n = iov[i].iov_len < len ? iov[i].iov_len : len;

		memcpy(iov[i].iov_base, from, n);
		from += n;
		len -= n;
	}
}

const void *fs_arg(struct fs_call *c, size_t size)
{
	const uint8_t *at = c->args;

	if (size > c->args_len)
		return NULL;
	c->args += size;
	c->args_len -= size;
	return at;
}

const char *fs_text(struct fs_call *c, size_t max)
{
	size_t len = strnlen((const char *)c->args, c->args_len);

	if (len == c->args_len || len > max)
		return NULL;
	return fs_arg(c, len + 1);
}

const char *fs_name(struct fs_call *c)
{
	const char *name = fs_text(c, FS_NAME_MAX);

	if (!name || !*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return NULL;
	return name;
}

void *fs_answer(struct fs_call *c, size_t size)
{
	if (size > c->room || size > FS_REPLY_MAX - REPLY_HEAD)
		return NULL;
	c->reply_len = size;
	return memset(c->reply, 0, size);
}

int fs_may_change(const struct fs_inode *i)
{
	if (!i->share)
		return -EACCES;
	return i->share->read_only ? -EROFS : 0;
}

/* The version comes first in all of them, so that both sides can settle on one. */
static int op_init(struct fs_call *c)
{
	const uint64_t offered = FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_BIG_WRITES |
	                         FUSE_MAX_PAGES | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
	                         FUSE_HANDLE_KILLPRIV_V2 | FUSE_SUBMOUNTS | FUSE_AUTO_INVAL_DATA |
	                         FUSE_ATOMIC_O_TRUNC;
	struct fuse_init_in in = { 0 };
	struct fuse_init_out *out;
	size_t len = c->args_len < sizeof(in) ? c->args_len : sizeof(in);

	if (len < offsetof(struct fuse_init_in, flags2))
		return -EINVAL;
	memcpy(&in, c->args, len);
	if (in.major != FUSE_KERNEL_VERSION || in.minor < MINOR_MIN)
		return -EPROTO;
	out = fs_answer(c, sizeof(*out));
	if (!out)
		return -EINVAL;
	(void)pthread_mutex_lock(&c->fs->lock);
	c->fs->ready = true;
	(void)pthread_mutex_unlock(&c->fs->lock);
	out->major = FUSE_KERNEL_VERSION;
	out->minor = FUSE_KERNEL_MINOR_VERSION;
	out->max_readahead = in.max_readahead;
	out->flags = in.flags & (uint32_t)offered;
	out->max_background = MAX_BACKGROUND;
	out->congestion_threshold = MAX_BACKGROUND * 3 / 4;
	out->max_write = MAX_WRITE;
	out->max_pages = MAX_PAGES;
	out->time_gran = 1;
	return 0;
}

static int op_destroy(struct fs_call *c)
{
	(void)pthread_mutex_lock(&c->fs->lock);
	c->fs->ready = false;
	(void)pthread_mutex_unlock(&c->fs->lock);
	fs_handle_release_all(c->fs);
	fs_inode_forget_all(c->fs);
	return 0;
}

static int op_forget(struct fs_call *c)
{
	const struct fuse_forget_in *in = fs_arg(c, sizeof(*in));

	if (in)
		fs_inode_forget(c->fs, c->head.nodeid, in->nlookup);
	return NO_REPLY;
}

static int op_batch_forget(struct fs_call *c)
{
	const struct fuse_batch_forget_in *in = fs_arg(c, sizeof(*in));

	for (uint32_t i = 0; in && i < in->count; i++) {
		const struct fuse_forget_one *one = fs_arg(c, sizeof(*one));

		if (!one)
			break;
		fs_inode_forget(c->fs, one->nodeid, one->nlookup);
	}
	return NO_REPLY;
}

/* A request that was begun is finished; they are short. */
static int op_interrupt(struct fs_call *c)
{
	(void)c;
	return NO_REPLY;
}

/* What is not here is answered by ENOSYS, and the kernel does without: locks are the
 * guest's own, permissions are checked by it. */
static const struct operation {
	int (*run)(struct fs_call *c);
	bool without_inode; /* does not look at the head's nodeid */
	bool changes;       /* what is shared read-only refuses it */
} operations[] = {
	[FUSE_LOOKUP] = { .run = fs_op_lookup },
	[FUSE_FORGET] = { .run = op_forget, .without_inode = true },
	[FUSE_GETATTR] = { .run = fs_op_getattr },
	[FUSE_SETATTR] = { .run = fs_op_setattr, .changes = true },
	[FUSE_READLINK] = { .run = fs_op_readlink },
	[FUSE_SYMLINK] = { .run = fs_op_symlink, .changes = true },
	[FUSE_MKNOD] = { .run = fs_op_mknod, .changes = true },
	[FUSE_MKDIR] = { .run = fs_op_mkdir, .changes = true },
	[FUSE_UNLINK] = { .run = fs_op_unlink, .changes = true },
	[FUSE_RMDIR] = { .run = fs_op_rmdir, .changes = true },
	[FUSE_RENAME] = { .run = fs_op_rename, .changes = true },
	[FUSE_LINK] = { .run = fs_op_link, .changes = true },
	[FUSE_OPEN] = { .run = fs_op_open },
	[FUSE_READ] = { .run = fs_op_read },
	[FUSE_WRITE] = { .run = fs_op_write, .changes = true },
	[FUSE_STATFS] = { .run = fs_op_statfs },
	[FUSE_RELEASE] = { .run = fs_op_release, .without_inode = true },
	[FUSE_FSYNC] = { .run = fs_op_fsync },
	[FUSE_SETXATTR] = { .run = fs_op_setxattr, .changes = true },
	[FUSE_GETXATTR] = { .run = fs_op_getxattr },
	[FUSE_LISTXATTR] = { .run = fs_op_listxattr },
	[FUSE_REMOVEXATTR] = { .run = fs_op_removexattr, .changes = true },
	[FUSE_FLUSH] = { .run = fs_op_flush },
	[FUSE_INIT] = { .run = op_init, .without_inode = true },
	[FUSE_OPENDIR] = { .run = fs_op_opendir },
	[FUSE_READDIR] = { .run = fs_op_readdir },
	[FUSE_RELEASEDIR] = { .run = fs_op_releasedir, .without_inode = true },
	[FUSE_FSYNCDIR] = { .run = fs_op_fsyncdir },
	[FUSE_CREATE] = { .run = fs_op_create, .changes = true },
	[FUSE_INTERRUPT] = { .run = op_interrupt, .without_inode = true },
	[FUSE_DESTROY] = { .run = op_destroy, .without_inode = true },
	[FUSE_BATCH_FORGET] = { .run = op_batch_forget, .without_inode = true },
	[FUSE_FALLOCATE] = { .run = fs_op_fallocate, .changes = true },
	[FUSE_READDIRPLUS] = { .run = fs_op_readdirplus },
	[FUSE_RENAME2] = { .run = fs_op_rename2, .changes = true },
	[FUSE_LSEEK] = { .run = fs_op_lseek },
	[FUSE_COPY_FILE_RANGE] = { .run = fs_op_copy_file_range },
	[FUSE_TMPFILE] = { .run = fs_op_tmpfile, .changes = true },
};

static int run(struct fs_call *c, const struct operation *o)
{
	int result = 0;

	if (o->without_inode)
		return o->run(c);
	c->inode = fs_inode_get(c->fs, c->head.nodeid);
	if (!c->inode)
		return -ESTALE;
	if (o->changes)
		result = fs_may_change(c->inode);
	if (result == 0)
		result = o->run(c);
	fs_inode_put(c->fs, c->inode);
	return result;
}

/* The copy of a request, whose length has to be what its head says. */
static int take_request(struct fs_call *c)
{
	struct fs_worker *w = c->worker;
	size_t len = total(c->message->in, c->message->in_count), want = len;

	if (len < HEAD)
		return -EINVAL;
	gather(c->message->in, c->message->in_count, 0, w->request, HEAD);
	memcpy(&c->head, w->request, HEAD);
	if (c->head.len != len)
		return -EINVAL;
	if (c->head.opcode == FUSE_WRITE && want > HEAD + sizeof(struct fuse_write_in))
		want = HEAD + sizeof(struct fuse_write_in);
	if (want > FS_REQUEST_MAX)
		return -E2BIG;
	gather(c->message->in, c->message->in_count, HEAD, w->request + HEAD, want - HEAD);
	c->args = w->request + HEAD;
	c->args_len = want - HEAD;
	c->in_len = len;
	return 0;
}

static int answer(struct fs_call *c)
{
	const struct operation *o;
	bool ready;
	int failed = take_request(c);

	if (failed)
		return failed;
	(void)pthread_mutex_lock(&c->fs->lock);
	ready = c->fs->ready;
	(void)pthread_mutex_unlock(&c->fs->lock);
	if (ready == (c->head.opcode == FUSE_INIT)) /* once, and before all else */
		return -EIO;
	if (c->head.opcode >= sizeof(operations) / sizeof(operations[0]))
		return -ENOSYS;
	o = &operations[c->head.opcode];
	return o->run ? run(c, o) : -ENOSYS;
}

/* The kernel takes errors of 1 to 511 alone; running out of descriptors is no fault of
 * the guest's process. */
static int error_of(int result)
{
	if (result == -EMFILE)
		return -ENFILE;
	return result < 0 && result > -512 ? result : -EIO;
}

static bool has_no_reply(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INTERRUPT;
}

uint32_t fs_serve(struct fs_worker *w, const struct fs_message *m)
{
	size_t room = total(m->out, m->out_count);
	struct fs_call c = {
		.fs = w->fs,
		.worker = w,
		.message = m,
		.reply = w->reply + REPLY_HEAD,
		.room = room < REPLY_HEAD ? 0 : room - REPLY_HEAD,
	};
	struct fuse_out_header head = { .len = REPLY_HEAD };
	int result = answer(&c);

	if (room < REPLY_HEAD || result == NO_REPLY || has_no_reply(c.head.opcode))
		return 0;
	head.unique = c.head.unique;
	if (result != 0) {
		head.error = error_of(result);
		c.reply_len = 0;
	}
	head.len += (uint32_t)c.reply_len;
	memcpy(w->reply, &head, sizeof(head));
	scatter(m->out, m->out_count, w->reply, c.direct ? REPLY_HEAD : head.len);
	return head.len;
}
