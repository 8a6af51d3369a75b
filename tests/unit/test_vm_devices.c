/* SPDX-License-Identifier: Apache-2.0 */
/* The console's port, its way to a socket, and the random numbers, by a driver's side that the test
 * plays. */
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"
#include "vm-sandbox/agent_port.h"
#include "vm-sandbox/console.h"
#include "vm-sandbox/rng.h"

#define WRITE VRING_DESC_F_WRITE

static struct guest_memory memory;
static struct ring ring[6];
static struct console console;
static char received[256];
static bool refuses;

static bool receive(void *owner, const struct iovec *iov, unsigned int count, size_t len)
{
	size_t at = strlen(received);

	(void)owner;
	if (refuses)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		memcpy(received + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
		len -= iov[i].iov_len;
	}
	assert_int_equal(len, 0);
	return true;
}

static void run(struct virtio_device *d, uint64_t features)
{
	virtio_set_status(d, VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(d, features | 1ull << VIRTIO_F_VERSION_1);
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < d->kind->queues; i++) {
		ring[i] = ring_new(&memory, i, d->kind->queue_size[i]);
		*virtio_queue_to_set(d, i) = ring_queue(&ring[i]);
	}
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(virtio_runs(d));
}

static int start_console(void **unused)
{
	(void)unused;
	memory = ring_memory();
	memset(received, 0, sizeof(received));
	refuses = false;
	console_init(&console, &memory);
	console.receive = receive;
	run(&console.device, 1 << VIRTIO_CONSOLE_F_MULTIPORT);
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	ring_memory_free(&memory);
	return 0;
}

/* Each queue's buffers have their own pages. */
static uint64_t buffer(unsigned int queue, unsigned int nr)
{
	return RING_BUFFERS + queue * 0x8000u + nr * 0x400u;
}

static void put_up(unsigned int queue, unsigned int nr, uint32_t len)
{
	ring_offer(&ring[queue], ring_add(&ring[queue], buffer(queue, nr), len, WRITE, 0));
}

static void say(uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control c = { id, event, value };

	assert_int_equal(guest_write(&memory, buffer(3, 0), &c, sizeof(c)), 0);
	ring_offer(&ring[3], ring_add(&ring[3], buffer(3, 0), sizeof(c), 0, 0));
	virtio_notify(&console.device, 3);
	assert_int_equal(ring_take(&ring[3]), 0);
}

static void heard(unsigned int nr, uint16_t event, size_t len)
{
	struct virtio_console_control c;

	assert_int_equal(ring_take(&ring[2]), len);
	assert_int_equal(guest_read(&memory, buffer(2, nr), &c, sizeof(c)), 0);
	assert_int_equal(c.id, 1);
	assert_int_equal(c.event, event);
	assert_int_equal(c.value, 1);
}

static void the_port_is_announced(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 4; i++)
		put_up(2, i, 64);
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	heard(0, VIRTIO_CONSOLE_PORT_ADD, 8);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	heard(1, VIRTIO_CONSOLE_PORT_NAME, 8 + 9);
	assert_memory_equal(guest_at(&memory, buffer(2, 1) + 8, 9), "caisson.0", 9);
	heard(2, VIRTIO_CONSOLE_PORT_OPEN, 8);
	assert_int_equal(ring_take(&ring[2]), -1);
	assert_false(console.open);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_true(console.open);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	assert_false(console.open);
}

