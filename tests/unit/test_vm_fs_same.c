/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same operations, one after the other, on a folder of the host by system calls and on
 * another through the FUSE server: each has to end alike, and so do the two trees. What is
 * expected is not written down anywhere: the kernel says it.
 */
#include "tests/unit/vm_fs_host.h"
#include "tests/unit/vm_fuse.h"
#include "tests/unit/vm_shell.h"

static char folder[] = "/tmp/test_vm_fs_same.XXXXXX";
static struct client *client;

/* The node of a path in the share, to be forgotten. */
static uint64_t node_of(const char *path, int *error)
{
	char full[512];

	snprintf(full, sizeof(full), "share/%s", strcmp(path, ".") ? path : "");
	return client_walk(client, full, error);
}

/* The folder of a path, and the name in it. */
static uint64_t parent_of(const char *path, const char **name, int *error)
{
	const char *slash = strrchr(path, '/');
	char folder_path[256] = ".";

	*name = slash ? slash + 1 : path;
	if (slash)
		snprintf(folder_path, sizeof(folder_path), "%.*s", (int)(slash - path), path);
	return node_of(folder_path, error);
}

static void forget_entry(void)
{
	client_forget(client, ((const struct fuse_entry_out *)client->body)->nodeid, 1);
}

static uint64_t open_node(uint64_t node, uint32_t flags, int *error)
{
	struct fuse_open_in in = { .flags = flags };
	uint32_t opcode = flags & O_DIRECTORY ? FUSE_OPENDIR : FUSE_OPEN;

	*error = client_arg(client, opcode, node, &in, sizeof(in));
	return *error ? 0 : ((const struct fuse_open_out *)client->body)->fh;
}

static void release(uint64_t fh, bool is_folder)
{
	struct fuse_release_in in = { .fh = fh };

	assert_int_equal(
		client_arg(client, is_folder ? FUSE_RELEASEDIR : FUSE_RELEASE, 1, &in, sizeof(in)),
		0);
}

static int64_t write_at(uint64_t node, uint64_t fh, const char *data, uint64_t offset,
                        uint32_t flags)
{
	struct fuse_write_in in = {
		.fh = fh, .offset = offset, .size = (uint32_t)strlen(data), .write_flags = flags
	};
	int error =
		client_call(client, FUSE_WRITE, node, &in, sizeof(in), data, strlen(data), NULL, 0);

	return error ? error : (int64_t)((const struct fuse_write_out *)client->body)->size;
}

static int64_t read_at(uint64_t node, uint64_t fh, uint64_t offset, uint32_t size, char *to)
{
	struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };
	int error = client_arg(client, FUSE_READ, node, &in, sizeof(in));

	if (error)
		return error;
	memcpy(to, client->body, client->len);
	return (int64_t)client->len;
}

static int64_t copy_to(const struct step *s, uint64_t node, uint64_t fh)
{
	int error;
	uint64_t other = node_of(s->other, &error), to = open_node(other, O_WRONLY, &error);
	struct fuse_copy_file_range_in in = {
		.fh_in = fh, .off_in = s->m, .nodeid_out = other, .fh_out = to, .len = s->n
	};

	error = client_arg(client, FUSE_COPY_FILE_RANGE, node, &in, sizeof(in));
	int64_t size = error ? error : (int64_t)((const struct fuse_write_out *)client->body)->size;
	release(to, false);
	client_forget(client, other, 1);
	return size;
}

static int64_t with_file(const struct step *s, struct outcome *o, uint64_t node, uint64_t fh)
{
	struct fuse_fallocate_in allocate = { .fh = fh, .length = s->n };
	struct fuse_lseek_in seek = { .fh = fh, .offset = s->n, .whence = (uint32_t)s->m };
	struct fuse_fsync_in sync = { .fh = fh };
	int error;

	switch (s->op) {
	case READ:
		return read_at(node, fh, s->m, (uint32_t)s->n, o->text);
	case APPEND:
		return write_at(node, fh, s->other, 0, 0);
	case WRITE_KILL:
		return write_at(node, fh, s->other, s->m, FUSE_WRITE_KILL_SUIDGID);
	case HOLE:
		error = client_arg(client, FUSE_LSEEK, node, &seek, sizeof(seek));
		return error ? error
		             : (int64_t)((const struct fuse_lseek_out *)client->body)->offset;
	case ALLOCATE:
		allocate.mode = (uint32_t)s->m;
		return client_arg(client, FUSE_FALLOCATE, node, &allocate, sizeof(allocate));
	case PUNCH:
		allocate.mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		allocate.offset = s->m;
		return client_arg(client, FUSE_FALLOCATE, node, &allocate, sizeof(allocate));
	case SYNC:
		return client_arg(client, FUSE_FSYNC, node, &sync, sizeof(sync));
	case COPY:
		return copy_to(s, node, fh);
	default:
		return write_at(node, fh, s->other, s->m, 0);
	}
}

