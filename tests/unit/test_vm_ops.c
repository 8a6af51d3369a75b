/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ask of a container in a microVM: with an agent in place of a guest, the thread
 * beside the monitor in this process, and a group with a sleeper in place of the monitor's; and
 * with a monitor that lies. */
#include <sys/un.h>

#include "base/fd.h"
#include "base/unix.h"
#include "runtime/backend_vm.h"
#include "runtime/backend_vm_client.h"
#include "runtime/backend_vm_talk.h"
#include "vm_agent.h"

enum { DESTROY_MS = 10000, SLEEP_S = 1000 };

static struct vm_talk talk;

static struct {
	struct found found;
	struct arena arena;
	struct vm_process process;
	struct buf plan;
	struct agent_mount share;
	pid_t monitor, server;
	int launcher;
	char folder[64], group[64], host[80], guest[80];
	struct err e;
} fix;

/* --- fixture ---------------------------------------------------------------------------------- */

static bool has_groups(void)
{
	struct err e = { 0 };

	if (geteuid() == 0 && cgroup_probe(false, &fix.found.cgroup, &e) == 0 &&
	    fix.found.cgroup.mode != CGROUP_NONE)
		return true;
	print_message("skipped: only root where there is a cgroup2 tree can make a group\n");
	return false;
}

