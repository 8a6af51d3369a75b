/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prlimit(2) knows only pids. The pid is our process's as long as its pidfd does not tell
 * of an end, which is asked before each change.
 */
#include "runtime/launch/process_update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/num.h"
#include "base/proc.h"
#include "base/scope.h"

static int set_limit(const struct process_update *u, const struct process_limit *limit,
                     const struct rlimit *new, struct rlimit *ret_old, struct err *e)
{
	int ended = proc_wait_end(u->pidfd, 0, e);

	TRY(ended);
	if (ended)
		return err_set(e, ERR_STATE, "container not running");
	if (syscall(SYS_prlimit64, u->pid, limit->resource, new, ret_old) == 0)
		return 0;
	err_sys(e, "--rlimit %s: prlimit of process %d", limit->name, u->pid);
	if (e->sys == EPERM)
		return err_hint(e, "only CAP_SYS_RESOURCE raises a hard limit, and none goes above "
		                   "/proc/sys/fs/nr_open");
	return -1;
}

/* Whether the kernel may refuse it. */
static bool grows(const struct process_limit *limit, const struct rlimit *before)
{
	return limit->hard > before->rlim_max;
}

static int set_limits(struct process_update *u, bool growing, struct err *e)
{
	for (size_t i = 0; i < u->wanted->limit_count; i++) {
		const struct process_limit *limit = &u->wanted->limits[i];
		const struct rlimit new = { .rlim_cur = limit->soft, .rlim_max = limit->hard };

		if (u->changed[i] || grows(limit, &u->before[i]) != growing)
			continue;
		TRY(set_limit(u, limit, &new, NULL, e));
		u->changed[i] = true;
	}
	return 0;
}

/* An fd of the process's oom_score_adj: once it is open the pid does not matter. */
static int open_score(const struct process_update *u, struct err *e)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", u->pid);
	FD int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "--oom-score-adj: open %s", path);
	int ended = proc_wait_end(u->pidfd, 0, e);
	TRY(ended);
	if (ended)
		return err_set(e, ERR_STATE, "container not running");
	return fd_give(&fd);
}

static int write_score(int fd, int score)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", score);

	return pwrite(fd, text, (size_t)length, 0) == length ? 0 : -1;
}

static int set_score(struct process_update *u, struct err *e)
{
	char text[16];
	int64_t before;
	FD int fd = open_score(u, e);

	TRY(fd);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_sys(e, "--oom-score-adj: read");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (num_i64(text, -1000, 1000, &before) < 0)
		return err_set(e, ERR_KERNEL, "oom_score_adj: \"%s\" is no score", text);
	u->score_before = (int)before;
	if (write_score(fd, u->wanted->score) < 0) {
		err_sys(e, "--oom-score-adj %d: write", u->wanted->score);
		return e->sys == EACCES ? err_hint(e, "only CAP_SYS_RESOURCE lowers the score")
		                        : -1;
	}
	u->score_changed = true;
	return 0;
}

int process_update_begin(struct process_update *u, pid_t pid, int pidfd,
                         const struct process_change *wanted, struct err *e)
{
	*u = (struct process_update){ .pid = pid, .pidfd = pidfd, .wanted = wanted };
	/* also tells whether we may at all */
	for (size_t i = 0; i < wanted->limit_count; i++)
		TRY(set_limit(u, &wanted->limits[i], NULL, &u->before[i], e));
	if (set_limits(u, true, e) == 0 && (!wanted->score_set || set_score(u, e) == 0))
		return 0;
	process_update_undo(u);
	return -1;
}

int process_update_end(struct process_update *u, struct err *e)
{
	if (set_limits(u, false, e) == 0)
		return 0;
	process_update_undo(u);
	return -1;
}

void process_update_undo(struct process_update *u)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < u->wanted->limit_count; i++) {
		if (u->changed[i])
			(void)!set_limit(u, &u->wanted->limits[i], &u->before[i], NULL, &ignored);
		u->changed[i] = false;
	}
	if (!u->score_changed)
		return;
	FD int fd = open_score(u, &ignored);
	if (fd >= 0)
		(void)!write_score(fd, u->score_before);
	u->score_changed = false;
}
