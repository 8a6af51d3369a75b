/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup and the requests of a whole guest, without a guest (vm_agent.h). */
#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "vm_agent.h"

enum { DESTROY_MS = 10000 };

static struct cgroup_facts facts;
static char path[64];

/* Below a group of this test's own, which is gone afterwards. */
static int start(void **state)
{
	struct err e = { 0 };

	if (vm_agent_start(state) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/caisson-agent-%d", (int)getpid());
	assert_int_equal(cgroup_probe(false, &facts, &e), 0);
	return 0;
}

static int stop(void **state)
{
	struct err e = { 0 };
	int result = vm_agent_stop(state);

	if (facts.mode == CGROUP_NONE || geteuid() != 0)
		return result;
	if (cgroup_destroy(&facts, path, DESTROY_MS, &e) < 0)
		fail_msg("%s", e.text);
	return result;
}

static void need_group(void)
{
	struct err e = { 0 };
	bool made;
	FD int fd = -1;

	if (vm_guest())
		return;
	if (facts.mode != CGROUP_NONE && geteuid() == 0)
		fd = cgroup_create(&facts, path, 0, &made, &e);
	if (fd >= 0)
		return;
	print_message("skipped: a cgroup: only root where there is a cgroup2 tree can make one\n");
	skip();
}

static void run_in_group(const char *args)
{
	char below[80];

	(void)snprintf(below, sizeof(below), "%s/c", path);
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = args, .group = below));
	vm_ok(agent_client_start(vm.client, ""));
}

