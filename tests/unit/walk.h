/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of caisson-init at work: plans written by hand, the real launcher,
 * busybox in a rootfs of its own below /tmp. What the workload sees is written to
 * /out there and read from outside. Needs root, and busybox in /bin.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/launch/frame.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/plan_build.h"
#include "runtime/launch/plan_check.h"
#include "unit.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define BUSYBOX "/bin/busybox"

enum { ALL = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS };

static char rootfs[64]; /* of the current test */
static struct plan_builder builder;
static struct err error; /* of the last run */

/* --- writing plans ------------------------------------------------------------------- */

static plan_str put(const char *text)
{
	return plan_put_string(&builder, text);
}

static struct plan_step *add(enum plan_op op)
{
	return plan_add(&builder, op, NULL);
}

static void add_string(enum plan_op op, const char *text)
{
	plan_str at = put(text);

	add(op)->string = at;
}

static struct plan_step *add_mount(const char *fstype, const char *target, const char *key,
                                   const char *value)
{
	struct plan_option option = { .key = put(key), .value = put(value) };
	struct plan_mount m = {
		.fstype = put(fstype),
		.source = put(fstype),
		.target = put(target),
		.options = plan_put_array(&builder, &option, key != NULL, sizeof(option)),
		.attr = MOUNT_ATTR_NOSUID,
	};
	struct plan_step *step = add(PLAN_MOUNT);

	step->mount = m;
	return step;
}

static struct plan_step *add_bind(const char *source, const char *target)
{
	struct plan_bind bind = {
		.source = put(source),
		.target = put(target),
		.slot = PLAN_NO_SLOT,
		.flags = PLAN_BIND_RECURSIVE,
	};
	struct plan_step *step = add(PLAN_BIND);

	step->bind = bind;
	return step;
}

static void add_device(const char *path, unsigned int major, unsigned int minor, bool bind)
{
	plan_str at = put(path);
	struct plan_step *step = add(PLAN_DEVICE);

	step->device.path = at;
	step->device.mode = S_IFCHR | 0666;
	step->device.major = major;
	step->device.minor = minor;
	step->device.how = bind ? PLAN_DEVICE_BIND : PLAN_DEVICE_MAKE;
}

static void add_link(const char *target, const char *path)
{
	plan_str to = put(target), at = put(path);
	struct plan_step *step = add(PLAN_SYMLINK);

	step->link.target = to;
	step->link.path = at;
}

static void add_hook(enum plan_op op, const char *script, unsigned int timeout_s)
{
	const char *argv[] = { "sh", "-c", script };
	const char *envp[] = { "HOOK=yes" };
	plan_str path = put(BUSYBOX);
	struct plan_list args = plan_put_vector(&builder, argv, 3);
	struct plan_list env = plan_put_vector(&builder, envp, 1);
	struct plan_step *step = add(op);

	step->hook.path = path;
	step->hook.argv = args;
	step->hook.envp = env;
	step->hook.timeout_s = timeout_s;
}

static void begin(uint64_t namespaces)
{
	plan_begin(&builder, PLAN_CREATE);
	builder.head.clone_flags = namespaces;
}

static void add_root(void)
{
	plan_str path = put(rootfs);
	struct plan_step *step;

	add(PLAN_PROPAGATION)->propagation = MS_REC | MS_SLAVE;
	step = add(PLAN_ROOTFS);
	step->rootfs.path = path;
	step->rootfs.recursive = 1;
	step->rootfs.propagation = MS_PRIVATE;
	add(PLAN_ENTER_ROOT);
}

static void add_mounts(void)
{
	add_mount("proc", "/proc", NULL, NULL)->mount.flags = PLAN_TARGET_PLAIN;
	add_mount("tmpfs", "/dev", "mode", "755");
	add_mount("devpts", "/dev/pts", "ptmxmode", "0666");
	add_device("/dev/null", 1, 3, false);
	add_device("/dev/zero", 1, 5, false);
	add_link("/proc/self/fd", "/dev/fd");
	add_link("pts/ptmx", "/dev/ptmx");
}

/* The program and its last steps. `sh` is looked up in PATH, like engines do. */
static void add_program(const char *file, const char *script)
{
	const char *argv[] = { "sh", "-c", script };
	const char *envp[] = { "PATH=/bin", NULL };
	struct plan_step exec = { 0 };

	exec.exec.file = put(file);
	exec.exec.search = put("/nowhere:/bin");
	exec.exec.argv = plan_put_vector(&builder, argv, 3);
	exec.exec.envp = plan_put_vector(&builder, envp, 2);
	add(PLAN_ENVIRONMENT)->home.env_slot = 1;
	add(PLAN_EXECUTABLE)->exec = exec.exec;
	add(PLAN_PARK);
	add(PLAN_NO_NEW_PRIVS)->value = 0;
	add(PLAN_CLOSE_FDS)->value = 3;
	add(PLAN_EXECVE)->exec = exec.exec;
}

/* --- running them ---------------------------------------------------------------------- */

struct run_options {
	uint32_t slot_kind; /* 1 + kind of one slot, 0: none */
	int listener;
	int hook_state;
	int *ret_console;
	int *ret_notify;
};

