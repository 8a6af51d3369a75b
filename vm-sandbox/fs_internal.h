/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the FUSE server share. Errors among them are -errno: they go to the
 * guest, not to people. */
#pragma once

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sys/stat.h>

#include "vm-sandbox/fs.h"

enum {
	FS_REQUEST_MAX = 72 << 10, /* all but data to write: a name and 64 KiB of xattr */
	FS_REPLY_MAX = 64 << 10,   /* all but data that was read */
	FS_ENTRIES_MAX = 16 << 10, /* of a folder, at once */
	FS_NAME_MAX = 255,
	FS_BUCKETS = 8192,
	FS_FD_ROOM = 12, /* digits of a descriptor, as a name in proc_fds */
};

/* A file's data at one moment. A change leaves another ctime, unless it came within a tick of the
 * clock that makes these: `settled` is what was changed last long before it was looked at. */
struct fs_version {
	struct timespec ctime;
	off_t size;
	bool settled;
};

/* An inode that the guest knows. The root, a folder of shares, has fd -1 and no share. */
struct fs_inode {
	uint32_t slot;
	uint64_t id;
	uint64_t lookups; /* how often the guest was told of it and has not forgotten */
	unsigned int users;
	int fd;
	uint32_t type; /* S_IFMT */
	uint64_t dev, ino, mount;
	const struct fs_share *share;
	struct fs_version opened; /* what it was when the guest opened it last */
	struct fs_inode *next;    /* of its bucket */
};

struct fs_handle {
	uint32_t slot;
	uint64_t id;
	unsigned int users;
	bool released;
	int fd;
	bool folder;
	const struct fs_share *share;
};

/* Numbers that the guest has, and what they stand for. A number is a slot and how often
 * the slot was used before, so an old one leads nowhere. */
struct fs_table {
	struct fs_slot {
		void *object;
		uint32_t generation;
		uint32_t next_free;
	} * slot;
	uint32_t room, max, used, first_free;
};

struct fs {
	struct fs_setup setup;
	pthread_mutex_t lock;    /* around the tables, their objects and `ready` */
	pthread_mutex_t folders; /* around a folder's position and what is read there */
	bool ready;              /* between INIT and DESTROY */
	struct fs_table inodes, handles;
	struct fs_inode *bucket[FS_BUCKETS];
	struct fs_inode root;
};

struct fs_worker {
	struct fs *fs;
	uint8_t request[FS_REQUEST_MAX];
	uint8_t reply[FS_REPLY_MAX];
	uint8_t entries[FS_ENTRIES_MAX];
};

/* One request while it is answered. */
struct fs_call {
	struct fs *fs;
	struct fs_worker *worker;
	const struct fs_message *message;
	struct fuse_in_header head;
	struct fs_inode *inode; /* of head.nodeid, held */
	const uint8_t *args;    /* behind the head, in the worker's copy */
	size_t args_len;
	size_t in_len;  /* of the whole request, data included */
	uint8_t *reply; /* behind the head, in the worker's reply */
	size_t room;    /* for it, by what the guest offers */
	size_t reply_len;
	bool direct; /* the reply's data are in the guest's memory already */
};

/* What the system call that failed has left: never 0. */
static inline int fs_failed(void)
{
	int failed = -errno;

	return failed < 0 ? failed : -EIO;
}

/* fs_call.c: what is taken from a request, in order. NULL: it is not there. */
const void *fs_arg(struct fs_call *c, size_t size);
const char *fs_text(struct fs_call *c, size_t max); /* with its NUL */
const char *fs_name(struct fs_call *c);             /* one component */
/* Room for a reply of this size, zeroed; NULL when the guest offers less. */
void *fs_answer(struct fs_call *c, size_t size);
/* Skips `skip` bytes of some buffers and cuts them to `len`: how many are left in `ret`,
 * which has room for as many as there are. */
unsigned int fs_slice(const struct iovec *iov, unsigned int count, size_t skip, size_t len,
                      struct iovec *ret);

/* fs_table.c */
MUST_CHECK int fs_table_add(struct fs_table *t, void *object, uint32_t *slot, uint64_t *id);
void *fs_table_get(const struct fs_table *t, uint64_t id);
void fs_table_drop(struct fs_table *t, uint32_t slot);