static int64_t client_file(const struct step *s, struct outcome *o)
{
	uint32_t flags = s->op == READ || s->op == HOLE || s->op == SYNC || s->op == COPY
	                         ? O_RDONLY
	                         : O_WRONLY;
	int error;
	uint64_t node = node_of(s->path, &error), fh;
	int64_t result;

	if (error)
		return error;
	fh = open_node(node, flags | (s->op == APPEND ? O_APPEND : 0), &error);
	result = error;
	if (!error) {
		struct fuse_flush_in flush = { .fh = fh };

		result = with_file(s, o, node, fh);
		assert_int_equal(client_arg(client, FUSE_FLUSH, node, &flush, sizeof(flush)), 0);
		release(fh, false);
	}
	client_forget(client, node, 1);
	/* a guest's kernel says that about a folder before it asks */
	return result == -EISDIR && s->op == READ ? host_file(s, o) : result;
}

static int64_t client_xattr(const struct step *s, struct outcome *o)
{
	static const char value[4096] = "value";
	struct fuse_getxattr_in get = { .size = (uint32_t)s->n };
	uint32_t set[2] = { (uint32_t)s->n, s->op == XATTR_NEW ? XATTR_CREATE : 0 };
	size_t name = s->other ? strlen(s->other) + 1 : 0;
	int error;
	uint64_t node = node_of(s->path, &error);

	if (error)
		return error;
	if (s->op == GETXATTR)
		error = client_name(client, FUSE_GETXATTR, node, &get, sizeof(get), s->other);
	else if (s->op == REMOVEXATTR)
		error = client_name(client, FUSE_REMOVEXATTR, node, NULL, 0, s->other);
	else
		error = client_call(client, FUSE_SETXATTR, node, set, sizeof(set), s->other, name,
		                    value, s->n);
	int64_t result = error;
	if (!error && s->op == GETXATTR && s->n == 0) {
		result = ((const struct fuse_getxattr_out *)client->body)->size;
	} else if (!error && s->op == GETXATTR) {
		result = (int64_t)client->len;
		memcpy(o->text, client->body, client->len);
	}
	client_forget(client, node, 1);
	return result;
}

/* In two requests at least: from the start, then from each last entry on. */
static int64_t client_list(const struct step *s, struct outcome *o)
{
	struct fuse_read_in in = { .size = 200 };
	char *names[64];
	size_t count = 0;
	int error;
	uint64_t node = node_of(s->path, &error);

	if (error)
		return error;
	in.fh = open_node(node, O_DIRECTORY, &error);
	while (!error && s->op == LIST) {
		size_t at = 0;

		assert_int_equal(client_arg(client, FUSE_READDIR, node, &in, sizeof(in)), 0);
		assert_true(client->len <= in.size);
		while (at < client->len) {
			const struct fuse_dirent *d =
				(const void *)((const char *)client->body + at);

			names[count++] = strndup(d->name, d->namelen);
			in.offset = d->off;
			at += FUSE_DIRENT_SIZE(d);
		}
		if (client->len == 0)
			break;
	}
	if (!error)
		release(in.fh, true);
	client_forget(client, node, 1);
	join(names, count, o->text, sizeof(o->text));
	return error ? error : (int64_t)count;
}

static int64_t client_tmpfile(const struct step *s)
{
	struct fuse_create_in in = { .flags = O_RDWR | O_TMPFILE,
		                     .mode = (uint32_t)s->n | S_IFREG };
	struct fuse_link_in link;
	int error;
	uint64_t node = node_of(s->path, &error), root = node_of(".", &error), made, fh;

	error = client_name(client, FUSE_TMPFILE, node, &in, sizeof(in), "#1");
	if (!error) {
		made = ((const struct fuse_entry_out *)client->body)->nodeid;
		fh = ((const struct fuse_open_out *)(const void *)((const char *)client->body +
		                                                   sizeof(struct fuse_entry_out)))
		             ->fh;
		link.oldnodeid = made;
		assert_int_equal(write_at(made, fh, "temporary", 0, 0), 9);
		error = client_name(client, FUSE_LINK, root, &link, sizeof(link), s->other);
		if (!error)
			forget_entry();
		release(fh, false);
		client_forget(client, made, 1);
	}
	client_forget(client, node, 1);
	client_forget(client, root, 1);
	return error;
}

