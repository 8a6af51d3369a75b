/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "unit.h"

static unsigned int open_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void sealed_memfds_cannot_be_changed(void **unused)
{
	struct err e = { 0 };
	char text[8] = "";
	FD int fd = fd_sealed("test", "sealed", 6, false, &e);

	(void)unused;
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 6);
	assert_string_equal(text, "sealed");
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, 0), -1);
	assert_ptr_equal(mmap(NULL, 6, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void reading_refuses_what_is_no_file(void **unused)
{
	BUF struct buf text = { 0 };
	struct err e = { 0 };
	char dir[] = "/tmp/caisson-fd.XXXXXX";

	(void)unused;
	assert_non_null(mkdtemp(dir));
	FD int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
	assert_int_equal(fd_read_file(folder, "fifo", 10, &text, &e), -1); /* and does not block */
	assert_string_equal(e.text, "fifo is not a regular file");
	assert_int_equal(fd_read_file(folder, ".", 10, &text, &e), -1);
	assert_int_equal(fd_read_file(AT_FDCWD, "/dev/zero", 10, &text, &e), -1);
	assert_int_equal(fd_read_file(folder, "none", 10, &text, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	assert_int_equal(unlinkat(folder, "fifo", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void files_are_replaced_whole(void **unused)
{
	BUF struct buf text = { 0 };
	struct err e = { 0 };
	char dir[] = "/tmp/caisson-fd.XXXXXX";

	(void)unused;
	assert_non_null(mkdtemp(dir));
	FD int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fd_replace_file(folder, "f", 0600, "long text", 9, &e), 0);
	assert_int_equal(fd_replace_file(folder, "f", 0600, "short", 5, &e), 0);
	assert_int_equal(fd_read_file(folder, "f", 100, &text, &e), 0);
	assert_string_equal(text.data, "short");
	assert_int_equal(fd_read_file(folder, "f", 4, &text, &e), -1); /* over the limit */
	assert_int_equal(faccessat(folder, "f.tmp", F_OK, 0), -1);
	assert_int_equal(unlinkat(folder, "f", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* What lies where the new file is written: a killed command's, or a trap. */
static void replacing_is_not_led_astray(void **unused)
{
	char dir[] = "/tmp/caisson-fd.XXXXXX", longest[5000];
	struct err e = { 0 };
	struct stat st;

	(void)unused;
	assert_non_null(mkdtemp(dir));
	FD int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkfifoat(folder, "f.tmp", 0600), 0); /* would never open */
	assert_int_equal(fd_replace_file(folder, "f", 0600, "x", 1, &e), 0);
	assert_int_equal(mkfifoat(folder, "victim", 0644), 0);
	assert_int_equal(symlinkat("victim", folder, "f.tmp"), 0);
	assert_int_equal(fd_replace_file(folder, "f", 0600, "y", 1, &e), 0);
	assert_int_equal(fstatat(folder, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 1);
	assert_int_equal(fstatat(folder, "f.tmp", &st, AT_SYMLINK_NOFOLLOW), -1);
	/* a folder is not replaced, and nothing is left beside it */
	assert_int_equal(mkdirat(folder, "g", 0700), 0);
	assert_int_equal(fd_replace_file(folder, "g", 0600, "x", 1, &e), -1);
	assert_int_equal(e.sys, EISDIR);
	assert_int_equal(fstatat(folder, "g.tmp", &st, AT_SYMLINK_NOFOLLOW), -1);
	/* a path that is too long is cut nowhere: the cut one would be another file's */
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(fd_replace_file(folder, longest, 0600, "x", 1, &e), -1);
	assert_int_equal(e.sys, ENAMETOOLONG);
	for (size_t i = 0; i < 2500; i++)
		memcpy(longest + 2 * i, "./", i < 2499 ? 2 : 0);
	memcpy(longest + 600, "f", 2);
	assert_int_equal(fd_replace_file(folder, longest, 0600, "long", 4, &e), 0);
	assert_int_equal(fstatat(folder, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_size, 4);

	assert_int_equal(unlinkat(folder, "f", 0), 0);
	assert_int_equal(unlinkat(folder, "victim", 0), 0);
	assert_int_equal(unlinkat(folder, "g", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void descriptors_pass_and_none_is_leaked(void **unused)
{
	struct err e = { 0 };
	int pair[2], got[2];
	size_t count = 2;
	char text[16];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	const int three[] = { 0, 1, 2 };
	assert_int_equal(fd_send(pair[0], "hi", 2, three, 2, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, sizeof(text), got, &count, &e), 2);
	assert_int_equal(count, 2);
	assert_int_equal(fcntl(got[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(got[0]);
	(void)close(got[1]);

	/* more than there is room for: the rest is closed, not leaked */
	unsigned int before = open_fds();
	count = 1;
	assert_int_equal(fd_send(pair[0], "hi", 2, three, 3, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, sizeof(text), got, &count, &e), 2);
	assert_int_equal(count, 1);
	(void)close(got[0]);
	assert_int_equal(open_fds(), before);

	/* a packet that is too long is refused whole */
	count = 2;
	assert_int_equal(fd_send(pair[0], "0123456789abcdefgh", 18, three, 1, &e), 0);
	assert_int_equal(fd_receive(pair[1], text, sizeof(text), got, &count, &e), -1);
	assert_int_equal(count, 0);
	assert_int_equal(got[0], -1); /* a number would be closed once more */
	assert_int_equal(open_fds(), before);
	(void)close(pair[0]);
	assert_int_equal(fd_receive(pair[1], text, sizeof(text), NULL, NULL, &e), 0);
	(void)close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memfds_cannot_be_changed),
		cmocka_unit_test(reading_refuses_what_is_no_file),
		cmocka_unit_test(files_are_replaced_whole),
		cmocka_unit_test(replacing_is_not_led_astray),
		cmocka_unit_test(descriptors_pass_and_none_is_leaked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
