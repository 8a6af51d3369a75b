/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs from the driver's side: FUSE requests in a virtqueue, answered in its buffers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_config.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"
#include "vm-sandbox/fs_device.h"

enum { REQUESTS = 1, URGENT = 0 };

static struct guest_memory memory;
static struct ring ring[2];
static struct fs_share share = { .name = "tmp" };
static struct fs *fs;
static struct fs_worker *worker;
static struct fs_device device;

static int start(void **unused)
{
	struct fs_setup setup = {
		.shares = &share, .share_count = 1, .inodes_max = 8, .handles_max = 8
	};
	struct virtio_device *d = &device.device;
	struct err e = { 0 };

	(void)unused;
	memory = ring_memory();
	share.fd = open("/tmp", O_PATH | O_CLOEXEC);
	setup.proc_fds = open("/proc/self/fd", O_PATH | O_CLOEXEC);
	assert_int_equal(fs_new(&setup, &fs, &e), 0);
	assert_int_equal(fs_worker_new(fs, &worker, &e), 0);
	assert_int_equal(fs_device_init(&device, "caisson", worker, &memory, &e), 0);
	close(setup.proc_fds);
	virtio_set_status(d, VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(d, 1ull << VIRTIO_F_VERSION_1);
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < 2; i++) {
		ring[i] = ring_new(&memory, i, d->kind->queue_size[i]);
		*virtio_queue_to_set(d, i) = ring_queue(&ring[i]);
	}
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_DRIVER_OK);
	return virtio_runs(d) ? 0 : -1;
}

static int stop(void **unused)
{
	(void)unused;
	fs_worker_free(worker);
	fs_free(fs);
	close(share.fd);
	ring_memory_free(&memory);
	return 0;
}

/* A request, its head and body as two buffers, with `room` for the reply in two more. */
static int64_t request(unsigned int queue, uint32_t opcode, const void *body, uint32_t len,
                       uint32_t room)
{
	struct fuse_in_header head = {
		.len = 40 + len, .opcode = opcode, .unique = 7, .nodeid = 1
	};
	struct ring *r = &ring[queue];
	uint16_t next;

	assert_int_equal(guest_write(&memory, RING_BUFFERS, &head, 40), 0);
	if (len)
		assert_int_equal(guest_write(&memory, RING_BUFFERS + 0x100, body, len), 0);
	next = room ? ring_add(r, RING_BUFFERS + 0x2000, room, VRING_DESC_F_WRITE, 0) : 0;
	if (room) {
		/* the reply's head by itself, as the kernel has it */
		ring_desc(r, next)->addr += 16;
		ring_desc(r, next)->len -= 16;
		next = ring_add(r, RING_BUFFERS + 0x2000, 16,
		                VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, next);
	}
	if (len)
		next = ring_add(r, RING_BUFFERS + 0x100, len, room ? VRING_DESC_F_NEXT : 0, next);
	next = ring_add(r, RING_BUFFERS, 40, len || room ? VRING_DESC_F_NEXT : 0, next);
	ring_offer(r, next);
	virtio_notify(&device.device, queue);
	return ring_take(r);
}

static const struct fuse_out_header *reply(void)
{
	return guest_at(&memory, RING_BUFFERS + 0x2000, 16);
}

static void requests_are_answered(void **unused)
{
	struct fuse_init_in init = { .major = 7, .minor = 38 };
	struct fuse_forget_in forget = { 1 };
	const struct fuse_entry_out *entry;

	(void)unused;
	assert_int_equal(request(REQUESTS, FUSE_INIT, &init, sizeof(init), 256),
	                 16 + sizeof(struct fuse_init_out));
	assert_int_equal(reply()->error, 0);
	assert_int_equal(reply()->unique, 7);
	assert_int_equal(request(REQUESTS, FUSE_LOOKUP, "tmp", 4, 256),
	                 16 + sizeof(struct fuse_entry_out));
	assert_int_equal(reply()->len, 16 + sizeof(struct fuse_entry_out));
	entry = guest_at(&memory, RING_BUFFERS + 0x2010, sizeof(*entry));
	assert_int_equal(entry->attr.mode & S_IFMT, S_IFDIR);
	assert_int_equal(request(REQUESTS, FUSE_LOOKUP, "none", 5, 256), 16);
	assert_int_equal(reply()->error, -ENOENT);
	assert_int_equal(request(URGENT, FUSE_FORGET, &forget, sizeof(forget), 0), 0);
	assert_int_equal(request(REQUESTS, 60, NULL, 0, 64), 16);
	assert_int_equal(reply()->error, -ENOSYS);
}

static void its_configuration_is_the_tag(void **unused)
{
	uint8_t config[40] = { 0 };
	struct fs_device other;
	struct err e = { 0 };
	char tag[] = "a_tag_of_thirty-six_bytes_has_no_NUL";

	(void)unused;
	device.device.kind->config(&device.device, 0, config, sizeof(config));
	assert_memory_equal(config, "caisson\0\0", 9);
	assert_int_equal(config[36], 1);
	assert_int_equal(fs_device_init(&other, tag, worker, &memory, &e), 0);
	other.device.kind->config(&other.device, 0, config, sizeof(config));
	assert_memory_equal(config, tag, 36);
	assert_int_equal(fs_device_init(&other, "", worker, &memory, &e), -1);
	assert_int_equal(fs_device_init(&other, "a_tag_of_thirty-seven_bytes_is_a_fault", worker,
	                                &memory, &e),
	                 -1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(requests_are_answered),
		CASE(its_configuration_is_the_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
