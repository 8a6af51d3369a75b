/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/members.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/scope.h"

static int namespace_of(int proc, uint64_t pid, struct stat *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%llu/ns/pid", (unsigned long long)pid);
	return fstatat(proc, path, ret, 0);
}

/* The pid that a folder of /proc is named for; 0: it is no process's, or the process
 * is in another namespace, or it is gone. */
static pid_t member(int proc, const char *name, const struct stat *namespace)
{
	struct stat st;
	uint64_t pid;

	if (num_u64(name, INT32_MAX, &pid) < 0 || namespace_of(proc, pid, &st) < 0)
		return 0;
	return st.st_dev == namespace->st_dev && st.st_ino == namespace->st_ino ? (pid_t)pid : 0;
}

int members_pids(struct arena *a, pid_t first, pid_t **ret, size_t *ret_count, struct err *e)
{
	struct stat namespace;
	BUF struct buf pids = { 0 };
	const struct dirent *entry;

	DIR *dir = opendir("/proc");
	if (!dir)
		return err_sys(e, "open /proc");
	if (namespace_of(dirfd(dir), (uint64_t)first, &namespace) < 0) {
		err_sys(e, "stat /proc/%d/ns/pid", first);
		(void)closedir(dir);
		return -1;
	}
	while ((entry = readdir(dir))) {
		pid_t pid = member(dirfd(dir), entry->d_name, &namespace);

		if (pid > 0)
			buf_add(&pids, &pid, sizeof(pid));
	}
	(void)closedir(dir);
	TRY(buf_ok(&pids, e));
	*ret_count = pids.len / sizeof(pid_t);
	*ret = arena_array(a, *ret_count + 1, sizeof(pid_t));
	if (pids.len > 0)
		memcpy(*ret, pids.data, pids.len);
	return 0;
}
