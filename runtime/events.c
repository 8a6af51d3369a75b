/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: numbers at intervals, and notices at the moment. The kernel wakes whoever polls
 * memory.events, pids.events or cgroup.events when one of their counters has changed since
 * it was last read (cgroup-v2.rst, "notify"), so nothing is asked in vain.
 *
 * The stream ends when the container's first process does or its group is gone; what
 * happened last, an OOM kill mostly, is read once more before that. A process killed for
 * want of memory is told each time. Refused forks can come by the thousand, and a CPU limit
 * works all the time: they are told the first time, and summed up at the end.
 *
 * Who looks on when the process ends can learn how it did, though its parent is another: it
 * is a zombie then, or the pidfd tells. So that is the stream's last word, and the record
 * keeps it for `state`.
 */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/backend.h"
#include "runtime/container.h"
#include "runtime/meter_json.h"
#include "runtime/query.h"

struct stream {
	const char *id;
	event_teller *tell;
	int pidfd;
	struct meter numbers; /* for stats */
	struct meter watch;   /* what notices come from */
	uint64_t told[LIMIT_KINDS];
};

static void stream_close(struct stream *s)
{
	meter_close(&s->numbers);
	meter_close(&s->watch);
}

#define STREAM __attribute__((cleanup(stream_close)))

static int tell(const struct stream *s, const char *type, const struct meter_reading *numbers,
                const struct limit_hit *hit, struct err *e)
{
	BUF struct buf line = { 0 };
	struct json_writer w = { .out = &line, .indent = "" };

	json_open(&w, '{');
	json_put_string(&w, "type", type);
	json_put_string(&w, "id", s->id);
	if (numbers || hit)
		json_key(&w, "data");
	if (numbers)
		meter_stats_json(&w, numbers);
	else if (hit)
		limits_json(&w, hit);
	json_close(&w, '}');
	buf_text(&line, "\n");
	TRY(buf_ok(&line, e));
	return s->tell(&line, e);
}

static int tell_hit(struct stream *s, const struct limit_hit *hit, bool last, struct err *e)
{
	uint64_t told = s->told[hit->kind];

	if (hit->count == told || (told > 0 && hit->kind != LIMIT_MEMORY && !last))
		return 0;
	s->told[hit->kind] = hit->count;
	if (hit->kind == LIMIT_MEMORY)
		TRY(tell(s, "oom", NULL, NULL, e)); /* runc's, which has no data */
	return tell(s, "limit", NULL, hit, e);
}

/* 1: the container lives, 0: it has ended. `quiet`: what has been is no news. */
static int look(struct stream *s, bool quiet, struct err *e)
{
	ARENA struct arena a = { 0 };
	struct pollfd ended = { .fd = s->pidfd, .events = POLLIN };
	struct meter_reading r;
	struct limit_hits hits;

	if (poll(&ended, 1, 0) < 0) /* before the counters: they are final then */
		return err_sys(e, "poll");
	int there = meter_read(&s->watch, &a, &r, e);
	if (there <= 0)
		return there;
	bool last = ended.revents || meter_get(&r.table[METER_GROUP_EVENTS], "populated") == 0;
	limits_find(&a, &r, &hits);
	for (size_t i = 0; i < hits.n; i++) {
		if (quiet)
			s->told[hits.v[i].kind] = hits.v[i].count;
		else
			TRY(tell_hit(s, &hits.v[i], last, e));
	}
	return !last;
}

/* 1: told, 0: the group is gone. */
static int tell_numbers(const struct stream *s, struct err *e)
{
	ARENA struct arena a = { 0 };
	struct meter_reading r;
	int there = meter_read(&s->numbers, &a, &r, e);

	if (there > 0)
		TRY(tell(s, "stats", &r, NULL, e));
	return there;
}

static int follow(struct stream *s, int64_t interval_ms, struct err *e)
{
	int64_t next = clock_ms() + interval_ms;
	int alive = look(s, true, e);

	while (alive > 0) {
		int64_t left = next - clock_ms();
		struct pollfd fds[] = {
			{ .fd = s->pidfd, .events = POLLIN },
			{ .fd = s->watch.files[METER_GROUP_EVENTS], .events = POLLPRI },
			{ .fd = s->watch.files[METER_MEMORY_EVENTS], .events = POLLPRI },
			{ .fd = s->watch.files[METER_PIDS_EVENTS], .events = POLLPRI },
			{ .fd = meter_news(&s->watch), .events = POLLIN },
		};

		if (left <= 0) {
			alive = tell_numbers(s, e);
			next += interval_ms;
			if (next < clock_ms())
				next = clock_ms(); /* we were stopped, or cannot keep up */
		} else if (poll(fds, LEN(fds), (int)left) < 0 && errno != EINTR) {
			return err_sys(e, "poll");
		}
		if (alive > 0)
			alive = look(s, false, e);
	}
	return alive;
}

/* Into the record, unless the container is gone, or another holds its id by now. */
static void record_end(struct found *f, int status, int signo)
{
	ARENA struct arena a = { 0 };
	struct err ignored = { 0 };
	struct state now;

	if (state_dir_lock(&f->dir, &ignored) < 0 || state_load(&f->dir, &a, &now, &ignored) <= 0 ||
	    now.ended || now.pid != f->state.pid || now.start_time != f->state.start_time)
		return;
	now.ended = true;
	now.exit_status = status;
	now.exit_signal = signo;
	if (state_save(&f->dir, &now, &ignored) < 0)
		log_warn("%s: %s", f->dir.id, ignored.text);
}

static int tell_end(const struct stream *s, struct found *f, struct err *e)
{
	BUF struct buf line = { 0 };
	struct json_writer w = { .out = &line, .indent = "" };
	int status, signo;

	if (!proc_ended(f->state.pid, f->state.start_time, s->pidfd, &status, &signo))
		return 0;
	record_end(f, status, signo);
	json_open(&w, '{');
	json_put_string(&w, "type", "exit");
	json_put_string(&w, "id", s->id);
	json_key(&w, "data");
	json_open(&w, '{');
	json_key(&w, "status");
	json_i64(&w, status);
	if (signo) {
		json_key(&w, "signal");
		json_i64(&w, signo);
	}
	json_close(&w, '}');
	json_close(&w, '}');
	buf_text(&line, "\n");
	TRY(buf_ok(&line, e));
	return s->tell(&line, e);
}

int container_events(const struct container_context *c, const struct events_request *r,
                     event_teller *teller, struct err *e)
{
	ARENA struct arena a = { 0 };
	FOUND struct found f = FOUND_NONE;
	STREAM struct stream s = {
		.id = r->id, .tell = teller, .numbers = meter_none(), .watch = meter_none()
	};

	TRY(found_open(c, &a, r->id, false, &f, e));
	if (f.status == STATUS_STOPPED)
		return err_set(e, ERR_STATE, "container with id %s is not running", r->id);
	const struct backend *backend = backend_of_record(&f);
	s.pidfd = f.pidfd;
	TRY(backend->meter(&f, METER_ALL, &s.numbers, e));
	if (r->once)
		return tell_numbers(&s, e) < 0 ? -1 : 0;
	TRY(backend->meter(&f, limits_files() | METER_BIT(METER_GROUP_EVENTS), &s.watch, e));
	TRY(follow(&s, r->interval_ms, e));
	return tell_end(&s, &f, e);
}
