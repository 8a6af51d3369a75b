/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread beside a monitor that stands between the guest's agent and the outside: the
 * command that creates, the one that starts, signals, and the standard streams. Commands that
 * come later have connections of their own (backend_vm_commands.h).
 *
 *	agent READY  ->  CLOCK, SETUPs, NETCFG  ->  CREATE with the plan  ->  READY to the launcher
 *	NETWORK from a connection  ->  NETCFG of what has come since  ->  GO back
 *	START from the launcher or a connection  ->  START to the agent  ->  its answer back
 *	a signal to us  ->  SIGNAL to the container's first process
 *	a terminal of another size, of which the kernel tells us  ->  RESIZE
 *	EXITED, and all of its output passed on  ->  the end; with an image that can be written
 *	SHUTDOWN, whose answer says that it has all  ->  the end
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "runtime/backend_vm_commands.h"
#include "runtime/backend_vm_net.h"
#include "runtime/backend_vm_process.h"
#include "runtime/backend_vm_streams.h"
#include "runtime/backend_vm_terminal.h"
#include "vm-sandbox/agent_client.h"

enum { VM_TALK_KNOCKING = 4, VM_TALK_WARNINGS = 64 };

struct vm_talk {
	const struct vm_process *process;
	pthread_t thread;
	bool running; /* the thread */
	int agent;    /* our end of the socket to the monitor */
	int launcher; /* -1: it has let us go */
	int starter;  /* who waits for the answer to START or NETWORK; -1: nobody */
	int listener; /* -1: nobody may connect (any more) */
	int knocking[VM_TALK_KNOCKING]; /* connected to it and silent, the oldest first; or -1 */
	int signals;                    /* a signalfd */
	struct vm_streams streams;      /* of the container's first process */
	struct vm_size size;            /* of its terminal, as the guest knows it */
	union {
		struct vm_start heard; /* the newest frame */
		struct vm_newcomer newcomer;
	};
	const struct agent_mount *shares;    /* that the agent shall mount */
	struct vm_net *net;                  /* NULL: none */
	uint32_t stdio;                      /* AGENT_HAS_*, AGENT_PLAIN */
	unsigned int net_told;               /* how many of its interfaces */
	uint32_t setup, create, link, start; /* requests that are unanswered, or 0 */
	uint32_t settle;                     /* … that the image's file system be written out */
	bool image_told;                     /* the agent has been asked to mount it */
	bool created, started, told;         /* told: the launcher has heard READY or ERROR */
	bool ended;                          /* EXITED has come, and all output before it */
	bool finished, over;                 /* finished: it has been passed on, too */
	int status;
	unsigned int warnings; /* that somebody was told of */
	struct agent_client client;
	struct vm_commands commands;
};

/* Takes the signals away from the process, so that the thread has them. */
MUST_CHECK int vm_talk_begin(struct vm_talk *t, const struct vm_process *p, struct err *e);

/* A signal to the process is handed on to the container's first; others are its own. */
bool vm_talk_passes(int signo);

/* Waits for the launcher's word that the guest may be booted; false: it is gone. */
bool vm_talk_await_hello(const struct vm_talk *t);

void *vm_talk_thread(void *talk);

/* After the thread has ended: tells whoever waits why there will be no answer; if nobody does,
 * the container's standard error has it. */
void vm_talk_failed(struct vm_talk *t, const struct err *e);
