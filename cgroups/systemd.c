/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to systemd. Its private socket leads to it without a broker: nothing has to be
 * registered, asked or subscribed to, and what it tells about its jobs comes by itself
 * (bus_foreach_bus() of systemd's src/core/dbus.c sends all signals to direct
 * connections). So a scope is one call, whose answer names a job, and the signal that the
 * job is done. Why a start failed is in a signal before that one: by then the unit may be
 * gone, and asking would be too late.
 */
#include "cgroups/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "cgroups/files.h"

#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"

enum {
	AGAIN_MS = 3000, /* how long a unit of our name may take to go away */
	STEP_MS = 10,
	QUICK_TRIES = 20,  /* the kernel tells of an empty group after 10 ms at most */
	PATIENT_MS = 1000, /* that systemd may take to notice an empty group */
	STOP_MS = 5000,
	ANSWER_MS = 2000,
};

/* /run/user is where pam_systemd(8) puts it, too, for callers without the variable. */
static const char *user_socket(struct arena *a, uint32_t uid)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (run && run[0] == '/')
		return arena_printf(a, "%s/systemd/private", run);
	return arena_printf(a, "/run/user/%u/systemd/private", uid);
}

int cgroup_probe_systemd(struct arena *a, struct cgroup_facts *f, bool user, uint32_t uid,
                         struct err *e)
{
	char text[1024];

	f->systemd_user = user;
	f->systemd_socket = user ? user_socket(a, uid) : "/run/systemd/private";
	if (access(f->systemd_socket, F_OK) < 0)
		return 0;
	f->systemd =
		user ? arena_printf(a, "/user.slice/user-%u.slice/user@%u.service", uid, uid) : "";
	if (!user || f->mode != CGROUP_UNIFIED)
		return 0;

	FD int mount = cgroup_open_mount(f, e);
	TRY(mount);
	FD int group = cgroup_open_below(mount, f->systemd + 1, e);
	if (group < 0) {
		if (e->sys != ENOENT)
			return -1;
		*e = (struct err){ 0 };
		f->systemd = NULL;
		return 0;
	}
	TRY(cgroup_file_read(group, "cgroup.controllers", text, sizeof(text), e));
	f->controllers = cgroup_controllers_parse(text);
	f->limited = true;
	f->base = f->systemd;
	return 0;
}

/* As systemd escapes a name for an object's path: sd_bus_path_encode(3). */
static void object_path(const char *unit, char *ret, size_t room)
{
	size_t used = (size_t)snprintf(ret, room, MANAGER_PATH "/unit/");

	for (size_t i = 0; unit[i] && used + 4 < room; i++) {
		bool digit = unit[i] >= '0' && unit[i] <= '9';
		bool letter = (unit[i] | 0x20) >= 'a' && (unit[i] | 0x20) <= 'z';

		if (letter || (digit && i > 0))
			ret[used++] = unit[i];
		else
			used += (size_t)snprintf(ret + used, room - used, "_%02x",
			                         (unsigned char)unit[i]);
		ret[used] = '\0';
	}
}

int systemd_open(struct systemd *s, const struct cgroup_facts *facts, const char *unit,
                 int deadline_ms, struct err *e)
{
	*s = (struct systemd)SYSTEMD_NONE;
	s->unit = unit;
	s->user = facts->systemd_user;
	object_path(unit, s->object, sizeof(s->object));
	if (dbus_open(&s->bus, facts->systemd_socket, deadline_ms, e) == 0)
		return 0;
	err_in(e, "--systemd-cgroup");
	return err_hint(e, "is systemd running? the cgroupfs driver needs none: --cgroup-manager "
	                   "cgroupfs");
}

void systemd_close(struct systemd *s)
{
	dbus_close(&s->bus);
}

static int call_on(struct systemd *s, const char *interface, const char *member,
                   const char *signature, const struct buf *body, struct err *e)
{
	const struct dbus_call message = {
		.path = MANAGER_PATH,
		.interface = interface,
		.member = member,
		.signature = signature,
		.body = body,
	};

	TRY(dbus_send(&s->bus, &message, e));
	s->call = s->bus.serial;
	return 0;
}

static int call(struct systemd *s, const char *member, const char *signature,
                const struct buf *body, struct err *e)
{
	return call_on(s, MANAGER, member, signature, body, e);
}

/* --- starting ---------------------------------------------------------------------------- */

/* Name, mode, properties, and no other units. The process comes last among the properties:
 * they were made before there was one. */
int systemd_start(struct systemd *s, const void *properties, size_t len, pid_t pid, struct err *e)
{
	BUF struct buf body = { 0 };

	dbus_put_string(&body, s->unit);
	dbus_put_string(&body, "fail");
	struct dbus_array all = dbus_open_array(&body, 8);
	buf_add(&body, properties, len);
	buf_align(&body, 8);
	dbus_put_string(&body, "PIDs");
	dbus_put_signature(&body, "au");
	struct dbus_array pids = dbus_open_array(&body, 4);
	dbus_put_u32(&body, (uint32_t)pid);
	dbus_close_array(&body, pids);
	dbus_close_array(&body, all);
	dbus_close_array(&body, dbus_open_array(&body, 8));
	return call(s, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, e);
}

