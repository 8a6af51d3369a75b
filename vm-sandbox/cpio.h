/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an archive that the kernel unpacks as its first root ("newc", cpio(5);
 * Documentation/driver-api/early-userspace/buffer-format.rst). The same input makes the
 * same bytes: no time, no owner but root, inodes numbered from 1 on.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct cpio {
	struct buf *to;
	uint32_t inode;
};

/* Adds an entry; `path` has no leading slash, and its parents were added before it. */
void cpio_folder(struct cpio *c, const char *path, mode_t permissions);
void cpio_file(struct cpio *c, const char *path, mode_t permissions, const void *data, size_t len);
void cpio_device(struct cpio *c, const char *path, mode_t mode, unsigned int major,
                 unsigned int minor);

/* Ends the archive; whether memory was enough is buf_ok's to say. */
void cpio_end(struct cpio *c);
