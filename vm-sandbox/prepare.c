/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file gets its name only when it is whole and on the disk: a crash of the host in between
 * leaves a name that is not looked for. The lock on the folder is for the slow part alone;
 * who finds both files takes none.
 */
#include "vm-sandbox/prepare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "vm-sandbox/initramfs.h"
#include "vm-sandbox/kernel.h"

/* Raise it whenever the same kernel shall be prepared differently. */
enum { FORMAT = 3 };

enum {
	KERNEL_MAX = 256 << 20,
	LIST_MAX = 16 << 20, /* modules.dep, modules.builtin */
	NAME_ROOM = PREPARE_VERSION_ROOM + 40,
	HASH_DIGITS = 16,
	HEAD_SIZE = 64 << 10, /* of the kernel's file, where its version is */
};

static const struct module_wanted wanted[] = {
	{ .name = "virtio_pci" }, { .name = "virtio_console" },
	{ .name = "virtiofs" },   { .name = "virtio_rng" },
	{ .name = "virtio_net" }, { .name = "virtio_balloon", .optional = true },
};

/* … and for a disk, before its file system. Linux does not say that one needs crc32c, which newer
 * versions of it have no module of. */
static const struct module_wanted wanted_for_disk[] = {
	{ .name = "virtio_blk" },
	{ .name = "crc32c_generic", .optional = true, .early = true },
};

enum { WANTED_MAX = LEN(wanted) + LEN(wanted_for_disk) + 1 };

/* What is being prepared. */
struct work {
	const struct prepare_setup *setup;
	struct prepared *to;
	int kernel;  /* the file that was chosen */
	int modules; /* its folder; -1: none */
	char vmlinux[NAME_ROOM], initramfs[NAME_ROOM];
};

int prepare_cache(const char *path, struct err *e)
{
	FD int fd = -1;
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(e, ERR_REFUSED,
		               "%s: has to be a folder of user %u's that nobody else may write",
		               path, geteuid());
	return fd_give(&fd);
}

/* FNV-1a, over words. Nobody gains by a second input with the same sum: who could choose
 * one may write the kernel itself. */
static uint64_t add(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * UINT64_C(0x100000001b3);
}

static uint64_t add_bytes(uint64_t sum, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = add(sum, ((const uint8_t *)data)[i]);
	return sum;
}

static uint64_t add_file(uint64_t sum, const struct stat *st)
{
	sum = add(add(sum, st->st_dev), st->st_ino);
	sum = add(sum, (uint64_t)st->st_size);
	sum = add(add(sum, (uint64_t)st->st_mtim.tv_sec), (uint64_t)st->st_mtim.tv_nsec);
	return add(add(sum, (uint64_t)st->st_ctim.tv_sec), (uint64_t)st->st_ctim.tv_nsec);
}

/* The names of what is made of these files. */
static int name(struct work *w, struct err *e)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325) + FORMAT;
	const char *version = w->to->version[0] ? w->to->version : "kernel";
	struct stat st = { 0 };

	if (fstat(w->kernel, &st) < 0)
		return err_sys(e, "stat %s", w->setup->kernel);
	sum = add_file(sum, &st);
	sum = add_bytes(sum, w->setup->agent, w->setup->agent_len);
	if (w->modules >= 0) {
		if (fstatat(w->modules, "modules.dep", &st, 0) < 0)
			return err_sys(e, "stat modules.dep of %s", version);
		sum = add_file(sum, &st);
	}
	(void)snprintf(w->vmlinux, NAME_ROOM, "%s-%0*" PRIx64 ".vmlinux", version, HASH_DIGITS,
	               sum);
	(void)snprintf(w->initramfs, NAME_ROOM, "%s-%0*" PRIx64 "%s%s.initramfs", version,
	               HASH_DIGITS, sum, w->setup->disk ? "." : "",
	               w->setup->disk ? w->setup->disk : "");
	return 0;
}

static int open_made(const struct work *w, struct prepared *ret)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
	FD int kernel = openat(w->setup->cache, w->vmlinux, flags);
	FD int initramfs = openat(w->setup->cache, w->initramfs, flags);

	if (kernel < 0 || initramfs < 0)
		return -1;
	ret->kernel = fd_give(&kernel);
	ret->initramfs = fd_give(&initramfs);
	return 0;
}