static bool is_signal(const struct dbus_message *m, const char *interface, const char *member)
{
	return m->type == DBUS_SIGNAL && strcmp(m->interface, interface) == 0 &&
	       strcmp(m->member, member) == 0;
}

/* PropertiesChanged: interface, changed a{sv}, invalidated as. */
static void note_reason(struct systemd *s, const struct dbus_message *m)
{
	struct dbus_reader r = m->body;

	if (strcmp(m->path, s->object) != 0 || strcmp(m->signature, "sa{sv}as") != 0 ||
	    strcmp(dbus_get_string(&r), "org.freedesktop.systemd1.Scope") != 0)
		return;
	size_t end = dbus_enter_array(&r, 8);
	while (!r.failed && r.at < end) {
		while (r.at % 8 && !r.failed)
			(void)dbus_get_u8(&r);
		const char *name = dbus_get_string(&r);
		struct dbus_reader value = r;

		dbus_skip(&r, "v");
		if (strcmp(name, "Result") == 0 && strcmp(dbus_get_signature(&value), "s") == 0)
			(void)snprintf(s->reason, sizeof(s->reason), "%s", dbus_get_string(&value));
	}
}

/* JobRemoved: id, job, unit, result. 1: it was ours, and went well. */
static int job_ended(struct systemd *s, const struct dbus_message *m, struct err *e)
{
	struct dbus_reader r = m->body;

	if (!s->job[0] || strcmp(m->signature, "uoss") != 0)
		return 0;
	(void)dbus_get_u32(&r);
	bool ours = strcmp(dbus_get_string(&r), s->job) == 0;
	(void)dbus_get_string(&r);
	const char *result = dbus_get_string(&r);

	if (r.failed || !ours)
		return 0;
	if (strcmp(result, "done") == 0)
		return 1;
	err_set(e, ERR_KERNEL, "systemd could not start %s: %s%s%s", s->unit, result,
	        s->reason[0] ? ", the unit's result is " : "", s->reason);
	return err_hint(e, "journalctl%s -u %s", s->user ? " --user" : "", s->unit);
}

static int refused(struct systemd *s, const struct dbus_message *m, struct err *e)
{
	struct dbus_reader r = m->body;
	const char *text = m->signature[0] == 's' ? dbus_get_string(&r) : "";
	const char *name = strrchr(m->error, '.');

	s->refused = true;
	err_set(e, ERR_KERNEL, "systemd refuses %s: %s (%s)", s->unit, text,
	        name ? name + 1 : m->error);
	if (name && strcmp(name, ".UnitExists") == 0)
		e->kind = ERR_STATE;
	return -1;
}

/* 1: our call was answered, 0: something else was said. */
static int is_answer(struct systemd *s, const struct dbus_message *m, struct err *e)
{
	if (m->reply_to != s->call)
		return 0;
	if (m->type == DBUS_ERROR)
		return refused(s, m, e);
	return m->type == DBUS_RETURN;
}

static int await_answer(struct systemd *s, struct err *e)
{
	struct dbus_message m;
	int answered;

	do {
		TRY(dbus_receive(&s->bus, &m, e));
		answered = is_answer(s, &m, e);
		TRY(answered);
	} while (!answered);
	return 0;
}

/* The kernel tells sooner than systemd that a process has been moved: the limits that
 * systemd sets are written then, and what it goes on to tell need not be read. */
static bool has_moved(const struct systemd *s, pid_t pid)
{
	ARENA struct arena a = { 0 };
	struct err ignored = { 0 };
	const char *group;

	return s->group && pid > 0 && cgroup_of(&a, pid, &group, &ignored) == 0 &&
	       strcmp(group, s->group) == 0;
}

/* With a pid that was to be moved somewhere, its being there is the end, too. */
static int await_job(struct systemd *s, pid_t pid, struct err *e)
{
	s->job[0] = s->reason[0] = '\0';
	s->refused = false;
	for (;;) {
		struct dbus_message m;

		TRY(dbus_await(&s->bus, e));
		if (s->job[0] && has_moved(s, pid))
			return 0;
		TRY(dbus_receive(&s->bus, &m, e));
		int answered = is_answer(s, &m, e);
		TRY(answered);
		if (answered) {
			(void)snprintf(s->job, sizeof(s->job), "%s", dbus_get_string(&m.body));
		} else if (is_signal(&m, "org.freedesktop.DBus.Properties", "PropertiesChanged")) {
			note_reason(s, &m);
		} else if (is_signal(&m, MANAGER, "JobRemoved")) {
			int ended = job_ended(s, &m, e);

			if (ended != 0)
				return ended < 0 ? -1 : 0;
		}
	}
}

static void pause_ms(int ms)
{
	const struct timespec span = { .tv_nsec = ms * 1000000L };

	(void)nanosleep(&span, NULL);
}