static int hand_state(void *context, pid_t pid, int *ret_state, struct err *e)
{
	const struct run_options *o = context;

	(void)pid;
	(void)e;
	*ret_state = o->hook_state > 0 ? fcntl(o->hook_state, F_DUPFD_CLOEXEC, 3) : -1;
	return 0;
}

static int take_console(void *context, int master, const char *name, struct err *e)
{
	struct run_options *o = context;

	(void)e;
	assert_memory_equal(name, "/dev/pts/", 9);
	*o->ret_console = master;
	return 0;
}

static int take_notify(void *context, pid_t pid, int notify, struct err *e)
{
	struct run_options *o = context;

	(void)e;
	assert_true(pid > 0);
	*o->ret_notify = fcntl(notify, F_DUPFD_CLOEXEC, 3);
	return 0;
}

/* Exit status of the program, or -1 with `error` set. */
static int run_with(struct run_options *o)
{
	struct launch_options options = {
		.cgroup = -1,
		.container_pidfd = -1,
		.listener = o->listener ? o->listener : -1,
		.events = { .context = o,
		            .hooks = hand_state,
		            .console = take_console,
		            .listener = take_notify },
	};
	BUF struct buf bytes = { 0 };
	LAUNCH struct launch l = LAUNCH_NONE;
	struct plan_fd slot = { .kind = o->slot_kind ? o->slot_kind - 1 : 0 };

	if (o->slot_kind)
		builder.head.fds = plan_put_array(&builder, &slot, 1, sizeof(slot));
	error = (struct err){ 0 };
	assert_int_equal(plan_finish(&builder, &bytes, &error), 0);
	assert_int_equal(plan_check(bytes.data, bytes.len), 0);

	const struct plan *plan = (const void *)bytes.data;
	if (launch_prepare(plan, &options, &l, &error) < 0)
		return -1;
	const struct launch_start start = {
		.socket = l.socket,
		.pid = l.pid,
		.pidfd = l.pidfd,
		.state = o->hook_state > 0 ? o->hook_state : -1,
		.events = &options.events,
	};
	if (launch_start(plan, &start, &error) < 0) {
		launch_abort(&l);
		return -1;
	}
	fd_drop(&l.socket);
	return proc_reap(l.pidfd, &error);
}

static int run(void)
{
	struct run_options none = { 0 };

	return run_with(&none);
}

/* What the program wrote into /out. */
static const char *out(void)
{
	static char text[8192];
	char path[80];
	FD int fd = -1;
	ssize_t got;

	(void)snprintf(path, sizeof(path), "%s/out", rootfs);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void expect_out(const char *part)
{
	expect(out(), part);
}

/* The run failed in init, and said this. */
static void expect_error(int status, const char *part)
{
	if (status != -1)
		fail_msg("status %d instead of an error with '%s'", status, part);
	expect(error.text, part);
}

static void expect_ok(int status)
{
	if (status != 0)
		fail_msg("status %d: %s\n%s", status, error.text, out());
}

/* --- the rootfs ---------------------------------------------------------------------- */

static void path_in(char *ret, size_t room, const char *name)
{
	(void)snprintf(ret, room, "%s/%s", rootfs, name);
}

static void make_link(const char *target, const char *name)
{
	char path[128];

	path_in(path, sizeof(path), name);
	assert_int_equal(symlink(target, path), 0);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
	char path[128];

	path_in(path, sizeof(path), name);
	FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void make_dir(const char *name)
{
	char path[128];

	path_in(path, sizeof(path), name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int command(const char *const *argv)
{
	struct err e = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	FD int pidfd = pidfd_open(pid, 0);
	return proc_reap(pidfd, &e);
}

static int set_up(void **unused)
{
	static const char *const links[] = { "sh",    "cat",  "id",       "ls",       "grep",
		                             "touch", "stat", "hostname", "readlink", "sleep",
		                             "cut",   "tty",  "mount",    "sed",      "echo",
		                             "yes",   "head" };
	char bin[80];
	const char *const copy[] = { "cp", BUSYBOX, bin, NULL };

	(void)unused;
	(void)snprintf(rootfs, sizeof(rootfs), "/tmp/caisson-walk-XXXXXX");
	assert_non_null(mkdtemp(rootfs));
	assert_int_equal(chmod(rootfs, 0755), 0);
	make_dir("bin");
	make_dir("etc");
	path_in(bin, sizeof(bin), "bin");
	assert_int_equal(command(copy), 0);
	for (size_t i = 0; i < LEN(links); i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "bin/%s", links[i]);
		make_link("busybox", name);
	}
	make_file("etc/passwd", "root:x:0:0:root:/root-home:/bin/sh\nu:x:1000:1000::/home/u:\n",
	          0644);
	return 0;
}

static int tear_down(void **unused)
{
	const char *const all[] = { "rm", "-rf", "--one-file-system", rootfs, NULL };

	(void)unused;
	return command(all);
}

#define WALK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static bool can_walk(void)
{
	bool can = geteuid() == 0 && access(BUSYBOX, X_OK) == 0;

	if (!can)
		(void)printf("1..0 # SKIP needs root and %s\n", BUSYBOX);
	return can;
}
