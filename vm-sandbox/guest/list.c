/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's processes as /proc has them (proc(5)), each with what a `ps` shows. One that
 * ends while it is looked at is left out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/scope.h"
#include "vm-sandbox/guest/agent.h"

enum {
	FILE_ROOM = 4096,
	FIELD_PARENT = 4,
	FIELD_TERMINAL = 7,
	FIELD_USER_TIME = 14,
	FIELD_SYSTEM_TIME = 15,
	FIELD_START = 22,
	FIELD_RESIDENT = 24,
	FIELDS = 25,
};

/* The file's bytes, ended with a NUL; their number, -1: it is gone. */
static ssize_t read_proc(int dir, const char *file, char *ret, size_t room)
{
	FD int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, room - 1);

	if (n >= 0)
		ret[n] = '\0';
	return n;
}

/* Fields are counted from 1 on; the second, the name, may hold blanks and brackets. */
static bool read_fields(char *stat, uint64_t ret[FIELDS])
{
	char *rest = strrchr(stat, ')');
	char *field;

	rest = rest ? rest + 1 : NULL;
	for (int i = 3; i < FIELDS && (field = strsep(&rest, " ")); i++) {
		if (!field[0]) /* the blank behind the name */
			i--;
		else if (num_u64(field, UINT64_MAX, &ret[i]) < 0)
			ret[i] = 0; /* a letter, or below 0 */
	}
	return rest != NULL;
}

/* What the name in brackets says, where a process has no arguments any more. */
static void read_name(const char *stat, char *ret, size_t room)
{
	const char *from = strchr(stat, '('), *to = strrchr(stat, ')');

	if (from && to)
		(void)snprintf(ret, room, "[%.*s]", (int)(to - from - 1), from + 1);
}

static void read_arguments(int dir, const char *stat, struct agent_process *ret)
{
	ssize_t n = read_proc(dir, "cmdline", ret->arguments, sizeof(ret->arguments));

	while (n > 0 && !ret->arguments[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++) {
		if (!ret->arguments[i])
			ret->arguments[i] = ' ';
	}
	if (n <= 0)
		read_name(stat, ret->arguments, sizeof(ret->arguments));
}

static bool look_at(pid_t pid, struct agent_process *ret)
{
	const uint64_t tick_ms = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t field[FIELDS] = { 0 };
	char path[32], stat[FILE_ROOM], copy[FILE_ROOM];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0 || read_proc(dir, "stat", stat, sizeof(stat)) <= 0)
		return false;
	memcpy(copy, stat, sizeof(copy));
	if (!read_fields(copy, field))
		return false;
	*ret = (struct agent_process){
		.pid = (uint32_t)pid,
		.parent = (uint32_t)field[FIELD_PARENT],
		.uid = st.st_uid,
		.terminal = (uint32_t)field[FIELD_TERMINAL],
		.start_ms = field[FIELD_START] * tick_ms,
		.cpu_ms = (field[FIELD_USER_TIME] + field[FIELD_SYSTEM_TIME]) * tick_ms,
		.resident = field[FIELD_RESIDENT] * (uint64_t)sysconf(_SC_PAGESIZE),
	};
	read_arguments(dir, stat, ret);
	return true;
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int list_processes(const struct group *g, uint32_t after, struct buf *ret, struct err *e)
{
	struct agent_processes head = { .head.type = AGENT_PROCESSES };
	ARENA struct arena a = { 0 };
	pid_t *pids;
	size_t count;

	if (g->fd < 0)
		return err_set(e, ERR_STATE, "the container has no cgroup");
	TRY(cgroup_pids(&a, g->fd, &pids, &count, e));
	qsort(pids, count, sizeof(*pids), by_number);
	buf_add(ret, &head, sizeof(head));
	for (size_t i = 0; i < count; i++) {
		struct agent_process p;

		if ((uint32_t)pids[i] <= after || !look_at(pids[i], &p))
			continue;
		if (head.count == AGENT_PROCESSES_A_REPLY) {
			head.more = 1;
			break;
		}
		buf_add(ret, &p, sizeof(p));
		head.count++;
	}
	TRY(buf_ok(ret, e));
	memcpy(ret->data, &head, sizeof(head));
	return 0;
}
