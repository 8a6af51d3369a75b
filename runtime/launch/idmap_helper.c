/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helpers run with root's rights, so neither a config nor an environment has a say
 * in which program that is or what it sees: it is looked for where distributions put
 * it, must be a file that nobody but root can write, is executed by the descriptor that
 * was checked, with an empty environment and nothing open but its output.
 */
#include "runtime/launch/idmap_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/sys.h"

enum { OUTPUT_MAX = 1024 };

/* The second one is NixOS's folder of programs with file capabilities. */
static const char *const folders[] = { "/usr/bin", "/run/wrappers/bin" };

static int check(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, ERR_REFUSED,
		               "%s: must be a file that is root's and writable for nobody else",
		               path);
	return 0;
}

static int open_helper(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		FD int fd = open(path, O_PATH | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return err_sys(e, "open %s", path);
		TRY(check(fd, path, e));
		return fd_give(&fd);
	}
	err_set(e, ERR_REFUSED,
	        "%s is not in /usr/bin: without it the kernel lets a user map only the own id",
	        name);
	return err_hint(e, "install it (package uidmap or shadow-utils), or map one id, as "
	                   "`caisson spec --rootless` does");
}

static const char *const *arguments(struct arena *a, const char *name, pid_t pid,
                                    const struct plan_idmap *maps, uint32_t count)
{
	const char **argv = arena_array(a, 3 + 3 * (size_t)count, sizeof(*argv));
	size_t n = 0;

	argv[n++] = name;
	argv[n++] = arena_printf(a, "%d", pid);
	for (uint32_t i = 0; i < count; i++) {
		argv[n++] = arena_printf(a, "%u", maps[i].inside);
		argv[n++] = arena_printf(a, "%u", maps[i].outside);
		argv[n++] = arena_printf(a, "%u", maps[i].count);
	}
	argv[n] = NULL;
	return argv;
}

static _Noreturn void become_helper(int program, const char *const *argv, int output)
{
	static const char *const no_environment[] = { NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(output, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(126);
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)sys_fexecve(program, argv, no_environment);
	(void)dprintf(STDERR_FILENO, "execve: %s", err_words(errno));
	_exit(127);
}

/* What it said, as one line; what does not fit is dropped. */
static void read_output(int fd, char *ret, size_t room)
{
	size_t used = 0;
	char chunk[256];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n && used + 1 < room; i++)
			ret[used++] = (char)(chunk[i] == '\n' ? ' ' : chunk[i]);
	}
	while (used > 0 && ret[used - 1] == ' ')
		used--;
	ret[used] = '\0';
}

static int run(int program, const char *const *argv, struct err *e)
{
	char said[OUTPUT_MAX];
	int ends[2], pidfd = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe2");
	FD int read_end = ends[0];
	FD int write_end = ends[1];

	struct clone_args args = { .flags = CLONE_PIDFD,
		                   .pidfd = (uint64_t)(uintptr_t)&pidfd,
		                   .exit_signal = SIGCHLD };
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "clone3");
	if (pid == 0)
		become_helper(program, argv, write_end);
	FD int child = pidfd;
	fd_drop(&write_end);

	read_output(read_end, said, sizeof(said));
	int status = proc_reap(child, e);
	TRY(status);
	if (status == 0)
		return 0;
	return err_set(e, ERR_REFUSED, "%s: exit status %d%s%s", argv[0], status, *said ? ": " : "",
	               said);
}

int idmap_helper_run(const char *name, pid_t pid, const struct plan_idmap *maps, uint32_t count,
                     struct err *e)
{
	ARENA struct arena a = { 0 };
	FD int program = open_helper(name, e);

	if (program < 0)
		return -1;
	arena_init(&a, 0);
	if (run(program, arguments(&a, name, pid, maps, count), e) == 0)
		return 0;
	return err_hint(e,
	                "it gives only ids of a line NAME:FIRST:COUNT in /etc/sub%s (usermod "
	                "--add-sub%ss)",
	                strcmp(name, "newuidmap") == 0 ? "uid" : "gid",
	                strcmp(name, "newuidmap") == 0 ? "uid" : "gid");
}
