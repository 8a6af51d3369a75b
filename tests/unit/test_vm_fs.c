/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the FUSE server does that no host does: shares, ids and their limits, and all that a
 * hostile guest may not get. The folder has a secret beside the shares, which nothing
 * reaches, and which is looked at again at the end.
 */
#include <linux/mount.h>
#include <poll.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/scope.h"
#include "base/sys.h"
#include "tests/unit/vm_fuse.h"
#include "tests/unit/vm_shell.h"

static char folder[] = "/tmp/test_vm_fs.XXXXXX";
static int top = -1;
static struct fs_share shares[] = {
	{ .name = "rootfs", .fd = -1, .cache_seconds = 1 },
	{ .name = "v0", .fd = -1, .read_only = true },
	{ .name = "file", .fd = -1 },
};
enum { SHARES = LEN(shares), INODES = 40 };

static struct client *client;

static void put(const char *path, const char *text)
{
	FD int fd = openat(top, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int make(void **unused)
{
	static const char *const paths[] = { "rootfs", "volume", "a_file" };

	(void)unused;
	umask(0);
	strcpy(folder, "/tmp/test_vm_fs.XXXXXX");
	assert_non_null(mkdtemp(folder));
	top = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(top, "rootfs", 0755), 0);
	assert_int_equal(mkdirat(top, "rootfs/d", 0755), 0);
	assert_int_equal(mkdirat(top, "volume", 0755), 0);
	put("secret", "secret");
	put("a_file", "one file");
	put("rootfs/f", "text");
	put("volume/f", "lasting");
	assert_int_equal(mkfifoat(top, "rootfs/fifo", 0666), 0);
	assert_int_equal(symlinkat("../secret", top, "rootfs/up"), 0);
	assert_int_equal(symlinkat("..", top, "rootfs/out"), 0);
	for (size_t i = 0; i < SHARES; i++)
		shares[i].fd = openat(top, paths[i], O_PATH | O_CLOEXEC);
	client = client_new(shares, SHARES, INODES);
	assert_int_equal(client_init(client), 0);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	client_free(client);
	for (size_t i = 0; i < SHARES; i++)
		close(shares[i].fd);
	close(top);
	return shell("cd %s && grep -qx secret secret && rm -rf %s", folder, folder);
}

static uint64_t node(const char *path)
{
	int error;
	uint64_t n = client_walk(client, path, &error);

	assert_int_equal(error, 0);
	return n;
}

static int lookup(uint64_t parent, const char *name)
{
	return client_name(client, FUSE_LOOKUP, parent, NULL, 0, name);
}

static int open_it(uint64_t n, uint32_t flags)
{
	struct fuse_open_in in = { .flags = flags };

	return client_arg(client, flags & O_DIRECTORY ? FUSE_OPENDIR : FUSE_OPEN, n, &in,
	                  sizeof(in));
}

static uint64_t handle(void)
{
	return ((const struct fuse_open_out *)client->body)->fh;
}

static void names_of_one_component_only(void **unused)
{
	static const char *const bad[] = { "", ".", "..", "/", "d/f", "/etc", "../secret", "d/" };
	uint64_t root = node("rootfs");
	char name[300];

	(void)unused;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct fuse_mkdir_in mkdir_in = { 0755, 0 };
		struct fuse_mknod_in mknod_in = { .mode = S_IFREG | 0644 };
		struct fuse_create_in create_in = { .flags = O_RDWR };
		struct fuse_link_in link_in = { node("rootfs/f") };
		uint64_t newdir = root;
		size_t len = strlen(bad[i]) + 1;

		assert_int_equal(lookup(root, bad[i]), -EINVAL);
		assert_int_equal(lookup(FUSE_ROOT_ID, bad[i]), -EINVAL);
		assert_int_equal(client_name(client, FUSE_MKDIR, root, &mkdir_in, 8, bad[i]),
		                 -EINVAL);
		assert_int_equal(client_name(client, FUSE_MKNOD, root, &mknod_in, 16, bad[i]),
		                 -EINVAL);
		assert_int_equal(client_name(client, FUSE_CREATE, root, &create_in, 16, bad[i]),
		                 -EINVAL);
		assert_int_equal(client_name(client, FUSE_LINK, root, &link_in, 8, bad[i]),
		                 -EINVAL);
		assert_int_equal(client_name(client, FUSE_UNLINK, root, NULL, 0, bad[i]), -EINVAL);
		assert_int_equal(client_name(client, FUSE_RMDIR, root, NULL, 0, bad[i]), -EINVAL);
		assert_int_equal(
			client_call(client, FUSE_SYMLINK, root, NULL, 0, bad[i], len, "x", 2),
			-EINVAL);
		assert_int_equal(
			client_call(client, FUSE_RENAME, root, &newdir, 8, "f", 2, bad[i], len),
			-EINVAL);
		assert_int_equal(
			client_call(client, FUSE_RENAME, root, &newdir, 8, bad[i], len, "f", 2),
			-EINVAL);
	}
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(lookup(root, name), -EINVAL);
	name[255] = '\0';
	assert_int_equal(lookup(root, name), -ENOENT);
	/* without its NUL */
	assert_int_equal(client_call(client, FUSE_LOOKUP, root, NULL, 0, "f", 1, NULL, 0), -EINVAL);
}

