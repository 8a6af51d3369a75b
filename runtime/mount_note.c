/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written whole before init may attach the mount, so a note that is cut short means that
 * it never did. Undone by a child: whoever enters a mount namespace, or unmounts the
 * folder that it stands in, has to change its root or its working folder for that.
 */
#include "runtime/mount_note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/launch/plan.h"

static const char file[] = "mount";

enum { NOTE_MAX = 16384, FIELDS = 5 };

/* What became of it, as the child's exit status; an errno otherwise. */
enum { DETACHED = 0, GONE = 254, COVERED = 255 };

/* --- the file: five strings, each with its NUL ------------------------------------------ */

static void put(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text) + 1);
}

int mount_note_write(const struct state_dir *d, pid_t pid, uint64_t id, const char *join_path,
                     const char *rootfs, struct mount_note *ret, struct err *e)
{
	ARENA struct arena a = { 0 };
	BUF struct buf text = { 0 };
	const char *boot_id;
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	if (stat(path, &st) < 0)
		return err_sys(e, "stat %s", path);
	TRY(state_boot_id(&a, &boot_id, e));
	put(&text, boot_id);
	put(&text, arena_printf(&a, "%llu", (unsigned long long)id));
	put(&text, arena_printf(&a, "%llu", (unsigned long long)st.st_ino));
	put(&text, join_path);
	put(&text, rootfs);
	TRY(buf_ok(&text, e));

	FD int fd = openat(d->fd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "note the mount of the rootfs");
	TRY(fd_write_all(fd, text.data, text.len, file, e));
	*ret = (struct mount_note){
		.id = id, .namespace = st.st_ino, .join_path = join_path, .rootfs = rootfs
	};
	return 0;
}

/* Whether all fields are there. */
static bool split(struct arena *a, const struct buf *text, const char *fields[FIELDS])
{
	const char *copy = arena_string(a, text->data ? text->data : "", text->len);
	size_t at = 0;

	for (int i = 0; i < FIELDS; i++) {
		const char *end = memchr(copy + at, '\0', text->len - at);

		if (!end)
			return false;
		fields[i] = copy + at;
		at = (size_t)(end - copy) + 1;
	}
	return true;
}

int mount_note_read(const struct state_dir *d, struct arena *a, struct mount_note *ret,
                    struct err *e)
{
	BUF struct buf text = { 0 };
	const char *fields[FIELDS], *boot_id;

	if (fd_read_file(d->fd, file, NOTE_MAX, &text, e) < 0) {
		if (e->sys != ENOENT && e->kind != ERR_REFUSED)
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	TRY(state_boot_id(a, &boot_id, e));
	if (!split(a, &text, fields) || strcmp(fields[0], boot_id) != 0 ||
	    num_u64(fields[1], UINT64_MAX, &ret->id) < 0 ||
	    num_u64(fields[2], UINT64_MAX, &ret->namespace) < 0 || fields[4][0] != '/')
		return 0;
	ret->join_path = fields[3];
	ret->rootfs = fields[4];
	return 1;
}

/* --- undoing ------------------------------------------------------------------------------ */

static bool is_namespace(int dir, const char *path, uint64_t inode)
{
	struct stat st;

	return fstatat(dir, path, &st, 0) == 0 && st.st_ino == inode;
}

/* Opens it if it is the one; -1: it is not, or not to be had. */
static int open_if(int dir, const char *path, uint64_t inode)
{
	FD int fd = -1;
	struct stat st;

	if (!is_namespace(dir, path, inode))
		return -1;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == inode ? fd_give(&fd) : -1;
}

/* By any of the processes that are in it. */
static int find_by_process(uint64_t inode)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		char path[300];

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "%s/ns/mnt", entry->d_name);
		fd = open_if(dirfd(dir), path, inode);
	}
	if (dir)
		(void)closedir(dir);
	return fd;
}

/* -1: nobody has it any more, and its mounts are gone with it. */
static int find_namespace(const struct mount_note *n)
{
	int fd = open_if(AT_FDCWD, "/proc/self/ns/mnt", n->namespace);

	if (fd < 0 && n->join_path[0])
		fd = open_if(AT_FDCWD, n->join_path, n->namespace);
	return fd < 0 ? find_by_process(n->namespace) : fd;
}

static int detach(const struct mount_note *n, int namespace)
{
	struct statx st;

	if (!is_namespace(AT_FDCWD, "/proc/self/ns/mnt", n->namespace) &&
	    setns(namespace, CLONE_NEWNS) < 0)
		return errno;
	FD int fd = open(n->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? GONE : errno;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, PLAN_MOUNT_ID, &st) < 0)
		return errno;
	if (st.stx_mnt_id != n->id)
		return st.stx_attributes & STATX_ATTR_MOUNT_ROOT ? COVERED : GONE;
	/* the folder that we stand in, whatever its name leads to by now */
	if (fchdir(fd) < 0 || umount2(".", MNT_DETACH) < 0)
		return errno;
	return DETACHED;
}

int mount_note_detach(const struct mount_note *n, struct err *e)
{
	struct err ignored = { 0 };
	FD int child = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&child,
		.exit_signal = SIGCHLD,
	};
	FD int namespace = find_namespace(n);

	if (namespace < 0)
		return 0;
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "clone3");
	if (pid == 0)
		_exit(detach(n, namespace));
	int result = proc_reap(child, &ignored);
	if (result == COVERED) {
		err_set(e, ERR_STATE,
		        "%s: another mount covers the container's root, or took its "
		        "place",
		        n->rootfs);
		return err_hint(e, "unmount what is on top first; --force leaves it as it is");
	}
	if (result != DETACHED && result != GONE) {
		errno = result > 0 ? result : ECHILD;
		return err_sys(e, "unmount %s", n->rootfs);
	}
	return 0;
}

int mount_note_undo(const struct state_dir *d, struct err *e)
{
	ARENA struct arena a = { 0 };
	struct mount_note n;
	int noted = mount_note_read(d, &a, &n, e);

	if (noted <= 0)
		return noted;
	TRY(mount_note_detach(&n, e));
	/* what is mounted there later is not ours */
	if (unlinkat(d->fd, file, 0) < 0)
		return err_sys(e, "remove the note of a mount");
	return 0;
}
