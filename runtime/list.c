/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All containers, as `list` shows them. What is the same for all is looked up once, and of
 * one that runs three things are read: its record, whether its process is still the one of the
 * record (by a pidfd; on older kernels its start time), and whether its group is frozen. Whatever
 * is not as plain as that (one that has ended, waits for its start, or has a record that is not to
 * be understood) is asked as `state` asks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/query.h"

enum { RECORD_ROOM = 8192 }; /* one that is longer is read by state_load */

/* The same for all. The rooms are here, and not where they are used, so that they are
 * cleared once and not for each container. */
struct listing {
	int root;    /* --root */
	int tree;    /* of cgroups; -1: none */
	bool inodes; /* those of pidfds tell processes apart */
	const char *boot_id;
	char path[PATH_MAX], record[RECORD_ROOM];
	struct err why; /* one was not plain to see */
};

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* The names below --root that can be containers, sorted, in the arena. */
static const char **names_below(DIR *dir, struct arena *a, size_t *ret_count)
{
	const char **names = NULL;
	size_t count = 0, room = 0;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		struct err ignored = { 0 };

		if (container_id_check(entry->d_name, &ignored) < 0)
			continue;
		if (count == room) {
			size_t more = room ? room * 2 : 64;
			const char **bigger = arena_array(a, more, sizeof(*bigger));

			if (count > 0)
				memcpy(bigger, names, count * sizeof(*names));
			names = bigger;
			room = more;
		}
		names[count++] = arena_string(a, entry->d_name, strlen(entry->d_name));
	}
	if (count > 0)
		qsort(names, count, sizeof(*names), by_text);
	*ret_count = count;
	return names;
}

/* A file below a folder, by no links; its length, or -1. */
static ssize_t read_below(int dir, const char *path, char *ret, size_t room)
{
	FD int fd = sys_openat2(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0,
	                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	return fd < 0 ? -1 : read(fd, ret, room);
}

/* 1: frozen, 0: not, -1: nobody knows. */
static int is_frozen(struct listing *l, const struct state *state)
{
	char text[16] = "";

	if (!state->cgroup)
		return 0;
	int len = snprintf(l->path, sizeof(l->path), "%s/cgroup.freeze", state->cgroup + 1);
	if (l->tree < 0 || len >= (int)sizeof(l->path) ||
	    read_below(l->tree, l->path, text, sizeof(text) - 1) <= 0)
		return -1;
	return text[0] == '1';
}

/* stat(5) takes the kernel twice as long as a pidfd. */
static bool lives(struct listing *l, const struct state *state)
{
	struct proc_stat process;

	if (l->inodes && state->pidfd_inode)
		return proc_lives(state->pid, state->pidfd_inode);
	return proc_stat(state->pid, &process, &l->why) == 0 &&
	       process.start_time == state->start_time;
}

/* Whether it is plain to see; then *ret says what. */
static bool look(struct listing *l, struct arena *a, const char *id, struct container_info *ret)
{
	struct found f = FOUND_NONE;

	(void)snprintf(l->path, sizeof(l->path), "%s/state.json", id);
	ssize_t n = read_below(l->root, l->path, l->record, sizeof(l->record));
	if (n <= 0 || n == sizeof(l->record) ||
	    state_parse(id, a, l->record, (size_t)n, &f.state, &l->why) < 0)
		return false;
	if (f.state.phase != PHASE_STARTED || f.state.pid == 0 ||
	    strcmp(f.state.boot_id, l->boot_id) != 0 || !lives(l, &f.state))
		return false;
	int frozen = is_frozen(l, &f.state);
	if (frozen < 0)
		return false;
	f.status = frozen ? STATUS_PAUSED : STATUS_RUNNING;
	*ret = found_info(&f);
	return true;
}

/* The same as `state` would; false: it is gone by now, or cannot be told. */
static bool ask(struct listing *l, const struct container_context *c, struct arena *a,
                const char *id, struct container_info *ret)
{
	l->why = (struct err){ 0 };
	bool told = container_info(c, a, id, ret, &l->why) == 0;
	if (!told && !state_dir_missing(&l->why))
		log_warn("%s: %s", id, l->why.text);
	l->why = (struct err){ 0 };
	return told;
}

/* Opens what all have in common. Without a tree of groups each is asked by itself. */
static int begin(struct listing *l, struct arena *a, int root, struct err *e)
{
	struct cgroup_facts cgroup;

	l->root = root;
	l->inodes = proc_inodes_tell();
	TRY(cgroup_probe(false, &cgroup, e));
	if (cgroup.mode != CGROUP_NONE) {
		l->tree = open(cgroup.mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (l->tree < 0)
			return err_sys(e, "open %s", cgroup.mount);
	}
	return state_boot_id(a, &l->boot_id, e);
}

static int fill(const struct container_context *c, struct arena *a, int root, const char **names,
                size_t names_count, struct container_info *list, size_t *ret_count, struct err *e)
{
	struct listing l = { .tree = -1 };
	int result = names_count > 0 ? begin(&l, a, root, e) : 0;
	FD int tree = l.tree;
	size_t count = 0;

	TRY(result);
	for (size_t i = 0; i < names_count; i++)
		count += look(&l, a, names[i], &list[count]) ||
		         ask(&l, c, a, names[i], &list[count]);
	*ret_count = count;
	return 0;
}

int container_list(const struct container_context *c, struct arena *a, struct container_info **ret,
                   size_t *ret_count, struct err *e)
{
	DIR *dir = opendir(c->root);
	size_t names_count = 0;

	*ret = NULL;
	*ret_count = 0;
	if (!dir)
		return errno == ENOENT && !c->root_given
		               ? 0
		               : err_sys(e, "open state directory %s", c->root);
	const char **names = names_below(dir, a, &names_count);
	struct container_info *list = arena_array(a, names_count + 1, sizeof(*list));
	size_t count = 0;
	int result = fill(c, a, dirfd(dir), names, names_count, list, &count, e);
	(void)closedir(dir);
	TRY(result);
	*ret = list;
	*ret_count = count;
	return 0;
}
