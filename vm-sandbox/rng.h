/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng: the host's random numbers (virtio 1.2, section 5.4). It has no state. */
#pragma once

#include "vm-sandbox/virtio.h"

extern const struct virtio_kind rng_kind;
