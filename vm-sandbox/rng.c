/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/rng.h"

#include <sys/random.h>

enum {
	DEVICE_ID = 4,
	CLASS = 0x088000, /* base system peripheral, other */
	QUEUE_SIZE = 8,
	AT_ONCE = 256, /* bytes for one request, however large its buffer: as getrandom(2)
	                * gives without being interrupted */
};

/* As many requests as the queue has entries; the driver notifies for each that it adds. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	struct virtq_chain chain;

	for (int i = 0; i < QUEUE_SIZE && virtio_take(d, queue, &chain); i++) {
		uint8_t bytes[AT_ONCE];
		size_t want = chain.writable_len < AT_ONCE ? chain.writable_len : AT_ONCE;
		ssize_t got = getrandom(bytes, want, 0);

		if (got < 0)
			got = 0;
		virtio_give(d, queue, chain.head,
		            (uint32_t)virtq_write(&chain, 0, bytes, (size_t)got));
	}
	virtio_signal(d, queue);
}

const struct virtio_kind rng_kind = {
	.id = DEVICE_ID,
	.pci_class = CLASS,
	.queues = 1,
	.queue_size = { QUEUE_SIZE },
	.notify = notify,
};
