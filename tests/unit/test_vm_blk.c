/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's disk, by a driver's side that the test plays, on a file in memory: what is read
 * and written, and what a hostile driver cannot reach. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"
#include "vm-sandbox/virtio_blk.h"

#define WRITE VRING_DESC_F_WRITE
#define NEXT  VRING_DESC_F_NEXT

enum {
	SECTORS = 64,
	SIZE = SECTORS * BLK_SECTOR,
	TWO = 2 * BLK_SECTOR,
	QUEUE = 128,
	HEAD = RING_BUFFERS,
	STATUS = RING_BUFFERS + 0x100,
	DATA = RING_BUFFERS + 0x1000,
	UNTOUCHED = 0xee,
};

#define FLUSH ((uint64_t)1 << VIRTIO_BLK_F_FLUSH)

static struct guest_memory memory;
static struct ring ring;
static struct blk blk;
static unsigned int interrupts;

static void on_interrupt(void *transport, uint16_t vector)
{
	(void)transport;
	(void)vector;
	interrupts++;
}

static void run(bool read_only, uint64_t features)
{
	struct virtio_device *d = &blk.device;
	const struct blk_setup setup = {
		.fd = blk.setup.fd,
		.sectors = SECTORS,
		.read_only = read_only,
	};

	blk_init(&blk, &setup, &memory);
	d->interrupt = on_interrupt;
	virtio_set_status(d, VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(d, features | 1ull << VIRTIO_F_VERSION_1);
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_FEATURES_OK);
	ring = ring_new(&memory, 0, QUEUE);
	memset(ring_avail(&ring), 0, 4);
	memset(ring_used(&ring), 0, 4);
	*virtio_queue_to_set(d, 0) = ring_queue(&ring);
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(virtio_runs(d));
	interrupts = 0;
}

/* Each sector is full of its own number. */
static int start(void **unused)
{
	uint8_t sector[BLK_SECTOR];

	(void)unused;
	memory = ring_memory();
	blk.setup.fd = memfd_create("disk", MFD_CLOEXEC);
	assert_true(blk.setup.fd >= 0);
	for (int i = 0; i < SECTORS; i++) {
		memset(sector, i, sizeof(sector));
		assert_int_equal(write(blk.setup.fd, sector, sizeof(sector)), sizeof(sector));
	}
	run(false, FLUSH);
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	(void)close(blk.setup.fd);
	ring_memory_free(&memory);
	return 0;
}

static uint8_t *data(void)
{
	return guest_at(&memory, DATA, 0x10000);
}

static void put_head(uint32_t type, uint64_t sector)
{
	const struct virtio_blk_outhdr head = { .type = type, .sector = sector };

	assert_int_equal(guest_write(&memory, HEAD, &head, sizeof(head)), 0);
	*(uint8_t *)guest_at(&memory, STATUS, 1) = UNTOUCHED;
}

static uint16_t chain(uint64_t addr, uint32_t len, uint16_t flags)
{
	return ring_add(&ring, addr, len, flags, (uint16_t)(ring.free + 1) % QUEUE);
}

/* A request as Linux makes it: head, data, status; what the device says. */
static uint8_t ask(uint32_t type, uint64_t sector, uint32_t len)
{
	const uint16_t kind = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID ? WRITE : 0;
	uint16_t head;

	put_head(type, sector);
	head = chain(HEAD, sizeof(struct virtio_blk_outhdr), NEXT);
	if (len > 0)
		(void)chain(DATA, len, NEXT | kind);
	(void)chain(STATUS, 1, WRITE);
	ring_offer(&ring, head);
	virtio_notify(&blk.device, 0);
	return *(uint8_t *)guest_at(&memory, STATUS, 1);
}

/* The byte that a whole sector of the file is full of; -1: it is not. */
static int sector_is(unsigned int nr)
{
	uint8_t got[BLK_SECTOR];

	assert_int_equal(pread(blk.setup.fd, got, sizeof(got), (off_t)nr * BLK_SECTOR),
	                 sizeof(got));
	for (int i = 1; i < BLK_SECTOR; i++) {
		if (got[i] != got[0])
			return -1;
	}
	return got[0];
}

static bool is_unchanged(void)
{
	struct stat st;

	for (unsigned int i = 0; i < SECTORS; i++) {
		if (sector_is(i) != (int)i)
			return false;
	}
	return fstat(blk.setup.fd, &st) == 0 && st.st_size == SIZE;
}