static void links_are_not_followed(void **unused)
{
	uint64_t link = node("rootfs/up"), out = node("rootfs/out");

	(void)unused;
	assert_int_equal(open_it(link, O_RDONLY), -ELOOP);
	assert_int_equal(open_it(out, O_RDONLY | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(lookup(out, "secret"), -ENOTDIR);
	assert_int_equal(lookup(link, "x"), -ENOTDIR);
	struct fuse_create_in in = { .flags = O_RDWR | O_TRUNC };
	assert_int_equal(client_name(client, FUSE_CREATE, node("rootfs"), &in, sizeof(in), "up"),
	                 -ELOOP);
}

/* A folder becomes a link on the host while the guest knows it: its descriptor stays. */
static void a_folder_that_is_exchanged_leads_nowhere_else(void **unused)
{
	uint64_t d = node("rootfs/d");

	(void)unused;
	assert_int_equal(renameat(top, "rootfs/d", top, "rootfs/was"), 0);
	assert_int_equal(symlinkat("../", top, "rootfs/d"), 0);
	assert_int_equal(lookup(d, "secret"), -ENOENT);
	assert_int_equal(lookup(node("rootfs/d"), "secret"), -ENOTDIR);
}

static void only_files_and_folders_are_opened(void **unused)
{
	struct fuse_mknod_in in = { .mode = S_IFSOCK | 0666 };
	struct fuse_create_in create_in = { .flags = O_RDWR };

	(void)unused;
	assert_int_equal(open_it(node("rootfs/fifo"), O_RDONLY), -ENXIO);
	assert_int_equal(open_it(node("rootfs/fifo"), O_RDWR), -ENXIO);
	assert_int_equal(client_name(client, FUSE_CREATE, node("rootfs"), &create_in,
	                             sizeof(create_in), "fifo"),
	                 -ENXIO);
	assert_int_equal(client_name(client, FUSE_MKNOD, node("rootfs"), &in, sizeof(in), "s"), 0);
	assert_int_equal(open_it(node("rootfs/s"), O_RDONLY), -ENXIO);
	assert_int_equal(open_it(node("rootfs/d"), O_RDONLY), -EISDIR);
	assert_int_equal(open_it(node("rootfs/f"), O_RDONLY | O_DIRECTORY), -ENOTDIR);
}

static void devices_are_not_made(void **unused)
{
	static const struct {
		uint32_t mode, device;
	} bad[] = {
		{ S_IFCHR | 0666, 1 << 8 | 3 }, { S_IFBLK | 0666, 0 }, { S_IFBLK | 0666, 8 << 8 },
		{ S_IFDIR | 0755, 0 },          { S_IFLNK | 0777, 0 }, { S_IFMT, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct fuse_mknod_in in = { .mode = bad[i].mode, .rdev = bad[i].device };

		assert_int_equal(
			client_name(client, FUSE_MKNOD, node("rootfs"), &in, sizeof(in), "n"),
			-EPERM);
	}
	assert_int_equal(faccessat(top, "rootfs/n", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void what_is_shared_read_only_stays_as_it_is(void **unused)
{
	uint64_t share = node("v0"), f = node("v0/f"), newdir = share;
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 0777 };
	struct fuse_mkdir_in mkdir_in = { 0755, 0 };
	struct fuse_create_in create_in = { .flags = O_RDONLY };
	struct fuse_write_in write_in = { 0 };
	struct fuse_fallocate_in allocate = { 0 };
	struct fuse_link_in link_in = { f };

	(void)unused;
	assert_int_equal(open_it(f, O_WRONLY), -EROFS);
	assert_int_equal(open_it(f, O_RDWR), -EROFS);
	assert_int_equal(open_it(f, O_RDONLY | O_TRUNC), -EROFS);
	assert_int_equal(open_it(f, O_ACCMODE), -EROFS);
	assert_int_equal(open_it(f, O_RDONLY), 0);
	write_in.fh = allocate.fh = handle();
	assert_int_equal(client_arg(client, FUSE_WRITE, f, &write_in, sizeof(write_in)), -EROFS);
	/* by the handle, as another's node: what was opened to read cannot be written */
	write_in.size = 1;
	assert_int_equal(client_call(client, FUSE_WRITE, node("rootfs/f"), &write_in,
	                             sizeof(write_in), "x", 1, NULL, 0),
	                 -EBADF);
	assert_int_equal(client_arg(client, FUSE_FALLOCATE, f, &allocate, sizeof(allocate)),
	                 -EROFS);
	assert_int_equal(client_arg(client, FUSE_SETATTR, f, &set, sizeof(set)), -EROFS);
	assert_int_equal(client_name(client, FUSE_MKDIR, share, &mkdir_in, 8, "n"), -EROFS);
	assert_int_equal(client_name(client, FUSE_CREATE, share, &create_in, 16, "f"), -EROFS);
	assert_int_equal(client_name(client, FUSE_TMPFILE, share, &create_in, 16, "f"), -EROFS);
	assert_int_equal(client_name(client, FUSE_UNLINK, share, NULL, 0, "f"), -EROFS);
	assert_int_equal(client_name(client, FUSE_LINK, share, &link_in, 8, "n"), -EROFS);
	assert_int_equal(client_call(client, FUSE_SYMLINK, share, NULL, 0, "n", 2, "x", 2), -EROFS);
	assert_int_equal(client_call(client, FUSE_RENAME, share, &newdir, 8, "f", 2, "g", 2),
	                 -EROFS);
	assert_int_equal(
		client_call(client, FUSE_SETXATTR, f, "\1\0\0\0\0\0\0\0", 8, "user.a", 7, "x", 1),
		-EROFS);
	assert_int_equal(client_name(client, FUSE_REMOVEXATTR, f, NULL, 0, "user.a"), -EROFS);
}

/* As the monitor will share: a clone of a mount that is attached nowhere, made read-only
 * on it alone. What says EROFS here is the host's kernel. */
static void a_detached_mount_enforces_it_by_itself(void **unused)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	int plain = shares[0].fd,
	    mount = sys_open_tree(plain, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 0777 };
	struct fuse_mkdir_in mkdir_in = { 0755, 0 };
	uint64_t root, f;

	(void)unused;
	if (mount < 0 || sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attributes) < 0) {
		print_message("no mount can be cloned here\n");
		skip();
	}
	shares[0].fd = mount;
	root = node("rootfs");
	f = node("rootfs/f");
	assert_int_equal(open_it(f, O_RDWR), -EROFS);
	assert_int_equal(open_it(f, O_RDONLY), 0);
	assert_int_equal(client_arg(client, FUSE_SETATTR, f, &set, sizeof(set)), -EROFS);
	assert_int_equal(client_name(client, FUSE_MKDIR, root, &mkdir_in, 8, "n"), -EROFS);
	assert_int_equal(client_name(client, FUSE_UNLINK, root, NULL, 0, "f"), -EROFS);
	assert_int_equal(
		client_call(client, FUSE_SETXATTR, f, "\1\0\0\0\0\0\0\0", 8, "user.a", 7, "x", 1),
		-EROFS);
	/* and the same folder by itself is not touched by that */
	assert_int_equal(mkdirat(top, "rootfs/n", 0755), 0);
	assert_int_equal(lookup(root, "n"), 0);
	close(plain);
}

static void shares_are_apart(void **unused)
{
	uint64_t root = node("rootfs"), other = node("v0");
	struct fuse_link_in link_in = { node("v0/f") };

	(void)unused;
	assert_int_equal(client_name(client, FUSE_LINK, root, &link_in, 8, "n"), -EXDEV);
	assert_int_equal(client_call(client, FUSE_RENAME, root, &other, 8, "f", 2, "n", 2), -EXDEV);
	link_in.oldnodeid = FUSE_ROOT_ID;
	assert_int_equal(client_name(client, FUSE_LINK, root, &link_in, 8, "n"), -EXDEV);
	other = FUSE_ROOT_ID;
	assert_int_equal(client_call(client, FUSE_RENAME, root, &other, 8, "f", 2, "n", 2), -EXDEV);
}

static void the_folder_of_shares_has_them_alone(void **unused)
{
	struct fuse_getattr_in get = { 0 };
	struct fuse_mkdir_in mkdir_in = { 0755, 0 };
	struct fuse_read_in in = { .size = 4096 };
	const struct fuse_entry_out *entry;
	size_t at = 0;
	int count = 0;

	(void)unused;
	assert_int_equal(client_arg(client, FUSE_GETATTR, FUSE_ROOT_ID, &get, sizeof(get)), 0);
	assert_int_equal(((const struct fuse_attr_out *)client->body)->attr.mode, S_IFDIR | 0555);
	assert_int_equal(lookup(FUSE_ROOT_ID, "secret"), -ENOENT);
	assert_int_equal(client_name(client, FUSE_MKDIR, FUSE_ROOT_ID, &mkdir_in, 8, "n"), -EACCES);
	assert_int_equal(client_name(client, FUSE_UNLINK, FUSE_ROOT_ID, NULL, 0, "file"), -EACCES);
	assert_int_equal(lookup(FUSE_ROOT_ID, "rootfs"), 0);
	entry = client->body;
	assert_int_equal(entry->attr.flags, FUSE_ATTR_SUBMOUNT);
	assert_int_equal(entry->entry_valid, 1);
	assert_int_equal(lookup(FUSE_ROOT_ID, "file"), 0);
	assert_int_equal(((const struct fuse_entry_out *)client->body)->attr.flags, 0);
	assert_int_equal(((const struct fuse_entry_out *)client->body)->attr.size, 8);
	assert_int_equal(open_it(node("file"), O_RDWR), 0);

	assert_int_equal(open_it(FUSE_ROOT_ID, O_DIRECTORY), 0);
	in.fh = handle();
	assert_int_equal(client_arg(client, FUSE_READDIR, FUSE_ROOT_ID, &in, sizeof(in)), 0);
	for (; at < client->len; count++)
		at += FUSE_DIRENT_SIZE((
			const struct fuse_dirent *)(const void *)((const char *)client->body + at));
	assert_int_equal(count, 5);
	in.offset = UINT64_MAX;
	assert_int_equal(client_arg(client, FUSE_READDIR, FUSE_ROOT_ID, &in, sizeof(in)), 0);
	assert_int_equal(client->len, 0);
}

static void readdirplus_counts_lookups_but_for_dots(void **unused)
{
	struct fuse_read_in in = { .size = 8192 };
	uint64_t root = node("rootfs"), ids[16];
	unsigned int inodes, handles, found = 0;
	size_t at = 0;

	(void)unused;
	assert_int_equal(open_it(root, O_DIRECTORY), 0);
	in.fh = handle();
	assert_int_equal(client_arg(client, FUSE_READDIRPLUS, root, &in, sizeof(in)), 0);
	while (at < client->len) {
		const struct fuse_direntplus *d = (const void *)((const char *)client->body + at);
		bool dots = d->dirent.name[0] == '.';

		assert_int_equal(d->entry_out.nodeid == 0, dots);
		if (!dots) {
			ids[found++] = d->entry_out.nodeid;
			assert_int_equal(d->entry_out.attr.ino, d->dirent.ino);
		}
		at += FUSE_DIRENTPLUS_SIZE(d);
	}
	assert_int_equal(found, 5);
	fs_count(client->fs, &inodes, &handles);
	assert_int_equal(inodes, 6);
	for (unsigned int i = 0; i < found; i++)
		client_forget(client, ids[i], 1);
	fs_count(client->fs, &inodes, &handles);
	assert_int_equal(inodes, 1);
	assert_int_equal(handles, 1);
}

static void old_and_invented_ids_lead_nowhere(void **unused)
{
	static const uint64_t ids[] = { 0,
		                        2,
		                        3,
		                        41,
		                        42,
		                        1000,
		                        UINT32_MAX,
		                        1ull << 32,
		                        UINT64_MAX,
		                        1ull << 40 | 2,
		                        UINT64_MAX - 1 };
	struct fuse_getattr_in get = { 0 };
	struct fuse_read_in in = { .size = 1 };
	struct fuse_release_in release = { 0 };
	uint64_t f = node("rootfs/f");

	(void)unused;
	assert_int_equal(open_it(f, O_RDONLY), 0);
	in.fh = release.fh = handle();
	assert_int_equal(client_arg(client, FUSE_RELEASEDIR, 1, &release, sizeof(release)), -EBADF);
	assert_int_equal(client_arg(client, FUSE_READ, f, &in, sizeof(in)), 0);
	assert_int_equal(client_arg(client, FUSE_RELEASE, 1, &release, sizeof(release)), 0);
	assert_int_equal(client_arg(client, FUSE_RELEASE, 1, &release, sizeof(release)), -EBADF);
	assert_int_equal(client_arg(client, FUSE_READ, f, &in, sizeof(in)), -EBADF);
	assert_int_equal(open_it(f, O_RDONLY), 0); /* the same slot, another number */
	assert_int_not_equal(handle(), in.fh);
	assert_int_equal(client_arg(client, FUSE_READ, f, &in, sizeof(in)), -EBADF);

	client_forget(client, f, 1ull << 63);
	assert_int_equal(client_arg(client, FUSE_GETATTR, f, &get, sizeof(get)), -ESTALE);
	client_forget(client, f, 1);
	assert_int_not_equal(node("rootfs/f"), f);
	for (size_t i = 0; i < LEN(ids); i++) {
		assert_int_equal(client_arg(client, FUSE_GETATTR, ids[i], &get, sizeof(get)),
		                 -ESTALE);
		client_forget(client, ids[i], UINT64_MAX);
	}
}

static void limits_are_an_error_and_no_end(void **unused)
{
	struct fuse_mkdir_in in = { 0755, 0 };
	uint64_t root = node("rootfs");
	struct fuse_read_in read_in = { .size = 65536 };
	char name[16];
	int error = 0;

	(void)unused;
	for (int i = 0; i < INODES && !error; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		error = client_name(client, FUSE_MKDIR, root, &in, sizeof(in), name);
	}
	assert_int_equal(error, -ENFILE);
	/* what cannot be known is listed all the same */
	assert_int_equal(open_it(root, O_DIRECTORY), 0);
	read_in.fh = handle();
	assert_int_equal(client_arg(client, FUSE_READDIRPLUS, root, &read_in, sizeof(read_in)), 0);
	assert_true(client->len > 40ul * 150);
	assert_int_equal(lookup(root, "n1"), 0); /* known */
	error = 0;
	for (int i = 0; i < 100 && !error; i++)
		error = open_it(root, O_DIRECTORY);
	assert_int_equal(error, -ENFILE);
}

static void it_begins_once_and_ends(void **unused)
{
	struct fuse_getattr_in get = { 0 };
	unsigned int inodes, handles;

	(void)unused;
	assert_int_equal(open_it(node("rootfs/f"), O_RDONLY), 0);
	assert_int_equal(client_init(client), -EIO);
	assert_int_equal(client_arg(client, FUSE_DESTROY, 0, NULL, 0), 0);
	fs_count(client->fs, &inodes, &handles);
	assert_int_equal(inodes + handles, 0);
	assert_int_equal(client_arg(client, FUSE_GETATTR, 1, &get, sizeof(get)), -EIO);
	struct fuse_init_in old = { .major = 7, .minor = 30 };
	assert_int_equal(client_arg(client, FUSE_INIT, 0, &old, sizeof(old)), -EPROTO);
	assert_int_equal(client_arg(client, FUSE_INIT, 0, &old, 8), -EINVAL);
	assert_int_equal(client_init(client), 0);
	assert_int_equal(((const struct fuse_init_out *)client->body)->max_write, 1 << 20);
	assert_int_equal(((const struct fuse_init_out *)client->body)->flags & FUSE_POSIX_LOCKS, 0);
}

static void attributes_of_trust_are_kept_apart(void **unused)
{
	static const char *const refused[] = {
		"security.selinux", "system.posix_acl_access", "user.caisson.trusted.x", "", "user",
		"trusted"
	};
	struct fuse_getxattr_in in = { .size = 100 };
	uint64_t f = node("rootfs/f");
	char value[8] = { 0 };
	char path[64];

	(void)unused;
	for (size_t i = 0; i < LEN(refused); i++) {
		assert_int_equal(client_call(client, FUSE_SETXATTR, f, "\1\0\0\0\0\0\0\0", 8,
		                             refused[i], strlen(refused[i]) + 1, "x", 1),
		                 -EOPNOTSUPP);
		assert_int_equal(client_name(client, FUSE_GETXATTR, f, &in, 8, refused[i]),
		                 -EOPNOTSUPP);
	}
	assert_int_equal(client_call(client, FUSE_SETXATTR, f, "\5\0\0\0\0\0\0\0", 8,
	                             "trusted.overlay.x", 18, "value", 5),
	                 0);
	assert_int_equal(
		client_call(client, FUSE_SETXATTR, f, "\1\0\0\0\0\0\0\0", 8, "user.y", 7, "y", 1),
		0);
	snprintf(path, sizeof(path), "%s/rootfs/f", folder);
	assert_int_equal(getxattr(path, "user.caisson.trusted.overlay.x", value, 8), 5);
	assert_string_equal(value, "value");
	assert_int_equal(client_name(client, FUSE_GETXATTR, f, &in, 8, "trusted.overlay.x"), 0);
	assert_memory_equal(client->body, "value", 5);
	assert_int_equal(client_arg(client, FUSE_LISTXATTR, f, &in, sizeof(in)), 0);
	assert_int_equal(client->len, 18 + 7);
	assert_true(!memcmp(client->body, "trusted.overlay.x\0user.y", 25) ||
	            !memcmp(client->body, "user.y\0trusted.overlay.x", 25));
	in.size = 24;
	assert_int_equal(client_arg(client, FUSE_LISTXATTR, f, &in, sizeof(in)), -ERANGE);
	in.size = 0;
	assert_int_equal(client_arg(client, FUSE_LISTXATTR, f, &in, sizeof(in)), 0);
	assert_int_equal(((const struct fuse_getxattr_out *)client->body)->size, 25);
	/* a value that is longer than the request */
	assert_int_equal(
		client_call(client, FUSE_SETXATTR, f, "\2\0\0\0\0\0\0\0", 8, "user.y", 7, "y", 1),
		-EINVAL);
}

static void what_is_made_is_the_requests(void **unused)
{
	struct fuse_mkdir_in in = { 0755, 0 };
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
	struct stat st;

	(void)unused;
	if (geteuid() != 0) {
		print_message("only root may take on other ids\n");
		skip();
	}
	client->uid = 1000;
	client->gid = 2000;
	/* the folder is root's alone: the guest's kernel has judged that already */
	assert_int_equal(client_name(client, FUSE_MKDIR, node("rootfs/d"), &in, sizeof(in), "of"),
	                 0);
	assert_int_equal(client_name(client, FUSE_CREATE, node("rootfs/d"), &create, 16, "f"), 0);
	assert_int_equal(
		client_call(client, FUSE_SYMLINK, node("rootfs/d"), NULL, 0, "l", 2, "x", 2), 0);
	for (int i = 0; i < 3; i++) {
		static const char *const made[] = { "rootfs/d/of", "rootfs/d/f", "rootfs/d/l" };

		assert_int_equal(fstatat(top, made[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_uid, 1000);
		assert_int_equal(st.st_gid, 2000);
	}
	/* and this thread is itself again */
	FD int fd = openat(top, "mine", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(fchmodat(top, "rootfs", 0, 0), 0);
	assert_int_equal(fchmodat(top, "rootfs", 0755, 0), 0);
}

static uint32_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

/* Whoever may write a file of another's does not keep its set-id bits. */
static void set_id_bits_go_where_the_guest_says_so(void **unused)
{
	uint64_t f = node("rootfs/f");
	struct fuse_open_in open_in = { .flags = O_WRONLY | O_TRUNC };
	struct fuse_create_in create_in = { .flags = O_WRONLY | O_TRUNC };
	struct fuse_setattr_in set = { .valid = FATTR_SIZE };

	(void)unused;
	for (int kill = 0; kill < 2; kill++) {
		uint32_t left = kill ? 0777 : 06777;

		open_in.open_flags = create_in.open_flags = kill ? FUSE_OPEN_KILL_SUIDGID : 0;
		set.valid = FATTR_SIZE | (kill ? FATTR_KILL_SUIDGID : 0);
		assert_int_equal(fchmodat(top, "rootfs/f", 06777, 0), 0);
		assert_int_equal(client_arg(client, FUSE_OPEN, f, &open_in, sizeof(open_in)), 0);
		assert_int_equal(mode_of("rootfs/f"), left);
		assert_int_equal(fchmodat(top, "rootfs/f", 06777, 0), 0);
		assert_int_equal(
			client_name(client, FUSE_CREATE, node("rootfs"), &create_in, 16, "f"), 0);
		assert_int_equal(mode_of("rootfs/f"), left);
		assert_int_equal(fchmodat(top, "rootfs/f", 06777, 0), 0);
		assert_int_equal(client_arg(client, FUSE_SETATTR, f, &set, sizeof(set)), 0);
		assert_int_equal(mode_of("rootfs/f"), left);
	}
}

static void a_file_that_is_cut_when_opened_says_so(void **unused)
{
	struct fuse_create_in in = { .flags = O_WRONLY | O_TRUNC };

	(void)unused;
	assert_int_equal(client_name(client, FUSE_CREATE, node("rootfs"), &in, sizeof(in), "f"), 0);
	assert_int_equal(((const struct fuse_entry_out *)client->body)->attr.size, 0);
}

static void change(const char *path, const char *text)
{
	FD int fd = openat(top, path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

/* Whether the guest may keep what it has of a file's data, which is opened anew. */
static bool is_kept(uint64_t f)
{
	assert_int_equal(open_it(f, O_RDONLY), 0);
	return ((const struct fuse_open_out *)client->body)->open_flags & FOPEN_KEEP_CACHE;
}

/* Not when it was not open before, or was changed a moment before it was: then another change
 * may look the same. */
static void data_are_kept_while_a_file_is_unchanged(void **unused)
{
	uint64_t f = node("rootfs/f");

	(void)unused;
	change("rootfs/f", "one");
	assert_false(is_kept(f));
	assert_false(is_kept(f));
	(void)poll(NULL, 0, 3100);
	assert_false(is_kept(f));
	assert_true(is_kept(f));
	assert_true(is_kept(f));
	change("rootfs/f", "two");
	assert_false(is_kept(f));
	assert_false(is_kept(f));
}

static void lengths_that_lie_are_refused(void **unused)
{
	struct fuse_in_header head = { .len = 41, .opcode = FUSE_STATFS, .nodeid = 1 };
	struct fuse_write_in in = { .size = 5 };
	uint64_t f = node("rootfs/f");

	(void)unused;
	memcpy(client->request, &head, 40);
	assert_int_equal(client_send_raw(client, 40, 4096, false), -EINVAL);
	assert_int_equal(client_send_raw(client, 39, 4096, false), -EINVAL);
	assert_int_equal(client_send_raw(client, 0, 4096, false), -EINVAL);
	head.len = 40;
	memcpy(client->request, &head, 40);
	assert_int_equal(client_send_raw(client, 40, 4096, false), 0);
	assert_int_equal(client_send_raw(client, 40, 95, false), -EINVAL);
	assert_int_equal(client_send_raw(client, 40, 15, false), -EIO); /* no room to say so */
	assert_int_equal(client_send_raw(client, 40, 0, false), -EIO);
	assert_int_equal(open_it(f, O_RDWR), 0);
	in.fh = handle();
	assert_int_equal(client_call(client, FUSE_WRITE, f, &in, sizeof(in), "four", 4, NULL, 0),
	                 -EINVAL);
	head = (struct fuse_in_header){ .len = 80 << 10, .opcode = FUSE_LOOKUP, .nodeid = 1 };
	memcpy(client->request, &head, 40);
	assert_int_equal(client_send_raw(client, 80 << 10, 4096, false), -E2BIG);
}

/* Each operation with each length of zeros, ones and letters behind its head. */
static void any_request_is_answered(void **unused)
{
	static const uint8_t fill[] = { 0, 0xff, 'a' };
	uint64_t nodes[] = { 1, node("rootfs"), node("rootfs/f"), node("rootfs/fifo"), 99 };

	(void)unused;
	assert_int_equal(open_it(nodes[2], O_RDWR), 0);
	for (uint32_t opcode = 0; opcode < 64; opcode++) {
		for (size_t i = 0; i < 120 * LEN(fill) * LEN(nodes); i++) {
			size_t len = 40 + i / LEN(fill) / LEN(nodes);
			bool silent = opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ||
			              opcode == FUSE_INTERRUPT;

			if (opcode == FUSE_DESTROY || opcode == FUSE_INIT)
				continue;
			memset(client->request, fill[i % LEN(fill)], len);
			client_head(client, opcode, nodes[i / LEN(fill) % LEN(nodes)], len);
			(void)client_send_raw(client, len, i % 200, silent);
		}
	}
	assert_int_equal(lookup(FUSE_ROOT_ID, "rootfs"), 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(names_of_one_component_only),
		CASE(links_are_not_followed),
		CASE(a_folder_that_is_exchanged_leads_nowhere_else),
		CASE(only_files_and_folders_are_opened),
		CASE(devices_are_not_made),
		CASE(what_is_shared_read_only_stays_as_it_is),
		CASE(a_detached_mount_enforces_it_by_itself),
		CASE(shares_are_apart),
		CASE(the_folder_of_shares_has_them_alone),
		CASE(readdirplus_counts_lookups_but_for_dots),
		CASE(old_and_invented_ids_lead_nowhere),
		CASE(limits_are_an_error_and_no_end),
		CASE(it_begins_once_and_ends),
		CASE(attributes_of_trust_are_kept_apart),
		CASE(what_is_made_is_the_requests),
		CASE(set_id_bits_go_where_the_guest_says_so),
		CASE(a_file_that_is_cut_when_opened_says_so),
		CASE(data_are_kept_while_a_file_is_unchanged),
		CASE(lengths_that_lie_are_refused),
		CASE(any_request_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
