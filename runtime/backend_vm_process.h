/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's process of a microVM: the monitor, and a thread that speaks with the
 * guest's agent, with the commands that create and start, and with the container's standard
 * streams. What it and the commands say to each other are the frames of the launcher's talk
 * with init (runtime/launch/frame.h), as far as they are needed: HELLO, READY, GO, START,
 * ERROR, and the end of file for success. Before START a command that starts it may say NETWORK,
 * and hears NETWORK with struct vm_places; then NETWORK with each interface that has come since
 * (struct vm_newcomer), and hears GO.
 */
#pragma once

#include "runtime/backend_vm_image.h"
#include "runtime/launch/frame.h"
#include "vm-sandbox/monitor.h"
#include "vm-sandbox/protocol.h"

/* START, with as much of the state as there is. */
struct vm_start {
	struct frame frame;
	char state[16384];
};

/* In the text of NETWORK: what of the network is the guest's, and what others could be made of. */
struct vm_places {
	uint32_t known_count, free_count;
	uint32_t known[2 * MONITOR_NETS_MAX]; /* indexes of interfaces and their taps */
	int32_t free[MONITOR_NETS_MAX];       /* wire_tun()s, by their numbers in the monitor */
};

/* Its tap is made of the first that was free. */
struct vm_newcomer {
	struct frame frame;
	uint32_t index, tap;
	struct agent_link link; /* with AGENT_LINK_NEW */
	uint8_t more[AGENT_ADDRESSES_MAX * sizeof(struct agent_address) +
	             AGENT_ROUTES_MAX * sizeof(struct agent_route)];
};

/* All descriptors are this process's own. */
struct vm_process {
	int launcher; /* the socket to the command that has made us */
	int listener; /* where start connects; -1: start comes by the launcher */
	int commands; /* where other commands connect; -1: they can not */
	int network;  /* namespace to join; -1: a new one */
	int kernel, initramfs;
	int initrd; /* before the initramfs; -1: none */
	struct vm_image image;
	unsigned int share_count;
	struct fs_share *shares;
	bool terminal;       /* standard input is a terminal's slave */
	bool plain_terminal; /* launch_options */
	const char *cmdline;
	const char *profile; /* of AppArmor, for the monitor; NULL: none */
	unsigned int vcpus;
	uint64_t memory_bytes;
	const char *bare; /* the version of a kernel that has no modules; NULL: it has */
	const void *plan;
	size_t plan_len;
};

/* Ends with the container's exit status. */
_Noreturn void vm_process_run(struct vm_process *p);

/* The command's side: the next packet but warnings, which has to be of this type. `events`: NULL,
 * or `wait` may come. */
struct launch_events;
MUST_CHECK int vm_await(int socket, const struct launch_events *events, uint32_t type,
                        struct frame *ret, struct err *e);

/* An error in a frame, and back. */
void vm_frame_error(struct frame *f, const struct err *e);
int vm_frame_read_error(const struct frame *f, struct err *e);