static void sectors_are_read_and_written(void **unused)
{
	(void)unused;
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 5, 2 * BLK_SECTOR), VIRTIO_BLK_S_OK);
	assert_int_equal(ring_take(&ring), 2 * BLK_SECTOR + 1);
	assert_int_equal(data()[0], 5);
	assert_int_equal(data()[2 * BLK_SECTOR - 1], 6);
	assert_int_equal(data()[TWO], 0);
	assert_int_equal(interrupts, 1);
	memset(data(), 0xab, BLK_SECTOR);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, SECTORS - 1, BLK_SECTOR), VIRTIO_BLK_S_OK);
	assert_int_equal(ring_take(&ring), 1);
	assert_int_equal(sector_is(SECTORS - 1), 0xab);
	assert_int_equal(sector_is(SECTORS - 2), SECTORS - 2);
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	/* a driver that cannot flush */
	run(false, 0);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 0, BLK_SECTOR), VIRTIO_BLK_S_OK);
	assert_int_equal(sector_is(0), 0xab);
}

static void it_tells_what_it_is(void **unused)
{
	struct virtio_blk_config c;

	(void)unused;
	memset(&c, 0xff, sizeof(c));
	blk.device.kind->config(&blk.device, 0, &c, sizeof(c));
	assert_int_equal(c.capacity, SECTORS);
	assert_int_equal(c.seg_max, QUEUE - 2);
	assert_int_equal(c.max_discard_seg, 1);
	c.capacity = 0;
	blk.device.kind->config(&blk.device, UINT32_MAX, &c, 8);
	assert_int_equal(c.capacity, 0);
	assert_int_equal(ask(VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES), VIRTIO_BLK_S_OK);
	assert_string_equal((const char *)data(), "caisson");
	assert_int_equal(ask(VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES - 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(VIRTIO_BLK_T_SCSI_CMD, 0, 0), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16), VIRTIO_BLK_S_UNSUPP);
	assert_true(is_unchanged());
}

/* Head and status in the same buffers as the data, or cut anywhere. */
static void buffers_are_cut_as_the_driver_likes(void **unused)
{
	uint16_t head;

	(void)unused;
	put_head(VIRTIO_BLK_T_OUT, 9);
	memset(data(), 0xcd, BLK_SECTOR);
	head = chain(HEAD, 5, NEXT);
	(void)chain(HEAD + 5, 11, NEXT);
	(void)chain(DATA, 100, NEXT);
	(void)chain(DATA + 100, BLK_SECTOR - 100, NEXT);
	(void)chain(STATUS, 1, WRITE);
	ring_offer(&ring, head);
	virtio_notify(&blk.device, 0);
	assert_int_equal(*(uint8_t *)guest_at(&memory, STATUS, 1), VIRTIO_BLK_S_OK);
	assert_int_equal(sector_is(9), 0xcd);
	/* data and status in one */
	put_head(VIRTIO_BLK_T_IN, 9);
	memset(data(), UNTOUCHED, BLK_SECTOR + 2);
	head = chain(HEAD, 16, NEXT);
	(void)chain(DATA, BLK_SECTOR + 1, WRITE);
	ring_offer(&ring, head);
	virtio_notify(&blk.device, 0);
	assert_int_equal(data()[BLK_SECTOR - 1], 0xcd);
	assert_int_equal(data()[BLK_SECTOR], VIRTIO_BLK_S_OK);
	assert_int_equal(data()[BLK_SECTOR + 1], UNTOUCHED);
}

static void nothing_behind_the_end_is_reached(void **unused)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} wrong[] = {
		{ SECTORS, BLK_SECTOR },
		{ SECTORS - 1, 2 * BLK_SECTOR },
		{ SECTORS + 1, 0 },
		{ UINT64_MAX, BLK_SECTOR },
		{ UINT64_MAX / BLK_SECTOR + 1, BLK_SECTOR }, /* its place would be 0 */
		{ (uint64_t)INT64_MAX / BLK_SECTOR + 1, BLK_SECTOR },
		{ 0, BLK_SECTOR - 1 },
		{ 0, 1 },
	};

	(void)unused;
	memset(data(), 0xcd, 0x1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ask(VIRTIO_BLK_T_OUT, wrong[i].sector, wrong[i].len),
		                 VIRTIO_BLK_S_IOERR);
		assert_int_equal(ask(VIRTIO_BLK_T_IN, wrong[i].sector, wrong[i].len),
		                 VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(data()[0], 0xcd);
	assert_true(is_unchanged());
	assert_true(virtio_runs(&blk.device));
}

