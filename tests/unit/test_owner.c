/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c: a mark is one container's, and nobody else's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/owner.h"
#include "unit.h"

/* A cgroup2 tree, unified or next to version 1. */
static const char *const trees[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

static char group[64];

/* cmocka counts a failing setup as a failure; a missing tree is none */
static int make_group(void **unused)
{
	char path[64];

	(void)unused;
	for (size_t i = 0; i < LEN(trees); i++) {
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", trees[i]);
		if (access(path, F_OK) < 0)
			continue;
		(void)snprintf(group, sizeof(group), "%s/caisson-owner.XXXXXX", trees[i]);
		if (mkdtemp(group))
			return 0;
	}
	print_message("no cgroup2 tree in which a group can be made: %s\n", strerror(errno));
	group[0] = '\0';
	return 0;
}

static int remove_group(void **unused)
{
	(void)unused;
	return group[0] ? rmdir(group) : 0;
}

static int mark(int cgroup, int folder, const char *id, struct err *e)
{
	struct stat st;

	assert_int_equal(fstat(folder, &st), 0);
	return owner_mark(cgroup, &st, id, e);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void a_mark_is_of_one_container(void **unused)
{
	char one[] = "/tmp/caisson-owner.XXXXXX", two[] = "/tmp/caisson-owner.XXXXXX";
	struct err e = { 0 };

	(void)unused;
	if (!group[0])
		skip();
	assert_non_null(mkdtemp(one));
	assert_non_null(mkdtemp(two));
	FD int cgroup = open_folder(group);
	FD int folder = open_folder(one);
	FD int other = open_folder(two);

	assert_int_equal(owner_is(cgroup, folder, "c", &e), 0); /* there is none yet */
	assert_int_equal(mark(cgroup, folder, "c", &e), 0);
	assert_int_equal(owner_is(cgroup, folder, "c", &e), 1);
	assert_int_equal(owner_is(cgroup, other, "c", &e), 0);
	assert_int_equal(owner_is(cgroup, folder, "d", &e), 0);
	/* the folder under another name is the same folder */
	FD int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(owner_is(cgroup, again, "c", &e), 1);
	/* who takes an empty group over marks it anew */
	assert_int_equal(mark(cgroup, other, "d", &e), 0);
	assert_int_equal(owner_is(cgroup, folder, "c", &e), 0);
	assert_int_equal(owner_is(cgroup, other, "d", &e), 1);
	assert_int_equal(rmdir(one), 0);
	assert_int_equal(rmdir(two), 0);
}

/* A group that was given to the container: what it may write counts for nothing. */
static void a_container_cannot_forge_it(void **unused)
{
	static const char name[] = "user.caisson", forged[] = "0:0 c";
	struct err e = { 0 };

	(void)unused;
	if (!group[0])
		skip();
	FD int cgroup = open_folder(group);
	FD int folder = open_folder("/tmp");
	FD int other = open_folder("/");
	assert_int_equal(mark(cgroup, folder, "c", &e), 0);
	if (fgetxattr(cgroup, "trusted.caisson", NULL, 0) < 0) {
		print_message("skipped: no rights over the host\n");
		skip();
	}
	assert_int_equal(fsetxattr(cgroup, name, forged, sizeof(forged) - 1, 0), 0);
	assert_int_equal(owner_is(cgroup, folder, "c", &e), 1);
	assert_int_equal(owner_is(cgroup, other, "c", &e), 0);
	assert_int_equal(fremovexattr(cgroup, name), 0);
	assert_int_equal(owner_is(cgroup, folder, "c", &e), 1);
}

static void long_ids(void **unused)
{
	char id[1025];
	struct err e = { 0 };

	(void)unused;
	if (!group[0])
		skip();
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	FD int cgroup = open_folder(group);
	FD int folder = open_folder("/tmp");
	assert_int_equal(mark(cgroup, folder, id, &e), 0);
	assert_int_equal(owner_is(cgroup, folder, id, &e), 1);
	assert_int_equal(owner_is(cgroup, folder, "x", &e), 0);
}

static void what_cannot_be_marked(void **unused)
{
	struct err e = { 0 };
	FD int proc = open_folder("/proc");
	FD int folder = open_folder("/tmp");

	(void)unused;
	assert_int_equal(mark(proc, folder, "c", &e), -1);
	assert_int_equal(e.kind, ERR_KERNEL);
	e = (struct err){ 0 };
	assert_int_equal(owner_is(proc, folder, "c", &e), -1);
	assert_int_equal(e.kind, ERR_KERNEL);
	assert_int_equal(owner_is(-1, folder, "c", &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_of_one_container),
		cmocka_unit_test(a_container_cannot_forge_it),
		cmocka_unit_test(long_ids),
		cmocka_unit_test(what_cannot_be_marked),
	};

	return cmocka_run_group_tests(tests, make_group, remove_group);
}
