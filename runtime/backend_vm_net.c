/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_net.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/scope.h"
#include "runtime/backend_vm.h"

_Static_assert((int)WIRES_MAX == (int)MONITOR_NETS_MAX, "one device for each interface");

int vm_net_connect(struct vm_net *n, struct err *e)
{
	TRY(wires_read(&n->wires, e));
	/* what may be refused comes before what changes anything */
	for (unsigned int i = 0; i < n->wires.count; i++)
		TRY(wire_message(&n->wires.v[i], &n->message[i], e));
	if (n->wires.count > 0)
		TRY(wires_connect(&n->wires, e));
	for (unsigned int i = 0; i < n->wires.count; i++) {
		const struct wire *w = &n->wires.v[i];

		n->setup[i] = (struct net_setup){
			.tap = w->tap,
			.mtu = (uint16_t)w->mtu,
			.offload = wire_offload,
		};
		memcpy(n->setup[i].mac, w->mac, sizeof(w->mac));
	}
	n->count = n->wires.count;
	return 0;
}

/* In a child. The path may lead elsewhere by now: where a microVM lives nothing is cleared. */
static int clear_in(void *context, struct err *e)
{
	const int *namespace = context;

	if (setns(*namespace, CLONE_NEWNET) < 0)
		return err_sys(e, "setns");
	return wires_clear(e);
}

void backend_vm_clear(const struct oci_config *config)
{
	const char *path = config->linux_->namespaces[OCI_NS_NETWORK].path;
	struct err e = { 0 };
	FD int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

	/* one that is no more has taken it along */
	if (fd >= 0 && proc_in_child(clear_in, &fd, &e) < 0)
		log_warn("network: %s: end the redirection to a microVM that is gone: %s", path,
		         e.text);
}
