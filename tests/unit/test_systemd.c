/* SPDX-License-Identifier: Apache-2.0 */
/* A service manager that answers as it is told to: what the driver makes of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/unix.h"
#include "cgroups/files.h"
#include "cgroups/systemd.h"
#include "unit.h"

#define UNIT   "p-x.scope"
#define OBJECT "/org/freedesktop/systemd1/unit/p_2dx_2escope"
#define JOB    "/org/freedesktop/systemd1/job/7"

/* --- the manager's side ----------------------------------------------------------------- */

struct answer {
	uint8_t type;
	uint32_t reply_to;
	const char *path, *interface, *member, *error, *signature;
};

static void put_field(struct buf *b, uint8_t code, const char *type, const char *value)
{
	if (!value)
		return;
	buf_align(b, 8);
	buf_add(b, &code, 1);
	dbus_put_signature(b, type);
	if (*type == 'g')
		dbus_put_signature(b, value);
	else
		dbus_put_string(b, value);
}

static void put_answer(struct buf *b, const struct answer *a, const struct buf *body)
{
	BUF struct buf message = { 0 };
	uint8_t start[] = { 'l', a->type, 1, 1 }, reply = 5;

	buf_add(&message, start, sizeof(start));
	dbus_put_u32(&message, (uint32_t)body->len);
	dbus_put_u32(&message, 1);
	struct dbus_array fields = dbus_open_array(&message, 8);
	put_field(&message, 1, "o", a->path);
	put_field(&message, 2, "s", a->interface);
	put_field(&message, 3, "s", a->member);
	put_field(&message, 4, "s", a->error);
	if (a->reply_to) {
		buf_align(&message, 8);
		buf_add(&message, &reply, 1);
		dbus_put_signature(&message, "u");
		dbus_put_u32(&message, a->reply_to);
	}
	put_field(&message, 8, "g", a->signature);
	dbus_close_array(&message, fields);
	buf_align(&message, 8);
	if (body->len)
		buf_add(&message, body->data, body->len);
	buf_add(b, message.data, message.len);
}

static void put_reply(struct buf *b, uint32_t serial, const char *job)
{
	BUF struct buf body = { 0 };

	dbus_put_string(&body, job);
	put_answer(b, &(struct answer){ .type = 2, .reply_to = serial, .signature = "o" }, &body);
}

static void put_error(struct buf *b, uint32_t serial, const char *name, const char *text)
{
	BUF struct buf body = { 0 };

	dbus_put_string(&body, text);
	put_answer(
		b,
		&(struct answer){ .type = 3, .reply_to = serial, .error = name, .signature = "s" },
		&body);
}

static void put_job_removed(struct buf *b, const char *job, const char *result)
{
	BUF struct buf body = { 0 };

	dbus_put_u32(&body, 7);
	dbus_put_string(&body, job);
	dbus_put_string(&body, UNIT);
	dbus_put_string(&body, result);
	put_answer(b,
	           &(struct answer){ .type = 4,
	                             .path = "/org/freedesktop/systemd1",
	                             .interface = "org.freedesktop.systemd1.Manager",
	                             .member = "JobRemoved",
	                             .signature = "uoss" },
	           &body);
}

static void put_property(struct buf *b, const char *name, const char *type)
{
	buf_align(b, 8);
	dbus_put_string(b, name);
	dbus_put_signature(b, type);
}

static void put_result(struct buf *b, const char *object, const char *result)
{
	BUF struct buf body = { 0 };

	dbus_put_string(&body, "org.freedesktop.systemd1.Scope");
	struct dbus_array all = dbus_open_array(&body, 8);
	put_property(&body, "TimeoutStopUSec", "t");
	dbus_put_u64(&body, 5);
	put_property(&body, "Result", "s");
	dbus_put_string(&body, result);
	put_property(&body, "Controller", "s");
	dbus_put_string(&body, "");
	dbus_close_array(&body, all);
	dbus_close_array(&body, dbus_open_array(&body, 4));
	put_answer(b,
	           &(struct answer){ .type = 4,
	                             .path = object,
	                             .interface = "org.freedesktop.DBus.Properties",
	                             .member = "PropertiesChanged",
	                             .signature = "sa{sv}as" },
	           &body);
}

static void say(int sock, const void *data, size_t len)
{
	if (len > 0 && write(sock, data, len) != (ssize_t)len)
		_exit(1);
}

static void say_text(int sock, const char *text)
{
	say(sock, text, strlen(text));
}

