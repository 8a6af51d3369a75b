/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: the words that engines look for, and packets that lie. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "runtime/launch/plan_build.h"
#include "runtime/launch/plan_check.h"
#include "runtime/launch/report.h"
#include "unit.h"

/* The steps of the plan below, in its order. */
enum {
	STEP_MOUNT,
	STEP_BIND,
	STEP_MASK,
	STEP_CWD,
	STEP_HOOK_HOST,
	STEP_EXECUTABLE,
	STEP_BARE,
	STEP_HOOK_INSIDE,
	STEP_EXECVE,
	STEPS
};

static struct buf bytes;

static int build_plan(void **unused)
{
	static const char *const argv[] = { "tool" };
	struct plan_builder b;
	struct plan_step *step;
	struct err e = { 0 };

	(void)unused;
	plan_begin(&b, PLAN_CREATE);
	struct plan_list vector = plan_put_vector(&b, argv, LEN(argv));
	step = plan_add(&b, PLAN_MOUNT, "mounts[2]");
	step->mount.fstype = plan_put_string(&b, "tmpfs");
	step->mount.target = plan_put_string(&b, "/tmp");
	step = plan_add(&b, PLAN_BIND, "mounts[3]");
	step->bind.source = plan_put_string(&b, "/host/data");
	step->bind.target = plan_put_string(&b, "/data");
	step->bind.slot = PLAN_NO_SLOT;
	plan_add(&b, PLAN_MASK, "linux.maskedPaths[0]")->string = plan_put_string(&b, "/proc/keys");
	plan_add(&b, PLAN_CWD, "process.cwd")->string = plan_put_string(&b, "/work");
	step = plan_add(&b, PLAN_HOOK_HOST, "hooks.createContainer[1]");
	step->hook.path = plan_put_string(&b, "/bin/hook");
	step->hook.argv = step->hook.envp = vector;
	step->hook.index = 1;
	step->hook.timeout_s = 5;
	step = plan_add(&b, PLAN_EXECUTABLE, "process.args");
	step->exec.file = plan_put_string(&b, "tool");
	step->exec.argv = step->exec.envp = vector;
	step->exec.search = plan_put_string(&b, "/bin");
	plan_add(&b, PLAN_NO_NEW_PRIVS, NULL);
	step = plan_add(&b, PLAN_HOOK_CONTAINER, "hooks.startContainer[0]");
	step->hook.path = plan_put_string(&b, "/bin/hook");
	step->hook.argv = step->hook.envp = vector;
	step = plan_add(&b, PLAN_EXECVE, "process.args");
	step->exec.file = plan_put_string(&b, "/tool");
	step->exec.argv = step->exec.envp = vector;
	return plan_finish(&b, &bytes, &e);
}

static int drop_plan(void **unused)
{
	(void)unused;
	buf_done(&bytes);
	return 0;
}

static const struct plan *plan(void)
{
	return (const struct plan *)(const void *)bytes.data;
}

static struct frame frame(uint32_t step, uint32_t call, int error, const char *text)
{
	struct frame f = { .type = FRAME_ERROR, .step = step, .call = call, .error = error };

	(void)snprintf(f.text, sizeof(f.text), "%s", text);
	return f;
}

static struct err report(uint32_t step, uint32_t call, int error, const char *text)
{
	const struct frame f = frame(step, call, error, text);
	struct err e = { 0 };

	assert_int_equal(report_error(plan(), &f, &e), -1);
	return e;
}

static void the_plan_is_one(void **unused)
{
	(void)unused;
	assert_int_equal(plan_check(bytes.data, bytes.len), 0);
	assert_int_equal(plan()->steps.count, STEPS);
}

