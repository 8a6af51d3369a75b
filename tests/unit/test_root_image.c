/* SPDX-License-Identifier: Apache-2.0 */
/* backend_vm_image.c: which images a microVM's root can be, and who has one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"
#include "runtime/backend_vm_image.h"
#include "unit.h"

static char top[] = "/tmp/test_root_image.XXXXXX";
static char image[64], root[64], inside[80];
static struct oci_config config;
static struct vm_box box;

static int make_top(void **unused)
{
	(void)unused;
	assert_non_null(mkdtemp(top));
	(void)snprintf(image, sizeof(image), "%s/image", top);
	(void)snprintf(root, sizeof(root), "%s/root", top);
	(void)snprintf(inside, sizeof(inside), "%s/inside", root);
	return 0;
}

static int remove_top(void **unused)
{
	(void)unused;
	(void)unlink(image);
	(void)unlink(inside);
	(void)rmdir(root);
	return rmdir(top);
}

static void put(const char *magic, size_t len, off_t at, off_t size)
{
	FD int fd = open(image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, magic, len, at), (ssize_t)len);
	assert_int_equal(ftruncate(fd, size), 0);
}

/* An error, or the type. */
static const char *open_it(bool read_only, int *fd)
{
	static struct err e;
	struct vm_image got = { 0 };

	config.root_readonly = read_only;
	box = (struct vm_box){ .settings.image = image, .host = &config, .root = root };
	e = (struct err){ 0 };
	*fd = -1;
	if (vm_image_open(&box, &got, &e) < 0) {
		assert_true(e.kind != ERR_NONE);
		return e.text;
	}
	*fd = got.disk.fd;
	assert_int_equal(got.disk.read_only, read_only);
	assert_int_equal(fcntl(got.disk.fd, F_GETFL) & O_ACCMODE, read_only ? O_RDONLY : O_RDWR);
	return got.type;
}

static const char *type_of(void)
{
	int fd;
	const char *said = open_it(false, &fd);

	fd_drop(&fd);
	return said;
}

static void says(const char *said, const char *words)
{
	if (strncmp(said, "vm.image.path: ", 15) != 0 || !strstr(said, words))
		fail_msg("\"%s\" does not say \"%s\"", said, words);
}

static void the_file_system_is_found(void **unused)
{
	(void)unused;
	put("\x53\xef", 2, 1080, 1 << 20);
	assert_string_equal(type_of(), "ext4");
	put("XFSB", 4, 0, 1 << 20);
	assert_string_equal(type_of(), "xfs");
	put("_BHRfS_M", 8, 65600, 1 << 20);
	assert_string_equal(type_of(), "btrfs");
	put("\xe2\xe1\xf5\xe0", 4, 1024, 4096);
	assert_string_equal(type_of(), "erofs");
	put("hsqs", 4, 0, 4096);
	assert_string_equal(type_of(), "squashfs");
}

static void what_is_no_image_is_refused(void **unused)
{
	(void)unused;
	says(type_of(), "no such file or directory");
	put("\x53\xef", 2, 1081, 1 << 20);
	says(type_of(), "no file system that a microVM knows");
	put("_BHRfS_", 7, 65600, 65600 + 8 + 440);
	says(type_of(), "no file system that a microVM knows");
	put("XFSB", 4, 0, 512); /* shorter than other magic numbers' places */
	assert_string_equal(type_of(), "xfs");
	put("XFSB", 4, 0, 1000);
	says(type_of(), "1000 bytes: it has to be a multiple of 512");
	put("", 0, 0, 0);
	says(type_of(), "0 bytes");
	assert_int_equal(unlink(image), 0);
	assert_int_equal(mkfifo(image, 0600), 0);
	says(type_of(), "neither a file nor a block device");
	assert_int_equal(unlink(image), 0);
	assert_int_equal(symlink("/dev/null", image), 0);
	says(type_of(), "neither a file nor a block device");
}

/* Each has the descriptors of its own opening, as two microVMs have. */
static void who_writes_has_it_alone(void **unused)
{
	int first, second, third;

	(void)unused;
	put("XFSB", 4, 0, 4096);
	assert_string_equal(open_it(false, &first), "xfs");
	says(open_it(false, &second), "is in use by another microVM");
	says(open_it(true, &second), "is in use by another microVM");
	/* a copy of the descriptor keeps it, as a monitor's does */
	int copy = dup(first);
	fd_drop(&first);
	says(open_it(true, &second), "is in use by another microVM");
	fd_drop(&copy);
	assert_string_equal(open_it(true, &first), "xfs");
	assert_string_equal(open_it(true, &second), "xfs");
	says(open_it(false, &third), "is in use by another microVM");
	fd_drop(&first);
	fd_drop(&second);
	assert_string_equal(open_it(false, &third), "xfs");
	fd_drop(&third);
}

static void there_is_one_root(void **unused)
{
	const char *said;

	(void)unused;
	put("XFSB", 4, 0, 4096);
	assert_int_equal(mkdir(root, 0755), 0);
	assert_string_equal(type_of(), "xfs");
	assert_int_equal(symlink("nowhere", inside), 0);
	said = type_of();
	assert_int_equal(strncmp(said, "root.path: ", 11), 0);
	assert_non_null(strstr(said, "is not empty"));
	assert_int_equal(unlink(inside), 0);
	assert_int_equal(rmdir(root), 0);
	assert_int_equal(symlink("/dev/null", root), 0);
	assert_int_equal(strncmp(type_of(), "root.path: ", 11), 0);
	assert_int_equal(unlink(root), 0);
}

static int remove_image(void **unused)
{
	(void)unused;
	(void)unlink(image);
	return 0;
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, remove_image, remove_image)
	const struct CMUnitTest tests[] = {
		CASE(the_file_system_is_found),
		CASE(what_is_no_image_is_refused),
		CASE(who_writes_has_it_alone),
		CASE(there_is_one_root),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
