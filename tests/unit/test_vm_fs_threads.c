/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four threads that ask one server for the same few files, open and read them, list their
 * folder and forget them, all at once: nobody gets another's answer, and nothing is left.
 * ThreadSanitizer and AddressSanitizer have something to look at here.
 */
#include <pthread.h>

#include "tests/unit/vm_fuse.h"
#include "tests/unit/vm_shell.h"

enum { THREADS = 4, ROUNDS = 400, FILES = 3 };

static char folder[] = "/tmp/test_vm_fs_threads.XXXXXX";
static struct fs_share share = { .name = "share", .fd = -1 };
static struct client *first;

/* Its own worker and buffers, the same server. */
static struct client *another(void)
{
	struct client *c = calloc(1, sizeof(*c));
	struct err e = { 0 };

	if (!c || fs_worker_new(first->fs, &c->worker, &e) < 0)
		abort();
	c->uid = first->uid;
	c->gid = first->gid;
	return c;
}

/* A file holds its own name. */
static void read_one(struct client *c, uint64_t root, const char *name)
{
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_read_in read_in = { .size = 16 };
	struct fuse_release_in release = { 0 };
	uint64_t node;

	if (client_name(c, FUSE_LOOKUP, root, NULL, 0, name) != 0)
		abort();
	node = ((const struct fuse_entry_out *)c->body)->nodeid;
	if (client_arg(c, FUSE_OPEN, node, &in, sizeof(in)) != 0)
		abort();
	read_in.fh = release.fh = ((const struct fuse_open_out *)c->body)->fh;
	if (client_arg(c, FUSE_READ, node, &read_in, sizeof(read_in)) != 0 || c->len != 2 ||
	    memcmp(c->body, name, 2) != 0)
		abort();
	if (client_arg(c, FUSE_RELEASE, node, &release, sizeof(release)) != 0)
		abort();
	client_forget(c, node, 1);
}

static void list_all(struct client *c, uint64_t root)
{
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_read_in read_in = { .size = 8192 };
	struct fuse_release_in release = { 0 };
	uint64_t ids[FILES];
	unsigned int found = 0;

	if (client_arg(c, FUSE_OPENDIR, root, &in, sizeof(in)) != 0)
		abort();
	read_in.fh = release.fh = ((const struct fuse_open_out *)c->body)->fh;
	if (client_arg(c, FUSE_READDIRPLUS, root, &read_in, sizeof(read_in)) != 0)
		abort();
	for (size_t at = 0; at < c->len;) {
		const struct fuse_direntplus *d = (const void *)((const char *)c->body + at);

		if (d->entry_out.nodeid && found < FILES)
			ids[found++] = d->entry_out.nodeid;
		at += FUSE_DIRENTPLUS_SIZE(d);
	}
	if (found != FILES)
		abort();
	for (unsigned int i = 0; i < found; i++)
		client_forget(c, ids[i], 1);
	if (client_arg(c, FUSE_RELEASEDIR, root, &release, sizeof(release)) != 0)
		abort();
}

static void *work(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		static const char *const names[FILES] = { "f0", "f1", "f2" };
		int error;
		uint64_t root = client_walk(c, "share", &error);

		if (error)
			abort();
		read_one(c, root, names[i % FILES]);
		if (i % 4 == 0)
			list_all(c, root);
		client_forget(c, root, 1);
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **unused)
{
	struct client *clients[THREADS];
	pthread_t threads[THREADS];
	unsigned int inodes, handles;

	(void)unused;
	assert_int_equal(client_init(first), 0);
	for (int i = 0; i < THREADS; i++) {
		clients[i] = another();
		assert_int_equal(pthread_create(&threads[i], NULL, work, clients[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		fs_worker_free(clients[i]->worker);
		free(clients[i]);
	}
	fs_count(first->fs, &inodes, &handles);
	assert_int_equal(inodes, 0);
	assert_int_equal(handles, 0);
}

static int make(void **unused)
{
	(void)unused;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(shell("cd %s && for f in f0 f1 f2; do printf $f >$f; done", folder), 0);
	share.fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	first = client_new(&share, 1, 64);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	client_free(first);
	close(share.fd);
	return shell("rm -r %s", folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