static void words_that_engines_match(void **unused)
{
	static const struct {
		const char *text, *want;
		uint32_t step, call;
		int error;
		enum err_kind kind;
	} cases[] = {
		{ "", "exec: \"tool\": executable file not found in $PATH", STEP_EXECUTABLE,
		  CHECK_LOOKUP, ENOENT, ERR_SPEC },
		{ "", "exec: \"tool\": is a directory: permission denied", STEP_EXECUTABLE,
		  CHECK_DIRECTORY, EACCES, ERR_SPEC },
		{ "tool", "exec: \"tool\": stat tool: no such file or directory", STEP_EXECUTABLE,
		  CALL_STAT, ENOENT, ERR_SPEC },
		{ "tool", "exec: \"tool\": permission denied", STEP_EXECUTABLE, CALL_OPEN, EACCES,
		  ERR_SPEC },
		{ "/tool", "exec /tool: no such file or directory", STEP_EXECVE, CALL_EXECVE,
		  ENOENT, ERR_EXEC },
		{ "/tool", "exec /tool: exec format error", STEP_EXECVE, CALL_EXECVE, ENOEXEC,
		  ERR_EXEC },
		{ "/work",
		  "chdir to cwd (\"/work\") set in config.json failed: no such file or directory",
		  STEP_CWD, CALL_CHDIR, ENOENT, ERR_SPEC },
		{ "", "error running createContainer hook #1: /bin/hook: no end after 5 s",
		  STEP_HOOK_HOST, CHECK_HOOK_TIME, 0, ERR_SPEC },
		{ "bad luck",
		  "error running startContainer hook #0: /bin/hook: exit status 0, output: bad luck",
		  STEP_HOOK_INSIDE, CHECK_HOOK, 0, ERR_SPEC },
		{ "",
		  "error running startContainer hook #0: /bin/hook: clone3: resource temporarily "
		  "unavailable",
		  STEP_HOOK_INSIDE, CALL_CLONE, EAGAIN, ERR_SPEC },
		{ "/dev/null",
		  "mask /proc/keys (linux.maskedPaths[0]): /dev/null not the null device (1:3)",
		  STEP_MASK, CHECK_NULL, 0, ERR_KERNEL },
		{ "", "no-new-privs: prctl: invalid argument", STEP_BARE, CALL_PRCTL, EINVAL,
		  ERR_KERNEL },
	};

	(void)unused;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct err e = report(cases[i].step, cases[i].call, cases[i].error, cases[i].text);

		assert_string_equal(e.text, cases[i].want);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(strchr(e.text, '\n') != NULL, 0);
	}
}

static void a_mount_names_its_place_and_its_path(void **unused)
{
	struct err e = report(STEP_MOUNT, CALL_FSCONFIG, EINVAL, "size=big: tmpfs: Bad value");

	(void)unused;
	assert_string_equal(e.text, "error during container init: error mounting /tmp "
	                            "(mounts[2]): size=big: tmpfs: Bad value fsconfig: "
	                            "invalid argument");
	assert_string_equal(e.hint, "the filesystem does not know this option or its value");
	e = report(STEP_BIND, CALL_OPEN_TREE, ENOENT, "/host/data");
	assert_string_equal(e.text, "error during container init: error mounting /data "
	                            "(mounts[3]): /host/data open_tree: no such file or directory");
	assert_int_equal(e.sys, ENOENT);
}

static void what_is_missing_is_hinted(void **unused)
{
	struct err e = report(STEP_EXECVE, CALL_EXECVE, ENOENT, "/tool (interpreter /lib/ld.so)");

	(void)unused;
	assert_string_equal(e.text, "exec /tool: no such file or directory");
	assert_string_equal(e.hint, "interpreter /lib/ld.so is missing");
	e = report(STEP_EXECVE, CALL_EXECVE, ENOENT, "/tool (interpreter /bin/sh\r)");
	assert_non_null(strstr(e.hint, "carriage return"));
	e = report(STEP_EXECVE, CALL_EXECVE, ENOEXEC, "/tool (e_machine 183)");
	assert_string_equal(e.hint, "it is a program for aarch64");
	e = report(STEP_EXECVE, CALL_EXECVE, ENOEXEC, "/tool");
	assert_true(e.hint[0] != '\0');
}

