/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: a queue of FUSE requests, and one of those that shall not wait behind them
 * (FORGET, INTERRUPT). Source: virtio 1.2, section 5.11.
 */
#pragma once

#include "vm-sandbox/fs.h"
#include "vm-sandbox/virtio.h"

enum { FS_TAG_ROOM = 36 };

struct fs_device {
	struct virtio_device device; /* first */
	struct fs_worker *worker;    /* lent */
	char tag[FS_TAG_ROOM];       /* what the guest mounts; no NUL when it is full */
};

/* ERR_BUG when the tag is empty or has more than FS_TAG_ROOM bytes. */
MUST_CHECK int fs_device_init(struct fs_device *f, const char *tag, struct fs_worker *worker,
                              const struct guest_memory *m, struct err *e);
