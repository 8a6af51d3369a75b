/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's part in a network namespace that init does not make itself. */
#pragma once

#include "base/err.h"

/* Goes into a new network namespace. ret_home leads back; ret_made is what init joins.
 * On failure the caller is where it was. */
MUST_CHECK int network_enter(int *ret_home, int *ret_made, struct err *e);

/* Brings up the loopback device of the namespace that we are in. */
MUST_CHECK int network_raise_loopback(struct err *e);

/* Goes back. On failure nothing may go on: what follows would be done elsewhere. */
MUST_CHECK int network_leave(int home, struct err *e);
