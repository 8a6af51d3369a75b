/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues, correct and hostile. The queue's code is compiled into this test with its
 * loads counted: no value of the guest's is loaded twice.
 */
#include "vm-sandbox/memory.h"

static unsigned int loads[1 << 20]; /* by guest address */
static const unsigned char *load_base;

static void count(const void *at, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		loads[(const unsigned char *)at - load_base + i]++;
}

static uint16_t counted_load16(const void *at)
{
	count(at, 2);
	return guest_load16(at);
}

static uint64_t counted_load64(const void *at)
{
	count(at, 8);
	return guest_load64(at);
}

#define guest_load16 counted_load16
#define guest_load64 counted_load64
#include "vm-sandbox/virtq.c" /* NOLINT(bugprone-suspicious-include) */

#undef guest_load16
#undef guest_load64

#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"

#define NEXT     VRING_DESC_F_NEXT
#define WRITE    VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

static struct guest_memory memory;
static struct ring ring;
static struct virtq queue;
static struct virtq_chain chain;

static int fresh(void **unused)
{
	(void)unused;
	memory = ring_memory();
	load_base = memory.region[0].host;
	memset(loads, 0, sizeof(loads));
	ring = ring_new(&memory, 0, 8);
	queue = ring_queue(&ring);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	ring_memory_free(&memory);
	return 0;
}

static void set_available(uint16_t count)
{
	uint16_t *avail = ring_avail(&ring);

	avail[1] = count;
}

static void a_chain_is_taken_and_given(void **unused)
{
	char text[16] = { 0 };
	uint16_t last = ring_add(&ring, RING_BUFFERS + 4096, 100, WRITE, 0);
	uint16_t middle = ring_add(&ring, RING_BUFFERS + 8, 8, NEXT, last);
	uint16_t head = ring_add(&ring, RING_BUFFERS, 4, NEXT, middle);

	(void)unused;
	assert_true(virtq_valid(&queue, &memory));
	assert_int_equal(virtq_take(&queue, &memory, &chain), 0);
	ring_offer(&ring, head);
	memcpy(guest_at(&memory, RING_BUFFERS, 16), "cais....son", 12);
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	assert_int_equal(chain.head, head);
	assert_int_equal(chain.readable, 2);
	assert_int_equal(chain.writable, 1);
	assert_int_equal(chain.readable_len, 12);
	assert_int_equal(chain.writable_len, 100);
	assert_int_equal(virtq_read(&chain, 0, text, sizeof(text)), 12);
	assert_string_equal(text, "caisson");
	assert_int_equal(virtq_read(&chain, 5, text, 2), 2);
	assert_memory_equal(text, "on", 2);
	assert_int_equal(virtq_read(&chain, 12, text, 2), 0);
	assert_int_equal(virtq_write(&chain, 98, "abc", 3), 2);
	assert_memory_equal(guest_at(&memory, RING_BUFFERS + 4096 + 98, 3), "ab\0", 3);
	assert_int_equal(virtq_take(&queue, &memory, &chain), 0);
	virtq_give(&queue, &memory, chain.head, 100);
	assert_int_equal(ring_take(&ring), 100);
	assert_int_equal(ring_take(&ring), -1);
}

static void a_chain_that_is_put_back_comes_again(void **unused)
{
	(void)unused;
	ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 4, 0, 0));
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	virtq_untake(&queue);
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	assert_int_equal(virtq_take(&queue, &memory, &chain), 0);
}

static void indirect_tables_are_followed(void **unused)
{
	struct vring_desc *table = guest_at(&memory, RING_BUFFERS, 64);

	(void)unused;
	table[0] = (struct vring_desc){ RING_BUFFERS + 256, 16, NEXT, 2 };
	table[2] = (struct vring_desc){ RING_BUFFERS + 512, 32, WRITE, 0 };
	ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 48, INDIRECT, 0));
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	assert_int_equal(chain.readable_len, 16);
	assert_int_equal(chain.writable_len, 32);
	assert_ptr_equal(chain.iov[1].iov_base, guest_at(&memory, RING_BUFFERS + 512, 1));
}

