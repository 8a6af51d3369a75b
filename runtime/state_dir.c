/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/notify.h"
#include "runtime/state.h"

enum { LOCK_TRIES = 1000, LOCK_PAUSE_MS = 10 };

static const char not_there[] = "container does not exist";

bool state_dir_missing(const struct err *e)
{
	return strcmp(e->text, not_there) == 0;
}

void state_dir_close(struct state_dir *d)
{
	fd_drop(&d->fd);
	fd_drop(&d->parent);
}

static int open_folder(int parent, const char *path)
{
	return openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int explain_root(const char *root, struct err *e)
{
	if (e->sys == EACCES || e->sys == ENOENT || e->sys == EROFS)
		return err_hint(e,
		                "the state goes to %s: choose another folder with --root, or "
		                "set XDG_RUNTIME_DIR to one of yours",
		                root);
	return -1;
}

/* mkdir -p with 0700 for what is missing; the sticky bit keeps cleaners away from what
 * lies in $XDG_RUNTIME_DIR (XDG Base Directory Specification) */
static int make_root(const char *root, struct err *e)
{
	char path[4096];
	size_t len = strlen(root);

	if (len >= sizeof(path))
		return err_set(e, ERR_USAGE, "--root is longer than %zu bytes", sizeof(path));
	memcpy(path, root, len + 1);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			err_sys(e, "mkdir %s", path);
			return explain_root(root, e);
		}
		*slash = '/';
	}
	if (mkdir(path, geteuid() == 0 ? 0700 : 01700) < 0 && errno != EEXIST) {
		err_sys(e, "mkdir %s", path);
		return explain_root(root, e);
	}
	return 0;
}

static int open_root(const char *root, struct err *e)
{
	/* links on the way to --root are the caller's, only those below are ours */
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		TRY(make_root(root, e));
		fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? err_sys(e, "open state directory %s", root) : fd;
}

static int already_exists(const struct state_dir *d, struct err *e)
{
	err_set(e, ERR_STATE, "container with given ID already exists");
	if (faccessat(d->parent, d->id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		err_hint(e, "if a killed create left it: delete --force %s", d->id);
	return -1;
}

static int take_lock(const struct state_dir *d, struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };

	for (int i = 0; flock(d->fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock container %s", d->id);
		if (i == LOCK_TRIES)
			return err_set(e, ERR_STATE, "another command is busy with container %s",
			               d->id);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

int state_dir_make(const char *root, const char *id, struct state_dir *ret, struct err *e)
{
	STATE_DIR struct state_dir d = { .fd = -1, .parent = -1, .id = id };

	d.parent = open_root(root, e);
	if (d.parent < 0)
		return -1;
	if (mkdirat(d.parent, id, 0700) < 0)
		return errno == EEXIST ? already_exists(&d, e)
		                       : err_sys(e, "mkdir %s/%s", root, id);
	d.fd = open_folder(d.parent, id);
	if (d.fd < 0)
		err_sys(e, "open %s/%s", root, id);
	if (d.fd < 0 || state_dir_lock(&d, e) < 0) {
		if (e->sys == ENOENT || state_dir_missing(e))
			return err_set(e, ERR_STATE,
			               "container %s was deleted while it was being created", id);
		(void)unlinkat(d.parent, id, AT_REMOVEDIR);
		return -1;
	}
	/* A delete and a create between our two calls: this folder is theirs. Whoever
	 * has the lock first writes this file first. */
	if (faccessat(d.fd, "config.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return already_exists(&d, e);
	*ret = d;
	d.fd = d.parent = -1;
	return 0;
}

int state_dir_open(const char *root, const char *id, struct state_dir *ret, struct err *e)
{
	STATE_DIR struct state_dir d = { .fd = -1, .parent = -1, .id = id };

	d.parent = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.parent >= 0)
		d.fd = open_folder(d.parent, id);
	if (d.fd < 0)
		return errno == ENOENT ? err_set(e, ERR_STATE, "%s", not_there)
		                       : err_sys(e, "open %s/%s", root, id);
	*ret = d;
	d.fd = d.parent = -1;
	return 0;
}

int state_dir_lock(struct state_dir *d, struct err *e)
{
	TRY(take_lock(d, e));
	if (fstat(d->fd, &d->stat) < 0)
		return err_sys(e, "fstat the folder of container %s", d->id);
	if (d->stat.st_nlink == 0) /* deleted while we waited */
		return err_set(e, ERR_STATE, "%s", not_there);
	return 0;
}

void state_dir_unlock(const struct state_dir *d)
{
	(void)flock(d->fd, LOCK_UN);
}

int state_dir_is_locked(const struct state_dir *d, struct err *e)
{
	/* a file description of its own: a probe must not take our lock away */
	FD int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open the folder of container %s", d->id);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : err_sys(e, "lock container %s", d->id);
}

/* in front of the path of a group that systemd makes */
static const char scope_mark[] = "systemd:";

int state_dir_note_cgroup(const struct state_dir *d, const char *path, bool scope, struct err *e)
{
	char text[PATH_MAX];

	if (scope) {
		(void)snprintf(text, sizeof(text), "%s%s", scope_mark, path);
		path = text;
	}
	return symlinkat(path, d->fd, "cgroup") < 0 ? err_sys(e, "note the cgroup %s", path) : 0;
}

int state_dir_noted_cgroup(const struct state_dir *d, struct arena *a, const char **ret,
                           const char **ret_scope, struct err *e)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(d->fd, "cgroup", text, sizeof(text) - 1);

	*ret = *ret_scope = NULL;
	if (n < 0 && errno != ENOENT && errno != EINVAL) /* EINVAL: not a link */
		return err_sys(e, "read the note of the cgroup");
	if (n <= 0)
		return 0;
	text[n] = '\0';
	bool scope = strncmp(text, scope_mark, strlen(scope_mark)) == 0;
	const char *path = scope ? text + strlen(scope_mark) : text;
	if (path[0] != '/')
		return 0;
	*ret = arena_string(a, path, strlen(path));
	if (scope)
		*ret_scope = strrchr(*ret, '/') + 1;
	if (*ret_scope && **ret_scope == '_') /* cg_unescape() */
		++*ret_scope;
	return 0;
}

/* What a killed command may have left besides the known files (state.json.tmp). */
static void remove_leftovers(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		fd_drop(&copy);
		return;
	}
	notify_remove(folder);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, "cgroup") != 0 &&
		    unlinkat(folder, entry->d_name, 0) < 0 && errno == EISDIR)
			(void)unlinkat(folder, entry->d_name, AT_REMOVEDIR);
	}
	(void)unlinkat(folder, "cgroup", 0);
	(void)closedir(dir);
}

int state_dir_remove(struct state_dir *d, struct err *e)
{
	static const char *const files[] = { "start.sock", "plan", "config.json", "state.json",
		                             "cgroup" };

	for (size_t i = d->brief ? 2 : 0; i < LEN(files); i++)
		(void)unlinkat(d->fd, files[i], 0);
	if (unlinkat(d->parent, d->id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTEMPTY) {
		remove_leftovers(d->fd);
		if (unlinkat(d->parent, d->id, AT_REMOVEDIR) == 0)
			return 0;
	}
	return err_sys(e, "remove the folder of container %s", d->id);
}
