/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One that has ended stays listed until its folder goes, so that it is not opened again at
 * each refresh. The folder's time of change tells whether it is still the same: a container
 * that was deleted and made again has the id, and often the inode, of the one before.
 */
#include "runtime/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/scope.h"
#include "runtime/backend.h"
#include "runtime/query.h"

static const uint32_t stats_files = METER_BIT(METER_GROUP_EVENTS) | METER_BIT(METER_CPU_STAT) |
                                    METER_BIT(METER_MEMORY_CURRENT) | METER_BIT(METER_MEMORY_MAX) |
                                    METER_BIT(METER_MEMORY_EVENTS) | METER_BIT(METER_PIDS_CURRENT) |
                                    METER_BIT(METER_PIDS_MAX) | METER_BIT(METER_IO_STAT) |
                                    METER_BIT(METER_CPU_PRESSURE) |
                                    METER_BIT(METER_MEMORY_PRESSURE) | METER_BIT(METER_IO_PRESSURE);

struct watched {
	char *id;
	bool seen;               /* by the refresh that is under way */
	struct timespec changed; /* its folder, when it was opened */
	bool alive, counted;
	int pidfd; /* where there is no group to tell that it lives */
	struct meter meter;
	bool read_before;
	uint64_t usage_us;
	int64_t at_us;
};

static struct watched *items(const struct stats_board *b)
{
	return (struct watched *)(void *)b->items.data;
}

static size_t count(const struct stats_board *b)
{
	return b->items.len / sizeof(struct watched);
}

/* Closes what only a living one needs. */
static void let_go(struct watched *w)
{
	w->alive = w->counted = w->read_before = false;
	fd_drop(&w->pidfd);
	meter_close(&w->meter);
}

void stats_close(struct stats_board *b)
{
	for (size_t i = 0; i < count(b); i++) {
		let_go(&items(b)[i]);
		free(items(b)[i].id);
	}
	buf_done(&b->items);
}

static struct watched *find(const struct stats_board *b, const char *id)
{
	for (size_t i = 0; i < count(b); i++) {
		if (strcmp(items(b)[i].id, id) == 0)
			return &items(b)[i];
	}
	return NULL;
}

/* --- joining and leaving --------------------------------------------------------------- */

/* Opens what tells about a container; w->alive says whether there is anything to tell. */
static int open_watched(const struct container_context *c, struct watched *w, struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;

	TRY(found_open(c, &a, w->id, false, &f, e));
	if (f.status == STATUS_STOPPED || f.status == STATUS_CREATING)
		return 0;
	if (!f.state.cgroup) {
		w->pidfd = fd_give(&f.pidfd);
		w->alive = true;
		return 0;
	}
	if (backend_of_record(&f)->meter(&f, stats_files, &w->meter, e) < 0) {
		if (e->sys == EMFILE)
			return err_hint(e, "raise the hard limit of open files, or name fewer "
			                   "containers");
		return -1;
	}
	w->alive = w->counted = true;
	return 0;
}

/* Ours until it is freed; NULL: memory has run out. */
static int add(struct stats_board *b, const char *id, struct watched **ret, struct err *e)
{
	struct watched w = { .id = strdup(id), .pidfd = -1, .meter = meter_none() };
	size_t before = b->items.len;

	if (w.id)
		buf_add(&b->items, &w, sizeof(w));
	if (b->items.len == before) {
		free(w.id);
		return err_set(e, ERR_KERNEL, "out of memory");
	}
	*ret = &items(b)[count(b) - 1];
	return 0;
}

/* The folder of one that does not live has changed since it was last opened. */
static bool is_new(int root, struct watched *w)
{
	struct stat st;

	if (fstatat(root, w->id, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (st.st_ctim.tv_sec == w->changed.tv_sec && st.st_ctim.tv_nsec == w->changed.tv_nsec))
		return false;
	w->changed = st.st_ctim;
	return true;
}

/* One that is found by looking: that it ends meanwhile is no error. */
static int take_up(struct stats_board *b, int root, const char *id, struct err *e)
{
	struct watched *w = find(b, id);

	if (!w)
		TRY(add(b, id, &w, e));
	w->seen = true;
	if (w->alive || !is_new(root, w) || open_watched(b->context, w, e) == 0)
		return 0;
	if (e->sys == EMFILE)
		return -1;
	if (!state_dir_missing(e) && e->sys != ENOENT)
		log_warn("%s: %s", id, e->text);
	*e = (struct err){ 0 };
	return 0;
}

static void forget_unseen(struct stats_board *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < count(b); i++) {
		struct watched *w = &items(b)[i];

		if (!w->seen) {
			let_go(w);
			free(w->id);
			continue;
		}
		w->seen = false;
		items(b)[kept++] = *w;
	}
	b->items.len = kept * sizeof(struct watched);
}

