/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's agent without a guest: the first process of new user, pid and mount namespaces,
 * with a socket in place of the port and a folder with busybox in place of the share. What a
 * real guest's agent may do to its machine (set the clock, power off) ends at the namespaces.
 *
 * VM_AGENT_GUEST is a command of the shell's that boots a real guest instead: descriptor 3 is
 * the agent's socket, and $ROOTFS is to be the share "share" (tests/microvm/boot.c does it).
 */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "base/sys.h"
#include "runtime/compile.h"
#include "runtime/launch/plan_check.h"
#include "unit.h"
#include "vm-sandbox/agent_client.h"

enum { VM_AGENT_PATIENCE_MS = 240000 };

/* What came of one process. */
struct vm_agent_seen {
	char out[2][4096];
	size_t len[2];
	bool ended[2], exited, finished, input_closed;
	int status, signal;
};

static struct {
	struct agent_client *client;
	int socket;
	pid_t pid;
	char rootfs[64], program[4096];
	bool greedy; /* output is consumed at once */
	uint32_t answered;
	uint64_t oom; /* kills that were told of */
	struct agent_reply reply;
	char files[8192];
	size_t files_len;
	struct agent_process list[8];
	struct vm_agent_seen seen[128];
} vm;

/* --- what comes from the agent -------------------------------------------------------------- */

static inline void vm_on_replied(void *owner, uint32_t request, const struct agent_reply *reply)
{
	(void)owner;
	vm.answered = request;
	vm.reply = *reply;
	if (reply->type == AGENT_PROCESSES && reply->count <= LEN(vm.list))
		memcpy(vm.list, reply->process, reply->count * sizeof(vm.list[0]));
	if (reply->type != AGENT_FILES)
		return;
	vm.files_len = (size_t)(reply->files.end - reply->files.at);
	assert_true(vm.files_len <= sizeof(vm.files));
	memcpy(vm.files, reply->files.at, vm.files_len);
}

static inline void vm_on_output(void *owner, uint32_t process, enum agent_stream which,
                                const uint8_t *data, size_t len)
{
	struct vm_agent_seen *s = &vm.seen[process];
	int i = which == AGENT_STDERR;

	(void)owner;
	for (size_t at = 0; at < len; at++) {
		if (s->len[i] + at < sizeof(s->out[i]) - 1)
			s->out[i][s->len[i] + at] = (char)data[at];
	}
	s->len[i] += len;
	if (vm.greedy)
		agent_client_consumed(vm.client, process, which, (uint32_t)len);
}

static inline void vm_on_output_ended(void *owner, uint32_t process, enum agent_stream which)
{
	(void)owner;
	vm.seen[process].ended[which == AGENT_STDERR] = true;
}

static inline void vm_on_input_closed(void *owner, uint32_t process)
{
	(void)owner;
	vm.seen[process].input_closed = true;
}

static inline void vm_on_exited(void *owner, uint32_t process, int status, int signal)
{
	(void)owner;
	vm.seen[process].exited = true;
	vm.seen[process].status = status;
	vm.seen[process].signal = signal;
}

static inline void vm_on_oom(void *owner, uint64_t kills)
{
	(void)owner;
	vm.oom = kills;
}

static inline void vm_on_finished(void *owner, uint32_t process)
{
	(void)owner;
	vm.seen[process].finished = true;
}

static const struct agent_client_events vm_agent_events = {
	.replied = vm_on_replied,
	.output = vm_on_output,
	.output_ended = vm_on_output_ended,
	.input_closed = vm_on_input_closed,
	.exited = vm_on_exited,
	.finished = vm_on_finished,
	.oom = vm_on_oom,
};

/* --- the guest ------------------------------------------------------------------------------ */

static inline void vm_write_file(const char *path, const char *text)
{
	FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void vm_copy(const char *from, const char *to)
{
	char buffer[65536];
	FD int in = open(from, O_RDONLY | O_CLOEXEC);
	FD int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)n), n);
}

