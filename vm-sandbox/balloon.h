/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-balloon for one thing alone, free page reporting: the guest tells which of its pages
 * are free, some seconds after they have become so, and they are the host's again until it
 * touches them. No balloon is ever blown up. It has no state.
 * Source: virtio 1.2, sections 5.5.2 and 5.5.6.7.
 */
#pragma once

#include "vm-sandbox/virtio.h"

extern const struct virtio_kind balloon_kind;
