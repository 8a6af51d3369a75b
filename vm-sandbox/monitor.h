/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: a VM from its parts until its end, in the process that calls. It has a thread
 * for each vCPU beside the caller's, which waits for what comes from outside.
 *
 * The guest's first process is the initramfs's /init, the agent. What it and the owner of
 * the VM say to each other goes through a stream socket; the monitor passes bytes on, and
 * understands none of them:
 *
 *	owner <--- socket ---> monitor <--- /dev/vport0p1 ---> agent
 *
 * The end of file on the socket ends the VM: a guest that nobody can speak to shall not
 * stay. In the guest `mount -t virtiofs caisson FOLDER` shows a folder for each share.
 */
#pragma once

#include <stdatomic.h>

#include "vm-sandbox/fs.h"
#include "vm-sandbox/kvm.h"
#include "vm-sandbox/net.h"
#include "vm-sandbox/serial_log.h"
#include "vm-sandbox/virtio_blk.h"

#define MONITOR_FS_TAG "caisson"

enum { MONITOR_NETS_MAX = 8 };

/* How a VM ended. All but the first are failures, unless the owner asked for them. */
enum monitor_end {
	MONITOR_POWER_OFF,
	MONITOR_PANIC, /* the guest's kernel said so, and reset the machine */
	MONITOR_RESET, /* without a panic: a reboot */
	MONITOR_TRIPLE_FAULT,
	MONITOR_NOT_READY, /* the agent has said nothing within ready_ms */
	MONITOR_STOPPED,   /* by the owner: the end of file on the agent's socket */
};

const char *monitor_end_name(enum monitor_end end);

/* All descriptors are lent; -1: none. */
struct monitor_config {
	int kernel;          /* an unpacked vmlinux */
	int initramfs;       /* an uncompressed cpio archive */
	int initrd;          /* what is unpacked before it; 0: nothing */
	const char *cmdline; /* words added to the kernel's command line; NULL: none */
	unsigned int vcpus;
	uint64_t memory_bytes; /* a multiple of 2 MiB, at least 32 MiB */

	const struct fs_share *shares; /* what the guest sees of the host's files */
	unsigned int share_count;

	const struct net_setup *nets; /* its network devices, in this order */
	unsigned int net_count;       /* at most MONITOR_NETS_MAX */

	/* How many there are by now; NULL: no more come. Another thread may raise it, when their
	 * setups are complete, and then say something to the agent: before that arrives, they are
	 * on the guest's bus, to be found when it looks again. */
	const atomic_uint *nets_now;

	const struct blk_setup *disk; /* /dev/vda; NULL: none */

	int agent;  /* a stream socket, whose other end speaks with the agent */
	int serial; /* is written what the guest's kernel prints, up to a limit */

	unsigned int ready_ms; /* until the agent has to say its first byte; 0: no limit */

	bool jailed; /* goes to jail (jail.h) when all is open, for good: the caller ends soon */
	const char *profile; /* of AppArmor, which it enters there; NULL: none */

	/* Called once after that, when nothing of the guest has run yet: the place to begin
	 * threads of the caller's, or to give up what is not needed any more. NULL: nothing. */
	int (*sealed)(void *owner, struct err *e);
	void *owner;
};

struct monitor_result {
	enum monitor_end end;
	unsigned long exits;         /* of the guest to us */
	struct machine_exits before; /* by reason, until the agent's first byte */
	/* the line that told of a panic, and the last lines that the kernel printed; the guest's
	 * words, so not to be trusted, but without what a terminal could obey */
	char panic[SERIAL_LINE_ROOM];
	char lines[SERIAL_LINES_ROOM];
};

/* Makes the VM, runs it until it ends, and leaves nothing of it. -1 when it could not be
 * made, or KVM could not go on; what the guest does is no error. The caller's umask has to
 * be 0 where the guest writes to shares. */
MUST_CHECK int monitor_run(const struct monitor_config *config, struct monitor_result *ret,
                           struct err *e);
