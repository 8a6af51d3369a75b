/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between the console's port in the guest and a stream socket of the host. The guest
 * is held up when the socket's reader is slow, and the other way round; neither holds up a
 * vCPU or makes anything grow.
 *
 * The guest's side comes from a vCPU's thread, the socket's from the monitor's: all calls
 * are made with the machine's lock around the devices held.
 */
#pragma once

#include "vm-sandbox/console.h"

enum { AGENT_PORT_ROOM = 64 << 10 }; /* more than a driver's longest message */

struct agent_port {
	struct console *console;
	int socket;                 /* lent; -1: what the guest says is dropped */
	int wake;                   /* an eventfd: ask agent_port_events again */
	bool heard;                 /* the agent has said something */
	void (*first)(void *owner); /* called when it does so first */
	/* something of the other end's has come, and is about to reach the guest; NULL: never mind
	 */
	void (*taken)(void *owner);
	void *owner;
	bool refused; /* a message waits in the guest's queue for room */
	size_t to_socket_start, to_socket_len, to_guest_start, to_guest_len;
	uint8_t to_socket[AGENT_PORT_ROOM], to_guest[AGENT_PORT_ROOM];
};

/* Takes the console's callbacks. The caller has set `first`, `taken`, `owner` and zeroed the rest.
 */
MUST_CHECK int agent_port_init(struct agent_port *p, struct console *c, int socket, struct err *e);
void agent_port_done(struct agent_port *p);

/* What is to be waited for on the socket (poll(2)). */
short agent_port_events(const struct agent_port *p);

/* Has whoever waits look at everything again. */
void agent_port_wake(const struct agent_port *p);

/* Moves what can be moved, after the socket or `wake` was ready: false when the owner of the
 * socket's other end is gone. */
bool agent_port_move(struct agent_port *p);