/* A unit that has failed keeps its name until somebody says so; that it has not failed is
 * an error that tells nothing. */
static int reset_failed(struct systemd *s, struct err *e)
{
	BUF struct buf body = { 0 };
	struct err ignored = { 0 };

	dbus_put_string(&body, s->unit);
	TRY(call(s, "ResetFailedUnit", "s", &body, e));
	if (await_answer(s, &ignored) < 0 && ignored.kind == ERR_STATE) {
		*e = ignored;
		return -1;
	}
	return 0;
}

int systemd_await(struct systemd *s, const void *properties, size_t len, pid_t pid, struct err *e)
{
	int64_t end = cgroup_clock_ms() + AGAIN_MS;

	while (await_job(s, pid, e) < 0) {
		/* ERR_STATE with its name: there is such a unit */
		if (!strstr(e->text, "(UnitExists)"))
			return -1;
		if (cgroup_clock_left(end) == 0) /* a scope stays for its processes: runc's words */
			return err_in(e, "container's cgroup is not empty");
		*e = (struct err){ 0 };
		TRY(reset_failed(s, e));
		pause_ms(STEP_MS);
		TRY(systemd_start(s, properties, len, pid, e));
	}
	return 0;
}

/* --- changing and ending ------------------------------------------------------------------- */

int systemd_change(struct systemd *s, const struct buf *properties, struct err *e)
{
	BUF struct buf body = { 0 };

	dbus_put_string(&body, s->unit);
	dbus_put_bool(&body, true); /* until it ends, not for ever */
	struct dbus_array all = dbus_open_array(&body, 8);
	buf_add(&body, properties->data, properties->len);
	dbus_close_array(&body, all);
	TRY(call(s, "SetUnitProperties", "sba(sv)", &body, e));
	TRY(await_answer(s, e));
	/* it writes the files in the next turn of its loop, before it looks at anything else */
	TRY(call_on(s, "org.freedesktop.DBus.Peer", "Ping", "", NULL, e));
	return await_answer(s, e);
}

static int stop(const struct cgroup_facts *facts, const char *unit, struct err *e)
{
	SYSTEMD struct systemd s = SYSTEMD_NONE;
	BUF struct buf body = { 0 };

	TRY(systemd_open(&s, facts, unit, STOP_MS, e));
	dbus_put_string(&body, unit);
	dbus_put_string(&body, "replace");
	TRY(call(&s, "StopUnit", "ss", &body, e));
	return await_job(&s, 0, e);
}

int systemd_forget(const struct cgroup_facts *facts, const char *unit, struct err *e)
{
	SYSTEMD struct systemd s = SYSTEMD_NONE;

	TRY(systemd_open(&s, facts, unit, STOP_MS, e));
	return reset_failed(&s, e);
}

/* 1: it is gone, 0: it is still there when the time is over. */
static int await_removal(const struct cgroup_facts *facts, const char *path, int64_t end,
                         struct err *e)
{
	FD int mount = cgroup_open_mount(facts, e);

	TRY(mount);
	for (int tries = 0;; tries++) {
		FD int cgroup = cgroup_open_below(mount, path + 1, e);

		if (cgroup < 0)
			return e->sys == ENOENT ? 1 : -1;
		int left = cgroup_clock_left(end);
		if (left == 0)
			return 0;
		FD int events = cgroup_events_open(cgroup, e);
		struct cgroup_events now = { 0 };
		if (events < 0 || cgroup_events_read(events, &now, e) < 0) {
			if (e->sys != ENODEV && e->sys != ENOENT)
				return -1;
			return 1;
		}
		if (now.populated)
			TRY(cgroup_events_wait(events, left, e));
		else
			pause_ms(tries < QUICK_TRIES ? 1 : STEP_MS);
	}
}

int systemd_destroy(const struct cgroup_facts *facts, const char *path, const char *unit,
                    bool at_once, int timeout_ms, struct err *e)
{
	int patient = at_once ? 0 : timeout_ms < PATIENT_MS ? timeout_ms : PATIENT_MS;
	int64_t end = cgroup_clock_ms() + timeout_ms;
	int gone = await_removal(facts, path, cgroup_clock_ms() + patient, e);
	struct err ignored = { 0 };

	/* then it has not noticed, or is not there any more: the group alone is left */
	if (gone == 0 && facts->systemd && stop(facts, unit, &ignored) == 0)
		gone = await_removal(facts, path, end, e);
	if (gone > 0)
		*e = (struct err){ 0 };
	if (gone != 0)
		return gone < 0 ? -1 : 0;
	return cgroup_destroy(facts, path, cgroup_clock_left(end), e);
}

int systemd_started(struct systemd *s)
{
	struct err ignored = { 0 };

	if (s->call == 0 || s->refused)
		return 0;
	if (s->job[0] || s->bus.fd < 0)
		return 1;
	s->bus.wait = NULL; /* whatever ended our patience */
	s->bus.deadline = cgroup_clock_ms() + ANSWER_MS;
	return await_answer(s, &ignored) == 0 || !s->refused;
}
