/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caisson: read the command line, open the log, run the command, say what failed.
 * This is the only place that prints an error, and it prints one: an engine takes
 * the last line of the log for the reason, and some cannot read a second one.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/cli.h"

/* A caller may start us with 0, 1 or 2 closed. Then the next file opened would get
 * that number, and be written to as if it were the standard output. */
static int fill_stdio(struct err *e)
{
	struct pollfd fds[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(fds, LEN(fds), 0) < 0)
		return err_sys(e, "poll");
	for (size_t i = 0; i < LEN(fds); i++) {
		/* the lowest free number is this one: those below are open by now */
		/* NOLINTNEXTLINE(android-cloexec-open): the container inherits its stdio */
		if ((fds[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) < 0)
			return err_sys(e, "open /dev/null");
	}
	return 0;
}

/* A write beyond RLIMIT_FSIZE shall fail (setrlimit(2)) and not end us without a word and
 * with half of the work done. Blocked, not ignored: the container and hooks begin with an empty
 * mask, but would inherit what we ignore. */
static int hold_back_signals(struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGXFSZ);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? err_sys(e, "sigprocmask") : 0;
}

/* Not part of main(), whose stack lies below the command's all the time. */
__attribute__((noinline)) static int look_around(struct cli_surroundings *ret, struct arena *a,
                                                 struct err *e)
{
	char cwd[PATH_MAX];

	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(e, "getcwd");
	ret->cwd = arena_string(a, cwd, strlen(cwd));
	ret->euid = (uint32_t)getauxval(AT_EUID);
	ret->runtime_dir = getenv("XDG_RUNTIME_DIR");
	ret->user = getenv("USER");
	ret->config_home = getenv("XDG_CONFIG_HOME");
	ret->home = getenv("HOME");
	/* it matters only where root could use the folder of a user's session */
	ret->user_namespace = ret->euid == 0 && ret->runtime_dir && proc_in_user_namespace();
	return 0;
}

/* A log that cannot be opened is not what the caller needs to hear first. */
__attribute__((noinline)) static void open_log_for_error(const struct invocation *in)
{
	struct err later = { 0 };

	(void)!cli_log_open(in, &later);
}

static int run(struct arena *a, char *const argv[], struct invocation *in, struct err *e)
{
	struct cli_surroundings around;

	TRY(fill_stdio(e));
	TRY(hold_back_signals(e));
	if (cli_parse(a, argv, in, e) < 0) {
		open_log_for_error(in);
		return -1;
	}
	TRY(cli_log_open(in, e));
	log_debug("%s version %s, commit %s", in->program, CAISSON_VERSION, CAISSON_COMMIT);
	TRY(look_around(&around, a, e));
	TRY(cli_context(in, &around, e));
	if (in->command->failure)
		in->failure = in->command->failure;
	return in->command->run(in, e);
}

int main(int argc, char *argv[])
{
	struct invocation in = { .failure = CLI_EXIT_FAILURE };
	struct err e = { 0 };
	ARENA struct arena a;

	(void)argc;
	arena_init(&a, 0);

	int status = run(&a, argv, &in, &e);
	if (status < 0) {
		log_err(&e);
		status = e.kind == ERR_EXEC ? CLI_EXIT_EXEC : in.failure;
	}
	return status;
}
