/* SPDX-License-Identifier: Apache-2.0 */
/* Free page reporting: what a driver's reports give back, and what those of a hostile one do not.
 */
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <stdio.h>

#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"
#include "vm-sandbox/balloon.h"
#include "vm-sandbox/layout.h"

#define WRITE VRING_DESC_F_WRITE
#define NEXT  VRING_DESC_F_NEXT

enum { PAGE = 4096, INFLATE = 0, DEFLATE = 1, REPORT_OLD = 2, REPORT = 4, QUEUES = 5 };

static struct guest_memory memory;
static struct ring ring[QUEUES];
static struct virtio_device balloon;

static void run(void)
{
	virtio_init(&balloon, &balloon_kind, &memory);
	assert_int_equal(balloon.kind->queues, QUEUES);
	virtio_set_status(&balloon, VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(&balloon, 1u << VIRTIO_BALLOON_F_REPORTING | 1ull << VIRTIO_F_VERSION_1);
	virtio_set_status(&balloon, balloon.status | VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < QUEUES; i++) {
		ring[i] = ring_new(&memory, i, balloon.kind->queue_size[i]);
		*virtio_queue_to_set(&balloon, i) = ring_queue(&ring[i]);
	}
	virtio_set_status(&balloon, balloon.status | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(virtio_runs(&balloon));
}

static int start(void **unused)
{
	(void)unused;
	memory = ring_memory();
	memset(guest_at(&memory, RING_BUFFERS, RING_MEMORY - RING_BUFFERS), 'x',
	       RING_MEMORY - RING_BUFFERS);
	run();
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	ring_memory_free(&memory);
	return 0;
}

/* How many bytes of a page of the buffers are what they were. */
static unsigned int kept(unsigned int page)
{
	const char *at = guest_at(&memory, RING_BUFFERS + (uint64_t)page * PAGE, PAGE);
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGE; i++)
		n += at[i] == 'x';
	return n;
}

static void report(unsigned int queue, uint64_t addr, uint32_t len, uint16_t flags)
{
	ring_offer(&ring[queue], ring_add(&ring[queue], addr, len, flags, 0));
	virtio_notify(&balloon, queue);
}

static uint64_t page(unsigned int nr)
{
	return RING_BUFFERS + (uint64_t)nr * PAGE;
}

static void what_is_reported_is_given_back(void **unused)
{
	uint16_t last;

	(void)unused;
	report(REPORT, page(1), PAGE, WRITE);
	assert_int_equal(ring_take(&ring[REPORT]), 0);
	report(REPORT_OLD, page(3), 2 * PAGE, WRITE);
	assert_int_equal(ring_take(&ring[REPORT_OLD]), 0);
	last = ring_add(&ring[REPORT], page(8), PAGE, WRITE, 0);
	ring_offer(&ring[REPORT], ring_add(&ring[REPORT], page(6), PAGE, WRITE | NEXT, last));
	virtio_notify(&balloon, REPORT);
	assert_int_equal(ring_take(&ring[REPORT]), 0);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(kept(i),
		                 i == 1 || i == 3 || i == 4 || i == 6 || i == 8 ? 0 : PAGE);
}

static void parts_of_pages_stay(void **unused)
{
	(void)unused;
	report(REPORT, page(1) + 1, 2 * PAGE, WRITE); /* of three pages the one in between */
	assert_int_equal(kept(1), PAGE);
	assert_int_equal(kept(2), 0);
	assert_int_equal(kept(3), PAGE);
	report(REPORT, page(5) + 1, PAGE - 1, WRITE);
	report(REPORT, page(6), PAGE - 1, WRITE);
	report(REPORT, page(7) - 1, 2, WRITE);
	report(REPORT, page(9) + 7, 1, WRITE);
	for (unsigned int i = 4; i < 11; i++)
		assert_int_equal(kept(i), PAGE);
	assert_true(virtio_runs(&balloon));
}

static void other_queues_and_directions_give_nothing_back(void **unused)
{
	uint32_t number = RING_BUFFERS / PAGE + 1;
	uint16_t last = ring_add(&ring[REPORT], page(6), PAGE, WRITE, 0);

	(void)unused;
	ring_offer(&ring[REPORT], ring_add(&ring[REPORT], page(1), PAGE, NEXT, last));
	virtio_notify(&balloon, REPORT);
	assert_int_equal(kept(6), 0);
	report(INFLATE, page(1), PAGE, WRITE);
	/* the numbers of pages that are in the balloon, and are not any more */
	assert_int_equal(guest_write(&memory, page(4), &number, sizeof(number)), 0);
	report(INFLATE, page(4), sizeof(number), 0);
	report(DEFLATE, page(4), sizeof(number), 0);
	assert_int_equal(kept(1), PAGE);
	assert_int_equal(ring_take(&ring[INFLATE]), 0);
	assert_int_equal(ring_take(&ring[DEFLATE]), 0);
	assert_true(virtio_runs(&balloon));
}

/* Nothing of a chain is done when one of its ranges is not RAM. */
static void a_range_outside_breaks_the_device(void **unused)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
	} bad[] = {
		{ RING_MEMORY, PAGE },
		{ RING_MEMORY - PAGE, 2 * PAGE },
		{ UINT64_MAX - PAGE, 2 * PAGE },
		{ 0, UINT32_MAX },
		{ GUEST_4G, PAGE },
		{ RING_BUFFERS, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint16_t last;

		run();
		memset(guest_at(&memory, 0, RING_BUFFERS), 0, RING_BUFFERS);
		last = ring_add(&ring[REPORT], bad[i].addr, bad[i].len, WRITE, 0);
		ring_offer(&ring[REPORT],
		           ring_add(&ring[REPORT], page(1), PAGE, WRITE | NEXT, last));
		virtio_notify(&balloon, REPORT);
		assert_false(virtio_runs(&balloon));
		assert_int_equal(kept(1), PAGE);
		assert_int_equal(ring_take(&ring[REPORT]), -1);
	}
}