static int make_group(const char *path)
{
	struct err e = { 0 };
	bool made;
	int fd = cgroup_create(&fix.found.cgroup, path, 0, &made, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	return fd;
}

/* A process in a group, and a record's folder. */
static bool begin(void)
{
	char text[16];

	memset(&fix, 0, sizeof(fix));
	fix.launcher = -1;
	if (!vm_possible() || !has_groups())
		return false;
	(void)snprintf(fix.group, sizeof(fix.group), "/caisson-ops-%d", (int)getpid());
	(void)snprintf(fix.host, sizeof(fix.host), "%s/host", fix.group);
	(void)snprintf(fix.guest, sizeof(fix.guest), "%s/guest", fix.group);
	(void)snprintf(fix.folder, sizeof(fix.folder), "/tmp/caisson-ops-XXXXXX");
	assert_non_null(mkdtemp(fix.folder));
	FD int outer = make_group(fix.group);
	FD int group = make_group(fix.host);
	assert_true(outer >= 0);
	fix.monitor = fork();
	if (fix.monitor == 0) {
		(void)sleep(SLEEP_S);
		_exit(0);
	}
	FD int procs = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	(void)snprintf(text, sizeof(text), "%d", (int)fix.monitor);
	assert_int_equal(write(procs, text, strlen(text)), (ssize_t)strlen(text));
	fix.found.dir = (struct state_dir){ .fd = open(fix.folder, O_RDONLY | O_CLOEXEC),
		                            .parent = -1,
		                            .id = "c" };
	fix.found.pidfd = (int)syscall(SYS_pidfd_open, fix.monitor, 0);
	fix.found.status = STATUS_RUNNING;
	fix.found.state = (struct state){ .id = "c", .cgroup = fix.host, .pid = fix.monitor };
	assert_true(fix.found.dir.fd >= 0 && fix.found.pidfd >= 0);
	return true;
}

static void end_monitor(void)
{
	int status;

	if (fix.monitor <= 0)
		return;
	assert_int_equal(syscall(SYS_kill, fix.monitor, SIGKILL), 0);
	assert_int_equal(waitpid(fix.monitor, &status, 0), fix.monitor);
	fix.monitor = 0;
}

static void end(void)
{
	char socket[128];

	end_monitor();
	(void)snprintf(socket, sizeof(socket), "%s/%s", fix.folder, VM_COMMANDS_SOCKET);
	(void)unlink(socket);
	found_close(&fix.found);
	assert_int_equal(rmdir(fix.folder), 0);
	arena_done(&fix.arena);
	fix.e = (struct err){ 0 };
	if (cgroup_destroy(&fix.found.cgroup, fix.group, DESTROY_MS, &fix.e) < 0)
		fail_msg("%s", fix.e.text);
}

static void works(int result)
{
	if (result < 0)
		fail_msg("%s (%s)", fix.e.text, fix.e.hint);
}

static void fails_with(int result, const char *words)
{
	assert_int_equal(result, -1);
	if (!strstr(fix.e.text, words))
		fail_msg("%s", fix.e.text);
	fix.e = (struct err){ 0 };
}

static struct process_list listed(void)
{
	struct process_list list = { 0 };

	works(backend_vm_list(&fix.found, &fix.arena, &list, &fix.e));
	return list;
}

/* The container has been started, and its first process, which takes signals only if it asks for
 * them, has done so before it started another one. */
static void begin_guest(const char *args)
{
	struct frame f = { .type = FRAME_START };
	int pair[2];

	memset(&talk, 0, sizeof(talk));
	memset(&vm, 0, sizeof(vm));
	vm_find_agent();
	vm_make_rootfs();
	vm_compile(&(const struct vm_config){ .args = args, .group = fix.guest }, false, &fix.plan);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fix.launcher = pair[0];
	fix.process = (struct vm_process){
		.launcher = pair[1],
		.listener = -1,
		.commands =
			unix_listen(fix.found.dir.fd, VM_COMMANDS_SOCKET, SOCK_SEQPACKET, &fix.e),
		.plan = fix.plan.data,
		.plan_len = fix.plan.len,
	};
	assert_int_equal(vm_talk_begin(&talk, &fix.process, &fix.e), 0);
	fix.share = (struct agent_mount){ "", vm.rootfs, AGENT_SHARES "/share", "" };
	talk.shares = &fix.share;
	talk.streams.in = open("/dev/null", O_RDWR | O_CLOEXEC);
	talk.streams.out[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	talk.streams.out[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
	talk.agent = vm_launch_agent();
	assert_int_equal(pthread_create(&talk.thread, NULL, vm_talk_thread, &talk), 0);
	assert_int_equal(recv(fix.launcher, &f, sizeof(f), 0), sizeof(f));
	if (f.type != FRAME_READY)
		fail_msg("%.*s", FRAME_TEXT_MAX, f.text);
	f = (struct frame){ .type = FRAME_START };
	assert_int_equal(send(fix.launcher, &f, sizeof(f), MSG_NOSIGNAL), sizeof(f));
	assert_int_equal(recv(fix.launcher, &f, sizeof(f), 0), 0);
	while (listed().count < 2)
		(void)poll(NULL, 0, 10);
}

static void end_guest(void)
{
	assert_int_equal(pthread_join(talk.thread, NULL), 0);
	(void)vm_agent_end();
	vm_streams_done(&talk.streams);
	fd_drop(&fix.launcher);
	fd_drop(&fix.process.commands);
	fd_drop(&talk.launcher);
	fd_drop(&talk.signals);
	agent_client_done(&talk.client);
	buf_done(&fix.plan);
	vm_remove_rootfs();
}

static const char waits[] =
	"\"sh\",\"-c\",\"trap \\\"exit 5\\\" TERM; while :; do sleep 0.1; done\"";

/* --- against an agent ---------------------------------------------------------------------------
 */

static void test_list_and_signal(void **state)
{
	(void)state;
	if (!begin())
		skip();
	begin_guest("\"sh\",\"-c\",\"trap \\\"exit 5\\\" TERM; sleep 1234 & wait; wait; exit 6\"");
	while (!strstr(listed().table,
	               " sleep 1234\n")) /* between fork and execve it has another name */
		(void)poll(NULL, 0, 10);
	const struct process_list list = listed();
	assert_memory_equal(list.table, "UID ", 4);
	for (size_t i = 0; i < list.count; i++)
		assert_int_not_equal(list.pids[i], fix.monitor);
	/* a signal that the thread does not pass on by itself */
	works(backend_vm_signal(&fix.found, SIGCHLD, false, &fix.e));
	works(backend_vm_signal(&fix.found, SIGTERM, true, &fix.e));
	end_guest();
	assert_int_equal(talk.status, 5);
	fails_with(backend_vm_signal(&fix.found, SIGTERM, false, &fix.e), "not running");
	end();
}

static char *guest_file(const char *name)
{
	static char text[256];
	FD int group = cgroup_open(&fix.found.cgroup, fix.guest, &fix.e);
	FD int fd = group < 0 ? -1 : openat(group, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_freeze_and_meter(void **state)
{
	METER struct meter m = meter_none();
	struct meter_reading r;

	(void)state;
	if (!begin())
		skip();
	begin_guest(waits);
	works(backend_vm_meter(&fix.found, METER_BIT(METER_CPU_STAT), &m, &fix.e));
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 1);
	assert_true(r.table[METER_CPU_STAT].n > 0);
	assert_int_equal(meter_get(&r.table[METER_GROUP_EVENTS], "populated"), 1);

	works(backend_vm_freeze(&fix.found, true, &fix.e));
	fix.found.status = STATUS_PAUSED;
	assert_non_null(strstr(guest_file("cgroup.events"), "frozen 1"));
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 1);
	assert_int_equal(r.table[METER_CPU_STAT].n, 0);
	assert_int_equal(meter_get(&r.table[METER_GROUP_EVENTS], "frozen"), 1);
	fails_with(backend_vm_signal(&fix.found, SIGTERM, true, &fix.e), "paused");
	fails_with(backend_vm_signal(&fix.found, SIGTRAP, false, &fix.e), "paused");
	struct process_list list;
	fails_with(backend_vm_list(&fix.found, &fix.arena, &list, &fix.e), "paused");

	works(backend_vm_freeze(&fix.found, false, &fix.e));
	fix.found.status = STATUS_RUNNING;
	assert_non_null(strstr(guest_file("cgroup.events"), "frozen 0"));
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 1);
	assert_true(r.table[METER_CPU_STAT].n > 0);
	works(backend_vm_signal(&fix.found, SIGTERM, true, &fix.e));
	end_guest();
	end_monitor();
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 1);
	assert_int_equal(meter_get(&r.table[METER_GROUP_EVENTS], "populated"), 0);
	end();
}

static const struct oci_resources *depth(const char *value)
{
	struct oci_resources *r = arena_new(&fix.arena, sizeof(*r));
	struct oci_pair *pair = arena_new(&fix.arena, sizeof(*pair));

	*pair = (struct oci_pair){ "cgroup.max.depth", value };
	r->unified = (struct oci_pairs){ pair, 1 };
	return r;
}

static int update(const char *value)
{
	const struct update_request r = { .id = "c", .resources = depth(value) };

	return backend_vm_update(&fix.found, &r, &fix.arena, &fix.e);
}

static void host_has(const char *want)
{
	FD int group = cgroup_open(&fix.found.cgroup, fix.host, &fix.e);
	BUF struct buf text = { 0 };

	works(fd_read_file(group, "cgroup.max.depth", 64, &text, &fix.e));
	buf_add(&text, "", 1);
	assert_string_equal(text.data, want);
}

/* The one in the guest's group that is no sleep. */
static pid_t first_of_guest(void)
{
	char *rest, *pid = strtok_r(guest_file("cgroup.procs"), "\n", &rest);

	for (; pid; pid = strtok_r(NULL, "\n", &rest)) {
		char path[64], name[16] = "";

		(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
		FD int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (read(fd, name, sizeof(name) - 1) > 0 && strcmp(name, "sleep\n") != 0)
			return (pid_t)strtol(pid, NULL, 10);
	}
	fail_msg("the guest has no process");
	return -1;
}

static void first_process_has(rlim_t soft, rlim_t hard, const char *score)
{
	pid_t pid = first_of_guest();
	struct rlimit limit;
	char path[64], text[16] = "";

	assert_int_equal(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit), 0);
	assert_int_equal(limit.rlim_cur, soft);
	assert_int_equal(limit.rlim_max, hard);
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, score);
}