/* fs_inode.c: held until put. */
struct fs_inode *fs_inode_get(struct fs *fs, uint64_t id);
void fs_inode_put(struct fs *fs, struct fs_inode *i);
/* The inode of an O_PATH descriptor, which is taken over, with one lookup counted. */
MUST_CHECK int fs_inode_add(struct fs *fs, int fd, const struct fs_share *share,
                            struct fs_inode **ret, struct stat *st);
void fs_inode_forget(struct fs *fs, uint64_t id, uint64_t lookups);
void fs_inode_forget_all(struct fs *fs);
/* A descriptor of its own for the inode's file; only regular files and folders. */
MUST_CHECK int fs_inode_open(const struct fs *fs, const struct fs_inode *i, int flags);
/* Notes what a file is that was just opened: whether it has not changed since the last time. */
bool fs_inode_unchanged(struct fs *fs, struct fs_inode *i, int fd);
/* The inode's name in proc_fds. */
const char *fs_fd_name(int fd, char room[FS_FD_ROOM]);

/* fs_handle.c */
MUST_CHECK int fs_handle_add(struct fs *fs, int fd, bool folder, const struct fs_share *share,
                             uint64_t *id);
struct fs_handle *fs_handle_get(struct fs *fs, uint64_t id, bool folder);
void fs_handle_put(struct fs *fs, struct fs_handle *h);
int fs_handle_release(struct fs *fs, uint64_t id, bool folder);
void fs_handle_release_all(struct fs *fs);

/* fs_creds.c: this thread's, for one system call; undone by fs_creds_back. */
MUST_CHECK int fs_creds_user(uint32_t uid, uint32_t gid);
MUST_CHECK int fs_creds_without_fsetid(void);
void fs_creds_back(void);

/* fs_attr.c */
void fs_fill_attr(const struct stat *st, struct fuse_attr *ret);
MUST_CHECK int fs_find(struct fs *fs, const struct fs_inode *parent, const char *name,
                       struct fs_inode **ret, struct stat *st);
void fs_fill_entry(const struct fs_inode *parent, const struct fs_inode *i, const struct stat *st,
                   struct fuse_entry_out *ret);
/* Answers with the entry of an inode that was just looked up. */
MUST_CHECK int fs_answer_entry(struct fs_call *c, struct fs_inode *i, const struct stat *st);

/* Whether the inode may be changed: 0, -EROFS, or -EACCES for the folder of shares. */
int fs_may_change(const struct fs_inode *i);

/* The operations, each 0 or -errno. */
int fs_op_lookup(struct fs_call *c);
int fs_op_getattr(struct fs_call *c);
int fs_op_setattr(struct fs_call *c);
int fs_op_readlink(struct fs_call *c);
int fs_op_statfs(struct fs_call *c);
int fs_op_mknod(struct fs_call *c);
int fs_op_mkdir(struct fs_call *c);
int fs_op_symlink(struct fs_call *c);
int fs_op_link(struct fs_call *c);
int fs_op_unlink(struct fs_call *c);
int fs_op_rmdir(struct fs_call *c);
int fs_op_rename(struct fs_call *c);
int fs_op_rename2(struct fs_call *c);
int fs_op_create(struct fs_call *c);
int fs_op_tmpfile(struct fs_call *c);
int fs_op_open(struct fs_call *c);
int fs_op_read(struct fs_call *c);
int fs_op_write(struct fs_call *c);
int fs_op_release(struct fs_call *c);
int fs_op_flush(struct fs_call *c);
int fs_op_fsync(struct fs_call *c);
int fs_op_fallocate(struct fs_call *c);
int fs_op_lseek(struct fs_call *c);
int fs_op_copy_file_range(struct fs_call *c);
int fs_op_opendir(struct fs_call *c);
int fs_op_readdir(struct fs_call *c);
int fs_op_readdirplus(struct fs_call *c);
int fs_op_releasedir(struct fs_call *c);
int fs_op_fsyncdir(struct fs_call *c);
int fs_op_setxattr(struct fs_call *c);
int fs_op_getxattr(struct fs_call *c);
int fs_op_listxattr(struct fs_call *c);
int fs_op_removexattr(struct fs_call *c);
