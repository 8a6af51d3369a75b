/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small reads and writes on the files of a cgroup. Each write is one write(2): the
 * kernel takes it as a whole or refuses it. No file here is ever followed out of the
 * cgroup filesystem: groups are opened below an fd, without links.
 */
#include "cgroups/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/scope.h"
#include "base/sys.h"

int cgroup_open_mount(const struct cgroup_facts *facts, struct err *e)
{
	if (facts->mode == CGROUP_NONE) {
		err_set(e, ERR_STATE, "this host has no cgroup2 mount");
		return err_hint(e, "mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	}

	int fd = open(facts->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", facts->mount) : fd;
}

int cgroup_open_below(int dir, const char *path, struct err *e)
{
	int fd = sys_openat2(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
	                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	return fd < 0 ? err_sys(e, "open cgroup %s", path) : fd;
}

int cgroup_file_write(int cgroup, const char *file, const char *text, struct err *e)
{
	FD int fd = openat(cgroup, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open %s", file);
	if (write(fd, text, strlen(text)) < 0)
		return err_sys(e, "write %s into %s", text, file);
	return 0;
}

int cgroup_file_read(int cgroup, const char *file, char *ret, size_t room, struct err *e)
{
	FD int fd = openat(cgroup, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open %s", file);

	ssize_t n = read(fd, ret, room - 1);
	if (n < 0)
		return err_sys(e, "read %s", file);
	ret[n] = '\0';
	return (int)n;
}

int cgroup_events_open(int cgroup, struct err *e)
{
	int fd = openat(cgroup, "cgroup.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open cgroup.events") : fd;
}

int cgroup_events_read(int events, struct cgroup_events *ret, struct err *e)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);

	if (n < 0)
		return err_sys(e, "read cgroup.events");
	text[n] = '\0';
	ret->populated = strstr(text, "populated 1") != NULL;
	ret->frozen = strstr(text, "frozen 1") != NULL;
	return 0;
}

int cgroup_events_wait(int events, int timeout_ms, struct err *e)
{
	struct pollfd waiting = { .fd = events, .events = POLLPRI };

	if (poll(&waiting, 1, timeout_ms) < 0 && errno != EINTR)
		return err_sys(e, "poll cgroup.events");
	return 0;
}

int64_t cgroup_clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cgroup_clock_left(int64_t end)
{
	int64_t left = end - cgroup_clock_ms();

	return left > 0 ? (int)left : 0;
}

int cgroup_next_child(DIR *dir, char *ret, size_t room, struct err *e)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);

		/* ENOENT: the group went away while we looked */
		if (!entry && errno != 0 && errno != ENOENT)
			return err_sys(e, "list cgroup");
		if (!entry)
			return 0;
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (strlen(entry->d_name) >= room)
			return err_set(e, ERR_REFUSED, "a cgroup has a name of %zu bytes",
			               strlen(entry->d_name));
		memcpy(ret, entry->d_name, strlen(entry->d_name) + 1);
		return 1;
	}
}