static void counters_wrap(void **unused)
{
	(void)unused;
	queue.next_avail = queue.next_used = ring.seen = 65533;
	ring_avail(&ring)[1] = ring_used(&ring)[1] = 65533;
	for (int i = 0; i < 20; i++) {
		ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 4, WRITE, 0));
		assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
		virtq_give(&queue, &memory, chain.head, (uint32_t)i);
		assert_int_equal(ring_take(&ring), i);
	}
}

static void nothing_is_loaded_twice(void **unused)
{
	struct vring_desc *table = guest_at(&memory, RING_BUFFERS, 64);

	(void)unused;
	table[0] = (struct vring_desc){ RING_BUFFERS + 256, 16, NEXT, 1 };
	table[1] = (struct vring_desc){ RING_BUFFERS + 512, 32, WRITE, 0 };
	ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 32, INDIRECT, 0));
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	for (size_t i = 0; i < RING_MEMORY; i++)
		assert_in_range(loads[i], 0, 1);
	assert_int_equal(loads[RING_DESC], 1);
	assert_int_equal(loads[RING_BUFFERS + 31], 1);
}

static void interrupts_and_notifications_can_be_declined(void **unused)
{
	(void)unused;
	assert_true(virtq_wants_interrupt(&queue, &memory));
	ring_avail(&ring)[0] = VRING_AVAIL_F_NO_INTERRUPT;
	assert_false(virtq_wants_interrupt(&queue, &memory));
	virtq_notifications(&queue, &memory, false);
	assert_int_equal(ring_used(&ring)[0], VRING_USED_F_NO_NOTIFY);
	virtq_notifications(&queue, &memory, true);
	assert_int_equal(ring_used(&ring)[0], 0);
}

