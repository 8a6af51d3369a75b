/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to the processes of a cgroup: freezing, killing, signalling, counting.
 * The kernel does the first two for the whole tree below at once; for the others the
 * tree is walked, to a bounded depth.
 *
 * A pid from cgroup.procs may belong to another process by the time it is used. So
 * pidfds are opened first and then the group is listed again: a process that is still
 * listed under its pid after its pidfd was opened is the one that the pidfd holds, or
 * that one is dead and the signal goes nowhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/scope.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

enum {
	DEPTH_MAX = 64,       /* groups below each other; each holds an fd while we walk */
	PROCS_MAX = 64 << 20, /* bytes of one cgroup.procs */
	PROC_CGROUP_MAX = 64 << 10,
	SIGNAL_BATCH = 64, /* pidfds open at a time */
};

/* --- freezing --------------------------------------------------------------------- */

static int wait_frozen(int cgroup, bool frozen, int timeout_ms, struct err *e)
{
	int64_t end = cgroup_clock_ms() + timeout_ms;
	struct cgroup_events now;
	FD int events = cgroup_events_open(cgroup, e);

	TRY(events);
	for (;;) {
		TRY(cgroup_events_read(events, &now, e));
		if (now.frozen == frozen)
			return 0;

		int left = cgroup_clock_left(end);
		if (left == 0)
			return err_set(e, ERR_STATE, "the cgroup did not %s within %d ms",
			               frozen ? "freeze" : "thaw", timeout_ms);
		TRY(cgroup_events_wait(events, left, e));
	}
}

int cgroup_freeze(int cgroup, bool frozen, int timeout_ms, struct err *e)
{
	struct err ignored = { 0 };

	TRY(cgroup_file_write(cgroup, "cgroup.freeze", frozen ? "1" : "0", e));
	if (wait_frozen(cgroup, frozen, timeout_ms, e) == 0)
		return 0;
	if (!frozen)
		return err_hint(e, "a group above it may be frozen");
	/* Half frozen is neither running nor paused: go back to what was. */
	(void)!cgroup_file_write(cgroup, "cgroup.freeze", "0", &ignored);
	return err_hint(e, "a process of it hangs in the kernel (state D)");
}

int cgroup_is_frozen(int cgroup, struct err *e)
{
	char text[16];

	TRY(cgroup_file_read(cgroup, "cgroup.freeze", text, sizeof(text), e));
	return text[0] == '1';
}

int cgroup_watch(int cgroup, struct err *e)
{
	return cgroup_events_open(cgroup, e);
}

int cgroup_watch_frozen(int watch, struct err *e)
{
	struct cgroup_events now;

	TRY(cgroup_events_read(watch, &now, e));
	return now.frozen;
}

/* --- processes -------------------------------------------------------------------- */

int cgroup_kill(int cgroup, struct err *e)
{
	return cgroup_file_write(cgroup, "cgroup.kill", "1", e);
}

int cgroup_of(struct arena *a, pid_t pid, const char **ret, struct err *e)
{
	BUF struct buf text = { 0 };
	char path[32], *rest = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	TRY(fd_read_file(AT_FDCWD, path, PROC_CGROUP_MAX, &text, e));
	for (char *line = text.data ? strtok_r(text.data, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "0::/", strlen("0::/")) != 0)
			continue; /* a version 1 hierarchy (cgroups(7)) */
		*ret = arena_string(a, line + strlen("0::"), strlen(line + strlen("0::")));
		return 0;
	}
	return err_set(e, ERR_KERNEL, "%s: no cgroup of version 2", path);
}

int cgroup_is_populated(int cgroup, struct err *e)
{
	struct cgroup_events now;
	FD int events = cgroup_events_open(cgroup, e);

	TRY(events);
	TRY(cgroup_events_read(events, &now, e));
	return now.populated;
}

