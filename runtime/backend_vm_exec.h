/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that `exec` makes in a microVM, on the side of the thread beside the monitor.
 * Each has a host process of its own, whose connection (backend_vm_commands.h) carries
 *
 *	-> MESSAGE AGENT_EXEC       with process 0: the number is given here
 *	-> DATA of AGENT_PLAN, END  then the guest is asked
 *	<- MESSAGE DONE or FAILED
 *	-> DATA, END of AGENT_STDIN; <- DATA, END of AGENT_STDOUT and AGENT_STDERR
 *	<> TAKEN                    so many bytes of a stream were passed on: of each there is
 *	                            never more than a window on its way
 *	-> MESSAGE AGENT_SIGNAL, AGENT_RESIZE; they are not answered. With AGENT_SIGNAL_GROUP,
 *	   which may come at any time: SIGKILL to its process group, and no more is to come
 *	<- MESSAGE AGENT_EXITED     after all that the process had written
 *
 * When the connection ends before that, so does the process: SIGKILL cannot be passed on by
 * whom it ends. Nothing waits: what there is no room for is sent when there is.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "vm-sandbox/agent_client.h"

struct vm_packet_head;

enum { VM_EXEC_INPUT = 16384, VM_EXEC_PART = 16384 };

struct vm_exec {
	int socket;       /* the connection's, lent; -1: it has ended */
	uint32_t number;  /* in the guest; 0: the plan is not whole yet */
	uint32_t request; /* unanswered, or 0 */
	bool started, finished, told;
	uint32_t stdio, plan_len;
	char *group;
	struct buf plan;
	uint64_t signals; /* bit n - 1: to be passed on */
	bool whole_group; /* that are for all of its process group */
	bool resized;
	uint16_t rows, columns;
	int status, signal;

	bool in_ends;
	uint32_t taken; /* of the input, to be told */
	size_t in_len;
	uint8_t in_data[VM_EXEC_INPUT];
	bool out_ends[2];     /* to be told after the data */
	uint32_t out_sent[2]; /* and not TAKEN yet */
	size_t out_start[2], out_len[2];
	uint8_t out_data[2][CHANNEL_WINDOW];
};

struct vm_execs {
	struct agent_client *agent;
	uint32_t last; /* number */
	struct vm_exec *v[AGENT_PROCESSES_MAX];
};

void vm_execs_init(struct vm_execs *all, struct agent_client *agent);
void vm_execs_done(struct vm_execs *all);

/* --- the connection ------------------------------------------------------------------------- */

/* NULL: there is no place, or it is no AGENT_EXEC. */
struct vm_exec *vm_exec_begin(struct vm_execs *all, int socket, const void *message, size_t len);

/* One packet. False: it breaks a rule. */
bool vm_exec_packet(struct vm_execs *all, struct vm_exec *x, const struct vm_packet_head *head,
                    const void *data, size_t len);

/* It has ended; the exec is the callee's alone from now on. */
void vm_exec_gone(struct vm_exec *x);

/* Something waits for room in the socket. */
bool vm_exec_owes(const struct vm_exec *x);

/* --- what the agent says; false: of no such process ----------------------------------------- */

bool vm_execs_replied(struct vm_execs *all, uint32_t request, const struct agent_reply *reply);
bool vm_execs_output(struct vm_execs *all, uint32_t process, enum agent_stream which,
                     const uint8_t *data, size_t len);
bool vm_execs_output_ended(struct vm_execs *all, uint32_t process, enum agent_stream which);
bool vm_execs_input_writable(struct vm_execs *all, uint32_t process);
bool vm_execs_input_closed(struct vm_execs *all, uint32_t process);
bool vm_execs_exited(struct vm_execs *all, uint32_t process, int status, int signal);
bool vm_execs_finished(struct vm_execs *all, uint32_t process);

/* Once in each round of the loop: sends what there is, and forgets who has ended. */
void vm_execs_tend(struct vm_execs *all);
