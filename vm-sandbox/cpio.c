/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/cpio.h"

#include <string.h>
#include <sys/stat.h>

enum { ALIGNMENT = 4 };

static void entry(struct cpio *c, const char *path, uint32_t inode, mode_t mode, size_t size,
                  unsigned int major, unsigned int minor)
{
	/* magic, inode, mode, uid, gid, links, mtime, size, device (2), rdevice (2), name's
	 * length with its NUL, checksum */
	buf_printf(c->to, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", inode,
	           mode, 0, 0, 1, 0, size, 0, 0, major, minor, strlen(path) + 1, 0);
	buf_add(c->to, path, strlen(path) + 1);
	buf_align(c->to, ALIGNMENT);
}

void cpio_folder(struct cpio *c, const char *path, mode_t permissions)
{
	entry(c, path, ++c->inode, S_IFDIR | permissions, 0, 0, 0);
}

void cpio_file(struct cpio *c, const char *path, mode_t permissions, const void *data, size_t len)
{
	entry(c, path, ++c->inode, S_IFREG | permissions, len, 0, 0);
	buf_add(c->to, data, len);
	buf_align(c->to, ALIGNMENT);
}

void cpio_device(struct cpio *c, const char *path, mode_t mode, unsigned int major,
                 unsigned int minor)
{
	entry(c, path, ++c->inode, mode, 0, major, minor);
}

void cpio_end(struct cpio *c)
{
	entry(c, "TRAILER!!!", 0, 0, 0, 0, 0);
}