static void a_loop_breaks_the_device(void **unused)
{
	(void)unused;
	ring_offer(&ring[REPORT], ring_add(&ring[REPORT], page(1), PAGE, WRITE | NEXT, 0));
	virtio_notify(&balloon, REPORT);
	assert_false(virtio_runs(&balloon));
	assert_int_equal(kept(1), PAGE);
}

/* Its own rings, too, are the guest's to lose: all entries read as 0 then. */
static void the_rings_can_be_reported(void **unused)
{
	(void)unused;
	report(REPORT, 0, RING_BUFFERS, WRITE);
	for (int i = 0; i < 100; i++)
		virtio_notify(&balloon, REPORT);
	run();
	report(REPORT, page(2), PAGE, WRITE);
	assert_int_equal(kept(2), 0);
}

/* A range that begins below the hole for devices and ends above 4 GiB is no RAM, though both
 * sides are. */
static void the_hole_is_no_part_of_a_range(void **unused)
{
	struct guest_memory small = memory;
	struct err e = { 0 };
	const uint64_t size = 4096ull << 20;
	uint8_t *edge;

	(void)unused;
	memory = (struct guest_memory){ 0 };
	assert_int_equal(guest_memory_new(&memory, size, &e), 0);
	edge = guest_at(&memory, GUEST_LOW_END - PAGE, PAGE);
	edge[0] = 'x';
	run();
	report(REPORT, GUEST_LOW_END - PAGE, 2 * PAGE, WRITE);
	assert_false(virtio_runs(&balloon));
	run();
	memset(guest_at(&memory, 0, RING_BUFFERS), 0, RING_BUFFERS);
	report(REPORT, GUEST_LOW_END - PAGE, (uint32_t)(GUEST_4G - GUEST_LOW_END) + 2 * PAGE,
	       WRITE);
	assert_false(virtio_runs(&balloon));
	assert_int_equal(edge[0], 'x');
	run();
	memset(guest_at(&memory, 0, RING_BUFFERS), 0, RING_BUFFERS);
	report(REPORT, GUEST_LOW_END - PAGE, PAGE, WRITE);
	assert_true(virtio_runs(&balloon));
	assert_int_equal(edge[0], 0);
	guest_memory_done(&memory);
	memory = small;
}

/* What is copied goes on where the other stopped: the device is numbers alone. */
static void it_can_be_saved(void **unused)
{
	struct virtio_device saved;

	(void)unused;
	report(REPORT, page(1), PAGE, WRITE);
	saved = balloon;
	memset(&balloon, 0xff, sizeof(balloon));
	ring_offer(&ring[REPORT], ring_add(&ring[REPORT], page(2), PAGE, WRITE, 0));
	virtio_notify(&saved, REPORT);
	assert_int_equal(kept(2), 0);
	assert_int_equal(ring_take(&ring[REPORT]), 0);
	assert_int_equal(ring_take(&ring[REPORT]), 0);
	assert_int_equal(ring_take(&ring[REPORT]), -1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(what_is_reported_is_given_back),
		CASE(parts_of_pages_stay),
		CASE(other_queues_and_directions_give_nothing_back),
		CASE(a_range_outside_breaks_the_device),
		CASE(a_loop_breaks_the_device),
		CASE(the_rings_can_be_reported),
		CASE(the_hole_is_no_part_of_a_range),
		CASE(it_can_be_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
