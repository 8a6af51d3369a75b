/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading folders. An entry's offset is what the host's file system gave for it, which
 * stays right while entries come and go; a request may start at any. The folder of shares
 * numbers its entries.
 *
 * With READDIRPLUS each entry is looked up as well, and counts as a lookup; "." and ".."
 * do not, and neither does what cannot be looked up: it is listed without.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm-sandbox/fs_internal.h"

/* getdents64(2) */
struct entry {
	uint64_t ino;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* A reply that is being filled. */
struct listing {
	struct fs_call *c;
	bool plus;
	size_t room, len;
};

int fs_op_opendir(struct fs_call *c)
{
	struct fuse_open_out *out = fs_answer(c, sizeof(*out));
	int fd = -1;

	if (!out || !fs_arg(c, sizeof(struct fuse_open_in)))
		return -EINVAL;
	if (c->inode->type != S_IFDIR)
		return -ENOTDIR;
	if (c->inode->share) {
		fd = fs_inode_open(c->fs, c->inode, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
	}
	return fs_handle_add(c->fs, fd, true, c->inode->share, &out->fh);
}

int fs_op_releasedir(struct fs_call *c)
{
	const struct fuse_release_in *in = fs_arg(c, sizeof(*in));

	return in ? fs_handle_release(c->fs, in->fh, true) : -EINVAL;
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Looks the entry up and fills it; not found any more, or no room for it: all zero. */
static void look_up(struct fs_call *c, const char *name, struct fuse_entry_out *ret)
{
	struct fs_inode *i;
	struct stat st;

	if (is_dots(name) || fs_find(c->fs, c->inode, name, &i, &st) != 0)
		return;
	fs_fill_entry(c->inode, i, &st, ret);
	fs_inode_put(c->fs, i);
}

/* Adds an entry: false when it does not fit. */
static bool list(struct listing *l, const char *name, uint64_t ino, uint64_t next, uint32_t type)
{
	size_t name_len = strlen(name), head = l->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t size = FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + name_len);
	uint8_t *at = l->c->reply + l->len;
	struct fuse_dirent *entry = (struct fuse_dirent *)(void *)(at + head);

	if (size > l->room - l->len)
		return false;
	memset(at, 0, size);
	if (l->plus)
		look_up(l->c, name, (struct fuse_entry_out *)(void *)at);
	entry->ino = ino;
	entry->off = next;
	entry->namelen = (uint32_t)name_len;
	entry->type = type;
	memcpy(entry->name, name, name_len);
	l->len += size;
	return true;
}

static int list_shares(struct listing *l, uint64_t offset)
{
	const struct fs_setup *s = &l->c->fs->setup;
	uint64_t count = s->share_count + 2ull;

	for (uint64_t n = offset; n < count; n++) {
		const char *name = n == 0 ? "." : n == 1 ? ".." : s->shares[n - 2].name;

		if (!list(l, name, n + 1, n + 1, n < 2 ? DT_DIR : DT_UNKNOWN))
			break;
	}
	return 0;
}

/* One system call's entries are enough: the guest asks on from the last that it got. */
static int list_folder(struct listing *l, int fd, uint64_t offset)
{
	uint8_t *entries = l->c->worker->entries;
	long got;

	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return fs_failed();
	got = syscall(SYS_getdents64, fd, entries, FS_ENTRIES_MAX);
	if (got < 0)
		return fs_failed();
	for (long at = 0; at < got;) {
		const struct entry *entry = (const struct entry *)(const void *)(entries + at);

		if (!list(l, entry->name, entry->ino, (uint64_t)entry->next, entry->type))
			break;
		at += entry->size;
	}
	return 0;
}

static int read_folder(struct fs_call *c, bool plus)
{
	const struct fuse_read_in *in = fs_arg(c, sizeof(*in));
	struct fs_handle *h = in ? fs_handle_get(c->fs, in->fh, true) : NULL;
	struct listing l = { .c = c, .plus = plus };
	int result;

	if (!h)
		return in ? -EBADF : -EINVAL;
	l.room = FS_REPLY_MAX - sizeof(struct fuse_out_header);
	if (l.room > c->room)
		l.room = c->room;
	if (l.room > in->size)
		l.room = in->size;
	/* the folder of shares has no descriptor, and no other has none */
	if ((h->fd < 0) != !c->inode->share || c->inode->type != S_IFDIR) {
		result = -EBADF;
	} else if (h->fd < 0) {
		result = list_shares(&l, in->offset);
	} else {
		(void)pthread_mutex_lock(&c->fs->folders);
		result = list_folder(&l, h->fd, in->offset);
		(void)pthread_mutex_unlock(&c->fs->folders);
	}
	fs_handle_put(c->fs, h);
	c->reply_len = l.len;
	return result;
}

int fs_op_readdir(struct fs_call *c)
{
	return read_folder(c, false);
}

int fs_op_readdirplus(struct fs_call *c)
{
	return read_folder(c, true);
}