/* What makes a name in a folder, and answers with its entry. */
static int64_t client_make(const struct step *s)
{
	static const uint32_t flags[] = { O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC };
	struct fuse_mkdir_in dir = { .mode = (uint32_t)s->n };
	struct fuse_mknod_in nod = { .mode = (uint32_t)s->n };
	struct fuse_create_in create = { .mode = (uint32_t)s->n | S_IFREG };
	const char *name;
	int error;
	uint64_t node = parent_of(s->path, &name, &error);

	if (error)
		return error;
	if (s->op == MKDIR) {
		error = client_name(client, FUSE_MKDIR, node, &dir, sizeof(dir), name);
	} else if (s->op == MKNOD) {
		error = client_name(client, FUSE_MKNOD, node, &nod, sizeof(nod), name);
	} else if (s->op == SYMLINK) {
		error = client_call(client, FUSE_SYMLINK, node, NULL, 0, name, strlen(name) + 1,
		                    s->other, strlen(s->other) + 1);
	} else {
		create.flags = O_WRONLY | flags[s->op - CREATE];
		error = client_name(client, FUSE_CREATE, node, &create, sizeof(create), name);
	}
	if (!error && s->op >= CREATE && s->op <= CREATE_TRUNC) {
		uint64_t made = ((const struct fuse_entry_out *)client->body)->nodeid;

		release(((const struct fuse_open_out *)(const void
		                                                *)((const char *)client->body +
		                                                   sizeof(struct fuse_entry_out)))
		                ->fh,
		        false);
		client_forget(client, made, 1);
	} else if (!error) {
		forget_entry();
	}
	client_forget(client, node, 1);
	return error;
}

static int64_t client_link(const struct step *s)
{
	const char *name;
	struct fuse_link_in in;
	int error;
	uint64_t to;

	in.oldnodeid = node_of(s->path, &error);
	if (error)
		return error;
	to = parent_of(s->other, &name, &error);
	error = client_name(client, FUSE_LINK, to, &in, sizeof(in), name);
	if (!error)
		forget_entry();
	client_forget(client, in.oldnodeid, 1);
	client_forget(client, to, 1);
	return error;
}

static int64_t client_remove(const struct step *s)
{
	const char *name;
	int error;
	uint64_t node = parent_of(s->path, &name, &error);

	if (error)
		return error;
	error = client_name(client, s->op == RMDIR ? FUSE_RMDIR : FUSE_UNLINK, node, NULL, 0, name);
	client_forget(client, node, 1);
	return error;
}

static int64_t client_rename(const struct step *s)
{
	const char *from, *to;
	int error;
	uint64_t node = parent_of(s->path, &from, &error), other = parent_of(s->other, &to, &error);
	struct fuse_rename2_in in = { .newdir = other };

	in.flags = s->op == RENAME_BAD ? 8u : (uint32_t)s->op - RENAME;
	if (s->op == RENAME)
		error = client_call(client, FUSE_RENAME, node, &other, sizeof(other), from,
		                    strlen(from) + 1, to, strlen(to) + 1);
	else
		error = client_call(client, FUSE_RENAME2, node, &in, sizeof(in), from,
		                    strlen(from) + 1, to, strlen(to) + 1);
	client_forget(client, node, 1);
	client_forget(client, other, 1);
	return error;
}

static void describe_attr(const struct fuse_attr *a, char *text, size_t room)
{
	struct stat st = { .st_mode = a->mode,
		           .st_nlink = a->nlink,
		           .st_uid = a->uid,
		           .st_gid = a->gid,
		           .st_size = (off_t)a->size,
		           .st_rdev = a->rdev };

	describe(&st, text, room);
}

static int64_t client_attr(const struct step *s, struct outcome *o)
{
	struct fuse_getattr_in get = { 0 };
	struct fuse_setattr_in set = { .mode = (uint32_t)s->n,
		                       .uid = (uint32_t)s->n,
		                       .gid = (uint32_t)s->m,
		                       .size = s->n,
		                       .atime = s->n,
		                       .mtime = s->m,
		                       .atimensec = 5,
		                       .mtimensec = 6 };
	const struct fuse_kstatfs *st;
	int error;
	uint64_t node = node_of(s->path, &error);

	if (error)
		return error;
	if (s->op == STAT) {
		error = client_arg(client, FUSE_GETATTR, node, &get, sizeof(get));
		if (!error)
			describe_attr(&((const struct fuse_attr_out *)client->body)->attr, o->text,
			              sizeof(o->text));
	} else if (s->op == STATFS) {
		error = client_arg(client, FUSE_STATFS, node, NULL, 0);
		st = &((const struct fuse_statfs_out *)client->body)->st;
		snprintf(o->text, sizeof(o->text), "%u %llu %u", st->bsize,
		         (unsigned long long)st->blocks, st->namelen);
	} else {
		if (s->op == CHMOD)
			set.valid = FATTR_MODE;
		if (s->op == TRUNCATE)
			set.valid = FATTR_SIZE;
		if (s->op == TIMES)
			set.valid = FATTR_ATIME | FATTR_MTIME;
		if (s->op == CHOWN)
			set.valid = (s->n == UINT32_MAX ? 0 : FATTR_UID) |
			            (s->m == UINT32_MAX ? 0 : FATTR_GID);
		error = client_arg(client, FUSE_SETATTR, node, &set, sizeof(set));
	}
	client_forget(client, node, 1);
	return error;
}

