/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queue reports come on depends on the driver. The specification numbers all five
 * queues, whether their features are offered or not; Linux (6.12, as others before) leaves no
 * gaps, so that with our features its third one is for reports. As the two in between are for
 * features that are not offered, each queue behind the first two is taken for that one.
 */
#include "vm-sandbox/balloon.h"

#include <linux/virtio_balloon.h>

enum {
	DEVICE_ID = 5,
	CLASS = 0x058000, /* memory, other */
	QUEUE_INFLATE = 0,
	QUEUE_DEFLATE = 1,
	QUEUES = 5,
	BALLOON_SIZE = 8,
	REPORT_SIZE = 32, /* Linux reports that many ranges at once, and wants room for them */
};

static void discard(const struct iovec *range)
{
	guest_memory_discard(range->iov_base, range->iov_len);
}

/* As many chains as the queue has entries; the driver notifies for each that it adds. Pages
 * that are put into the balloon, which nobody asks for, stay where they are. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	bool report = queue != QUEUE_INFLATE && queue != QUEUE_DEFLATE;
	struct virtq_chain chain;

	for (int i = 0; i < d->queue[queue].size && virtio_take(d, queue, &chain); i++) {
		for (unsigned int n = 0; report && n < chain.writable; n++)
			discard(&chain.iov[chain.readable + n]);
		virtio_give(d, queue, chain.head, 0);
	}
	virtio_signal(d, queue);
}

const struct virtio_kind balloon_kind = {
	.id = DEVICE_ID,
	.features = 1u << VIRTIO_BALLOON_F_REPORTING,
	.pci_class = CLASS,
	.queues = QUEUES,
	.queue_size = { BALLOON_SIZE, BALLOON_SIZE, REPORT_SIZE, REPORT_SIZE, REPORT_SIZE },
	.notify = notify,
};
