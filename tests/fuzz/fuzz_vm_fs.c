/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary FUSE requests, one after the other, on a folder of the host that is made anew
 * for each input: the server answers each within the room it is given, touches nothing
 * beside its share, and forgets all in the end.
 *
 * A record of the input is an opcode, a node, a handle (both small numbers: which of those
 * that the server gave), the room, a length, and what follows the head. The fields of a
 * request that hold a handle or a node are filled from what was given, so that requests
 * reach behind the first checks.
 */
#include <fcntl.h>
#include <ftw.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm-sandbox/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 40, RECORD = 6, KNOWN = 8 };

static char top[32];
static int top_fd = -1;
static uint64_t nodes[KNOWN], handles[KNOWN];
static unsigned int node_count, handle_count;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_top(void)
{
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In memory where there is such a place, and no file larger than a MiB: an input may ask
 * for all the space there is. */
static void make_top(void)
{
	const struct rlimit small = { 1 << 20, 1 << 20 };

	(void)umask(0);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)snprintf(top, sizeof(top), "%s/fuzz_vm_fs.XXXXXX",
	               access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (setrlimit(RLIMIT_FSIZE, &small) < 0 || !mkdtemp(top) || atexit(remove_top) != 0)
		abort();
	top_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (symlinkat("nowhere", top_fd, "secret") < 0)
		abort();
}

static void empty_share(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/share", top);
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

static int make_share(void)
{
	int share, file;

	if (mkdirat(top_fd, "share", 0755) < 0)
		abort();
	share = openat(top_fd, "share", O_PATH | O_DIRECTORY | O_CLOEXEC);
	file = openat(share, "f", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file < 0 || write(file, "0123456789", 10) != 10 || mkdirat(share, "d", 0755) < 0 ||
	    symlinkat("../secret", share, "l") < 0)
		abort();
	(void)close(file);
	return share;
}

/* Where in a request's body a handle, or another node, is. */
static int handle_at(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_RELEASE:
	case FUSE_FSYNC:
	case FUSE_FLUSH:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNCDIR:
	case FUSE_FALLOCATE:
	case FUSE_LSEEK:
	case FUSE_COPY_FILE_RANGE:
		return 0;
	case FUSE_SETATTR:
		return 8;
	default:
		return -1;
	}
}

static void fill(uint8_t *body, size_t len, uint32_t opcode, uint8_t which)
{
	int at = handle_at(opcode);

	if (at >= 0 && handle_count && len >= (size_t)at + 8)
		memcpy(body + at, &handles[which % handle_count], 8);
	if ((opcode == FUSE_RENAME || opcode == FUSE_RENAME2 || opcode == FUSE_LINK) && len >= 8)
		memcpy(body, &nodes[which % node_count], 8);
	if (opcode == FUSE_COPY_FILE_RANGE && handle_count && len >= 32)
		memcpy(body + 24, &handles[(which >> 4) % handle_count], 8);
}

static void learn(uint32_t opcode, const uint8_t *reply, uint32_t len)
{
	const struct fuse_entry_out *entry = (const void *)(reply + 16);
	bool is_entry = len >= 16 + sizeof(*entry) &&
	                (opcode == FUSE_LOOKUP || opcode == FUSE_MKDIR || opcode == FUSE_MKNOD ||
	                 opcode == FUSE_SYMLINK || opcode == FUSE_LINK || opcode == FUSE_CREATE ||
	                 opcode == FUSE_TMPFILE);

	if (is_entry)
		nodes[node_count < KNOWN ? node_count++ : KNOWN - 1] = entry->nodeid;
	if ((opcode == FUSE_OPEN || opcode == FUSE_OPENDIR) && len >= 24)
		memcpy(&handles[handle_count < KNOWN ? handle_count++ : KNOWN - 1], reply + 16, 8);
	if ((opcode == FUSE_CREATE || opcode == FUSE_TMPFILE) && len > 16 + sizeof(*entry))
		memcpy(&handles[handle_count < KNOWN ? handle_count++ : KNOWN - 1],
		       reply + 16 + sizeof(*entry), 8);
}

static void request(struct fs_worker *w, const uint8_t *record, const uint8_t *body, size_t len)
{
	size_t room = record[3] < 128 ? record[3] : (size_t)(record[3] - 127) * 512;
	uint32_t opcode = record[0] & 63, got;
	uint8_t *in = malloc(HEAD + len), *out = malloc(room ? room : 1);
	struct fuse_in_header head = { .len = (uint32_t)(HEAD + len), .opcode = opcode };
	struct iovec in_iov[2], out_iov[2];
	struct fs_message m = { in_iov, out_iov, 2, 2 };

	head.nodeid = nodes[record[1] % node_count];
	memcpy(in, &head, HEAD);
	if (len)
		memcpy(in + HEAD, body, len);
	fill(in + HEAD, len, opcode, record[2]);
	in_iov[0] = (struct iovec){ in, HEAD - 7 };
	in_iov[1] = (struct iovec){ in + HEAD - 7, len + 7 };
	out_iov[0] = (struct iovec){ out, room / 2 };
	out_iov[1] = (struct iovec){ out + room / 2, room - room / 2 };
	got = fs_serve(w, &m);
	if (got > room || (got && got < 16))
		abort();
	learn(opcode, out, got);
	free(in);
	free(out);
}

static void begin(struct fs_worker *w)
{
	struct {
		struct fuse_in_header head;
		struct fuse_init_in init;
	} in = { { .len = sizeof(in), .opcode = FUSE_INIT }, { .major = 7, .minor = 38 } };
	uint8_t out[256];
	struct iovec in_iov = { &in, sizeof(in) }, out_iov = { out, sizeof(out) };
	struct fs_message m = { &in_iov, &out_iov, 1, 1 };

	if (fs_serve(w, &m) == 0)
		abort();
	node_count = 1;
	handle_count = 0;
	nodes[0] = FUSE_ROOT_ID;
	request(w, (const uint8_t[]){ FUSE_LOOKUP, 0, 0, 255, 0, 0 }, (const uint8_t *)"share", 6);
	request(w, (const uint8_t[]){ FUSE_LOOKUP, 1, 0, 255, 0, 0 }, (const uint8_t *)"f", 2);
	if (node_count != 3)
		abort();
}

static void serve_all(struct fs_worker *w, const uint8_t *data, size_t size)
{
	while (size >= RECORD) {
		size_t len = data[4] | (size_t)(data[5] & 15) << 8;

		if (len > size - RECORD)
			len = size - RECORD;
		request(w, data, data + RECORD, len);
		data += RECORD + len;
		size -= RECORD + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fs_share share = { .name = "share" };
	struct fs_setup setup = {
		.shares = &share, .share_count = 1, .inodes_max = 32, .handles_max = 16
	};
	struct fs_worker *w = NULL;
	struct fs *fs = NULL;
	struct err e = { 0 };
	char target[16] = { 0 };

	if (top_fd < 0)
		make_top();
	share.fd = make_share();
	setup.proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fs_new(&setup, &fs, &e) < 0 || fs_worker_new(fs, &w, &e) < 0)
		abort();
	begin(w);
	serve_all(w, data, size);
	fs_worker_free(w);
	fs_free(fs);
	(void)close(setup.proc_fds);
	(void)close(share.fd);
	if (readlinkat(top_fd, "secret", target, sizeof(target)) != 7 ||
	    strcmp(target, "nowhere") != 0)
		abort();
	empty_share();
	return 0;
}
