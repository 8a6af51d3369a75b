/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping and finding guest RAM. The mapping is private, not reserved (untouched RAM is
 * free), kept out of core dumps, and not inherited: a hook that is forked later must not
 * hold a guest's memory. Pages of 2 MiB make a boot's page faults a two-hundredth; the guest's
 * ones have to be ours as well, which kernels before 6.7 do not see to by themselves.
 */
#include "vm-sandbox/memory.h"

#include <string.h>
#include <sys/mman.h>

#include "vm-sandbox/layout.h"

static const uint64_t huge_page = 2ull << 20, small_page = 4096;

/* A mapping at a multiple of 2 MiB: what is too much of a larger one goes. */
static void *map_aligned(uint64_t size)
{
	uint8_t *all = mmap(NULL, size + huge_page, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *aligned;
	uint64_t before;

	if (all == MAP_FAILED)
		return all;
	before = -(uintptr_t)all & (huge_page - 1);
	aligned = all + before;
	if (before > 0)
		(void)munmap(all, before);
	(void)munmap(aligned + size, huge_page - before);
	return aligned;
}

static int map_region(struct guest_memory *m, uint64_t addr, uint64_t size, struct err *e)
{
	struct guest_region *r = &m->region[m->count];
	void *host = map_aligned(size);

	if (host == MAP_FAILED)
		return err_sys(e, "map %llu MiB of guest memory", (unsigned long long)(size >> 20));
	*r = (struct guest_region){ .addr = addr, .size = size, .host = host };
	m->count++;
	/* advice: a kernel without huge pages is only slower */
	(void)madvise(host, size, MADV_HUGEPAGE);
	if (madvise(host, size, MADV_DONTDUMP) < 0 || madvise(host, size, MADV_DONTFORK) < 0)
		return err_sys(e, "keep guest memory out of dumps and children");
	return 0;
}

int guest_memory_new(struct guest_memory *ret, uint64_t size, struct err *e)
{
	GUEST_MEMORY struct guest_memory m = { 0 };
	uint64_t low = size < GUEST_LOW_END ? size : GUEST_LOW_END;

	if (size < GUEST_MEMORY_MIN || size > GUEST_MEMORY_MAX || size % huge_page)
		return err_set(e, ERR_SPEC,
		               "guest memory of %llu bytes: has to be a multiple of 2 MiB, "
		               "at least 32 MiB, at most 1 TiB",
		               (unsigned long long)size);
	TRY(map_region(&m, 0, low, e));
	if (size > low)
		TRY(map_region(&m, GUEST_4G, size - low, e));
	*ret = m;
	m = (struct guest_memory){ 0 };
	return 0;
}

void guest_memory_done(struct guest_memory *m)
{
	for (unsigned int i = 0; i < m->count; i++)
		(void)munmap(m->region[i].host, m->region[i].size);
	*m = (struct guest_memory){ 0 };
}

/* The mapping has nothing behind it, so what comes after MADV_DONTNEED are zeros. A page that
 * cannot be given back (it is locked) stays: then the host has no more memory, and that is all. */
void guest_memory_discard(void *at, size_t len)
{
	uint8_t *start = at, *end = start + len;
	size_t before = -(uintptr_t)start & (small_page - 1);

	end -= (uintptr_t)end & (small_page - 1);
	if (end > start + before)
		(void)madvise(start + before, (size_t)(end - start) - before, MADV_DONTNEED);
}

void *guest_at(const struct guest_memory *m, uint64_t addr, uint64_t len)
{
	for (unsigned int i = 0; i < m->count; i++) {
		const struct guest_region *r = &m->region[i];
		uint64_t offset = addr - r->addr; /* huge when addr is below */

		if (offset < r->size && len > 0 && len <= r->size - offset)
			return r->host + offset;
	}
	return NULL;
}

uint64_t guest_low_end(const struct guest_memory *m)
{
	return m->region[0].addr + m->region[0].size;
}

int guest_write(const struct guest_memory *m, uint64_t addr, const void *from, size_t len)
{
	void *to = guest_at(m, addr, len);

	if (!to)
		return -1;
	memcpy(to, from, len);
	return 0;
}

int guest_read(const struct guest_memory *m, uint64_t addr, void *to, size_t len)
{
	const void *from = guest_at(m, addr, len);

	if (!from)
		return -1;
	memcpy(to, from, len);
	return 0;
}
