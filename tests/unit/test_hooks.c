/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c, with shell scripts as hooks. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/scope.h"
#include "oci-spec/json.h"
#include "runtime/hooks.h"
#include "unit.h"

static char folder[64];

static int make_folder(void **unused)
{
	(void)unused;
	(void)strcpy(folder, "/tmp/caisson-hooks.XXXXXX");
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	/* neither reaches a hook */
	(void)setenv("CALLER", "secret", 1);
	return 0;
}

static int remove_folder(void **unused)
{
	(void)unused;
	return chdir("/") < 0 ? -1 : rmdir(folder);
}

/* Runs sh -c SCRIPT as a hook with `timeout` seconds (0: none). */
static int run_with(const char *script, const char *const *env, size_t env_count, uint32_t timeout,
                    const struct state *state, struct err *e)
{
	const char *const args[] = { "sh", "-c", script, NULL };
	const struct oci_hook hook = {
		.path = "/bin/sh",
		.args = { .v = args, .n = 3 },
		.env = { .v = env, .n = env_count },
		.timeout = { .set = timeout > 0, .value = timeout },
	};
	const struct oci_hook_list hooks = { .v = &hook, .n = 1 };
	FD int text = hooks_state(state, 42, "creating", e);

	assert_true(text >= 0);
	return hooks_run(OCI_HOOK_PRESTART, &hooks, ".", text, NULL, e);
}

static int run(const char *script, uint32_t timeout, struct err *e)
{
	const struct state state = { .id = "c", .bundle = "/b" };

	return run_with(script, NULL, 0, timeout, &state, e);
}

/* The content of a file that a hook wrote, and away with it. */
static void take_file(const char *name, struct buf *ret)
{
	struct err e = { 0 };

	buf_done(ret);
	*ret = (struct buf){ 0 };
	assert_int_equal(fd_read_file(AT_FDCWD, name, 1 << 20, ret, &e), 0);
	buf_add(ret, "", 1);
	assert_int_equal(unlink(name), 0);
}

static void the_environment_is_the_hooks_own(void **unused)
{
	static const char *const env[] = { "A=1", "B=two words", NULL };
	const struct state state = { .id = "c", .bundle = "/b" };
	struct err e = { 0 };
	BUF struct buf text = { 0 };

	(void)unused;
	/* /proc has what execve was given: a shell adds PWD and the like to its own */
	assert_int_equal(run_with("tr '\\0' ';' </proc/$$/environ >env", env, 2, 0, &state, &e), 0);
	take_file("env", &text);
	assert_string_equal(text.data, "A=1;B=two words;");
	assert_int_equal(run("tr '\\0' ';' </proc/$$/environ >env", 0, &e), 0);
	take_file("env", &text);
	assert_string_equal(text.data, "");
}

static void stdin_is_the_state(void **unused)
{
	static const struct oci_pair pairs[] = { { "k\"", "v\n" } };
	const struct state state = { .id = "c",
		                     .bundle = "/b \\",
		                     .annotations = { .v = pairs, .n = 1 } };
	const char *const args[] = { "sh", "-c", "cat >>state; echo >>state", NULL };
	const struct oci_hook hook = { .path = "/bin/sh", .args = { .v = args, .n = 3 } };
	const struct oci_hook twice[] = { hook, hook };
	const struct oci_hook_list hooks = { .v = twice, .n = 2 };
	struct err e = { 0 };
	BUF struct buf text = { 0 };
	FD int fd = hooks_state(&state, 42, "creating", &e);

	(void)unused;
	/* each hook of a list reads it from its start */
	assert_int_equal(hooks_run(OCI_HOOK_CREATE_RUNTIME, &hooks, ".", fd, NULL, &e), 0);
	take_file("state", &text);
	char *second = strchr(text.data, '\n');
	assert_non_null(second);
	*second++ = '\0';
	second[strcspn(second, "\n")] = '\0';
	assert_string_equal(text.data, second);
	assert_non_null(strstr(text.data, "\"id\":\"c\",\"status\":\"creating\",\"pid\":42,"
	                                  "\"bundle\":\"/b \\\\\","
	                                  "\"annotations\":{\"k\\\"\":\"v\\n\"}}"));
}