static inline void vm_make_rootfs(void)
{
	static const char *const folders[] = { "bin", "dev", "proc", "sys", "etc", "tmp" };
	static const char *const applets[] = { "sh",   "cat",  "sleep", "echo", "id",  "stty",
		                               "head", "true", "dd",    "kill", "date" };
	char path[128];

	(void)snprintf(vm.rootfs, sizeof(vm.rootfs), "/tmp/caisson-agent-XXXXXX");
	assert_non_null(mkdtemp(vm.rootfs));
	assert_int_equal(chmod(vm.rootfs, 0755), 0);
	for (size_t i = 0; i < LEN(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", vm.rootfs, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/bin/busybox", vm.rootfs);
	vm_copy("/bin/busybox", path);
	for (size_t i = 0; i < LEN(applets); i++) {
		(void)snprintf(path, sizeof(path), "%s/bin/%s", vm.rootfs, applets[i]);
		assert_int_equal(symlink("busybox", path), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/bin/broken", vm.rootfs);
	vm_write_file(path, "\177ELF no program");
	assert_int_equal(chmod(path, 0755), 0);
}

static unsigned long vm_securebits; /* of the next agent, capabilities(7) */

/* In the child: says why on standard error, which the test shows. */
static inline _Noreturn void vm_become_agent(int go, int port)
{
	char byte, number[12];

	if (read(go, &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ||
	    prctl(PR_SET_SECUREBITS, vm_securebits) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0) {
		perror("the agent's namespaces");
		_exit(99);
	}
	(void)snprintf(number, sizeof(number), "%d", port);
	(void)fcntl(port, F_SETFD, 0);
	(void)execl(vm.program, "caisson-agent", "--port", number, NULL);
	perror(vm.program);
	_exit(99);
}

static inline void vm_write_maps(pid_t pid)
{
	char path[64], map[64];
	const unsigned int count = geteuid() == 0 ? 65536 : 1;

	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	if (count == 1)
		vm_write_file(path, "deny");
	(void)snprintf(map, sizeof(map), "0 %u %u", geteuid(), count);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	vm_write_file(path, map);
	(void)snprintf(map, sizeof(map), "0 %u %u", getegid(), count);
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	vm_write_file(path, map);
}

/* build/caisson-agent, where this is build/tests/TEST. */
static inline void vm_find_agent(void)
{
	char own[2048];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	assert_true(n > 0);
	own[n] = '\0';
	*strrchr(own, '/') = '\0';
	(void)snprintf(vm.program, sizeof(vm.program), "%s/../caisson-agent", own);
}

static inline const char *vm_guest(void)
{
	return getenv("VM_AGENT_GUEST");
}

static inline int vm_boot_guest(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	vm.pid = fork();
	if (vm.pid == 0) {
		if (setenv("ROOTFS", vm.rootfs, 1) == 0 && dup2(pair[1], 3) == 3 &&
		    fcntl(3, F_SETFD, 0) == 0)
			(void)execl("/bin/sh", "sh", "-c", vm_guest(), NULL);
		_exit(99);
	}
	assert_true(vm.pid > 0);
	close(pair[1]);
	return pair[0];
}

/* The socket to a new agent. */
static inline int vm_launch_agent(void)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS,
		.exit_signal = SIGCHLD,
	};
	int pair[2], go[2];

	vm_find_agent();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	vm.pid = sys_clone3(&args);
	if (vm.pid == 0)
		vm_become_agent(go[0], pair[1]);
	assert_true(vm.pid > 0);
	close(pair[1]);
	close(go[0]);
	vm_write_maps(vm.pid);
	assert_int_equal(write(go[1], "", 1), 1);
	close(go[1]);
	return pair[0];
}

static inline bool vm_possible(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t pid;

	if (access("/bin/busybox", X_OK) < 0) {
		print_message("skipped: there is no /bin/busybox\n");
		return false;
	}
	pid = sys_clone3(&args);
	if (pid == 0)
		_exit(0);
	if (pid < 0) {
		print_message("skipped: user namespaces are not to be had here\n");
		return false;
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return true;
}

/* The wait status of the agent, or of who has booted its guest; it must end by itself. */
static inline int vm_agent_end(void)
{
	int status = -1;

	for (int i = 0; i < VM_AGENT_PATIENCE_MS / 10; i++) {
		pid_t got = waitpid(vm.pid, &status, WNOHANG);

		assert_true(got >= 0);
		if (got == vm.pid) {
			vm.pid = 0;
			return status;
		}
		(void)poll(NULL, 0, 10);
	}
	fail_msg("the agent does not end");
	return -1;
}

/* As the kernel ends a pid namespace (reboot(2)), or as a monitor does a guest. */
static inline void vm_ends_well(void)
{
	int status = vm_agent_end();

	if (vm_guest() ? !WIFEXITED(status) || WEXITSTATUS(status) == 99
	               : !WIFSIGNALED(status) || WTERMSIG(status) != SIGINT)
		fail_msg("it crashed: wait status %#x", status);
}

static inline void vm_remove_rootfs(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", vm.rootfs);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own path */
}

/* --- the talk ------------------------------------------------------------------------------- */

static inline void vm_pump(void)
{
	struct pollfd p = { .fd = vm.socket, .events = agent_client_wants(vm.client) };
	struct err e = { 0 };

	if (poll(&p, 1, VM_AGENT_PATIENCE_MS) <= 0)
		fail_msg("the agent says nothing; the container said: %s%s", vm.seen[1].out[0],
		         vm.seen[1].out[1]);
	if (agent_client_io(vm.client, vm.socket, &e) < 0)
		fail_msg("%s", e.text);
}

/* Talks on until the condition holds. */
#define VM_UNTIL(condition)                                             \
	do {                                                            \
		int64_t deadline = clock_ms() + VM_AGENT_PATIENCE_MS;   \
		while (!(condition)) {                                  \
			if (clock_ms() > deadline)                      \
				fail_msg("never came: %s", #condition); \
			vm_pump();                                      \
		}                                                       \
	} while (0)

static inline void vm_answer(uint32_t request)
{
	struct err e = { 0 };

	if (agent_client_wait(vm.client, vm.socket, request, VM_AGENT_PATIENCE_MS, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(vm.answered, request);
}

static inline void vm_ok(uint32_t request)
{
	assert_true(request > 0);
	vm_answer(request);
	if (vm.reply.type == AGENT_FAILED)
		fail_msg("%s (%s)", vm.reply.err.text, vm.reply.err.hint);
}

static inline void vm_fails(uint32_t request, enum err_kind kind, const char *words)
{
	vm_answer(request);
	assert_int_equal(vm.reply.type, AGENT_FAILED);
	if (vm.reply.err.kind != kind || !strstr(vm.reply.err.text, words))
		fail_msg("kind %d: %s", vm.reply.err.kind, vm.reply.err.text);
}

static inline int vm_agent_start(void **unused)
{
	const struct agent_mount share = { "", vm.rootfs, AGENT_SHARES "/share", "" };
	const struct agent_mount real = { "virtiofs", "caisson", AGENT_SHARES, "" };

	(void)unused;
	if (!vm_possible())
		skip();
	memset(&vm, 0, sizeof(vm));
	vm.greedy = true;
	vm_make_rootfs();
	vm.client = calloc(1, sizeof(*vm.client));
	agent_client_init(vm.client, &vm_agent_events, NULL);
	vm.socket = vm_guest() ? vm_boot_guest() : vm_launch_agent();
	vm_answer(0);
	vm_ok(agent_client_setup(vm.client, vm_guest() ? &real : &share, 1));
	return 0;
}

static inline int vm_agent_stop(void **unused)
{
	(void)unused;
	if (!vm.client)
		return 0;
	fd_drop(&vm.socket);
	if (vm.pid > 0)
		(void)vm_agent_end();
	agent_client_done(vm.client);
	free(vm.client);
	vm_remove_rootfs();
	return 0;
}

/* --- plans ---------------------------------------------------------------------------------- */

/* A process with these arguments (JSON), and more members of it and of the whole. */
struct vm_config {
	const char *args, *process, *top, *group, *resources;
	bool terminal;
};

static inline const struct oci_config *vm_config(struct arena *a, const struct vm_config *c)
{
	const struct oci_config *config = NULL;
	struct err e = { 0 };
	const char *text = arena_printf(
		a,
		"{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[%s],\"cwd\":\"/\","
		"\"env\":[\"PATH=/bin\"],\"user\":{\"uid\":0,\"gid\":0},\"terminal\":%s%s%s},"
		"\"root\":{\"path\":\"share\"},\"hostname\":\"guest\",\"mounts\":["
		"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
		"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
		"\"options\":[\"newinstance\",\"ptmxmode=0666\"]}],"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"},"
		"{\"type\":\"ipc\"},{\"type\":\"uts\"}]%s%s%s%s%s}%s%s}",
		c->args, c->terminal ? "true" : "false", c->process ? "," : "",
		c->process ? c->process : "", c->group ? ",\"cgroupsPath\":\"" : "",
		c->group ? c->group : "", c->group ? "\"" : "",
		c->resources ? ",\"resources\":" : "", c->resources ? c->resources : "",
		c->top ? "," : "", c->top ? c->top : "");

	if (oci_config_parse(a, text, strlen(text), &config, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return config;
}

static inline struct host_facts vm_facts(void)
{
	struct host_facts facts = {
		.user_namespace = !vm_guest(),
		.rootless = !vm_guest(),
		.setgroups_denied = !vm_guest() && geteuid() != 0,
		.capabilities = (UINT64_C(2) << CAP_LAST_CAP) - 1,
	};
	struct err e = { 0 };

	if (vm_guest())
		facts.cgroup = (struct cgroup_facts){ .mode = CGROUP_UNIFIED,
			                              .mount = "/sys/fs/cgroup",
			                              .controllers = 0xff };
	else if (cgroup_probe(true, &facts.cgroup, &e) < 0)
		fail_msg("%s", e.text);
	return facts;
}

static inline void vm_compile(const struct vm_config *c, bool exec, struct buf *ret)
{
	ARENA struct arena a = { 0 };
	const struct oci_config *config = vm_config(&a, c);
	const struct host_facts facts = vm_facts();
	const struct compile_options create = {
		.id = "c1",
		.bundle = AGENT_SHARES,
		.no_cgroup = !c->group,
		.listener = true,
		.seccomp_cache = -1,
	};
	const struct compile_exec_options also = {
		.config = config,
		.process = config->process,
		.seccomp_cache = -1,
	};
	struct err e = { 0 };
	int result = exec ? compile_exec(&also, &facts, ret, &e)
	                  : compile_create(config, &create, &facts, ret, &e);

	if (result < 0)
		fail_msg("%s", e.text);
}

static inline uint32_t vm_launch(uint32_t process, const struct vm_config *c, uint32_t stdio)
{
	bool exec = process != AGENT_CONTAINER;
	struct vm_config whole = *c;
	BUF struct buf plan = { 0 };

	if (vm_guest() && !c->group)
		whole.group = "/container";
	memset(&vm.seen[process], 0, sizeof(vm.seen[process]));
	vm_compile(&whole, exec, &plan);
	return agent_client_launch(vm.client, exec ? AGENT_EXEC : AGENT_CREATE, process, plan.data,
	                           plan.len, stdio, "");
}

#define VM_LAUNCH(process, stdio, ...) \
	vm_launch(process, &(const struct vm_config){ __VA_ARGS__ }, stdio)

/* A container that waits to be told to end. */
static inline void vm_run_waiting(void)
{
	vm_ok(VM_LAUNCH(AGENT_CONTAINER, 0, .args = "\"sleep\",\"1000\""));
	vm_ok(agent_client_start(vm.client, ""));
}
