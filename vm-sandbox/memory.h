/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's RAM: at most two ranges of guest physical addresses, below the hole for
 * devices and above 4 GiB, each one mapping of ours.
 *
 * Everything in it can change at any moment, under our hands: vCPUs run while we read.
 * So a value that decides something is loaded once, by guest_load*, and never looked at
 * again; what is larger is copied out first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { GUEST_REGIONS_MAX = 2 };

struct guest_region {
	uint64_t addr; /* guest physical */
	uint64_t size;
	uint8_t *host;
};

struct guest_memory {
	struct guest_region region[GUEST_REGIONS_MAX];
	unsigned int count;
};

#define GUEST_MEMORY __attribute__((cleanup(guest_memory_done)))

#define GUEST_MEMORY_MIN (32ull << 20)
#define GUEST_MEMORY_MAX (1ull << 40)

/* Maps `size` bytes of zeroed RAM, which takes no memory until it is touched. ERR_SPEC when
 * the size is no multiple of 2 MiB from GUEST_MEMORY_MIN to GUEST_MEMORY_MAX. */
MUST_CHECK int guest_memory_new(struct guest_memory *ret, uint64_t size, struct err *e);
void guest_memory_done(struct guest_memory *m);

/* Gives the pages that lie whole in a range, which guest_at has handed out, back to the host:
 * they are zeros for the guest until it writes there. What remains of the range stays. */
void guest_memory_discard(void *at, size_t len);

/* Where `len` bytes from `addr` on lie in our memory; NULL when they are not all in one
 * region, or none. */
void *guest_at(const struct guest_memory *m, uint64_t addr, uint64_t len);

/* The end of the RAM below the hole. */
uint64_t guest_low_end(const struct guest_memory *m);

/* Copies into or out of guest memory: 0, or -1 when the range is not all RAM. */
MUST_CHECK int guest_write(const struct guest_memory *m, uint64_t addr, const void *from,
                           size_t len);
MUST_CHECK int guest_read(const struct guest_memory *m, uint64_t addr, void *to, size_t len);

/* Loads and stores of aligned values that the guest may change meanwhile; x86 and virtio
 * are both little-endian. */
static inline uint16_t guest_load16(const void *at)
{
	return __atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE);
}

static inline uint64_t guest_load64(const void *at)
{
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
}

static inline void guest_store16(void *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)at, value, __ATOMIC_RELEASE);
}

static inline void guest_store32(void *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)at, value, __ATOMIC_RELEASE);
}