static void a_failure_carries_the_end_of_the_output(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(run("echo out; echo err >&2; exit 7", 0, &e), -1);
	assert_string_equal(e.text, "error running prestart hook #0: /bin/sh: exit status 7, "
	                            "output: out\nerr\n");
	assert_int_equal(run("exit 7", 0, &e), -1);
	assert_string_equal(e.text, "error running prestart hook #0: /bin/sh: exit status 7");
	assert_int_equal(run("kill -9 $$", 0, &e), -1);
	assert_string_equal(e.text,
	                    "error running prestart hook #0: /bin/sh: exit status 137 (killed)");
	/* much of it: only the end, and nobody waits for a full pipe */
	assert_int_equal(
		run("head -c 10000000 /dev/zero | tr '\\0' x; echo the end; exit 1", 0, &e), -1);
	assert_true(strlen(e.text) < 1200);
	assert_string_equal(e.text + strlen(e.text) - 8, "the end\n");
}

static void what_cannot_be_executed(void **unused)
{
	const struct state state = { .id = "c", .bundle = "/b" };
	const struct oci_hook hooks[] = { { .path = "/bin/true" }, { .path = "/nowhere/hook" } };
	const struct oci_hook_list list = { .v = hooks, .n = 2 };
	struct err e = { 0 };
	FD int fd = hooks_state(&state, 0, "stopped", &e);

	(void)unused;
	assert_int_equal(hooks_run(OCI_HOOK_POSTSTOP, &list, ".", fd, NULL, &e), -1);
	assert_string_equal(e.text,
	                    "error running poststop hook #1: /nowhere/hook: exit status 127, "
	                    "output: execve /nowhere/hook: no such file or directory");
}

static void a_timeout_kills(void **unused)
{
	struct err e = { 0 };
	int64_t before = clock_ms();
	BUF struct buf text = { 0 };

	(void)unused;
	assert_int_equal(run("echo $$ >pid; trap '' TERM; exec sleep 100", 1, &e), -1);
	assert_string_equal(e.text, "error running prestart hook #0: /bin/sh: no end after 1 s");
	assert_in_range(clock_ms() - before, 950, 30000);
	take_file("pid", &text);
	assert_int_equal(kill((pid_t)strtol(text.data, NULL, 10), 0), -1); /* and reaps */
	/* closing its output is not ending, nor is it a busy loop */
	assert_int_equal(run("exec >&- 2>&-; exec sleep 100", 1, &e), -1);
	assert_int_equal(run("exit 0", 60, &e), 0);
}

static void who_stays_in_the_background(void **unused)
{
	int64_t before = clock_ms();
	struct err e = { 0 };
	BUF struct buf text = { 0 };

	(void)unused;
	/* silent, with the pipe open */
	assert_int_equal(run("sleep 100 & echo $! >pid", 0, &e), 0);
	take_file("pid", &text);
	(void)kill((pid_t)strtol(text.data, NULL, 10), SIGKILL);
	/* writing for ever */
	assert_int_equal(run("yes & echo $! >pid", 0, &e), 0);
	take_file("pid", &text);
	(void)kill((pid_t)strtol(text.data, NULL, 10), SIGKILL);
	assert_true(clock_ms() - before < 20000);
}

static void no_descriptor_of_ours_is_inherited(void **unused)
{
	struct err e = { 0 };
	BUF struct buf text = { 0 };
	int leak = open("/etc/passwd", O_RDONLY); /* NOLINT(android-cloexec-open): as callers do */
	int high = dup2(leak, 200);

	(void)unused;
	assert_true(leak > 2 && high == 200);
	/* ls opens the listing itself: from 3 on, that is the only one */
	assert_int_equal(run("ls /proc/self/fd >fds", 0, &e), 0);
	take_file("fds", &text);
	assert_string_equal(text.data, "0\n1\n2\n3\n");
	(void)close(leak);
	(void)close(high);
}

static void signals_are_not_blocked(void **unused)
{
	struct err e = { 0 };
	sigset_t all, before;
	BUF struct buf text = { 0 };

	(void)unused;
	(void)sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_BLOCK, &all, &before), 0);
	assert_int_equal(run("grep SigBlk /proc/self/status >mask", 0, &e), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	take_file("mask", &text);
	assert_string_equal(text.data, "SigBlk:\t0000000000000000\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_is_the_hooks_own),
		cmocka_unit_test(stdin_is_the_state),
		cmocka_unit_test(a_failure_carries_the_end_of_the_output),
		cmocka_unit_test(what_cannot_be_executed),
		cmocka_unit_test(a_timeout_kills),
		cmocka_unit_test(who_stays_in_the_background),
		cmocka_unit_test(no_descriptor_of_ours_is_inherited),
		cmocka_unit_test(signals_are_not_blocked),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
