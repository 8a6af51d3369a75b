/* SPDX-License-Identifier: Apache-2.0 */
/* caisson-init becomes the process: ids, terminal, hooks, start, execve. */
#include <signal.h>

#include "walk.h"

static void ids_and_capabilities_are_exact(void **unused)
{
	const uint32_t groups[] = { 7, 9 };

	(void)unused;
	make_file("out", "", 0666);
	begin(ALL);
	add_root();
	add_mounts();
	add(PLAN_PIVOT);
	add(PLAN_BOUNDING)->caps.bounding = 1 << 10 | 1 << 5;
	add(PLAN_UMASK)->value = 027;
	add_string(PLAN_CWD, "/");
	struct plan_list list = plan_put_array(&builder, groups, 2, sizeof(*groups));
	struct plan_step *step = add(PLAN_IDS);
	step->ids.uid = 1000;
	step->ids.gid = 1000;
	step->ids.groups = list;
	step = add(PLAN_CAPS);
	step->caps.permitted = step->caps.effective = step->caps.inheritable = 1 << 10;
	step->caps.ambient = 1 << 10;
	const char *script = "grep -E 'Cap|Uid|Groups|NoNew|Umask' /proc/self/status >/out;"
			     "echo $HOME >>/out; grep -E SigBlk /proc/self/status >>/out";
	add_program("sh", script);
	expect_ok(run());
	expect_out("Uid:\t1000\t1000\t1000\t1000");
	expect_out("Groups:\t7 9 ");
	expect_out("CapInh:\t0000000000000400");
	expect_out("CapPrm:\t0000000000000400");
	expect_out("CapEff:\t0000000000000400");
	expect_out("CapBnd:\t0000000000000420");
	expect_out("CapAmb:\t0000000000000400");
	expect_out("NoNewPrivs:\t1");
	expect_out("Umask:\t0027");
	expect_out("SigBlk:\t0000000000000000");
}

static void a_terminal_is_stdio(void **unused)
{
	int master = -1;
	struct run_options options = { .ret_console = &master };
	char text[256];

	(void)unused;
	begin(ALL);
	builder.head.terminal = 1;
	add_root();
	add_mounts();
	struct plan_step *step = add(PLAN_TERMINAL);
	step->terminal.console = 1;
	step->terminal.height = 11;
	step->terminal.width = 22;
	add(PLAN_PIVOT);
	add_program("sh", "echo to the tty; echo 3 >/dev/console; (readlink /proc/self/fd/0; "
	                  "echo hello >/dev/tty; stat -c %t /dev/console) >/out 2>&1");
	expect_ok(run_with(&options));
	expect_out("/dev/pts/0");
	expect_out("88\n"); /* 136 */
	assert_true(master >= 0);
	ssize_t got = read(master, text, sizeof(text) - 1);
	assert_true(got > 0);
	text[got] = '\0';
	expect(text, "to the tty");
	(void)close(master);
}

/* CVE-2026-88264: /dev/console is a link. */
static void a_linked_console_is_refused(void **unused)
{
	struct run_options options = { 0 };

	(void)unused;
	begin(ALL);
	builder.head.terminal = 1;
	add_root();
	add_mounts();
	add_link("/made-by-a-link", "/dev/console");
	add(PLAN_TERMINAL)->terminal.console = 1;
	add(PLAN_PIVOT);
	add_program("sh", "exit 0");
	expect_error(run_with(&options), "/dev/console");
	char path[128];
	path_in(path, sizeof(path), "made-by-a-link");
	assert_int_equal(access(path, F_OK), -1);
}

static int state_file(void)
{
	struct err e = { 0 };
	int fd = fd_sealed("state", "{\"id\":\"x\"}", 10, false, &e);

	assert_true(fd >= 0);
	return fd;
}

static void hooks_see_their_root_and_state(void **unused)
{
	FD int state = state_file();
	struct run_options options = { .hook_state = state };
	char script[512];

	(void)unused;
	(void)snprintf(script, sizeof(script),
	               "busybox cat >%s/host; echo $HOOK >>%s/host; test -e %s/proc/self && "
	               "echo $PATH$PWD >>%s/host",
	               rootfs, rootfs, rootfs, rootfs);
	begin(ALL);
	builder.head.runtime_hooks = 1;
	add_root();
	add_mounts();
	add(PLAN_WAIT_HOOKS);
	add_hook(PLAN_HOOK_HOST, script, 10);
	add_hook(PLAN_HOOK_HOST, "sleep 100 & exit 0", 5); /* its child holds the pipe */
	add(PLAN_PIVOT);
	add_program("sh", "cat /host /inside >/out; exit 0");
	/* behind CLOSE_FDS, before EXECVE: where startContainer hooks go */
	struct plan_step last;
	builder.steps.len -= sizeof(last);
	memcpy(&last, builder.steps.data + builder.steps.len, sizeof(last));
	add_hook(PLAN_HOOK_CONTAINER, "cat >/inside; ls /proc/self/fd >>/inside; exit 0", 0);
	add(PLAN_EXECVE)->exec = last.exec;
	expect_ok(run_with(&options));
	expect_out("{\"id\":\"x\"}yes\n");
	expect_out("{\"id\":\"x\"}0\n1\n2\n3\n");
}

