/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that want something of a microVM that is there: `ps`, `events`, `update`,
 * `pause`, `kill --all` and the like. Each has a connection of packets to the thread beside
 * the monitor (backend_vm_talk.h), which passes requests on to the guest's agent:
 *
 *	command -> thread   MESSAGE   a request of vm-sandbox/protocol.h, as it is
 *	thread -> command   MESSAGE   its reply; or an event
 *	command -> thread   WATCH     from now on it hears of processes killed for want of
 *	                              memory (AGENT_OOM), but not of each: of the newest count
 *	either way          DATA, END, TAKEN    of an exec's streams (backend_vm_exec.h)
 *
 * Who may connect is said by the record's folder. The thread waits for none of them: what it
 * has to say to one that does not listen is said later or ends the connection, and one that
 * is silent makes room when others come. To the command, all that comes is the guest's word.
 */
#pragma once

#include <poll.h>

#include "runtime/backend_vm_exec.h"
#include "vm-sandbox/agent_client.h"

enum vm_packet { VM_MESSAGE = 1, VM_WATCH, VM_DATA, VM_END, VM_TAKEN };

struct vm_packet_head {
	uint16_t kind;   /* enum vm_packet */
	uint16_t stream; /* DATA, END, TAKEN: enum agent_stream; else 0 */
	uint32_t count;  /* TAKEN: bytes; else 0 */
};

/* The packet at `ret`, which has room for head and data. Its size. */
size_t vm_packet_make(void *ret, enum vm_packet kind, uint32_t stream, uint32_t count,
                      const void *data, size_t len);

enum {
	VM_PACKET_MAX = sizeof(struct vm_packet_head) + CHANNEL_PAYLOAD_MAX,
	VM_COMMANDS_MAX = 80,
	VM_COMMANDS_STAYING =
		64, /* that watch or exec; the other places are for those that ask and go */
	VM_COMMANDS_ASKING = 8, /* requests at once; the agent's others are not for commands */
	VM_COMMANDS_POLLS = VM_COMMANDS_MAX + 1,
};

/* One connection. */
struct vm_command {
	int socket;     /* -1: this place is free */
	uint64_t since; /* the count of packets and connections when it last said something */
	bool asking;    /* a reply is due: it is heard again after that */
	bool watches;
	struct vm_exec *exec; /* whose host process it is; NULL */
	bool owed;            /* a count of kills, when there is room in its socket */
};

struct vm_commands {
	int listener;               /* -1: nobody may connect */
	struct agent_client *agent; /* whom to ask */
	uint64_t count;
	uint64_t kills;
	struct vm_command command[VM_COMMANDS_MAX];
	struct {
		uint32_t request;           /* 0: this place is free */
		struct vm_command *command; /* NULL: gone */
	} asked[VM_COMMANDS_ASKING];
	struct vm_execs execs;
	_Alignas(8) uint8_t packet[VM_PACKET_MAX];
};

/* The listener stays the caller's. */
void vm_commands_init(struct vm_commands *c, int listener, struct agent_client *agent);
void vm_commands_done(struct vm_commands *c);

/* What to wait for, and what to do after that. */
void vm_commands_wants(const struct vm_commands *c, struct pollfd ret[VM_COMMANDS_POLLS]);
void vm_commands_io(struct vm_commands *c, const struct pollfd polled[VM_COMMANDS_POLLS]);

/* What the agent says. False: it was no command's request. */
bool vm_commands_replied(struct vm_commands *c, uint32_t request, const struct agent_reply *reply);
void vm_commands_oom(struct vm_commands *c, uint64_t kills);