static int store(const struct work *w, const char *as, const void *data, size_t len, struct err *e)
{
	char tmp[NAME_ROOM + 8];
	FD int fd = -1;

	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", as);
	/* one that was killed has left its own; the lock says that it is not in use */
	(void)unlinkat(w->setup->cache, tmp, 0);
	fd = openat(w->setup->cache, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make %s", tmp);
	if (fd_write_all(fd, data, len, tmp, e) == 0) {
		if (fsync(fd) == 0 && renameat(w->setup->cache, tmp, w->setup->cache, as) == 0)
			return 0;
		(void)err_sys(e, "keep %s", as);
	}
	(void)unlinkat(w->setup->cache, tmp, 0);
	return -1;
}

static int make_kernel(const struct work *w, const struct buf *file, struct err *e)
{
	KERNEL_IMAGE struct kernel_image image = { 0 };
	struct kernel_layout layout;

	TRY(kernel_unpack(w->setup->kernel, file->data, file->len, &image, e));
	if (kernel_layout_of(image.data, image.len, image.len, &layout, e) < 0)
		return err_in(e, "%s", w->setup->kernel);
	return store(w, w->vmlinux, image.data, image.len, e);
}

static int find_modules(const struct work *w, struct arena *a, struct module_list *ret,
                        struct err *e)
{
	BUF struct buf dep = { 0 };
	BUF struct buf builtin = { 0 };
	struct module_index index;
	struct module_wanted all[WANTED_MAX] = { 0 };
	size_t count = LEN(wanted);

	if (w->modules < 0) /* they are said to be built in */
		return 0;
	TRY(fd_read_file(w->modules, "modules.dep", LIST_MAX, &dep, e));
	TRY(fd_read_file(w->modules, "modules.builtin", LIST_MAX, &builtin, e));
	buf_text(&dep, "");
	buf_text(&builtin, "");
	index = (struct module_index){ dep.data, builtin.data };
	memcpy(all, wanted, sizeof(wanted));
	if (w->setup->disk) {
		memcpy(all + count, wanted_for_disk, sizeof(wanted_for_disk));
		count += LEN(wanted_for_disk);
		all[count++].name = w->setup->disk;
	}
	return modules_resolve(&index, all, count, a, ret, e);
}

static int make_initramfs(const struct work *w, struct err *e)
{
	const struct prepare_setup *s = w->setup;
	BUF struct buf archive = { 0 };
	ARENA struct arena a;
	struct module_list list = { 0 };

	arena_init(&a, 0);
	if (find_modules(w, &a, &list, e) < 0 ||
	    initramfs_build(s->agent, s->agent_len, w->modules, &list, &archive, e) < 0)
		return err_in(e, "kernel %s", w->to->version);
	w->to->modules = list.count;
	return store(w, w->initramfs, archive.data, archive.len, e);
}

/* Removes what was made of other files of the same kernel: who has it open keeps it. */
static void remove_older(const struct work *w)
{
	size_t same = strlen(w->vmlinux) - strlen("0123456789abcdef.vmlinux");
	int fd = openat(w->setup->cache, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		fd_drop(&fd);
		return;
	}
	while ((entry = readdir(d))) {
		const char *n = entry->d_name;

		if (strncmp(n, w->vmlinux, same) != 0 ||
		    strspn(n + same, "0123456789abcdef") != HASH_DIGITS ||
		    n[same + HASH_DIGITS] != '.' || strncmp(n, w->vmlinux, same + HASH_DIGITS) == 0)
			continue;
		(void)unlinkat(w->setup->cache, n, 0);
	}
	(void)closedir(d);
}

static int make(struct work *w, const struct buf *file, struct err *e)
{
	FD int lock = openat(w->setup->cache, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_sys(e, "lock the folder of prepared kernels");
	if (!w->setup->anew && open_made(w, w->to) == 0)
		return 0; /* somebody else has made it meanwhile */
	TRY(make_kernel(w, file, e));
	TRY(make_initramfs(w, e));
	if (open_made(w, w->to) < 0)
		return err_sys(e, "open what was prepared");
	w->to->made = true;
	remove_older(w);
	return 0;
}

static int open_modules(struct work *w, struct err *e)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", w->setup->modules, w->to->version);

	if (!w->to->version[0] || len < 0 || (size_t)len >= sizeof(path))
		return 0;
	w->modules = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->modules < 0 && errno != ENOENT)
		return err_sys(e, "open %s", path);
	return 0;
}

/* Fast when all is there: of the kernel's file only its head is read then. */
static int do_work(struct work *w, struct err *e)
{
	BUF struct buf file = { 0 };
	char *head = buf_room(&file, HEAD_SIZE);
	ssize_t got;

	w->kernel = open(w->setup->kernel, O_RDONLY | O_CLOEXEC);
	if (w->kernel < 0)
		return err_sys(e, "open kernel %s", w->setup->kernel);
	got = head ? pread(w->kernel, head, HEAD_SIZE, 0) : -1;
	if (got < 0)
		return err_sys(e, "read kernel %s", w->setup->kernel);
	prepare_version(w->setup->kernel, head, (size_t)got, w->to->version);
	TRY(open_modules(w, e));
	TRY(name(w, e));
	w->to->bare = w->modules < 0;
	if (!w->setup->anew && open_made(w, w->to) == 0)
		return 0;
	TRY(fd_read_all(w->kernel, KERNEL_MAX, w->setup->kernel, &file, e));
	return make(w, &file, e);
}

int prepare(const struct prepare_setup *setup, struct prepared *ret, struct err *e)
{
	struct work w = { .setup = setup, .to = ret, .kernel = -1, .modules = -1 };
	int result;

	*ret = (struct prepared){ .kernel = -1, .initramfs = -1 };
	result = do_work(&w, e);
	fd_drop(&w.kernel);
	fd_drop(&w.modules);
	if (result < 0)
		prepared_done(ret);
	return result;
}

void prepared_done(struct prepared *p)
{
	fd_drop(&p->kernel);
	fd_drop(&p->initramfs);
}
