/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE server inside the monitor, for virtio-fs: it answers a guest's requests for files
 * of the host. What the guest may see are shares: trees of the host, each given as a
 * descriptor of its root, mostly a detached mount (open_tree(2)) whose read-only, nosuid
 * and id mapping the host's kernel enforces. The file system that the guest mounts is a
 * folder of them, by name.
 *
 * What keeps a hostile guest inside:
 *
 * - A name in a request is one component: not empty, no slash, neither "." nor "..".
 * - A file is a descriptor (O_PATH) that was opened from its folder's descriptor, without
 *   following a link: the server never walks a path, nor reads a link to go on from it.
 * - Only regular files and folders are ever opened; a fifo, socket or device of the host
 *   is a name with attributes.
 * - A request is copied once, then read; ids and handles are numbers with a generation,
 *   looked up in tables with a limit.
 *
 * Source: linux/fuse.h; virtio 1.2, section 5.11; openat2(2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

struct fs;
struct fs_worker;

struct fs_share {
	const char *name;
	int fd;                 /* O_PATH of the root: a folder or a regular file */
	bool read_only;         /* refused here, too, beside what the mount enforces */
	uint32_t cache_seconds; /* how long the guest may trust names and attributes */
};

struct fs_setup {
	const struct fs_share *shares; /* lent, with names and descriptors, until fs_free */
	unsigned int share_count;
	int proc_fds; /* /proc/self/fd, lent: what reopens descriptors without a path */
	unsigned int inodes_max, handles_max;
};

/* The caller has a umask of 0: modes come with the guest's umask applied. */
MUST_CHECK int fs_new(const struct fs_setup *setup, struct fs **ret, struct err *e);
void fs_free(struct fs *fs);

/* What one thread needs for itself to answer requests. */
MUST_CHECK int fs_worker_new(struct fs *fs, struct fs_worker **ret, struct err *e);
void fs_worker_free(struct fs_worker *w);

/* A request and the room for its reply, in memory that the guest may change meanwhile. */
struct fs_message {
	const struct iovec *in, *out;
	unsigned int in_count, out_count;
};

/* Answers one request: the length of the reply, 0 for those that have none. Threads may
 * do this at the same time, each with its own worker. */
uint32_t fs_serve(struct fs_worker *w, const struct fs_message *m);

/* How many inodes and handles are held. */
void fs_count(struct fs *fs, unsigned int *inodes, unsigned int *handles);