static int64_t client_readlink(const struct step *s, struct outcome *o)
{
	int error;
	uint64_t node = node_of(s->path, &error);

	if (error)
		return error;
	error = client_arg(client, FUSE_READLINK, node, NULL, 0);
	if (!error)
		memcpy(o->text, client->body, client->len);
	client_forget(client, node, 1);
	return error ? error : (int64_t)client->len;
}

static int64_t through_server(const struct step *s, struct outcome *o)
{
	switch (s->op) {
	case MKDIR:
	case MKNOD:
	case CREATE:
	case CREATE_EXCL:
	case CREATE_TRUNC:
	case SYMLINK:
		return client_make(s);
	case TMPFILE:
		return client_tmpfile(s);
	case LINK:
		return client_link(s);
	case UNLINK:
	case RMDIR:
		return client_remove(s);
	case RENAME:
	case RENAME_NEW:
	case RENAME_SWAP:
	case RENAME_BAD:
		return client_rename(s);
	case READLINK:
		return client_readlink(s, o);
	case OPEN_DIR:
	case LIST:
		return client_list(s, o);
	case SETXATTR:
	case XATTR_NEW:
	case GETXATTR:
	case REMOVEXATTR:
		return client_xattr(s, o);
	case CHMOD:
	case CHOWN:
	case TIMES:
	case TRUNCATE:
	case STAT:
	case STATFS:
		return client_attr(s, o);
	default:
		return client_file(s, o);
	}
}

/* On the host, a write through a descriptor of root's keeps set-id bits: what a guest's
 * plain user would do is taken away from it here. */
static void after_kill(const struct step *s)
{
	struct stat st;

	if (s->op == WRITE_KILL && fstatat(host, s->path, &st, 0) == 0)
		assert_int_equal(fchmodat(host, s->path, st.st_mode & 01777, 0), 0);
}

static void both_end_alike(void **unused)
{
	unsigned int inodes, handles;

	(void)unused;
	for (size_t i = 0; i < LEN(steps); i++) {
		const struct step *s = &steps[i];
		struct outcome there = { 0 }, here = { 0 };

		if (s->root && geteuid() != 0)
			continue;
		there.result = on_host(s, &there);
		after_kill(s);
		here.result = through_server(s, &here);
		if (there.result != here.result)
			fail_msg("step %zu (op %d %s): %lld on the host, %lld through the server",
			         i, s->op, s->path, (long long)there.result,
			         (long long)here.result);
		if (memcmp(there.text, here.text, sizeof(here.text)) != 0)
			fail_msg(
				"step %zu (op %d %s): \"%s\" on the host, \"%s\" through the server",
				i, s->op, s->path, there.text, here.text);
	}
	fs_count(client->fs, &inodes, &handles);
	assert_int_equal(inodes, 0); /* all was forgotten and released */
	assert_int_equal(handles, 0);
}

/* Names, types, modes, owners, sizes and content of all; times of what had them set. */
static void both_trees_are_alike(void **unused)
{
	(void)unused;
	assert_int_equal(
		shell("cd %s && for d in host share; do (cd $d && "
	              "find . -printf '%%P %%y %%m %%n %%U %%G %%l ' "
	              "\\( -type d -printf '\\n' -o -printf '%%s\\n' \\) | LC_ALL=C sort; "
	              "find . \\( ! -newermt @1000 -o -newermt @1999999999 ! -newermt @2000000001 "
	              "\\) -printf '%%P at %%T@\\n' | LC_ALL=C sort; "
	              "find . -type f | LC_ALL=C sort | xargs md5sum) >$d.list; done; "
	              "diff host.list share.list && test $(wc -l <host.list) -gt 20 && "
	              "test $(grep -c ' at ' host.list) = 3",
	              folder),
		0);
}

static struct fs_share share = { .name = "share", .fd = -1 };

static int make(void **unused)
{
	char path[64];

	(void)unused;
	umask(0);
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, i ? "share" : "host");
		assert_int_equal(mkdir(path, 0755), 0);
		*(i ? &share.fd : &host) = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	client = client_new(&share, 1, 1024);
	assert_int_equal(client_init(client), 0);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	client_free(client);
	close(share.fd);
	close(host);
	return shell("rm -rf %s", folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_end_alike),
		cmocka_unit_test(both_trees_are_alike),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
