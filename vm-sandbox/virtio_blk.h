/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk: a file or a block device of the host's as the guest's disk. What the guest has
 * written is on the host's disk when it has asked for that (FLUSH), or at once where its driver
 * cannot ask. It reaches no byte behind the size that the device had at first, and none at all
 * for writing where the device is read-only; the descriptor should be so, too.
 *
 * A request is carried out where the guest asks, as those to the file server are. There is no
 * state beside the queue.
 *
 * Source: virtio 1.2, section 5.2.
 */
#pragma once

#include "base/err.h"
#include "vm-sandbox/virtio.h"

enum { BLK_SECTOR = 512 };

struct blk_setup {
	int fd;           /* lent */
	uint64_t sectors; /* blk_sectors() */
	bool read_only;
};

struct blk {
	struct virtio_device device; /* first */
	struct blk_setup setup;
};

/* How many sectors there are in a file or a block device: ERR_SPEC where it is none of both, is
 * empty, or ends within a sector. */
MUST_CHECK int blk_sectors(int fd, uint64_t *ret, struct err *e);

void blk_init(struct blk *b, const struct blk_setup *setup, const struct guest_memory *m);