static int update_process(struct update_request r, rlim_t soft, rlim_t hard, int score)
{
	r.id = "c";
	r.process = (struct process_change){
		.limits = { { RLIMIT_NOFILE, "RLIMIT_NOFILE", soft, hard } },
		.limit_count = 1,
		.score_set = true,
		.score = score,
	};
	return backend_vm_update(&fix.found, &r, &fix.arena, &fix.e);
}

/* With the group or without; what one of them refuses changes neither. */
static void test_update_of_the_process(void **state)
{
	const struct update_request alone = { .id = "c" };
	struct update_request r = alone;

	(void)state;
	if (!begin())
		skip();
	begin_guest("\"sh\",\"-c\",\"trap \\\"exit 5\\\" TERM; sleep 1234 & wait\"");
	while (!strstr(listed().table, " sleep 1234\n"))
		(void)poll(NULL, 0, 10);
	works(update_process(alone, 100, 200, 5));
	first_process_has(100, 200, "5\n");
	r.resources = depth("6");
	works(update_process(r, 90, 200, 6));
	first_process_has(90, 200, "6\n");
	host_has("6\n");
	assert_string_equal(guest_file("cgroup.max.depth"), "6\n");
	r.resources = depth("many");
	fails_with(update_process(r, 80, 300, 7), "cgroup.max.depth");
	r.resources = depth("8");
	fails_with(update_process(r, 80, UINT64_MAX - 1, 7),
	           "in the guest: --rlimit RLIMIT_NOFILE: prlimit");
	first_process_has(90, 200, "6\n");
	host_has("6\n");
	assert_string_equal(guest_file("cgroup.max.depth"), "6\n");
	works(backend_vm_signal(&fix.found, SIGTERM, true, &fix.e));
	end_guest();
	end();
}