/* What the file says in the group, as the agent has it; NULL: it is not there. */
static const char *content(const char *file)
{
	const char *at = vm.files, *end;

	vm_ok(agent_client_files(vm.client, AGENT_READ, (const char *const[]){ "no.such", file },
	                         2));
	end = vm.files + vm.files_len;
	while (at < end) {
		const char *value = at + strlen(at) + 1;

		if (strcmp(at, file) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

static void its_processes_are_listed(void **unused)
{
	(void)unused;
	need_group();
	run_in_group("\"sleep\",\"1234\"");
	vm_ok(VM_LAUNCH(2, 0, .args = "\"sleep\",\"99\""));
	vm_ok(agent_client_ps(vm.client, 0));
	assert_int_equal(vm.reply.type, AGENT_PROCESSES);
	assert_int_equal(vm.reply.count, 2);
	assert_false(vm.reply.more);
	assert_string_equal(vm.list[0].arguments, "sleep 1234");
	assert_string_equal(vm.list[1].arguments, "sleep 99");
	assert_true(vm.list[0].resident > 0);
	assert_int_equal(vm.list[0].parent, 1);
	assert_int_equal(vm.list[0].uid, 0);
	vm_ok(agent_client_ps(vm.client, vm.list[0].pid));
	assert_int_equal(vm.reply.count, 1);
	assert_string_equal(vm.list[0].arguments, "sleep 99");
}

/* What the kernel says of the group's one process. */
static void process_has(rlim_t soft, rlim_t hard, const char *score)
{
	struct rlimit limit = { 0 };
	struct err e = { 0 };
	char name[80], has[16] = "";
	BUF struct buf pid = { 0 };

	(void)snprintf(name, sizeof(name), "%s/c", path);
	FD int group = cgroup_open(&facts, name, &e);
	assert_int_equal(fd_read_file(group, "cgroup.procs", 64, &pid, &e), 0);
	buf_add(&pid, "", 1);
	long number = strtol(pid.data, NULL, 10);
	assert_int_equal(syscall(SYS_prlimit64, number, RLIMIT_NOFILE, NULL, &limit), 0);
	assert_int_equal(limit.rlim_cur, soft);
	assert_int_equal(limit.rlim_max, hard);
	(void)snprintf(name, sizeof(name), "/proc/%ld/oom_score_adj", number);
	FD int fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, has, sizeof(has) - 1) > 0);
	assert_string_equal(has, score);
}

static uint32_t change(uint64_t soft, uint64_t hard, int score, const char *depth)
{
	struct {
		struct agent_change m;
		struct agent_limit limit;
		char texts[40];
	} all = {
		.m = { .head = { .type = AGENT_CHANGE, .process = AGENT_CONTAINER },
		       .flags = AGENT_CHANGE_SCORE,
		       .score = score,
		       .limits = 1 },
		.limit = { .resource = RLIMIT_NOFILE, .soft = soft, .hard = hard, .name = "files" },
	};
	int len = snprintf(all.texts, sizeof(all.texts), "cgroup.max.depth%c%s", 0, depth);

	return agent_client_pass(vm.client, &all, offsetof(typeof(all), texts) + (size_t)len + 1);
}

/* What may be refused comes before the group's values, what shrinks after them: of what fails
 * nothing stays. A score may be raised by anybody, and taken back. */
static void a_process_changes_with_its_group(void **unused)
{
	(void)unused;
	need_group();
	if (vm_guest()) {
		print_message("skipped: the process is another kernel's, which this test asks\n");
		skip();
	}
	run_in_group("\"sleep\",\"1234\"");
	vm_ok(change(100, 200, 5, "3"));
	process_has(100, 200, "5\n");
	assert_string_equal(content("cgroup.max.depth"), "3\n");
	vm_fails(change(50, 100, 6, "many"), ERR_KERNEL, "cgroup.max.depth");
	process_has(100, 200, "5\n");
	vm_fails(change(50, UINT64_MAX - 1, 7, "4"), ERR_KERNEL, "--rlimit files");
	process_has(100, 200, "5\n");
	assert_string_equal(content("cgroup.max.depth"), "3\n");
}

static void files_are_read_and_changed(void **unused)
{
	static const char *const good[] = { "cgroup.max.depth", "7", "cgroup.max.descendants",
		                            "5" };
	static const char *const bad[] = { "cgroup.max.depth", "9", "cgroup.max.descendants",
		                           "many" };
	static const char *const outside[] = { "../cgroup.max.depth", "9" };

	(void)unused;
	need_group();
	run_in_group("\"sleep\",\"1234\"");
	assert_null(content("memory.no"));
	assert_string_equal(content("cgroup.max.depth"), "max\n");
	vm_ok(agent_client_files(vm.client, AGENT_UPDATE, good, LEN(good)));
	assert_string_equal(content("cgroup.max.depth"), "7\n");
	/* all or none */
	vm_fails(agent_client_files(vm.client, AGENT_UPDATE, bad, LEN(bad)), ERR_KERNEL,
	         "cgroup.max.descendants");
	assert_string_equal(content("cgroup.max.depth"), "7\n");
	assert_string_equal(content("cgroup.max.descendants"), "5\n");
	vm_fails(agent_client_files(vm.client, AGENT_UPDATE, outside, 2), ERR_BUG,
	         "no file of a cgroup");
	vm_fails(agent_client_files(vm.client, AGENT_READ, outside, 1), ERR_BUG,
	         "no file of a cgroup");
}

static unsigned int processes_in_it(void)
{
	unsigned int lines = 0;

	for (const char *at = content("cgroup.procs"); *at; at++)
		lines += *at == '\n';
	return lines;
}

/* An exec that is being made, and is frozen in that. */
static uint32_t exec_in_frozen(uint32_t process)
{
	unsigned int before = processes_in_it();
	int64_t deadline = clock_ms() + VM_AGENT_PATIENCE_MS;
	uint32_t request = VM_LAUNCH(process, AGENT_HAS_ALL, .args = "\"true\"");

	assert_true(request > 0);
	while (processes_in_it() == before)
		assert_true(clock_ms() < deadline);
	return request;
}

static void it_is_paused_and_killed(void **unused)
{
	(void)unused;
	need_group();
	run_in_group("\"sh\",\"-c\",\"sleep 1000 & sleep 1000\"");
	vm_ok(VM_LAUNCH(2, AGENT_HAS_ALL, .args = "\"cat\""));
	vm_ok(agent_client_plain(vm.client, AGENT_PAUSE));
	assert_non_null(strstr(content("cgroup.events"), "frozen 1"));
	/* an exec waits in there, and holds up nobody */
	uint32_t waits = exec_in_frozen(3);
	vm_ok(agent_client_ps(vm.client, 0));
	assert_int_equal(vm.seen[3].exited, 0);
	vm_ok(agent_client_plain(vm.client, AGENT_RESUME));
	vm_ok(waits);
	VM_UNTIL(vm.seen[3].finished);
	assert_int_equal(vm.seen[3].status, 0);
	/* one that waits can be given up */
	vm_ok(agent_client_plain(vm.client, AGENT_PAUSE));
	waits = exec_in_frozen(4);
	vm_ok(agent_client_signal(vm.client, 4, SIGKILL, 0));
	vm_fails(waits, ERR_KERNEL, "");
	vm_ok(agent_client_plain(vm.client, AGENT_RESUME));
	vm_ok(agent_client_signal(vm.client, AGENT_CONTAINER, SIGKILL, AGENT_SIGNAL_ALL));
	VM_UNTIL(vm.seen[1].finished && vm.seen[2].finished);
	assert_int_equal(vm.seen[2].signal, SIGKILL);
}

static void a_create_that_failed_leaves_no_group(void **unused)
{
	char below[80], full[160];

	(void)unused;
	need_group();
	(void)snprintf(below, sizeof(below), "%s/c", path);
	(void)snprintf(full, sizeof(full), "%s%s", facts.mount, below);
	vm_fails(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"nothing\"", .group = below), ERR_SPEC,
	         "not found");
	assert_int_equal(access(full, F_OK), -1);
	/* nor does one that has ended, to the next */
	for (int i = 0; i < 3; i++) {
		run_in_group("\"true\"");
		VM_UNTIL(vm.seen[1].finished);
		agent_client_forget(vm.client, 1);
	}
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"true\""));
	assert_int_equal(access(full, F_OK), -1);
}