static void hooks_fail_with_their_output(void **unused)
{
	FD int state = state_file();
	struct run_options options = { .hook_state = state };

	(void)unused;
	begin(ALL);
	add_root();
	add(PLAN_WAIT_HOOKS);
	add_hook(PLAN_HOOK_HOST, "busybox yes | busybox head -n 100000; echo the end; exit 3", 10);
	add_program("sh", "exit 0");
	expect_error(run_with(&options), "exit status 3");
	expect(error.text, "y\nthe end");

	begin(ALL);
	add_root();
	add(PLAN_WAIT_HOOKS);
	add_hook(PLAN_HOOK_HOST, "exec sleep 100", 1);
	add_program("sh", "exit 0");
	expect_error(run_with(&options), "no end after 1 s");
}

static void a_missing_program_has_a_name(void **unused)
{
	(void)unused;
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("nothing", "");
	expect_error(run(), "exec: \"nothing\": executable file not found in $PATH");
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("/bin/nothing", "");
	expect_error(run(), "no such file or directory");
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("/etc", "");
	expect_error(run(), "is a directory");
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("/etc/passwd", "");
	expect_error(run(), "permission denied");
}

static void a_missing_interpreter_is_named(void **unused)
{
	(void)unused;
	make_file("bin/script", "#! /no/such/shell -x\n", 0755);
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("script", "");
	expect_error(run(), "no such file or directory");
	expect(error.hint, "interpreter /no/such/shell is missing");
	make_file("bin/script",
	          "\x7f"
	          "ELF\2\1\1\0"
	          "\0\0\0\0\0\0\0\0"
	          "\2\0\xb7\0"
	          "................................................",
	          0755);
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("script", "");
	expect_error(run(), "exec format error");
	make_file("bin/script", "no program", 0755);
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("script", "");
	expect_error(run(), "exec format error");
}

static void the_working_folder_stays_inside(void **unused)
{
	(void)unused;
	begin(ALL);
	add_root();
	add_mounts();
	add(PLAN_PIVOT);
	add_string(PLAN_CWD, "/proc/self/fd/0");
	add_program("sh", "exit 0");
	expect_error(run(), "");
}

/* Also one that lies behind a gap, above the numbers that init opens. */
static void preserved_descriptors_survive(void **unused)
{
	const int number = 40;
	FD int file = memfd_create("kept", 0);

	(void)unused;
	assert_int_equal(write(file, "kept", 4), 4);
	assert_int_equal(dup2(file, number), number);
	begin(ALL);
	builder.head.preserve_fds = (uint32_t)number - 2;
	add_root();
	add_mounts();
	for (int i = 0; i < 20; i++)
		add_string(PLAN_MASK, "/etc/passwd");
	add(PLAN_PIVOT);
	add_program("sh", "ls /proc/self/fd >/out");
	struct plan_step *steps = (struct plan_step *)(void *)builder.steps.data;
	size_t count = builder.steps.len / sizeof(*steps);
	for (size_t i = 0; i < count; i++) {
		if (steps[i].op == PLAN_CLOSE_FDS)
			steps[i].value = number + 1;
	}
	expect_ok(run());
	assert_int_equal(close(number), 0);
	expect_out("40\n");
	assert_null(strstr(out(), "5\n"));
}

