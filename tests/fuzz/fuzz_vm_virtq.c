/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtqueue over memory of arbitrary bytes, which its rings lie in and its descriptors
 * point to: every buffer that is handed out is inside that memory, and each call ends.
 * The input is a head of 16 bytes (where the rings are), then the memory from its start.
 */
#include <stdlib.h>
#include <string.h>

#include "vm-sandbox/virtq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 16384, HEAD = 16, ROUNDS = 300 };

static uint16_t number(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static void check(const struct virtq_chain *c, const struct virtq *q, const struct guest_memory *m)
{
	if (c->readable + c->writable > q->size)
		abort();
	for (int i = 0; i < c->readable + c->writable; i++) {
		const uint8_t *at = c->iov[i].iov_base, *start = m->region[0].host;

		if (at < start || c->iov[i].iov_len > (size_t)(start + MEMORY - at))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct virtq_chain chain;
	static uint8_t bytes[MEMORY];
	struct guest_memory m = { .count = 1, .region = { { .size = MEMORY } } };
	struct virtq q = { .size_max = VIRTQ_SIZE_MAX, .enabled = true };

	if (size < HEAD)
		return 0;
	m.region[0].host = aligned_alloc(16, MEMORY);
	memset(m.region[0].host, 0, MEMORY);
	memcpy(m.region[0].host, data + HEAD, size - HEAD < MEMORY ? size - HEAD : MEMORY);
	q.size = (uint16_t)(1u << (data[0] % 9));
	q.desc = number(data + 2) & ~15u;
	q.avail = number(data + 4) & ~1u;
	q.used = number(data + 6) & ~3u;
	q.next_avail = number(data + 8);
	for (int i = 0; i < ROUNDS && virtq_valid(&q, &m); i++) {
		if (virtq_take(&q, &m, &chain) <= 0)
			break;
		check(&chain, &q, &m);
		(void)virtq_read(&chain, data[10], bytes, sizeof(bytes));
		(void)virtq_write(&chain, data[11], bytes, data[12]);
		virtq_give(&q, &m, chain.head, chain.writable_len);
		(void)virtq_wants_interrupt(&q, &m);
	}
	free(m.region[0].host);
	return 0;
}