static void a_read_only_disk_is_only_read(void **unused)
{
	const struct virtio_blk_discard_write_zeroes all = { .num_sectors = SECTORS };

	(void)unused;
	assert_int_equal(virtio_features(&blk.device) >> VIRTIO_BLK_F_RO & 1, 0);
	run(true, 0);
	assert_int_equal(virtio_features(&blk.device) >> VIRTIO_BLK_F_RO & 1, 1);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 1, BLK_SECTOR), VIRTIO_BLK_S_OK);
	assert_int_equal(data()[0], 1);
	assert_int_equal(ask(VIRTIO_BLK_T_OUT, 2, BLK_SECTOR), VIRTIO_BLK_S_IOERR);
	assert_int_equal(guest_write(&memory, DATA, &all, sizeof(all)), 0);
	assert_int_equal(ask(VIRTIO_BLK_T_DISCARD, 0, sizeof(all)), VIRTIO_BLK_S_IOERR);
	assert_true(is_unchanged());
	assert_int_equal(ask(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
}

static uint8_t discard(uint64_t sector, uint32_t count, uint32_t flags, uint32_t len)
{
	const struct virtio_blk_discard_write_zeroes range = { sector, count, flags };

	assert_int_equal(guest_write(&memory, DATA, &range, sizeof(range)), 0);
	return ask(VIRTIO_BLK_T_DISCARD, 0, len);
}

static void what_is_discarded_takes_no_room(void **unused)
{
	enum { RANGE = sizeof(struct virtio_blk_discard_write_zeroes) };
	struct stat st;

	(void)unused;
	assert_int_equal(discard(SECTORS, 1, 0, RANGE), VIRTIO_BLK_S_IOERR);
	assert_int_equal(discard(8, SECTORS, 0, RANGE), VIRTIO_BLK_S_IOERR);
	assert_int_equal(discard(UINT64_MAX, 2, 0, RANGE), VIRTIO_BLK_S_IOERR);
	assert_int_equal(discard(0, 8, 0, RANGE - 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(discard(0, 8, 0, 2 * RANGE), VIRTIO_BLK_S_IOERR);
	assert_int_equal(discard(0, 8, 1, RANGE), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(discard(0, 0, 0, RANGE), VIRTIO_BLK_S_OK);
	assert_true(is_unchanged());
	assert_int_equal(discard(8, 16, 0, RANGE), VIRTIO_BLK_S_OK);
	assert_int_equal(sector_is(7), 7);
	assert_int_equal(sector_is(8), 0);
	assert_int_equal(sector_is(23), 0);
	assert_int_equal(sector_is(24), 24);
	assert_int_equal(fstat(blk.setup.fd, &st), 0);
	assert_int_equal(st.st_size, SIZE);
}

/* The file was made shorter behind our back. */
static void a_file_that_ends_is_an_error_of_the_disk(void **unused)
{
	struct stat st;

	(void)unused;
	assert_int_equal(ftruncate(blk.setup.fd, 10 * BLK_SECTOR + 100), 0);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 9, BLK_SECTOR), VIRTIO_BLK_S_OK);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 10, BLK_SECTOR), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(VIRTIO_BLK_T_IN, 20, BLK_SECTOR), VIRTIO_BLK_S_IOERR);
	assert_int_equal(fstat(blk.setup.fd, &st), 0);
	assert_int_equal(st.st_size, 10 * BLK_SECTOR + 100);
}

static void requests_without_a_head_or_a_status(void **unused)
{
	uint16_t head;

	(void)unused;
	put_head(VIRTIO_BLK_T_IN, 0);
	head = chain(HEAD, 15, NEXT);
	(void)chain(STATUS, 1, WRITE);
	ring_offer(&ring, head);
	virtio_notify(&blk.device, 0);
	assert_int_equal(*(uint8_t *)guest_at(&memory, STATUS, 1), VIRTIO_BLK_S_IOERR);
	ring_offer(&ring, ring_add(&ring, STATUS, 1, WRITE, 0));
	virtio_notify(&blk.device, 0);
	assert_int_equal(ring_take(&ring), 1);
	assert_int_equal(ring_take(&ring), 1);
	ring_offer(&ring, chain(HEAD, 16, 0));
	virtio_notify(&blk.device, 0);
	assert_false(virtio_runs(&blk.device));
	assert_int_equal(ring_take(&ring), -1);
	assert_true(is_unchanged());
}

static void its_size_is_a_number_of_sectors(void **unused)
{
	uint64_t sectors = 0;
	struct err e = { 0 };
	int pair[2];

	(void)unused;
	assert_int_equal(blk_sectors(blk.setup.fd, &sectors, &e), 0);
	assert_int_equal(sectors, SECTORS);
	assert_int_equal(ftruncate(blk.setup.fd, 1000), 0);
	assert_int_equal(blk_sectors(blk.setup.fd, &sectors, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_non_null(strstr(e.text, "1000 bytes"));
	assert_int_equal(ftruncate(blk.setup.fd, 0), 0);
	assert_int_equal(blk_sectors(blk.setup.fd, &sectors, &e), -1);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(blk_sectors(pair[0], &sectors, &e), -1);
	assert_string_equal(e.text, "neither a file nor a block device");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(sectors_are_read_and_written),
		CASE(it_tells_what_it_is),
		CASE(buffers_are_cut_as_the_driver_likes),
		CASE(nothing_behind_the_end_is_reached),
		CASE(a_read_only_disk_is_only_read),
		CASE(what_is_discarded_takes_no_room),
		CASE(a_file_that_ends_is_an_error_of_the_disk),
		CASE(requests_without_a_head_or_a_status),
		CASE(its_size_is_a_number_of_sectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