/* Bytes up to what ends the handshake; then whole calls. */
static uint32_t hear(int sock, bool *greeted, char *member, size_t room)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	static char data[65536];
	static size_t len;
	struct dbus_message m;
	struct err e = { 0 };

	for (;;) {
		if (!*greeted && len >= sizeof(hello) - 1) {
			if (memcmp(data, hello, sizeof(hello) - 1) != 0)
				_exit(2);
			*greeted = true;
			len -= sizeof(hello) - 1;
			memmove(data, data + sizeof(hello) - 1, len);
			return 0;
		}
		size_t size = *greeted && len >= DBUS_HEAD ? dbus_message_size((uint8_t *)data) : 0;
		if (size && len >= size) {
			if (dbus_parse(data, size, &m, &e) < 0)
				_exit(3);
			(void)snprintf(member, room, "%s", m.member);
			uint32_t serial = m.serial;
			len -= size;
			memmove(data, data + size, len);
			return serial;
		}
		ssize_t n = read(sock, data + len, sizeof(data) - len);
		if (n <= 0)
			_exit(0);
		len += (size_t)n;
	}
}

enum script { WELL, MOVES, FAILS, REFUSES, EXISTS, SILENT, CLOSES, GARBAGE, REJECTS, DRIBBLES };

static void answer(int sock, enum script script, uint32_t serial, const char *member, int *calls)
{
	BUF struct buf out = { 0 };
	bool start = strcmp(member, "StartTransientUnit") == 0;

	if (script == EXISTS && start && (*calls)++ < 2) {
		put_error(&out, serial, "org.freedesktop.systemd1.UnitExists", "Unit is there");
	} else if (!start) {
		put_error(&out, serial, "org.freedesktop.systemd1.NoSuchUnit", "it is gone");
	} else if (script == REFUSES) {
		put_error(&out, serial, "org.freedesktop.DBus.Error.PropertyReadOnly",
		          "Cannot set");
	} else if (script == GARBAGE) {
		buf_text(&out, "this is no message of D-Bus at all");
	} else if (script == MOVES) {
		put_reply(&out, serial, JOB);
		put_result(&out, OBJECT, "success");
	} else if (script != SILENT) {
		put_job_removed(&out, "/org/freedesktop/systemd1/job/6", "failed");
		put_reply(&out, serial, JOB);
		put_job_removed(&out, "/org/freedesktop/systemd1/job/77", "failed");
		put_result(&out, "/org/freedesktop/systemd1/unit/other_2escope", "timeout");
		if (script == FAILS)
			put_result(&out, OBJECT, "resources");
		put_job_removed(&out, JOB, script == FAILS ? "failed" : "done");
	}
	if (script != DRIBBLES) {
		say(sock, out.data, out.len);
		return;
	}
	for (size_t i = 0; i < out.len; i++)
		say(sock, out.data + i, 1);
}

static _Noreturn void serve(int listener, enum script script)
{
	bool greeted = false;
	char member[64];
	int calls = 0, sock = accept(listener, NULL, NULL);

	(void)alarm(20);
	(void)hear(sock, &greeted, member, sizeof(member));
	say_text(sock, script == REJECTS ? "REJECTED EXTERNAL\r\n" : "DATA\r\nOK 0123456789\r\n");
	for (;;) {
		uint32_t serial = hear(sock, &greeted, member, sizeof(member));

		if (script == CLOSES)
			_exit(0);
		answer(sock, script, serial, member, &calls);
	}
}

/* --- the driver's side -------------------------------------------------------------------- */

static int run_for(pid_t pid, const char *group, enum script script, int deadline_ms, struct err *e)
{
	char folder[] = "/tmp/caisson-systemd.XXXXXX", path[64];
	SYSTEMD struct systemd s = SYSTEMD_NONE;
	BUF struct buf properties = { 0 };

	assert_non_null(mkdtemp(folder));
	FD int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FD int listener = unix_listen(dir, "private", SOCK_STREAM, e);
	assert_true(listener >= 0);
	(void)snprintf(path, sizeof(path), "%s/private", folder);

	pid_t child = fork();
	if (child == 0)
		serve(listener, script);
	const struct cgroup_facts facts = { .systemd_socket = path, .systemd = "" };
	put_property(&properties, "Delegate", "b");
	dbus_put_bool(&properties, true);
	int result = systemd_open(&s, &facts, UNIT, deadline_ms, e);
	s.group = group;
	if (result == 0)
		result = systemd_start(&s, properties.data, properties.len, pid, e);
	if (result == 0)
		result = systemd_await(&s, properties.data, properties.len, pid, e);
	systemd_close(&s);
	s.bus.fd = -1;
	assert_int_equal(waitpid(child, &(int){ 0 }, 0), child);
	assert_int_equal(unlinkat(dir, "private", 0), 0);
	assert_int_equal(rmdir(folder), 0);
	return result;
}