static void what_it_has_to_say_waits_for_buffers(void **unused)
{
	(void)unused;
	assert_int_equal(ring_used(&ring[2])[0], VRING_USED_F_NO_NOTIFY);
	for (int i = 0; i < 100; i++)
		say(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	say(1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(ring_used(&ring[2])[0], 0); /* it wants to know of buffers now */
	for (unsigned int i = 0; i < 5; i++)
		put_up(2, i, 64);
	virtio_notify(&console.device, 2);
	heard(0, VIRTIO_CONSOLE_PORT_ADD, 8);
	heard(1, VIRTIO_CONSOLE_PORT_NAME, 17);
	heard(2, VIRTIO_CONSOLE_PORT_OPEN, 8);
	assert_int_equal(ring_take(&ring[2]), -1);
}

static void messages_of_others_change_nothing(void **unused)
{
	(void)unused;
	put_up(2, 0, 64);
	say(0, VIRTIO_CONSOLE_PORT_READY, 1);
	say(7, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(1, 99, 1);
	say(0, VIRTIO_CONSOLE_DEVICE_READY, 0);
	assert_false(console.open);
	assert_int_equal(ring_take(&ring[2]), -1);
	/* and a message that is too short is given back unread */
	ring_offer(&ring[3], ring_add(&ring[3], buffer(3, 0), 7, 0, 0));
	virtio_notify(&console.device, 3);
	assert_int_equal(ring_take(&ring[3]), 0);
}

static void send_text(const char *text)
{
	assert_int_equal(guest_write(&memory, buffer(5, 0), text, strlen(text)), 0);
	ring_offer(&ring[5], ring_add(&ring[5], buffer(5, 0), (uint32_t)strlen(text), 0, 0));
	virtio_notify(&console.device, 5);
}

static void the_guest_sends(void **unused)
{
	(void)unused;
	send_text("hello ");
	send_text("world");
	assert_string_equal(received, "hello world");
	assert_int_equal(ring_take(&ring[5]), 0);
	assert_int_equal(ring_take(&ring[5]), 0);
	refuses = true;
	send_text("!");
	assert_int_equal(ring_take(&ring[5]), -1);
	refuses = false;
	console_resume(&console);
	assert_string_equal(received, "hello world!");
	assert_int_equal(ring_take(&ring[5]), 0);
}

static void the_host_sends_as_much_as_has_room(void **unused)
{
	(void)unused;
	put_up(4, 0, 4);
	assert_int_equal(console_send(&console, "caisson", 7), 0); /* not open */
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(ring_used(&ring[4])[0], VRING_USED_F_NO_NOTIFY);
	assert_int_equal(console_send(&console, "caisson", 7), 4);
	assert_int_equal(ring_used(&ring[4])[0], 0);
	put_up(4, 1, 64);
	assert_int_equal(console_send(&console, "son", 3), 3);
	assert_int_equal(ring_take(&ring[4]), 4);
	assert_int_equal(ring_take(&ring[4]), 3);
	assert_memory_equal(guest_at(&memory, buffer(4, 0), 4), "cais", 4);
	assert_memory_equal(guest_at(&memory, buffer(4, 1), 3), "son", 3);
	virtio_set_status(&console.device, 0);
	assert_false(console.open);
	assert_int_equal(console_send(&console, "x", 1), 0);
}

static struct agent_port port;
static int owner; /* the other end of its socket */
static unsigned int firsts;

static void on_first(void *unused)
{
	(void)unused;
	firsts++;
}

static int start_port(void **unused)
{
	struct err e;
	int pair[2], small = 1;

	start_console(unused);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	owner = pair[1];
	firsts = 0;
	port = (struct agent_port){ .first = on_first };
	assert_int_equal(agent_port_init(&port, &console, pair[0], &e), 0);
	return 0;
}

static int stop_port(void **unused)
{
	agent_port_done(&port);
	(void)close(port.socket);
	(void)close(owner);
	return stop(unused);
}

static bool wakes(void)
{
	struct pollfd p = { .fd = port.wake, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* 400 messages of a KiB, each with a number, though the owner reads nothing until the guest
 * is held up: all come, in order. */
static void a_guest_that_is_too_fast_is_held_up(void **unused)
{
	enum { MESSAGES = 400, SIZE = 1024 };
	static uint8_t got[SIZE];
	unsigned int sent = 0, had = 0, held_up = 0;

	(void)unused;
	while (had < MESSAGES) {
		while (sent < MESSAGES && !port.refused) {
			memset(got, (int)(sent & 0xff), sizeof(got));
			assert_int_equal(guest_write(&memory, buffer(5, 0), got, SIZE), 0);
			ring_offer(&ring[5], ring_add(&ring[5], buffer(5, 0), SIZE, 0, 0));
			virtio_notify(&console.device, 5);
			sent++;
		}
		held_up += port.refused;
		assert_true(!port.refused || agent_port_events(&port) & POLLOUT);
		for (; had < MESSAGES && recv(owner, got, SIZE, MSG_DONTWAIT | MSG_PEEK) > 0;
		     had++) {
			assert_int_equal(recv(owner, got, SIZE, MSG_WAITALL), SIZE);
			assert_int_equal(got[0], had & 0xff);
			assert_int_equal(got[SIZE - 1], had & 0xff);
			assert_true(agent_port_move(&port));
		}
	}
	assert_true(held_up > 1);
	assert_int_equal(firsts, 1);
}

/* The owner's bytes wait until the guest has opened its port, and for its buffers. */
static void the_owner_waits_for_the_guest(void **unused)
{
	static uint8_t text[3000];

	(void)unused;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i / 7);
	assert_int_equal(send(owner, text, sizeof(text), 0), sizeof(text));
	assert_true(agent_port_move(&port));
	assert_int_equal(agent_port_events(&port), 0);
	say(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_true(wakes());
	assert_true(agent_port_move(&port));
	assert_int_equal(port.to_guest_len, sizeof(text)); /* it has put up no buffer yet */
	assert_int_equal(agent_port_events(&port), 0);
	assert_false(wakes());
	for (unsigned int i = 0; i < 3; i++) {
		put_up(4, i, 1000);
		virtio_notify(&console.device, 4);
		assert_true(wakes());
		assert_true(agent_port_move(&port));
		assert_int_equal(ring_take(&ring[4]), 1000);
		assert_memory_equal(guest_at(&memory, buffer(4, i), 1000), text + 1000 * (size_t)i,
		                    1000);
	}
	assert_int_equal(agent_port_events(&port), POLLIN);
	(void)shutdown(owner, SHUT_WR);
	assert_false(agent_port_move(&port));
}

static void what_can_never_fit_breaks_the_device(void **unused)
{
	(void)unused;
	ring_offer(&ring[5], ring_add(&ring[5], RING_BUFFERS - 0x10000, AGENT_PORT_ROOM + 1, 0, 0));
	virtio_notify(&console.device, 5);
	assert_false(virtio_runs(&console.device));
}

static void its_configuration_has_two_ports(void **unused)
{
	uint64_t value = 0;

	(void)unused;
	console.device.kind->config(&console.device, 4, &value, 4);
	assert_int_equal(value, 2);
	value = 0;
	console.device.kind->config(&console.device, 11, &value, 8);
	console.device.kind->config(&console.device, UINT32_MAX, &value, 8);
	assert_int_equal(value, 0);
}

static void random_numbers_come(void **unused)
{
	struct virtio_device rng;
	static const uint8_t zeros[1024];

	(void)unused;
	memory = ring_memory();
	virtio_init(&rng, &rng_kind, &memory);
	run(&rng, 0);
	put_up(0, 0, 64);
	put_up(0, 1, 1024); /* not more than 256 at once */
	ring_offer(&ring[0], ring_add(&ring[0], buffer(0, 2), 64, 0, 0)); /* nothing to write */
	virtio_notify(&rng, 0);
	assert_int_equal(ring_take(&ring[0]), 64);
	assert_int_equal(ring_take(&ring[0]), 256);
	assert_int_equal(ring_take(&ring[0]), 0);
	assert_memory_not_equal(guest_at(&memory, buffer(0, 0), 64), zeros, 64);
	assert_memory_equal(guest_at(&memory, buffer(0, 1) + 256, 1), zeros, 1);
	stop(NULL);
}

int main(void)
{
#define CASE(f)      cmocka_unit_test_setup_teardown(f, start_console, stop)
#define PORT_CASE(f) cmocka_unit_test_setup_teardown(f, start_port, stop_port)
	const struct CMUnitTest tests[] = {
		CASE(the_port_is_announced),
		CASE(what_it_has_to_say_waits_for_buffers),
		CASE(messages_of_others_change_nothing),
		CASE(the_guest_sends),
		CASE(the_host_sends_as_much_as_has_room),
		PORT_CASE(a_guest_that_is_too_fast_is_held_up),
		PORT_CASE(the_owner_waits_for_the_guest),
		PORT_CASE(what_can_never_fit_breaks_the_device),
		CASE(its_configuration_has_two_ports),
		cmocka_unit_test(random_numbers_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