static void test_update(void **state)
{
	(void)state;
	if (!begin())
		skip();
	begin_guest(waits);
	works(update("7"));
	host_has("7\n");
	assert_string_equal(guest_file("cgroup.max.depth"), "7\n");
	fails_with(update("many"), "cgroup.max.depth");
	host_has("7\n");
	assert_string_equal(guest_file("cgroup.max.depth"), "7\n");
	works(backend_vm_signal(&fix.found, SIGTERM, true, &fix.e));
	end_guest();
	end();
}

/* --- against a liar -----------------------------------------------------------------------------
 */

/* What a forged monitor says to a request of this type; then it closes. */
struct line {
	uint16_t to;         /* 0: unasked */
	uint16_t kind;       /* 0: VM_MESSAGE */
	const void *message; /* NULL: nothing, it closes */
	size_t len;
};

static void send_line(int fd, const struct line *l)
{
	static uint8_t packet[VM_PACKET_MAX + 64];
	const struct vm_packet_head head = { .kind = l->kind ? l->kind : VM_MESSAGE };

	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), l->message, l->len);
	if (send(fd, packet, sizeof(head) + l->len, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void await_request(int fd, unsigned int type)
{
	static uint8_t packet[VM_PACKET_MAX];
	struct agent_head head;

	do {
		if (recv(fd, packet, sizeof(packet), 0) <= 0)
			_exit(2);
		memcpy(&head, packet + sizeof(struct vm_packet_head), sizeof(head));
	} while (packet[0] != VM_MESSAGE || head.type != type);
}

/* Serves one connection by these lines in turn. */
static void lie(const struct line *lines, size_t count)
{
	FD int listener = unix_listen(fix.found.dir.fd, VM_COMMANDS_SOCKET, SOCK_SEQPACKET, &fix.e);

	assert_true(listener >= 0);
	fix.server = fork();
	if (fix.server != 0)
		return;
	int fd = accept(listener, NULL, NULL);
	for (size_t i = 0; i < count; i++) {
		if (lines[i].to)
			await_request(fd, lines[i].to);
		if (lines[i].message)
			send_line(fd, &lines[i]);
	}
	_exit(0);
}

static void end_lie(void)
{
	char socket[128];
	int status;

	assert_int_equal(waitpid(fix.server, &status, 0), fix.server);
	assert_int_equal(status, 0);
	(void)snprintf(socket, sizeof(socket), "%s/%s", fix.folder, VM_COMMANDS_SOCKET);
	assert_int_equal(unlink(socket), 0);
}

#define LIES(...)                                            \
	do {                                                 \
		const struct line lines[] = { __VA_ARGS__ }; \
		lie(lines, LEN(lines));                      \
	} while (0)

static const struct agent_done done = { .head.type = AGENT_DONE };

static const struct {
	struct agent_failed m;
	char texts[16];
} failed = {
	.m = { .head.type = AGENT_FAILED, .kind = ERR_STATE },
	.texts = "no\0\0\0", /* and more NULs than there are texts to end */
};
enum { FAILED_LEN = sizeof(struct agent_failed) + 2 + 4 };

static void test_lies_about_processes(void **state)
{
	static const struct {
		struct agent_processes m;
		struct agent_process p[2];
	} twice = {
		.m = { .head.type = AGENT_PROCESSES, .count = 2 },
		.p = { { .pid = 4 }, { .pid = 4 } },
	}, strange = {
		.m = { .head.type = AGENT_PROCESSES, .count = 2 },
		.p = { { .pid = 4, .uid = 7, .terminal = 136 << 8 | 3, .cpu_ms = 3723000,
		         .arguments = "a\033[2Jb\n\xff" },
		       { .pid = 5, .resident = 4096, .arguments = "c" } },
	};
	static const uint8_t too_long[VM_PACKET_MAX + 8] = { 0 };
	const struct {
		struct line line;
		const char *words;
	} cases[] = {
		{ { .to = AGENT_PS, .message = &twice, .len = sizeof(twice) }, "disorder" },
		{ { .to = AGENT_PS, .message = &twice, .len = sizeof(twice) - 1 }, "shape" },
		{ { .to = AGENT_PS, .message = &done, .len = sizeof(done) }, "not asked" },
		{ { .to = AGENT_PS, .message = &done, .len = 3 }, "a packet of 11 bytes" },
		{ { .to = AGENT_PS, .message = too_long, .len = sizeof(too_long) }, "a packet of" },
		{ { .to = AGENT_PS, .kind = VM_DATA, .message = &done, .len = sizeof(done) },
		  "not due" },
		{ { .to = AGENT_PS, .message = &failed, .len = FAILED_LEN }, "no" },
		{ { .to = AGENT_PS }, "has ended" },
	};
	struct process_list list = { 0 };

	(void)state;
	if (!begin())
		skip();
	for (size_t i = 0; i < LEN(cases); i++) {
		lie(&cases[i].line, 1);
		fails_with(backend_vm_list(&fix.found, &fix.arena, &list, &fix.e), cases[i].words);
		end_lie();
	}
	LIES({ .to = AGENT_PS, .message = &strange, .len = sizeof(strange) });
	works(backend_vm_list(&fix.found, &fix.arena, &list, &fix.e));
	assert_string_equal(list.table,
	                    "UID            PID    PPID TTY          TIME       RSS CMD\n"
	                    "7                4       0 pts/3    01:02:03         0 a?[2Jb??\n"
	                    "0                5       0 ?        00:00:00         4 c\n");
	end_lie();
	end();
}

/* The guest's group is gone with the guest: what it has told of last is a reading. */
static void test_the_last_kill(void **state)
{
	static const struct {
		struct agent_head m;
		char texts[64];
	} files = {
		.m = { .type = AGENT_FILES },
		.texts = "memory.max\0008192\n\0memory.events\0oom_kill 2\n\0other\0x",
	};
	static const struct agent_oom oom = { .head.type = AGENT_OOM, .kills = 3 };
	METER struct meter m = meter_none();
	struct meter_reading r;
	size_t len = sizeof(files.m) + 11 + 6 + 14 + 12 + 6 + 2;

	(void)state;
	if (!begin())
		skip();
	LIES({ .to = AGENT_READ, .message = &files, .len = len },
	     { .message = &oom, .len = sizeof(oom) });
	works(backend_vm_meter(&fix.found,
	                       METER_BIT(METER_MEMORY_MAX) | METER_BIT(METER_MEMORY_EVENTS), &m,
	                       &fix.e));
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 1);
	assert_int_equal(r.number[METER_MEMORY_MAX].value, 8192);
	assert_int_equal(meter_get(&r.table[METER_MEMORY_EVENTS], "oom_kill"), 2);
	assert_int_equal(meter_get(&r.table[METER_GROUP_EVENTS], "populated"), 1);
	end_lie();
	end_monitor();
	assert_true(meter_news(&m) >= 0);
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 1);
	assert_int_equal(meter_get(&r.table[METER_MEMORY_EVENTS], "oom_kill"), 3);
	assert_int_equal(r.number[METER_MEMORY_MAX].value, 8192);
	assert_int_equal(meter_get(&r.table[METER_GROUP_EVENTS], "populated"), 0);
	assert_int_equal(meter_read(&m, &fix.arena, &r, &fix.e), 0);
	end();
}

