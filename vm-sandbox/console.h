/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console with one named port, which the guest's agent opens as a plain stream of
 * bytes (/dev/vport0p1): the channel between it and the monitor. Port 0, which drivers
 * take for a terminal, is never added; a workload can reach neither.
 *
 * Source: virtio 1.2, section 5.3.
 */
#pragma once

#include "vm-sandbox/virtio.h"

#define CONSOLE_PORT_NAME "caisson.0"

struct console {
	struct virtio_device device; /* first */
	/* Takes a message of the guest's, all of it or nothing: false puts it back, until
	 * console_resume. */
	bool (*receive)(void *owner, const struct iovec *iov, unsigned int count, size_t len);
	/* The guest has opened or closed the port, or put up a buffer after console_send had
	 * found none. NULL: nobody wants to know. */
	void (*changed)(void *owner);
	void *owner;
	/* the state beside the queues */
	bool open;       /* the guest has the port open */
	uint8_t control; /* messages to the driver that wait for a buffer, as bits */
};

void console_init(struct console *c, const struct guest_memory *m);

/* Sends bytes into the buffers that the guest has put up: how many had room, 0 when there
 * is no room or the port is not open. */
size_t console_send(struct console *c, const void *data, size_t len);

/* Offers again what `receive` did not take. */
void console_resume(struct console *c);
