/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of D-Bus as talking to one service manager takes, for this folder alone: a
 * connection without a broker, messages of our byte order, no descriptors in them.
 *
 * What is read comes from another process and is doubted byte by byte: a reader never
 * leaves its bytes, remembers that it failed, and gives zeros and "" from then on, so
 * that a sequence of reads is checked once, at its end.
 *
 * Source: D-Bus Specification 0.43, "Marshaling (Wire Format)", "Message Protocol",
 * "Authentication Protocol".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* --- writing: each value aligned as from the start of the buffer ------------------------ */

void dbus_put_u32(struct buf *b, uint32_t value);
void dbus_put_u64(struct buf *b, uint64_t value);
void dbus_put_bool(struct buf *b, bool value);
void dbus_put_string(struct buf *b, const char *text);
void dbus_put_signature(struct buf *b, const char *signature);

/* An array whose elements are aligned to `align`; close fills in its length. */
struct dbus_array {
	size_t length_at, start;
};

struct dbus_array dbus_open_array(struct buf *b, size_t align);
void dbus_close_array(struct buf *b, struct dbus_array array);

struct dbus_call {
	const char *path, *interface, *member;
	const char *signature;  /* of the body; "" without one */
	const struct buf *body; /* NULL: none */
};

/* A whole method call. */
void dbus_put_call(struct buf *b, uint32_t serial, const struct dbus_call *call);

/* --- reading ------------------------------------------------------------------------- */

struct dbus_reader {
	const uint8_t *data;
	size_t len, at;
	bool failed;
};

uint8_t dbus_get_u8(struct dbus_reader *r);
uint32_t dbus_get_u32(struct dbus_reader *r);
const char *dbus_get_string(struct dbus_reader *r);
const char *dbus_get_signature(struct dbus_reader *r);

/* Goes to the elements of an array; returns where they end. */
size_t dbus_enter_array(struct dbus_reader *r, size_t align);

/* Passes over one value of the first complete type in `signature`. */
void dbus_skip(struct dbus_reader *r, const char *signature);

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN, DBUS_ERROR, DBUS_SIGNAL };

/* Strings are in the bytes that were read; "" for a field that is not there. */
struct dbus_message {
	enum dbus_type type;
	uint32_t serial, reply_to;
	const char *path, *interface, *member, *error, *signature;
	struct dbus_reader body;
};

enum { DBUS_HEAD = 16, DBUS_MESSAGE_MAX = 4 << 20 };

/* How long a message is whose first DBUS_HEAD bytes these are; 0: it is none. */
size_t dbus_message_size(const uint8_t head[DBUS_HEAD]);

/* Reads a whole message. */
MUST_CHECK int dbus_parse(const void *data, size_t len, struct dbus_message *ret, struct err *e);

/* --- a connection ---------------------------------------------------------------------- */

/* Waits until fd can be read, at most timeout_ms. 1: it can, 0: not yet. */
typedef int dbus_wait(void *context, int fd, int timeout_ms, struct err *e);

struct dbus {
	int fd;
	uint32_t serial;
	bool authenticated;
	struct buf in;
	size_t used;      /* of `in`, by messages that were given out */
	int64_t deadline; /* cgroup_clock_ms() */
	dbus_wait *wait;
	void *context;
};

#define DBUS_NONE        \
	{                \
		.fd = -1 \
	}

/* Connects to a socket and begins to authenticate, without waiting for the answer. Whoever
 * listens there must be root's or ours. `deadline_ms` holds for all that follows. */
MUST_CHECK int dbus_open(struct dbus *d, const char *path, int deadline_ms, struct err *e);
void dbus_close(struct dbus *d);

/* Sends a call; its serial is d->serial then. */
MUST_CHECK int dbus_send(struct dbus *d, const struct dbus_call *call, struct err *e);

/* Waits until there is more to receive, and leaves it there. */
MUST_CHECK int dbus_await(struct dbus *d, struct err *e);

/* The next message, valid until the next call. ERR_STATE when the deadline passes. */
MUST_CHECK int dbus_receive(struct dbus *d, struct dbus_message *ret, struct err *e);
