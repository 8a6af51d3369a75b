/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard streams of one of the guest's processes, between descriptors of the host's and
 * a peer: the agent's client, or for an exec the monitor. Nothing here waits: what comes from
 * the guest is kept, never more than a window of each stream, until somebody reads it; then
 * the guest gets its credit back. Who stops reading for good, or has nothing more to write, is
 * known to the program as well.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>

#include "vm-sandbox/channel.h"
#include "vm-sandbox/protocol.h"

enum { VM_STREAMS_INPUT = 16384, VM_STREAMS_POLLS = 3 };

/* Where the bytes go to, and come from. */
struct vm_streams_peer {
	size_t (*input)(void *peer, const void *data, size_t len); /* how many were taken */
	void (*input_end)(void *peer);
	void (*consumed)(void *peer, enum agent_stream which, uint32_t len);
	void (*output_end)(void *peer, enum agent_stream which); /* nobody reads it any more */
};

struct vm_streams {
	const struct vm_streams_peer *calls;
	void *peer;
	bool open;  /* input is read: the program runs */
	int in;     /* -1: none, or it has ended */
	int out[2]; /* standard output and error; -1: none, or nobody reads it */
	size_t in_len;
	uint8_t in_data[VM_STREAMS_INPUT]; /* that the guest has not taken */
	bool out_ends[2];                  /* behind what is kept */
	size_t out_start[2], out_len[2];
	uint8_t out_data[2][CHANNEL_WINDOW];
};

/* The descriptors belong to it from now on. */
void vm_streams_init(struct vm_streams *s, const struct vm_streams_peer *calls, void *peer,
                     const int fds[3]);
void vm_streams_done(struct vm_streams *s);

/* Forgets those that are /dev/null: the guest has one of its own. AGENT_HAS_* of the others. */
uint32_t vm_streams_leave_null(struct vm_streams *s);

/* --- what the peer tells ------------------------------------------------------------------- */

void vm_streams_output(struct vm_streams *s, enum agent_stream which, const uint8_t *data,
                       size_t len);
/* Nothing more comes: whoever reads is told when all is passed on. */
void vm_streams_output_ended(struct vm_streams *s, enum agent_stream which);
void vm_streams_input_writable(struct vm_streams *s);
void vm_streams_input_closed(struct vm_streams *s);

/* --- the loop ------------------------------------------------------------------------------- */

void vm_streams_ask(const struct vm_streams *s, struct pollfd ret[VM_STREAMS_POLLS]);
void vm_streams_serve(struct vm_streams *s, const struct pollfd p[VM_STREAMS_POLLS]);

/* All that has come was passed on. */
bool vm_streams_are_empty(const struct vm_streams *s);