/* All folders below the root. */
static int look_around(struct stats_board *b, struct err *e)
{
	const struct dirent *entry;
	DIR *dir = opendir(b->context->root);
	int result = 0;

	if (!dir && errno != ENOENT)
		return err_sys(e, "open state directory %s", b->context->root);
	while (dir && result == 0 && (entry = readdir(dir))) {
		struct err ignored = { 0 };

		if (container_id_check(entry->d_name, &ignored) == 0)
			result = take_up(b, dirfd(dir), entry->d_name, e);
	}
	if (dir)
		(void)closedir(dir);
	if (result == 0)
		forget_unseen(b);
	return result;
}

static int take_up_named(struct stats_board *b, const char *id, struct err *e)
{
	struct watched *w = find(b, id);

	if (w)
		return 0;
	TRY(container_id_check(id, e));
	TRY(add(b, id, &w, e));
	if (open_watched(b->context, w, e) < 0)
		return err_in(e, "%s", id);
	return w->alive ? 0 : err_set(e, ERR_STATE, "%s: container not running", id);
}

int stats_open(const struct container_context *c, const struct oci_strings *ids,
               struct stats_board *ret, struct err *e)
{
	STATS_BOARD struct stats_board b = { .context = c, .chosen = ids != NULL };
	struct rlimit files;

	/* the soft limit is for programs that use select(2) */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; ids && i < ids->n; i++)
		TRY(take_up_named(&b, ids->v[i], e));
	*ret = b;
	b = (struct stats_board){ 0 };
	return 0;
}

/* --- numbers ----------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* CPU time since the last reading, by the time that has passed since then. */
static void rate(struct watched *w, struct stats_row *row)
{
	uint64_t usage = meter_get(&row->now.table[METER_CPU_STAT], "usage_usec");
	int64_t at = now_us();

	if (w->read_before && at > w->at_us && usage >= w->usage_us) {
		row->rated = true;
		row->cpu = (usage - w->usage_us) * 10000 / (uint64_t)(at - w->at_us);
	}
	w->read_before = true;
	w->usage_us = usage;
	w->at_us = at;
}

/* 1: *ret is its row, 0: it has ended. */
static int read_row(struct watched *w, struct arena *a, struct stats_row *ret, struct err *e)
{
	*ret = (struct stats_row){ .id = arena_string(a, w->id, strlen(w->id)),
		                   .counted = w->counted };
	if (!w->counted) {
		struct pollfd first = { .fd = w->pidfd, .events = POLLIN };

		return poll(&first, 1, 0) <= 0;
	}
	int there = meter_read(&w->meter, a, &ret->now, e);
	if (there <= 0)
		return there;
	if (meter_get(&ret->now.table[METER_GROUP_EVENTS], "populated") == 0)
		return 0;
	ret->paused = meter_get(&ret->now.table[METER_GROUP_EVENTS], "frozen") != 0;
	rate(w, ret);
	return 1;
}

static int by_id(const void *a, const void *b)
{
	const struct stats_row *left = a, *right = b;

	return strcmp(left->id, right->id);
}

int stats_refresh(struct stats_board *b, struct arena *a, struct stats_row **ret, size_t *ret_count,
                  struct err *e)
{
	if (!b->chosen)
		TRY(look_around(b, e));

	struct stats_row *rows = arena_array(a, count(b) + 1, sizeof(*rows));
	size_t n = 0;
	for (size_t i = 0; i < count(b); i++) {
		struct watched *w = &items(b)[i];

		if (!w->alive)
			continue;
		int alive = read_row(w, a, &rows[n], e);
		if (alive < 0 && b->chosen)
			return -1;
		if (alive < 0) { /* of one that was not named */
			log_warn("%s: %s", w->id, e->text);
			*e = (struct err){ 0 };
			alive = 0;
		}
		n += alive > 0;
		if (!alive)
			let_go(w);
	}
	qsort(rows, n, sizeof(*rows), by_id);
	*ret = rows;
	*ret_count = n;
	return 0;
}
