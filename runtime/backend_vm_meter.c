/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of a container in a microVM: those of its group in the guest. Only whether it
 * lives and is paused is told by the monitor's group on the host; while it is, the guest
 * cannot be asked, and there are no numbers.
 *
 * The guest's group is gone with the guest. What happened last, an OOM kill mostly, has been
 * told by then (VM_WATCH), and is a reading still: the one before it, with that count.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/backend_vm.h"
#include "runtime/backend_vm_client.h"

enum { END_MS = 10000 };

struct source {
	int folder, pidfd; /* of the record, of the monitor */
	uint32_t wanted;
	bool ended;
	uint64_t kills;  /* that a reading has told */
	struct buf last; /* the newest answer: names and texts in turn */
	struct vm_client client;
};

static void close_source(void *from)
{
	struct source *s = from;

	vm_client_close(&s->client);
	fd_drop(&s->folder);
	fd_drop(&s->pidfd);
	buf_done(&s->last);
	free(s);
}

static int news(const void *from)
{
	const struct source *s = from;

	return s->ended ? -1 : s->client.socket;
}

/* --- texts ------------------------------------------------------------------------------------ */

static void take_file(const struct source *s, struct arena *a, const char *name, const char *text,
                      struct meter_reading *ret)
{
	for (unsigned int i = 0; i < METER_FILES; i++) {
		if (!(s->wanted & METER_BIT(i)) || strcmp(name, meter_file_name(i)) != 0)
			continue;
		meter_parse(a, (enum meter_file)i, arena_printf(a, "%s", text), ret);
	}
}

static void take_last(const struct source *s, struct arena *a, struct meter_reading *ret)
{
	struct agent_texts t = { s->last.data, s->last.data + s->last.len };
	const char *name, *text;

	if (s->last.len == 0)
		return;
	while ((name = agent_text(&t)) && (text = agent_text(&t)))
		take_file(s, a, name, text, ret);
}

static void put_table(struct arena *a, enum meter_file file, const char *key, uint64_t value,
                      struct meter_reading *ret)
{
	struct meter_entry *entry = arena_new(a, sizeof(*entry));

	*entry = (struct meter_entry){ key, value };
	ret->table[file] = (struct meter_table){ entry, 1 };
}

/* --- readings --------------------------------------------------------------------------------- */

static int ask(struct source *s, struct err *e)
{
	const char *names[METER_FILES];
	struct agent_reply reply;
	size_t count = 0;

	for (unsigned int i = 0; i < METER_FILES; i++) {
		if (s->wanted & METER_BIT(i))
			names[count++] = meter_file_name(i);
	}
	TRY(vm_client_ask_texts(&s->client, AGENT_READ, names, count, &reply, e));
	buf_done(&s->last);
	buf_add(&s->last, reply.files.at, (size_t)(reply.files.end - reply.files.at));
	return buf_ok(&s->last, e);
}

/* The connection has ended, and so has the monitor, or is about to. */
static int end(struct source *s, struct arena *a, struct meter_reading *ret, struct err *e)
{
	struct pollfd monitor = { .fd = s->pidfd, .events = POLLIN };

	if (poll(&monitor, 1, END_MS) <= 0)
		return err_set(e, ERR_STATE, "the microVM takes no connection any more");
	*e = (struct err){ 0 };
	s->ended = true;
	if (s->client.kills > s->kills) {
		take_last(s, a, ret);
		put_table(a, METER_MEMORY_EVENTS, "oom_kill", s->client.kills, ret);
		s->kills = s->client.kills;
	}
	put_table(a, METER_GROUP_EVENTS, "populated", 0, ret);
	return 1;
}

static int open_connection(struct source *s, struct err *e)
{
	TRY(vm_client_connect(&s->client, s->folder, e));
	return vm_client_watch(&s->client, e);
}

static int read_source(void *from, int there, struct arena *a, struct meter_reading *ret,
                       struct err *e)
{
	const struct meter_table *host = &ret->table[METER_GROUP_EVENTS];
	struct source *s = from;

	if (s->ended)
		return 0;
	if (s->client.socket >= 0 && !vm_client_hear(&s->client))
		return end(s, a, ret, e);
	if (!there || (host->n > 0 && meter_get(host, "populated") == 0))
		return s->client.socket >= 0 ? end(s, a, ret, e) : there;
	if (meter_get(host, "frozen") != 0)
		return 1;
	if (s->client.socket < 0 && open_connection(s, e) < 0)
		return -1;
	if (ask(s, e) < 0)
		return e->sys == EPIPE ? end(s, a, ret, e) : -1;
	const struct meter_table ours = *host;
	take_last(s, a, ret);
	if (ours.n > 0)
		ret->table[METER_GROUP_EVENTS] = ours;
	(void)meter_find(&ret->table[METER_MEMORY_EVENTS], "oom_kill", &s->kills);
	return 1;
}

static const struct meter_source guest = {
	.read = read_source,
	.news = news,
	.close = close_source,
};

/* --- opening ---------------------------------------------------------------------------------- */

static int open_host(const struct found *f, struct meter *ret, struct err *e)
{
	if (!f->state.cgroup)
		return 0;
	FD int cgroup = cgroup_open(&f->cgroup, f->state.cgroup, e);
	TRY(cgroup);
	return meter_open(cgroup, METER_BIT(METER_GROUP_EVENTS), ret, e);
}

int backend_vm_meter(const struct found *f, uint32_t wanted, struct meter *ret, struct err *e)
{
	METER struct meter m = meter_none();

	TRY(open_host(f, &m, e));
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_KERNEL, "out of memory");
	*s = (struct source){ .wanted = wanted, .client = VM_CLIENT_NONE };
	s->folder = fcntl(f->dir.fd, F_DUPFD_CLOEXEC, 0);
	s->pidfd = fcntl(f->pidfd, F_DUPFD_CLOEXEC, 0);
	m.source = &guest;
	m.from = s;
	if (s->folder < 0 || s->pidfd < 0)
		return err_sys(e, "F_DUPFD_CLOEXEC");
	*ret = m;
	m = meter_none();
	return 0;
}
