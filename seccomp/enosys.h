/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that a profile is too old to know, for this folder alone. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "oci-spec/spec.h"

enum { ENOSYS_STUB_MAX = 16 }; /* instructions */

/* Whether this call of the native architecture is newer than all that the profile names
 * there, and so answered with ENOSYS. */
bool enosys_is_newer(const struct oci_seccomp *profile, int number);

/* Writes what goes in front of the profile's filter, and returns its length: 0 when the
 * profile wants none. */
size_t enosys_stub(const struct oci_seccomp *profile, struct sock_filter ret[ENOSYS_STUB_MAX]);
