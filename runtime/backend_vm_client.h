/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's end of its connection to a microVM (backend_vm_commands.h). What comes on it is
 * the guest's word at best, so its shape is checked, and none of it is waited for longer than
 * a given time.
 */
#pragma once

#include "runtime/backend_vm_commands.h"
#include "runtime/query.h"

enum { VM_ANSWER_MS = 20000 };

struct vm_client {
	int socket;     /* -1: not open */
	uint64_t kills; /* the newest count that it was told of */
	_Alignas(8) uint8_t packet[VM_PACKET_MAX];
};

#define VM_CLIENT __attribute__((cleanup(vm_client_close)))
#define VM_CLIENT_NONE       \
	{                    \
		.socket = -1 \
	}

/* ERR_STATE where there is nobody to ask: it has ended, or is paused. */
MUST_CHECK int vm_client_open(struct vm_client *c, const struct found *f, struct err *e);
/* The same of one that is known not to be paused. `folder`: the record's. */
MUST_CHECK int vm_client_connect(struct vm_client *c, int folder, struct err *e);
void vm_client_close(struct vm_client *c);

/* Asks, and waits for the answer, which is valid until the next call. FAILED is an error, the
 * guest's own; ERR_STATE, too, when none comes in time, with sys EPIPE when the microVM has
 * ended meanwhile. */
MUST_CHECK int vm_client_ask(struct vm_client *c, const void *request, size_t len,
                             struct agent_reply *ret, struct err *e);

/* A request that is a head with texts behind it: READ, UPDATE, PAUSE, RESUME. */
MUST_CHECK int vm_client_ask_texts(struct vm_client *c, enum agent_type type,
                                   const char *const *texts, size_t count, struct agent_reply *ret,
                                   struct err *e);

/* From now on kills are told. */
MUST_CHECK int vm_client_watch(const struct vm_client *c, struct err *e);
/* Hears what is there, without waiting. 0: the microVM has ended. */
int vm_client_hear(struct vm_client *c);
