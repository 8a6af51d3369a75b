/* SPDX-License-Identifier: Apache-2.0 */
/* What engines read: one line a failure, in the shape that they parse. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "unit.h"

/* Runs log_err on a message with a --log file; gives what file and stderr got. */
static void log_to_file(bool json, const char *message, char *file, char *err_text, size_t room)
{
	char path[] = "/tmp/caisson-log.XXXXXX", err_path[] = "/tmp/caisson-err.XXXXXX";
	struct err e = { 0 };
	BUF struct buf b = { 0 };
	int saved = dup(STDERR_FILENO);
	FD int log_file = mkstemp(path);
	FD int err_file = mkstemp(err_path);

	assert_int_equal(log_open(path, json, LOG_ERROR, &e), 0);
	assert_int_equal(dup2(err_file, STDERR_FILENO), STDERR_FILENO);
	(void)err_set(&e, ERR_SPEC, "%s", message);
	log_err(&e);
	log_warn("not at this level");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved);

	assert_int_equal(fd_read_file(AT_FDCWD, path, room, &b, &e), 0);
	(void)snprintf(file, room, "%s", b.data);
	buf_done(&b);
	assert_int_equal(fd_read_file(AT_FDCWD, err_path, room, &b, &e), 0);
	(void)snprintf(err_text, room, "%s", b.data);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(err_path), 0);
}

static void json_is_one_line_that_begins_with_three_keys(void **unused)
{
	char file[1024], bare[1024];

	(void)unused;
	log_to_file(true, "exec: \"no\nsuch\": a\\b", file, bare, sizeof(file));
	assert_int_equal(
		strncmp(file,
	                "{\"level\":\"error\",\"msg\":\"exec: \\\"no\\u000asuch\\\": "
	                "a\\\\b\",\"time\":\"20",
	                strlen("{\"level\":\"error\",\"msg\":\"exec: \\\"no\\u000asuch\\\": "
	                       "a\\\\b\",\"time\":\"20")),
		0);
	assert_string_equal(strstr(file, "Z\""), "Z\",\"phase\":\"config\"}\n");
	assert_ptr_equal(strchr(file, '\n'), file + strlen(file) - 1);
	/* stderr has the bare message: quotes as they are, no control characters */
	assert_string_equal(bare, "exec: \"no\\u000asuch\": a\\b\n");
}

static void text_is_logfmt(void **unused)
{
	char file[1024], bare[1024];

	(void)unused;
	log_to_file(false, "bad \"x\"", file, bare, sizeof(file));
	assert_int_equal(strncmp(file, "time=\"20", 8), 0);
	assert_non_null(strstr(file, "Z\" level=error msg=\"bad \\\"x\\\"\"\n"));
	assert_string_equal(bare, "bad \"x\"\n");
}

/* A fifo that nobody reads would hold the command for ever. */
static void a_log_that_nobody_reads(void **unused)
{
	char dir[] = "/tmp/caisson-log.XXXXXX", path[64];
	struct err e = { 0 };

	(void)unused;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(log_open(path, false, LOG_ERROR, &e), -1);
	assert_int_equal(e.sys, ENXIO);
	assert_int_equal(log_open(dir, false, LOG_ERROR, &e), -1);
	assert_int_equal(e.sys, EISDIR);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_one_line_that_begins_with_three_keys),
		cmocka_unit_test(text_is_logfmt),
		cmocka_unit_test(a_log_that_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