/* Appends the pids of one group to ret as pid_t. */
static int add_pids(int cgroup, struct buf *ret, struct err *e)
{
	BUF struct buf text = { 0 };
	char *rest = NULL;

	if (fd_read_file(cgroup, "cgroup.procs", PROCS_MAX, &text, e) < 0) {
		/* A group in threaded mode lists its processes in the group above; and one
		 * that went away meanwhile has none. */
		return e->sys == EOPNOTSUPP || e->sys == ENODEV || e->sys == ENOENT ? 0 : -1;
	}
	if (text.len == 0)
		return 0;
	for (char *line = strtok_r(text.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		uint64_t number;

		if (num_u64(line, INT_MAX, &number) < 0)
			return err_set(e, ERR_KERNEL, "cgroup.procs: \"%s\" is not a pid", line);
		if (number == 0)
			continue; /* a process of another pid namespace: it has no pid here */
		pid_t pid = (pid_t)number;
		buf_add(ret, &pid, sizeof(pid));
	}
	return 0;
}

/* The groups from the top down to where the walk is, as folder streams. */
struct walk {
	DIR *dirs[DEPTH_MAX];
	unsigned int depth;
};

static void walk_done(struct walk *w)
{
	while (w->depth > 0)
		(void)closedir(w->dirs[--w->depth]);
}

/* Takes the pids of the group and goes down into it; the fd is the walk's from here on.
 * One that was removed meanwhile has no pids and no groups. */
static int walk_enter(struct walk *w, int fd, struct buf *ret, struct err *e)
{
	FD int group = fd;

	if (w->depth == DEPTH_MAX)
		return err_set(e, ERR_REFUSED, "there are more than %d cgroups below each other",
		               DEPTH_MAX);
	TRY(add_pids(group, ret, e));

	DIR *dir = fdopendir(group);
	if (!dir)
		return err_sys(e, "list cgroup");
	(void)fd_give(&group);
	w->dirs[w->depth++] = dir;
	return 0;
}

/* Appends the pids of the group and of all below it. */
static int walk_pids(int cgroup, struct buf *ret, struct err *e)
{
	__attribute__((cleanup(walk_done))) struct walk w = { .depth = 0 };
	char name[PATH_MAX]; /* cgroupfs has no limit of its own */
	int child = cgroup_open_below(cgroup, ".", e);

	TRY(child);
	TRY(walk_enter(&w, child, ret, e));
	while (w.depth > 0) {
		DIR *dir = w.dirs[w.depth - 1];
		int more = cgroup_next_child(dir, name, sizeof(name), e);

		TRY(more);
		if (more == 0) {
			(void)closedir(dir);
			w.depth--;
			continue;
		}
		child = cgroup_open_below(dirfd(dir), name, e);
		if (child < 0 && e->sys == ENOENT)
			continue;
		TRY(child);
		TRY(walk_enter(&w, child, ret, e));
	}
	return 0;
}

int cgroup_pids(struct arena *a, int cgroup, pid_t **ret, size_t *ret_count, struct err *e)
{
	BUF struct buf pids = { 0 };

	TRY(walk_pids(cgroup, &pids, e));
	TRY(buf_ok(&pids, e));
	*ret_count = pids.len / sizeof(pid_t);
	*ret = arena_array(a, *ret_count, sizeof(pid_t));
	if (pids.len > 0)
		memcpy(*ret, pids.data, pids.len);
	return 0;
}

/* --- signals ---------------------------------------------------------------------- */

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* Signals those of the batch that the group still lists; see the top. */
static int signal_listed(int cgroup, const pid_t *batch, const int *pidfds, size_t count, int signo,
                         struct err *e)
{
	ARENA struct arena a;
	pid_t *listed;
	size_t listed_count;

	arena_init(&a, 0);
	TRY(cgroup_pids(&a, cgroup, &listed, &listed_count, e));
	qsort(listed, listed_count, sizeof(*listed), compare_pids);
	for (size_t i = 0; i < count; i++) {
		if (pidfds[i] < 0 ||
		    !bsearch(&batch[i], listed, listed_count, sizeof(*listed), compare_pids))
			continue;
		if (sys_pidfd_send_signal(pidfds[i], signo) < 0 && errno != ESRCH)
			return err_sys(e, "signal %d to process %d", signo, batch[i]);
	}
	return 0;
}

static int signal_batch(int cgroup, const pid_t *batch, size_t count, int signo, struct err *e)
{
	int pidfds[SIGNAL_BATCH], result = 0;
	size_t opened = 0;

	for (; opened < count && result == 0; opened++) {
		pidfds[opened] = sys_pidfd_open(batch[opened], 0);
		if (pidfds[opened] < 0 && errno != ESRCH)
			result = err_sys(e, "pidfd_open %d", batch[opened]);
	}
	if (result == 0)
		result = signal_listed(cgroup, batch, pidfds, count, signo, e);
	for (size_t i = 0; i < opened; i++)
		scope_close(&pidfds[i]);
	return result;
}

int cgroup_signal(int cgroup, int signo, struct err *e)
{
	ARENA struct arena a;
	pid_t *pids;
	size_t count;

	arena_init(&a, 0);
	TRY(cgroup_pids(&a, cgroup, &pids, &count, e));
	for (size_t at = 0; at < count; at += SIGNAL_BATCH) {
		size_t some = count - at < SIGNAL_BATCH ? count - at : SIGNAL_BATCH;

		TRY(signal_batch(cgroup, pids + at, some, signo, e));
	}
	return 0;
}
