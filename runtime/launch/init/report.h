/* SPDX-License-Identifier: Apache-2.0 */
/* Init's end of the talk (runtime/launch/frame.h), and the way that it fails. */
#pragma once

#include <stdint.h>

#include "runtime/launch/frame.h"

/* Whom frames go to: the launcher's socket first, the starter's after START. */
void report_to(int socket);
int report_socket(void);

/* The step that errors are blamed on. */
void report_step(uint32_t index);
uint32_t report_current(void);

/* Sends FRAME_ERROR and ends init. error: errno as a positive number, 0 for none;
 * text: the path or name it failed on, may be NULL. */
_Noreturn void fail(enum frame_call call, long error, const char *text);
_Noreturn void fail_value(enum frame_call call, int64_t value, const char *text);

/* The result of a system call that has to succeed. */
static inline long must(long result, enum frame_call call, const char *text)
{
	if (__builtin_expect(result < 0, 0))
		fail(call, -result, text);
	return result;
}

/* Sends a frame, with a descriptor unless fd is -1. */
void report_send(enum frame_type type, int64_t value, const char *text, int fd);

/* Receives one frame: its type, or 0 when the peer is gone or sent what is no frame.
 * ret_fds has room for `room` descriptors; unused places are -1. */
uint32_t report_receive(int socket, int *ret_fds, uint32_t room);

/* The packet that was received last. */
const struct frame *report_received(void);

/* Waits for the network namespace that the launcher makes, and joins it. */
void report_await_network(void);

/* Waits until the launcher says that we are in our cgroup. */
void report_await_cgroup(void);

/* Waits for a frame of this type; anything else ends init. The descriptor that came
 * with it, or -1. */
int report_await(enum frame_type type);
