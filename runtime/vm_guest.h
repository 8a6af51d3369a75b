/* SPDX-License-Identifier: Apache-2.0 */
/* Names in the guest that plans for it have. */
#pragma once

/* Where the agent mounts what it is shown of the host's files; vm-sandbox/protocol.h's
 * AGENT_SHARES, which this side does not see. */
#define VM_GUEST_SHARES "/run/shares"

/* … and the guest's disk: AGENT_IMAGE. */
#define VM_GUEST_IMAGE "/run/image"

/* The container's group. */
#define VM_GUEST_GROUP "/container"
