/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/fs_device.h"

#include <linux/virtio_fs.h>
#include <string.h>

enum {
	DEVICE_ID = 26,
	CLASS = 0x018000, /* mass storage, other */
	QUEUE_URGENT = 0,
	QUEUES = 2,
	URGENT_SIZE = 16,
	REQUEST_SIZE = 128,
};

static void config(const struct virtio_device *d, uint32_t offset, void *to, uint32_t len)
{
	const struct fs_device *f = (const struct fs_device *)(const void *)d;
	struct virtio_fs_config c = { .num_request_queues = 1 };

	memcpy(c.tag, f->tag, sizeof(c.tag));
	if (offset < sizeof(c))
		memcpy(to, (const uint8_t *)&c + offset,
		       len < sizeof(c) - offset ? len : sizeof(c) - offset);
}

/* As many requests as the queue has entries; the driver notifies for each that it adds. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	struct fs_device *f = (struct fs_device *)(void *)d;
	struct virtq_chain chain;
	bool answered = false;

	for (int i = 0; i < d->queue[queue].size && virtio_take(d, queue, &chain); i++) {
		struct fs_message m = {
			.in = chain.iov,
			.out = chain.iov + chain.readable,
			.in_count = chain.readable,
			.out_count = chain.writable,
		};

		virtio_give(d, queue, chain.head, fs_serve(f->worker, &m));
		answered = true;
	}
	if (answered)
		virtio_signal(d, queue);
}

static const struct virtio_kind fs_kind = {
	.id = DEVICE_ID,
	.pci_class = CLASS,
	.queues = QUEUES,
	.queue_size = { [QUEUE_URGENT] = URGENT_SIZE, REQUEST_SIZE },
	.config = config,
	.notify = notify,
};

int fs_device_init(struct fs_device *f, const char *tag, struct fs_worker *worker,
                   const struct guest_memory *m, struct err *e)
{
	size_t len = strlen(tag);

	if (len == 0 || len > FS_TAG_ROOM)
		return err_set(e, ERR_BUG, "virtio-fs tag \"%s\": 1 to %d bytes", tag, FS_TAG_ROOM);
	*f = (struct fs_device){ .worker = worker };
	memcpy(f->tag, tag, len);
	virtio_init(&f->device, &fs_kind, m);
	return 0;
}
