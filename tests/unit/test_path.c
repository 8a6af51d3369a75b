/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/scope.h"
#include "unit.h"

static void cleaning_is_by_text_and_stays_below_root(void **unused)
{
	static const struct {
		const char *base, *path, *clean;
	} cases[] = {
		{ "", "/", "/" },
		{ "", "", "/" },
		{ "", "..", "/" },
		{ "", "../../..", "/" },
		{ "/b", "rootfs", "/b/rootfs" },
		{ "/b", "../x", "/x" },
		{ "/b", "/abs", "/abs" },
		{ "/b/", ".", "/b" },
		{ "/b//c/./d", "../e/", "/b/c/e" },
		{ "", "/a/..b/.c/...", "/a/..b/.c/..." },
	};
	ARENA struct arena a = { 0 };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(path_clean(&a, cases[i].base, cases[i].path), cases[i].clean);
}

static void below_means_whole_parts(void **unused)
{
	(void)unused;
	assert_true(path_is_below("/proc", "/proc"));
	assert_true(path_is_below("/proc/1", "/proc"));
	assert_false(path_is_below("/process", "/proc"));
	assert_true(path_is_below("/x", "/"));
}

/* A root with links that lead out, as a hostile image would have. */
struct root {
	char path[64];
	int fd;
};

static int make_root(void **state)
{
	static struct root root;

	(void)snprintf(root.path, sizeof(root.path), "/tmp/caisson-path.XXXXXX");
	assert_non_null(mkdtemp(root.path));
	root.fd = open(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root.fd >= 0);
	assert_int_equal(mkdirat(root.fd, "etc", 0755), 0);
	assert_int_equal(symlinkat("/etc", root.fd, "absolute"), 0);
	assert_int_equal(symlinkat("../../../../etc", root.fd, "relative"), 0);
	assert_int_equal(symlinkat("/proc/self/root", root.fd, "magic"), 0);
	*state = &root;
	return 0;
}

static int remove_root(void **state)
{
	struct root *root = *state;

	(void)unlinkat(root->fd, "absolute", 0);
	(void)unlinkat(root->fd, "relative", 0);
	(void)unlinkat(root->fd, "magic", 0);
	(void)unlinkat(root->fd, "etc", AT_REMOVEDIR);
	(void)close(root->fd);
	return rmdir(root->path);
}

static bool same_file(int a, int b)
{
	struct stat one, two;

	assert_int_equal(fstat(a, &one), 0);
	assert_int_equal(fstat(b, &two), 0);
	return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static void links_stay_in_the_root(void **state)
{
	struct root *root = *state;
	struct err e = { 0 };
	FD int inside = openat(root->fd, "etc", O_PATH | O_CLOEXEC);
	FD int outside = open("/etc", O_PATH | O_CLOEXEC);
	static const char *const links[] = { "absolute", "relative", "/../etc", "/absolute/." };

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		FD int fd = path_open_in(root->fd, links[i], O_PATH, 0, &e);

		assert_true(fd >= 0);
		assert_true(same_file(fd, inside));
		assert_false(same_file(fd, outside));
	}
	assert_int_equal(path_open_in(root->fd, "magic", O_PATH, 0, &e), -1);
	assert_int_equal(e.sys, ENOENT); /* there is no /proc in this root */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleaning_is_by_text_and_stays_below_root),
		cmocka_unit_test(below_means_whole_parts),
		cmocka_unit_test_setup_teardown(links_stay_in_the_root, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
