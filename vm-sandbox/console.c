/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver and the device agree about ports by control messages:
 *
 *	driver                      device
 *	DEVICE_READY           ->
 *	                       <-   PORT_ADD 1
 *	PORT_READY 1           ->
 *	                       <-   PORT_NAME 1, PORT_OPEN 1
 *	PORT_OPEN 1 (or not)   ->   when the agent opens and closes it
 *
 * What the device has to say waits as bits until there is a buffer for it, so a driver
 * that asks a million times makes nothing grow.
 *
 * The receive queues tell the driver to notify nobody: it would, for each buffer it puts
 * up, with an exit each. The device looks there when it has something to send; only where
 * that found no room does it want to know.
 */
#include "vm-sandbox/console.h"

#include <linux/virtio_console.h>
#include <string.h>

enum {
	DEVICE_ID = 3,
	CLASS = 0x078000, /* communication controller, other */
	QUEUE_SIZE = 16,
	PORTS = 2,
	PORT = 1,

	QUEUE_CONTROL_IN = 2, /* towards the driver */
	QUEUE_CONTROL_OUT = 3,
	QUEUE_IN = 4,
	QUEUE_OUT = 5,
	QUEUES = 6,

	/* the bits of console.control, in the order in which they are sent */
	SAY_ADD = 1 << 0,
	SAY_NAME = 1 << 1,
	SAY_OPEN = 1 << 2,
};

static struct console *of(struct virtio_device *d)
{
	return (struct console *)(void *)d;
}

static void config(const struct virtio_device *d, uint32_t offset, void *to, uint32_t len)
{
	static const struct virtio_console_config c = { .max_nr_ports = PORTS };

	(void)d;
	if (offset < sizeof(c))
		memcpy(to, (const uint8_t *)&c + offset,
		       len < sizeof(c) - offset ? len : sizeof(c) - offset);
}

static const struct {
	uint8_t bit;
	uint16_t event, value;
	const char *name;
} messages[] = {
	{ SAY_ADD, VIRTIO_CONSOLE_PORT_ADD, 1, NULL },
	{ SAY_NAME, VIRTIO_CONSOLE_PORT_NAME, 1, CONSOLE_PORT_NAME },
	{ SAY_OPEN, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL },
};

static void say_what_waits(struct virtio_device *d)
{
	struct console *c = of(d);
	struct virtq_chain chain;
	bool said = false;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct virtio_console_control head = {
			.id = PORT,
			.event = messages[i].event,
			.value = messages[i].value,
		};
		size_t len;

		if (!(c->control & messages[i].bit))
			continue;
		if (!virtio_take_buffer(d, QUEUE_CONTROL_IN, &chain))
			break;
		len = virtq_write(&chain, 0, &head, sizeof(head));
		if (messages[i].name)
			len += virtq_write(&chain, len, messages[i].name, strlen(messages[i].name));
		virtio_give(d, QUEUE_CONTROL_IN, chain.head, (uint32_t)len);
		c->control &= (uint8_t)~messages[i].bit;
		said = true;
	}
	if (said)
		virtio_signal(d, QUEUE_CONTROL_IN);
}

static void tell(const struct console *c)
{
	if (c->changed)
		c->changed(c->owner);
}

static void hear(struct console *c, const struct virtio_console_control *said)
{
	if (said->event == VIRTIO_CONSOLE_DEVICE_READY && said->value == 1)
		c->control |= SAY_ADD;
	if (said->id != PORT)
		return;
	if (said->event == VIRTIO_CONSOLE_PORT_READY && said->value == 1)
		c->control |= SAY_NAME | SAY_OPEN;
	if (said->event == VIRTIO_CONSOLE_PORT_OPEN) {
		c->open = said->value == 1;
		tell(c);
	}
}

static void hear_all(struct virtio_device *d)
{
	struct virtq_chain chain;

	for (int i = 0; i < QUEUE_SIZE && virtio_take(d, QUEUE_CONTROL_OUT, &chain); i++) {
		struct virtio_console_control said;

		if (virtq_read(&chain, 0, &said, sizeof(said)) == sizeof(said))
			hear(of(d), &said);
		virtio_give(d, QUEUE_CONTROL_OUT, chain.head, 0);
	}
	virtio_signal(d, QUEUE_CONTROL_OUT);
	say_what_waits(d);
}

static void receive_all(struct virtio_device *d)
{
	struct console *c = of(d);
	struct virtq_chain chain;
	bool took = false;

	for (int i = 0; i < QUEUE_SIZE && virtio_take(d, QUEUE_OUT, &chain); i++) {
		if (!c->receive(c->owner, chain.iov, chain.readable, chain.readable_len)) {
			virtq_untake(&d->queue[QUEUE_OUT]);
			break;
		}
		virtio_give(d, QUEUE_OUT, chain.head, 0);
		took = true;
	}
	if (took)
		virtio_signal(d, QUEUE_OUT);
}

static void notify(struct virtio_device *d, unsigned int queue)
{
	switch (queue) {
	case QUEUE_CONTROL_IN:
		say_what_waits(d);
		break;
	case QUEUE_CONTROL_OUT:
		hear_all(d);
		break;
	case QUEUE_OUT:
		receive_all(d);
		break;
	case QUEUE_IN:
		tell(of(d));
		break;
	default:
		break;
	}
}

static void start(struct virtio_device *d)
{
	virtq_notifications(&d->queue[QUEUE_CONTROL_IN], d->memory, false);
	virtq_notifications(&d->queue[QUEUE_IN], d->memory, false);
}

static void reset(struct virtio_device *d)
{
	of(d)->open = false;
	of(d)->control = 0;
	tell(of(d));
}

static const struct virtio_kind console_kind = {
	.id = DEVICE_ID,
	.features = 1ull << VIRTIO_CONSOLE_F_MULTIPORT,
	.pci_class = CLASS,
	.queues = QUEUES,
	.queue_size = { QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE },
	.config = config,
	.start = start,
	.reset = reset,
	.notify = notify,
};

void console_init(struct console *c, const struct guest_memory *m)
{
	*c = (struct console){ 0 };
	virtio_init(&c->device, &console_kind, m);
}

size_t console_send(struct console *c, const void *data, size_t len)
{
	struct virtio_device *d = &c->device;
	struct virtq_chain chain;
	size_t sent = 0;

	if (!c->open)
		return 0;
	for (int i = 0; i < QUEUE_SIZE && sent < len && virtio_take_buffer(d, QUEUE_IN, &chain);
	     i++) {
		size_t n = virtq_write(&chain, 0, (const uint8_t *)data + sent, len - sent);

		virtio_give(d, QUEUE_IN, chain.head, (uint32_t)n);
		sent += n;
	}
	if (sent > 0)
		virtio_signal(d, QUEUE_IN);
	return sent;
}

void console_resume(struct console *c)
{
	virtio_notify(&c->device, QUEUE_OUT);
}