static void rings_have_to_lie_in_memory(void **unused)
{
	static const struct {
		uint16_t size;
		uint64_t desc, avail, used;
	} bad[] = {
		{ 0, 0x1000, 0x3000, 0x4000 },           { 3, 0x1000, 0x3000, 0x4000 },
		{ 16, 0x1000, 0x3000, 0x4000 }, /* above size_max */
		{ 8, 0x1008, 0x3000, 0x4000 },           { 8, 0x1000, 0x3001, 0x4000 },
		{ 8, 0x1000, 0x3000, 0x4002 },           { 8, RING_MEMORY - 112, 0x3000, 0x4000 },
		{ 8, 0x1000, RING_MEMORY - 18, 0x4000 }, { 8, 0x1000, 0x3000, RING_MEMORY - 64 },
		{ 8, UINT64_MAX - 15, 0x3000, 0x4000 },  { 8, 0x1000, UINT64_MAX - 1, 0x4000 },
		{ 8, 0x1000, 0x3000, UINT64_MAX - 3 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct virtq q = queue;

		q.size = bad[i].size;
		q.desc = bad[i].desc;
		q.avail = bad[i].avail;
		q.used = bad[i].used;
		if (virtq_valid(&q, &memory))
			fail_msg("case %zu is valid", i);
	}
	queue.desc = RING_MEMORY; /* and is doubted again when it is used */
	assert_int_equal(virtq_take(&queue, &memory, &chain), -1);
	queue.used = RING_MEMORY;
	virtq_give(&queue, &memory, 0, 0);
}

/* One descriptor at the head, or a chain of them; the queue has to be broken by each. */
static void hostile_descriptors_break_the_queue(void **unused)
{
	static const struct vring_desc chains[][2] = {
		{ { RING_BUFFERS, 4, NEXT, 0 } }, /* itself */
		{ { RING_BUFFERS, 4, NEXT, 1 }, { RING_BUFFERS, 4, NEXT, 0 } },
		{ { RING_BUFFERS, 4, NEXT, 8 } }, /* behind the last */
		{ { RING_BUFFERS, 4, NEXT, 65535 } },
		{ { RING_MEMORY, 1, 0, 0 } },
		{ { RING_MEMORY - 1, 2, 0, 0 } },
		{ { UINT64_MAX, 1, 0, 0 } },
		{ { UINT64_MAX - 3, 8, WRITE, 0 } },
		{ { 0, UINT32_MAX, 0, 0 } },
		{ { RING_BUFFERS, 0, 0, 0 } },
		{ { RING_BUFFERS, 4, NEXT | WRITE, 1 }, { RING_BUFFERS, 4, 0, 0 } },
		{ { RING_BUFFERS, 0, INDIRECT, 0 } },
		{ { RING_BUFFERS, 24, INDIRECT, 0 } },
		{ { RING_BUFFERS, 16, INDIRECT | NEXT, 0 } },
		{ { RING_BUFFERS + 1, 16, INDIRECT, 0 } },
		{ { RING_BUFFERS, 0xfffffff0, INDIRECT, 0 } },
		{ { RING_MEMORY - 16, 32, INDIRECT, 0 } },
		{ { RING_DESC, 16, INDIRECT, 0 } },    /* an indirect one in it */
		{ { RING_BUFFERS, 16, INDIRECT, 0 } }, /* of length 0 in it */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		drop(NULL);
		fresh(NULL);
		memcpy(ring_desc(&ring, 0), chains[i], sizeof(chains[i]));
		ring_offer(&ring, 0);
		if (virtq_take(&queue, &memory, &chain) != -1)
			fail_msg("case %zu is taken", i);
		assert_true(queue.broken);
		assert_int_equal(virtq_take(&queue, &memory, &chain), -1);
	}
}

static void hostile_rings_break_the_queue(void **unused)
{
	(void)unused;
	set_available(9); /* more than there are */
	assert_int_equal(virtq_take(&queue, &memory, &chain), -1);
	drop(NULL);
	fresh(NULL);
	set_available(65535);
	assert_int_equal(virtq_take(&queue, &memory, &chain), -1);
	drop(NULL);
	fresh(NULL);
	ring_offer(&ring, 8);
	assert_int_equal(virtq_take(&queue, &memory, &chain), -1);
}

/* Two parts of 4 GiB less 1 would be more than a length can say. */
static void lengths_do_not_overflow(void **unused)
{
	struct virtq_chain c = { .readable_len = UINT32_MAX - 3 };
	struct descriptor d = { .addr = RING_BUFFERS, .len = 4 };

	(void)unused;
	assert_false(add(&c, &d, &memory));
}

static void a_chain_as_long_as_the_queue_is_the_longest(void **unused)
{
	(void)unused;
	for (uint16_t i = 0; i < 8; i++)
		ring_add(&ring, RING_BUFFERS, 1, i < 7 ? NEXT : 0, (uint16_t)(i + 1));
	ring_offer(&ring, 0);
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	assert_int_equal(chain.readable, 8);
	virtq_give(&queue, &memory, 0, 0);
}

static void so_is_an_indirect_table(void **unused)
{
	struct vring_desc *table = guest_at(&memory, RING_BUFFERS, 16ull * 9);

	(void)unused;
	for (uint16_t i = 0; i < 9; i++)
		table[i] = (struct vring_desc){ RING_BUFFERS, 1, NEXT, (uint16_t)(i + 1) };
	table[7].flags = 0;
	ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 16 * 8, INDIRECT, 0));
	assert_int_equal(virtq_take(&queue, &memory, &chain), 1);
	assert_int_equal(chain.readable, 8);
	table[7].flags = NEXT;
	table[8].flags = 0;
	ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 16 * 9, INDIRECT, 0));
	assert_int_equal(virtq_take(&queue, &memory, &chain), -1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, drop)
	const struct CMUnitTest tests[] = {
		CASE(a_chain_is_taken_and_given),
		CASE(a_chain_that_is_put_back_comes_again),
		CASE(indirect_tables_are_followed),
		CASE(counters_wrap),
		CASE(nothing_is_loaded_twice),
		CASE(interrupts_and_notifications_can_be_declined),
		CASE(rings_have_to_lie_in_memory),
		CASE(hostile_descriptors_break_the_queue),
		CASE(hostile_rings_break_the_queue),
		CASE(lengths_do_not_overflow),
		CASE(a_chain_as_long_as_the_queue_is_the_longest),
		CASE(so_is_an_indirect_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