static void memory_that_ran_out_is_told(void **unused)
{
	const struct host_facts host = vm_facts();
	char below[80];

	(void)unused;
	need_group();
	if (!(host.cgroup.controllers & CGROUP_MEMORY)) {
		print_message("skipped: the cgroup2 tree has no controller for memory\n");
		skip();
	}
	(void)snprintf(below, sizeof(below), "%s/c", path);
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, AGENT_HAS_STDOUT, .group = below,
	                .resources = "{\"memory\":{\"limit\":16777216,\"swap\":16777216}}",
	                .args = "\"sh\",\"-c\",\"dd if=/dev/zero of=/dev/null bs=64M count=1; "
	                        "echo $?; cat\""));
	vm_ok(agent_client_start(vm.client, ""));
	VM_UNTIL(vm.oom > 0 && vm.seen[1].len[0] > 0);
	assert_string_equal(vm.seen[1].out[0], "137\n");
	assert_string_equal(content("memory.max"), "16777216\n");
	assert_non_null(strstr(content("memory.events"), "oom_kill 1"));
}

static void without_a_group_it_says_so(void **unused)
{
	(void)unused;
	if (vm_guest()) {
		print_message("skipped: in a guest there always is one\n");
		skip();
	}
	vm_run_waiting();
	vm_fails(agent_client_ps(vm.client, 0), ERR_STATE, "no cgroup");
	vm_fails(agent_client_plain(vm.client, AGENT_PAUSE), ERR_STATE, "no cgroup");
	vm_fails(agent_client_signal(vm.client, 1, SIGTERM, AGENT_SIGNAL_ALL), ERR_STATE,
	         "no cgroup");
	vm_fails(agent_client_resize(vm.client, 1, 1, 1), ERR_STATE, "no terminal");
	vm_fails(agent_client_signal(vm.client, 77, SIGTERM, 0), ERR_STATE, "no process 77");
	vm_fails(agent_client_signal(vm.client, 1, 65, 0), ERR_BUG, "signal 65");
	vm_fails(agent_client_start(vm.client, ""), ERR_STATE, "already running");
}

/* Both are the guest's alone: in a user namespace the kernel says no. */
static void the_clock_is_set_where_it_is_ours(void **unused)
{
	static const uint8_t entropy[AGENT_ENTROPY] = { 0 };

	(void)unused;
	if (vm_guest()) {
		vm_ok(agent_client_clock(vm.client, 2000000000, 0, entropy));
		vm_ok(VM_LAUNCH(AGENT_CONTAINER, AGENT_HAS_STDOUT, .args = "\"date\",\"+%Y\""));
		vm_ok(agent_client_start(vm.client, ""));
		VM_UNTIL(vm.seen[1].finished);
		assert_string_equal(vm.seen[1].out[0], "2033\n");
		return;
	}
	vm_fails(agent_client_clock(vm.client, 1, 0, entropy), ERR_KERNEL, "entropy");
	assert_int_equal(vm.reply.err.sys, EPERM);
}

static void a_mount_that_fails_is_told(void **unused)
{
	const struct agent_mount none = { "", "/no/such", "/run/shares/x", "" };
	const struct agent_mount relative = { "tmpfs", "tmpfs", "x", "" };
	const struct agent_mount deep = { "tmpfs", "tmpfs", "/run/a/b/c", "mode=700" };

	(void)unused;
	vm_fails(agent_client_setup(vm.client, &none, 1), ERR_KERNEL, "/no/such");
	assert_int_equal(vm.reply.err.sys, ENOENT);
	vm_fails(agent_client_setup(vm.client, &relative, 1), ERR_SPEC, "absolute");
	vm_ok(agent_client_setup(vm.client, &deep, 1));
}

static void it_ends_when_the_host_is_gone(void **unused)
{
	(void)unused;
	vm_run_waiting();
	fd_drop(&vm.socket);
	vm_ends_well();
}

int main(int argc, char **argv)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(its_processes_are_listed),
		CASE(files_are_read_and_changed),
		CASE(a_process_changes_with_its_group),
		CASE(it_is_paused_and_killed),
		CASE(a_create_that_failed_leaves_no_group),
		CASE(memory_that_ran_out_is_told),
		CASE(without_a_group_it_says_so),
		CASE(the_clock_is_set_where_it_is_ours),
		CASE(a_mount_that_fails_is_told),
		CASE(it_ends_when_the_host_is_gone),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
