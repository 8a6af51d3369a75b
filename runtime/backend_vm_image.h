/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm.image: a file or a block device of the host's whose file system is the container's root. It
 * is the guest's disk; what is in it, no kernel but the guest's ever looks at.
 *
 * Who may write it has it alone: a lock lies on it as long as anybody of the microVM has it open,
 * shared where the root is read-only.
 */
#pragma once

#include "runtime/vm_box.h"
#include "vm-sandbox/virtio_blk.h"

struct vm_image {
	struct blk_setup disk;
	const char *type; /* of its file system; NULL: there is no image */
};

/* Opens that of box->settings; the caller closes disk.fd. ERR_SPEC where it has no file system
 * that a guest could know, ERR_REFUSED where another microVM has it, or where root.path is a
 * second root: its folder has to be empty, or not there. */
MUST_CHECK int vm_image_open(const struct vm_box *box, struct vm_image *ret, struct err *e);
