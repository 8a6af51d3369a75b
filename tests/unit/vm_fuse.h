/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE client for the server in the monitor: what a guest's kernel sends, and what it
 * makes of the replies. Buffers come in odd parts, as a guest's pages do.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/fs.h"

enum { CLIENT_ROOM = 1 << 20 };

struct client {
	struct fs *fs;
	struct fs_worker *worker;
	int proc_fds;
	uint64_t unique;
	uint32_t uid, gid;
	uint8_t request[CLIENT_ROOM], reply[CLIENT_ROOM];
	const void *body; /* of the last reply */
	size_t len;
};

/* Sends `len` bytes that lie in c->request; the server's errno, negative. */
static inline int client_send_raw(struct client *c, size_t len, size_t room, bool no_reply)
{
	struct fuse_out_header *head = (void *)c->reply;
	size_t first = len < 40 ? len : 40, half = room > 16 ? (room - 16) / 2 : 0;
	struct iovec in[3] = {
		{ c->request, first },
		{ c->request + first, (len - first) / 3 },
		{ c->request + first + (len - first) / 3, len - first - (len - first) / 3 },
	};
	struct iovec out[3] = {
		{ c->reply, room < 16 ? room : 16 },
		{ c->reply + 16, half },
		{ c->reply + 16 + half, room > 16 ? room - 16 - half : 0 },
	};
	struct fs_message m = { in, out, 3, 3 };
	uint32_t got;

	memset(c->reply, 0xaa, room);
	got = fs_serve(c->worker, &m);
	if (no_reply) {
		assert_int_equal(got, 0);
		return 0;
	}
	if (room < sizeof(*head)) {
		assert_int_equal(got, 0);
		return -EIO;
	}
	assert_true(got >= sizeof(*head) && got <= room);
	assert_int_equal(head->len, got);
	assert_true(head->error <= 0 && head->error > -512);
	if (head->error)
		assert_int_equal(got, sizeof(*head));
	c->body = c->reply + sizeof(*head);
	c->len = got - sizeof(*head);
	return head->error;
}

static inline size_t client_put(struct client *c, size_t at, const void *data, size_t len)
{
	if (len)
		memcpy(c->request + at, data, len);
	return at + len;
}

static inline size_t client_head(struct client *c, uint32_t opcode, uint64_t node, size_t len)
{
	struct fuse_in_header head = {
		.len = (uint32_t)len,
		.opcode = opcode,
		.unique = ++c->unique,
		.nodeid = node,
		.uid = c->uid,
		.gid = c->gid,
	};

	return client_put(c, 0, &head, sizeof(head));
}

/* A request of a fixed part and up to two more. */
static inline int client_call(struct client *c, uint32_t opcode, uint64_t node, const void *arg,
                              size_t arg_len, const void *more, size_t more_len, const void *last,
                              size_t last_len)
{
	size_t at = client_head(c, opcode, node, 40 + arg_len + more_len + last_len);

	at = client_put(c, at, arg, arg_len);
	at = client_put(c, at, more, more_len);
	at = client_put(c, at, last, last_len);
	return client_send_raw(c, at, CLIENT_ROOM,
	                       opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ||
	                               opcode == FUSE_INTERRUPT);
}

static inline int client_name(struct client *c, uint32_t opcode, uint64_t node, const void *arg,
                              size_t arg_len, const char *name)
{
	return client_call(c, opcode, node, arg, arg_len, name, strlen(name) + 1, NULL, 0);
}

static inline int client_arg(struct client *c, uint32_t opcode, uint64_t node, const void *arg,
                             size_t arg_len)
{
	return client_call(c, opcode, node, arg, arg_len, NULL, 0, NULL, 0);
}

static inline int client_init(struct client *c)
{
	struct fuse_init_in in = { .major = 7, .minor = 38, .flags = UINT32_MAX };

	return client_arg(c, FUSE_INIT, 0, &in, sizeof(in));
}

static inline void client_forget(struct client *c, uint64_t node, uint64_t n)
{
	struct fuse_forget_in in = { n };

	if (node != FUSE_ROOT_ID)
		(void)client_arg(c, FUSE_FORGET, node, &in, sizeof(in));
}

/* The node of a path from the root of the shares: 0 with an errno in *error. */
static inline uint64_t client_walk(struct client *c, const char *path, int *error)
{
	uint64_t node = FUSE_ROOT_ID;
	char copy[4096], *rest = NULL;

	*error = 0;
	snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		uint64_t parent = node;

		*error = client_name(c, FUSE_LOOKUP, parent, NULL, 0, name);
		node = *error ? 0 : ((const struct fuse_entry_out *)c->body)->nodeid;
		client_forget(c, parent, 1);
		if (*error)
			return 0;
	}
	return node;
}

static inline struct client *client_new(const struct fs_share *shares, unsigned int count,
                                        unsigned int inodes)
{
	struct client *c = calloc(1, sizeof(*c));
	struct fs_setup setup = {
		.shares = shares, .share_count = count, .inodes_max = inodes, .handles_max = 64
	};
	struct err e = { 0 };

	assert_non_null(c);
	c->uid = geteuid();
	c->gid = getegid();
	c->proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	setup.proc_fds = c->proc_fds;
	assert_int_equal(fs_new(&setup, &c->fs, &e), 0);
	assert_int_equal(fs_worker_new(c->fs, &c->worker, &e), 0);
	return c;
}

static inline void client_free(struct client *c)
{
	fs_worker_free(c->worker);
	fs_free(c->fs);
	close(c->proc_fds);
	free(c);
}