/* A listening socket, and a plan whose process waits there. */
static int make_waiting(struct sockaddr_un *address, struct buf *bytes)
{
	const struct plan_fd slot = { .kind = PLAN_FD_LISTENER };
	FD int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	path_in(address->sun_path, sizeof(address->sun_path), "socket");
	(void)unlink(address->sun_path);
	assert_int_equal(bind(listener, (void *)address, sizeof(*address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	begin(ALL);
	builder.head.fds = plan_put_array(&builder, &slot, 1, sizeof(slot));
	add_root();
	add(PLAN_PIVOT);
	add_program("sh", "exit 5");
	assert_int_equal(plan_finish(&builder, bytes, &error), 0);
	return fd_give(&listener);
}

static void start_comes_through_the_listener(void **unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	BUF struct buf bytes = { 0 };
	LAUNCH struct launch l = LAUNCH_NONE;

	(void)unused;
	FD int listener = make_waiting(&address, &bytes);
	const struct plan *plan = (const void *)bytes.data;
	const struct launch_options options = { .cgroup = -1,
		                                .container_pidfd = -1,
		                                .listener = listener };
	assert_int_equal(launch_prepare(plan, &options, &l, &error), 0);
	assert_int_equal(launch_let_go(&l, &error), 0);
	for (int i = 0; i < 2; i++) { /* the first says nonsense, or nothing */
		FD int idle = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(idle, (void *)&address, sizeof(address)), 0);
		if (i)
			assert_int_equal(send(idle, "x", 1, MSG_NOSIGNAL), 1);
	}
	FD int starter = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(starter, (void *)&address, sizeof(address)), 0);
	const struct launch_start start = { .socket = starter,
		                            .pid = l.pid,
		                            .pidfd = l.pidfd,
		                            .state = -1,
		                            .events = &options.events };
	assert_int_equal(launch_start(plan, &start, &error), 0);
	assert_int_equal(proc_reap(l.pidfd, &error), 5);
}

/* From the first moment that anybody knows of it: its launcher may let go and be gone, and a
 * signal be there, before it has heard of the one. */
static void a_created_one_ends_by_signals(void **unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	BUF struct buf bytes = { 0 };
	LAUNCH struct launch l = LAUNCH_NONE;

	(void)unused;
	FD int listener = make_waiting(&address, &bytes);
	const struct launch_options options = { .cgroup = -1,
		                                .container_pidfd = -1,
		                                .listener = listener };
	assert_int_equal(launch_prepare((const void *)bytes.data, &options, &l, &error), 0);
	assert_int_equal(proc_signal(l.pidfd, SIGTERM, &error), 0);
	fd_drop(&l.socket); /* by which it would end otherwise, and differently */
	assert_int_equal(proc_reap(l.pidfd, &error), 128 + SIGTERM);
}

static void init_ends_with_its_launcher(void **unused)
{
	BUF struct buf bytes = { 0 };
	LAUNCH struct launch l = LAUNCH_NONE;
	const struct launch_options options = { .cgroup = -1,
		                                .container_pidfd = -1,
		                                .listener = -1 };

	(void)unused;
	begin(ALL);
	add_root();
	add(PLAN_PIVOT);
	add_program("sh", "exit 5");
	assert_int_equal(plan_finish(&builder, &bytes, &error), 0);
	assert_int_equal(launch_prepare((const void *)bytes.data, &options, &l, &error), 0);
	fd_drop(&l.socket);
	assert_int_equal(proc_reap(l.pidfd, &error), 1);
}

static void a_seccomp_listener_is_handed_over(void **unused)
{
	/* getsid, that nothing here calls, asks the listener; all else is allowed */
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 124, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int notify = -1;
	struct run_options options = { .ret_notify = &notify };
	struct plan_step last;

	(void)unused;
	begin(ALL);
	add_root();
	add_mounts();
	add(PLAN_PIVOT);
	add_program("sh", "grep Seccomp: /proc/self/status >/out; ls /proc/self/fd >>/out");
	builder.steps.len -= sizeof(last);
	memcpy(&last, builder.steps.data + builder.steps.len, sizeof(last));
	struct plan_list list = plan_put_array(&builder, filter, LEN(filter), sizeof(*filter));
	struct plan_step *step = add(PLAN_SECCOMP);
	step->seccomp.filter = list;
	step->seccomp.notify = 1;
	add(PLAN_EXECVE)->exec = last.exec;
	expect_ok(run_with(&options));
	expect_out("Seccomp:\t2");
	expect_out("0\n1\n2\n3\n");
	assert_true(notify >= 0);
	(void)close(notify);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WALK_TEST(ids_and_capabilities_are_exact),
		WALK_TEST(a_terminal_is_stdio),
		WALK_TEST(a_linked_console_is_refused),
		WALK_TEST(hooks_see_their_root_and_state),
		WALK_TEST(hooks_fail_with_their_output),
		WALK_TEST(a_missing_program_has_a_name),
		WALK_TEST(a_missing_interpreter_is_named),
		WALK_TEST(the_working_folder_stays_inside),
		WALK_TEST(preserved_descriptors_survive),
		WALK_TEST(start_comes_through_the_listener),
		WALK_TEST(a_created_one_ends_by_signals),
		WALK_TEST(init_ends_with_its_launcher),
		WALK_TEST(a_seccomp_listener_is_handed_over),
	};

	if (!can_walk())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