static int run(enum script script, int deadline_ms, struct err *e)
{
	return run_for(1, "/nowhere", script, deadline_ms, e);
}

static void expect(enum script script, const char *why)
{
	struct err e = { 0 };

	assert_int_equal(run(script, 20000, &e), -1);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void test_well(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (run(WELL, 20000, &e) < 0 || run(DRIBBLES, 20000, &e) < 0)
		fail_msg("%s", e.text);
}

/* Who is in the group need not hear that its job has ended; who is elsewhere does. */
static void test_moves(void **state)
{
	ARENA struct arena a = { 0 };
	struct err e = { 0 };
	const char *own;

	(void)state;
	assert_int_equal(cgroup_of(&a, getpid(), &own, &e), 0);
	if (run_for(getpid(), own, MOVES, 20000, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(run_for(getpid(), "/elsewhere", MOVES, 200, &e), -1);
	assert_string_equal(e.text, "systemd did not answer in time");
	e = (struct err){ 0 };
	assert_int_equal(run_for(getpid(), own, REFUSES, 20000, &e), -1); /* moved by others */
}

/* A unit of that name that is just going away: asked for again until it is gone. */
static void test_exists(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (run(EXISTS, 20000, &e) < 0)
		fail_msg("%s", e.text);
}

static void test_refusals(void **state)
{
	(void)state;
	expect(FAILS, "systemd could not start " UNIT ": failed, the unit's result is resources");
	expect(REFUSES, "systemd refuses " UNIT ": Cannot set (PropertyReadOnly)");
	expect(CLOSES, "systemd closed the connection");
	expect(GARBAGE, "not a D-Bus message");
	expect(REJECTS, "systemd does not let us in (it said \"REJECTED EXTERNAL\")");
}

static void test_deadline(void **state)
{
	struct err e = { 0 };
	int64_t before = cgroup_clock_ms();

	(void)state;
	assert_int_equal(run(SILENT, 200, &e), -1);
	assert_int_equal(e.kind, ERR_STATE);
	assert_string_equal(e.text, "systemd did not answer in time");
	assert_true(cgroup_clock_ms() - before >= 200);
}

static void test_nobody(void **state)
{
	const struct cgroup_facts facts = { .systemd_socket = "/nonexistent/private" };
	SYSTEMD struct systemd s = SYSTEMD_NONE;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(systemd_open(&s, &facts, UNIT, 1000, &e), -1);
	assert_non_null(strstr(e.text, "--systemd-cgroup: open socket /nonexistent/private"));
	assert_non_null(strstr(e.hint, "is systemd running?"));
}

/* Who listens decides what the container's limits are: root, or we ourselves. */
static void test_somebody_else(void **state)
{
	char folder[] = "/tmp/caisson-systemd.XXXXXX", path[64];
	SYSTEMD struct systemd s = SYSTEMD_NONE;
	struct err e = { 0 };
	pid_t stranger;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can play somebody else\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0777), 0);
	(void)snprintf(path, sizeof(path), "%s/private", folder);
	stranger = fork(); /* a socket is its who called listen(2) */
	if (stranger == 0) {
		FD int dir =
			setuid(12345) < 0 ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		FD int listener = dir < 0 ? -1 : unix_listen(dir, "private", SOCK_STREAM, &e);

		if (listener < 0)
			_exit(1);
		(void)raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(stranger, &status, WUNTRACED), stranger);
	assert_true(WIFSTOPPED(status));
	const struct cgroup_facts facts = { .systemd_socket = path, .systemd = "" };
	assert_int_equal(systemd_open(&s, &facts, UNIT, 1000, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_non_null(strstr(e.text, "a process of user 12345 listens there"));
	assert_int_equal(kill(stranger, SIGKILL), 0);
	assert_int_equal(waitpid(stranger, &status, 0), stranger);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),          cmocka_unit_test(test_exists),
		cmocka_unit_test(test_refusals),      cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_nobody),        cmocka_unit_test(test_moves),
		cmocka_unit_test(test_somebody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
