/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a microVM: what is in the monitor's namespace, its devices, and what the
 * guest's agent is told of them. */
#pragma once

#include "vm-sandbox/monitor.h"
#include "vm-sandbox/wire.h"

struct vm_net {
	unsigned int count;
	struct wires wires;
	struct net_setup setup[WIRES_MAX];
	struct buf message[WIRES_MAX];
};

/* In the namespace, with its rights still there; zeroed before. After an error there is
 * nothing of it. */
MUST_CHECK int vm_net_connect(struct vm_net *n, struct err *e);