/* The check is of what the guest uses, which the host's group does not tell. */
static void test_check_before_update(void **state)
{
	static const struct {
		struct agent_head m;
		char texts[48];
	} usage = {
		.m = { .type = AGENT_FILES },
		.texts = "memory.current\0002097152\n\0memory.swap.current\0000\n",
	};
	static const struct oci_memory memory = { .limit = { true, 1 << 20 },
		                                  .check_before_update = { true, true } };
	const struct oci_resources resources = { .memory = &memory };
	const struct update_request r = { .id = "c", .resources = &resources };

	(void)state;
	if (!begin())
		skip();
	LIES({ .to = AGENT_READ, .message = &usage, .len = sizeof(usage.m) + 15 + 9 + 20 + 3 });
	fails_with(backend_vm_update(&fix.found, &r, &fix.arena, &fix.e),
	           "memory limit 1048576: lower than current memory usage 2097152");
	end_lie();
	end();
}

/* What the guest refuses has not happened on the host. */
static void test_undone(void **state)
{
	static const struct agent_head none = { .type = AGENT_FILES };

	(void)state;
	if (!begin())
		skip();
	LIES({ .to = AGENT_READ, .message = &none, .len = sizeof(none) },
	     { .to = AGENT_UPDATE, .message = &failed, .len = FAILED_LEN });
	fails_with(update("7"), "in the guest: no");
	host_has("max\n");
	end_lie();

	LIES({ .to = AGENT_PAUSE, .message = &failed, .len = FAILED_LEN });
	fails_with(backend_vm_freeze(&fix.found, true, &fix.e), "no");
	FD int group = cgroup_open(&fix.found.cgroup, fix.host, &fix.e);
	assert_int_equal(cgroup_is_frozen(group, &fix.e), 0);
	end_lie();

	/* one that does not wake can be tried again */
	works(cgroup_freeze(group, true, VM_AGENT_PATIENCE_MS, &fix.e));
	LIES({ .to = AGENT_RESUME, .message = &failed, .len = FAILED_LEN });
	fails_with(backend_vm_freeze(&fix.found, false, &fix.e), "no");
	assert_int_equal(cgroup_is_frozen(group, &fix.e), 1);
	end_lie();
	works(cgroup_freeze(group, false, VM_AGENT_PATIENCE_MS, &fix.e));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_and_signal),
		cmocka_unit_test(test_freeze_and_meter),
		cmocka_unit_test(test_update_of_the_process),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_lies_about_processes),
		cmocka_unit_test(test_the_last_kill),
		cmocka_unit_test(test_check_before_update),
		cmocka_unit_test(test_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
