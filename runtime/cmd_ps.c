/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps: the processes of a container, as pids or as a table. The table is ps(1)'s own,
 * so that all its columns and options can be had; we only keep the lines that are
 * the container's. ps sees the pids as we do: it runs in our pid namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/cmd.h"

enum { PS_OUTPUT_MAX = 64 << 20 };

/* clang-format off */
static const struct option_spec ps_options[] = {
	{ .name = "format", .letter = 'f', .kind = OPTION_TEXT, .value = "FORMAT",
	  .words = "table json", .help = "table (default) or json" },
	{ .name = NULL },
};
/* clang-format on */

static const char ps_path[] = "/bin/ps";

/* ps's argv: what the caller wants of it, or "-ef". */
static char **ps_argv(const struct invocation *in)
{
	size_t n = in->args.n - 1;
	char **argv = arena_array(in->arena, n + 3, sizeof(*argv));

	argv[0] = arena_printf(in->arena, "ps");
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = arena_printf(in->arena, "%s", in->args.v[i + 1]);
	if (n == 0)
		argv[1] = arena_printf(in->arena, "-ef");
	return argv;
}

/* Starts ps with its output in a pipe, whose other end is *ret_fd. */
static int ps_spawn(char *const argv[], pid_t *ret_pid, int *ret_fd, struct err *e)
{
	posix_spawn_file_actions_t actions;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	FD int output = ends[0];
	FD int input = ends[1];

	int failed = posix_spawn_file_actions_init(&actions);
	if (!failed) {
		failed = posix_spawn_file_actions_adddup2(&actions, input, STDOUT_FILENO);
		if (!failed)
			failed = posix_spawn(ret_pid, ps_path, &actions, NULL, argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	if (failed) {
		errno = failed;
		err_sys(e, "run %s", ps_path);
		return err_hint(e, "--format json needs no ps");
	}
	*ret_fd = fd_give(&output);
	return 0;
}

static int ps_wait(pid_t pid, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, "wait for ps");
	}
	if (WIFSIGNALED(status))
		return err_set(e, ERR_STATE, "ps was ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_USAGE, "ps ended with status %d", WEXITSTATUS(status));
	return 0;
}

static int ps_table(const struct invocation *in, const pid_t *pids, size_t n, struct buf *ret,
                    struct err *e)
{
	BUF struct buf text = { 0 };
	FD int fd = -1;
	pid_t pid;

	TRY(ps_spawn(ps_argv(in), &pid, &fd, e));
	int got = fd_read_all(fd, PS_OUTPUT_MAX, "output of ps", &text, e);
	fd_drop(&fd); /* a ps that still writes ends by SIGPIPE */
	if (got < 0) {
		struct err ignored = { 0 };

		(void)!ps_wait(pid, &ignored);
		return -1;
	}
	TRY(ps_wait(pid, e));
	return ps_table_filter(text.data ? text.data : "", pids, n, ret, e);
}

/* One line; no process at all is null, as Go prints an empty slice. */
static void ps_json(const pid_t *pids, size_t n, struct buf *ret)
{
	struct json_writer w = { .out = ret, .indent = "" };

	if (n == 0) {
		json_null(&w);
	} else {
		json_open(&w, '[');
		for (size_t i = 0; i < n; i++)
			json_i64(&w, pids[i]);
		json_close(&w, ']');
	}
	buf_text(ret, "\n");
}

static int ps_run(const struct invocation *in, struct err *e)
{
	const char *format = cli_text(in, "format");
	BUF struct buf out = { 0 };
	struct process_list list;
	const char *id;

	TRY(cmd_id(in, &id, e));
	TRY(container_processes(&in->context, in->arena, id, &list, e));
	if (format && strcmp(format, "json") == 0)
		ps_json(list.pids, list.count, &out);
	else if (!list.table)
		TRY(ps_table(in, list.pids, list.count, &out, e));
	else if (in->args.n > 1)
		return err_set(e, ERR_USAGE, "ps(1), whose options these are, does not see into %s",
		               id);
	else
		buf_text(&out, list.table);
	return cmd_print(&out, e);
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "ID [PS-OPTION...]",
	.summary = "list the processes of a container",
	.description =
		"Runs ps(1) with the options given, or with -ef, and prints the lines that belong "
		"to the container. The options must ask for a column PID. With --format json only "
		"the pids are printed. The processes of a microVM are its guest's, with the "
		"guest's pids; ps(1) does not see them, so there are no options.",
	.examples = "caisson ps web\n"
		    "caisson ps web -e -o pid,rss,comm\n",
	.options = ps_options,
	.complete = { COMPLETE_CONTAINER },
	.args_min = 1,
	.args_max = COMMAND_ARGS_MANY,
	.stop_at_first = true,
	.run = ps_run,
};
