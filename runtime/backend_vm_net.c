/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/backend_vm_net.h"

#include <string.h>

#include "base/scope.h"

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
