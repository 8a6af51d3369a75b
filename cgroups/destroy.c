/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a cgroup with what its container made below it. Mostly one rmdir does it.
 * A container with a cgroup namespace of its own may have nested groups as deep as it
 * liked, so the way down and up holds one fd, goes up by "..", counts its depth, and
 * starts over at the first group that is left. Whatever is still busy is waited for at
 * the top's cgroup.events, up to the deadline; nothing here kills.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/scope.h"
#include "cgroups/cgroup.h"
#include "cgroups/files.h"

/* The name of one group below `cgroup`: 1, or 0 where there is none. */
static int first_child(int cgroup, char *ret, size_t room, struct err *e)
{
	int listing = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (listing < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open cgroup");

	DIR *dir = fdopendir(listing);
	if (!dir) {
		(void)close(listing);
		return err_sys(e, "list cgroup");
	}
	int found = cgroup_next_child(dir, ret, room, e);
	(void)closedir(dir);
	return found;
}

/* Moves the fd to the group `name`, which is below it or "..". */
static int move(int *at, const char *name, struct err *e)
{
	int next = openat(*at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (next < 0)
		return err_sys(e, "open cgroup %s", name);
	fd_drop(at);
	*at = next;
	return 0;
}

/* Removes the groups below `cgroup`, until `end` at most: they can be many, and
 * somebody may be making new ones. One that holds processes ends it too; the caller's
 * own rmdir then says that something is left. */
static int remove_below(int cgroup, int64_t end, struct err *e)
{
	char name[PATH_MAX]; /* cgroupfs has no limit of its own */
	uint64_t depth = 0;
	FD int at = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open cgroup");
	while (cgroup_clock_left(end) > 0) {
		int found = first_child(at, name, sizeof(name), e);

		TRY(found);
		if (found && (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT))
			continue;
		if (found && errno != EBUSY)
			return err_sys(e, "rmdir cgroup %s", name);
		if (found && move(&at, name, e) == 0) {
			depth++;
			found = first_child(at, name, sizeof(name), e);
			if (found <= 0) /* 0: no groups, so processes keep it */
				return found;
		} else if (found) {
			if (e->sys != ENOENT)
				return -1;
		} else if (depth > 0) {
			TRY(move(&at, "..", e));
			depth--;
		} else {
			return 0;
		}
	}
	return 0;
}

static int say_busy(int cgroup, const char *path, struct err *e)
{
	ARENA struct arena a;
	pid_t *pids;
	size_t count;

	arena_init(&a, 0);
	TRY(cgroup_pids(&a, cgroup, &pids, &count, e));
	if (count == 0)
		return err_set(e, ERR_STATE, "cannot remove cgroup %s: new ones appear below it",
		               path);
	err_set(e, ERR_STATE, "cannot remove cgroup %s: %zu process(es) are still in it", path,
	        count);
	return err_hint(e, "end them first: caisson kill --all, or delete --force");
}

int cgroup_destroy(const struct cgroup_facts *facts, const char *path, int timeout_ms,
                   struct err *e)
{
	int64_t end = cgroup_clock_ms() + timeout_ms;
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	if (unlinkat(mount, path + 1, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return err_sys(e, "rmdir cgroup %s", path);

	FD int cgroup = cgroup_open_below(mount, path + 1, e);
	if (cgroup < 0)
		return e->sys == ENOENT ? 0 : -1;
	FD int events = cgroup_events_open(cgroup, e);
	TRY(events);
	for (;;) {
		struct cgroup_events now;

		if (cgroup_events_read(events, &now, e) < 0)
			return e->sys == ENODEV ? 0 : -1; /* somebody else removed it */
		if (!now.populated) {
			/* progress, not waiting: it has time of its own */
			TRY(remove_below(cgroup, end + 1000, e));
			if (unlinkat(mount, path + 1, AT_REMOVEDIR) == 0 || errno == ENOENT)
				return 0;
			if (errno != EBUSY)
				return err_sys(e, "rmdir cgroup %s", path);
		}
		int left = cgroup_clock_left(end);
		if (left == 0)
			return say_busy(cgroup, path, e);
		/* not populated, yet busy: somebody makes groups; look again soon */
		TRY(cgroup_events_wait(events, now.populated || left < 10 ? left : 10, e));
	}
}
