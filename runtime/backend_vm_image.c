/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The type is found by a few bytes at fixed places, so that the guest gets that one's modules and
 * no others; whether it is one is the guest's to find out.
 *
 * Where the specification has the container's root in root.path, and an image for what a guest's
 * kernel boots into, the agent is what our guests boot into. A bundle with both means something
 * else than we do, and is not guessed at.
 */
#include "runtime/backend_vm_image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"

#define FIELD "vm.image.path: %s"

static const struct {
	const char *type, *magic;
	off_t at;
} types[] = {
	{ "ext4", "\x53\xef", 1080 }, /* its older forms as well */
	{ "xfs", "XFSB", 0 },
	{ "btrfs", "_BHRfS_M", 65600 },
	{ "erofs", "\xe2\xe1\xf5\xe0", 1024 },
	{ "squashfs", "hsqs", 0 },
};

static const char *find_type(int fd)
{
	for (size_t i = 0; i < LEN(types); i++) {
		size_t len = strlen(types[i].magic);
		char found[8];

		if (pread(fd, found, len, types[i].at) == (ssize_t)len &&
		    memcmp(found, types[i].magic, len) == 0)
			return types[i].type;
	}
	return NULL;
}

static int check_root(const char *path, struct err *e)
{
	DIR *d = opendir(path);
	const struct dirent *entry = NULL;

	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "root.path: open %s", path);
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			break;
	(void)closedir(d);
	if (!entry)
		return 0;
	err_set(e, ERR_REFUSED,
	        "root.path: %s is not empty, and the root of a microVM with vm.image is the image",
	        path);
	return err_hint(e, "leave vm.image out, or name an empty folder in root.path");
}

static int lock(int fd, const char *path, bool read_only, struct err *e)
{
	struct flock whole = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return err_sys(e, FIELD ": lock it", path);
	err_set(e, ERR_REFUSED, FIELD ": is in use by another microVM", path);
	return err_hint(e, "several can share one where root.readonly is true in each");
}

int vm_image_open(const struct vm_box *box, struct vm_image *ret, struct err *e)
{
	const char *path = box->settings.image;
	bool read_only = box->host->root_readonly;
	/* O_EXCL: no block device that is mounted */
	FD int fd = open(path, (read_only ? O_RDONLY : O_RDWR | O_EXCL) | O_CLOEXEC | O_NONBLOCK |
	                               O_NOCTTY);
	struct vm_image image = { .disk = { .read_only = read_only } };

	if (fd < 0)
		return err_sys(e, "vm.image.path: open %s", path);
	if (blk_sectors(fd, &image.disk.sectors, e) < 0)
		return err_in(e, FIELD, path);
	TRY(check_root(box->root, e));
	TRY(lock(fd, path, read_only, e));
	image.type = find_type(fd);
	if (!image.type)
		return err_set(e, ERR_SPEC,
		               FIELD ": no file system that a microVM knows: ext4, xfs, btrfs, "
		                     "erofs or squashfs, without partitions",
		               path);
	image.disk.fd = fd_give(&fd);
	*ret = image;
	return 0;
}
