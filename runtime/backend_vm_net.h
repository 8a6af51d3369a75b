/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a microVM: what is in the monitor's namespace, its devices, and what the
 * guest's agent is told of them. */
#pragma once

#include <stdatomic.h>

#include "runtime/backend_vm_process.h"
#include "runtime/launch/launch.h"
#include "vm-sandbox/monitor.h"
#include "vm-sandbox/wire.h"

struct vm_net {
	atomic_uint count; /* monitor_config.nets_now */
	unsigned int room; /* setups beyond `count` whose taps can be made yet */
	struct wires wires;
	struct net_setup setup[WIRES_MAX];
	struct buf message[WIRES_MAX]; /* of those that were there from the beginning */
};

/* In the namespace, with its rights still there; zeroed before. After an error there is
 * nothing of it. `open`: more may come. */
MUST_CHECK int vm_net_connect(struct vm_net *n, bool open, struct err *e);

/* What vm_net_complete has to know of it. */
void vm_net_tell(const struct vm_net *n, struct frame *ret);

/* A device for an interface that has come: its message for the agent may be sent then, `ret_len`
 * bytes of it. -1: it has no shape, or there is no room. */
MUST_CHECK int vm_net_add(struct vm_net *n, const struct vm_newcomer *c, size_t len,
                          size_t *ret_len, struct err *e);

/* The command's side: carries into the guest what has come into the namespace of the process since
 * it was made. */
MUST_CHECK int vm_net_complete(const struct launch_start *s, struct err *e);