/* Whatever a mount may fail with is explained; of a read, its words do. */
static void a_mount_has_a_hint_for_each_errno(void **unused)
{
	static const struct {
		uint32_t call;
		int error;
	} cases[] = {
		{ CALL_FSOPEN, ENODEV },     { CALL_FSOPEN, EPERM },
		{ CALL_FSCONFIG, EINVAL },   { CALL_FSCONFIG, EPERM },
		{ CALL_FSCONFIG, EBUSY },    { CALL_FSCONFIG, ENOENT },
		{ CALL_FSCONFIG, ENOTDIR },  { CALL_FSCONFIG, ELOOP },
		{ CALL_FSMOUNT, EPERM },     { CALL_FSMOUNT, EBUSY },
		{ CALL_MOVE_MOUNT, EINVAL }, { CALL_MOVE_MOUNT, ELOOP },
		{ CALL_MOVE_MOUNT, ENOSPC },
	};

	(void)unused;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct err e = report(STEP_MOUNT, cases[i].call, cases[i].error, "tmpfs");

		assert_true(e.hint[0] != '\0');
		assert_string_equal(e.pointer, "/mounts/2");
		assert_string_equal(e.phase, "mount");
		assert_int_equal(e.sys, cases[i].error);
	}
	struct err e = report(STEP_BIND, CALL_OPEN, ENOENT, "/host/data");
	assert_string_equal(e.hint, "the source of a bind must exist on the host");
	e = report(STEP_BIND, CALL_OPEN, ENOENT, "/data");
	assert_string_equal(e.hint, "");
	e = report(STEP_BIND, CALL_READ, EIO, "/data");
	assert_string_equal(e.hint, "");
	/* one for the errno alone never takes the place of the call's */
	e = report(STEP_BIND, CALL_MOVE_MOUNT, ENOSPC, "/data");
	assert_non_null(strstr(e.hint, "fs.mount-max"));
}

static void numbers_beyond_the_plan(void **unused)
{
	static const uint32_t steps[] = { STEPS, 1000000, UINT32_MAX };

	(void)unused;
	for (size_t i = 0; i < LEN(steps); i++) {
		struct err e = report(steps[i], CALL_READ, EIO, "x");

		assert_string_equal(e.text, "caisson-init: x: read: input/output error");
		assert_int_equal(e.kind, ERR_KERNEL);
	}
}

/* Every step with every call and wild numbers: one text, of bounded length. */
static void every_lie_gets_some_words(void **unused)
{
	static const uint32_t calls[] = { CHECK_PROTOCOL + 1, 1000, INT_MAX, UINT32_MAX };
	static const int errors[] = { 0, 1, 133, 4096, -1, INT_MIN, INT_MAX };

	(void)unused;
	for (uint32_t step = 0; step <= STEPS; step++) {
		for (uint32_t i = 0; i <= CHECK_PROTOCOL + LEN(calls); i++) {
			uint32_t call = i <= CHECK_PROTOCOL ? i : calls[i - CHECK_PROTOCOL - 1];

			for (size_t k = 0; k < LEN(errors); k++) {
				struct err e = report(step, call, errors[k], "text");

				assert_true(e.text[0] != '\0' && e.kind != ERR_NONE);
			}
		}
	}
}

static void text_without_an_end(void **unused)
{
	(void)unused;
	for (uint32_t step = 0; step <= STEPS; step++) {
		/* at the end of an allocation, where a sanitizer sees the next byte read */
		struct frame *f = malloc(sizeof(*f));
		struct err e = { 0 };

		assert_non_null(f);
		*f = frame(step, step == STEP_EXECVE ? CALL_EXECVE : CALL_OPEN, ENOENT, "");
		memset(f->text, '%', sizeof(f->text));
		assert_int_equal(report_error(plan(), f, &e), -1);
		assert_true(strlen(e.text) < 1000 && strlen(e.hint) < ERR_HINT_MAX);
		f->call = CHECK_HOOK;
		f->value = INT64_MIN;
		assert_int_equal(report_error(plan(), f, &e), -1);
		free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plan_is_one),
		cmocka_unit_test(words_that_engines_match),
		cmocka_unit_test(a_mount_names_its_place_and_its_path),
		cmocka_unit_test(what_is_missing_is_hinted),
		cmocka_unit_test(a_mount_has_a_hint_for_each_errno),
		cmocka_unit_test(numbers_beyond_the_plan),
		cmocka_unit_test(every_lie_gets_some_words),
		cmocka_unit_test(text_without_an_end),
	};

	return cmocka_run_group_tests(tests, build_plan, drop_plan);
}
