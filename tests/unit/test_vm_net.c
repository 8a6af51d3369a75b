/* SPDX-License-Identifier: Apache-2.0 */
/* The network device, by a driver's side that the test plays; a pair of sockets that keep
 * packets apart stands for the tap. And the header of frames, what is let through of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"
#include "vm-sandbox/net.h"
#include "vm-sandbox/net_header.h"

#define WRITE  VRING_DESC_F_WRITE
#define NEXT   VRING_DESC_F_NEXT
#define BIT(f) (1ull << (f))

enum { IN, OUT, QUEUE = 256 };

#define ALL                                                                                   \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | \
	 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                        \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))

static struct guest_memory memory;
static struct ring ring[2];
static struct net net;
static int wire; /* the tap's other side */
static unsigned int told, offloads;
static bool offload_works;

static bool on_offload(int tap, unsigned int flags)
{
	assert_int_equal(tap, net.setup.tap);
	offloads = flags;
	return offload_works;
}

static void on_change(void *owner)
{
	assert_ptr_equal(owner, &net);
	told++;
}

static void run(uint64_t features)
{
	struct virtio_device *d = &net.device;

	virtio_set_status(d, 0);
	virtio_set_status(d, VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(d, features | BIT(VIRTIO_F_VERSION_1));
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < 2; i++) {
		ring[i] = ring_new(&memory, i, QUEUE);
		memset(ring_avail(&ring[i]), 0, 4);
		memset(ring_used(&ring[i]), 0, 4);
		*virtio_queue_to_set(d, i) = ring_queue(&ring[i]);
	}
	virtio_set_status(d, d->status | VIRTIO_CONFIG_S_DRIVER_OK);
}

static int start(void **unused)
{
	struct net_setup setup = { .mac = { 2, 1, 2, 3, 4, 5 },
		                   .mtu = 1400,
		                   .offload = on_offload };
	int pair[2];

	(void)unused;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	memory = ring_memory();
	setup.tap = pair[0];
	wire = pair[1];
	told = offloads = 0;
	offload_works = true;
	net_init(&net, &setup, &memory);
	net.changed = on_change;
	net.owner = &net;
	run(ALL | BIT(VIRTIO_NET_F_MRG_RXBUF));
	assert_true(virtio_runs(&net.device));
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	(void)close(wire);
	(void)close(net.setup.tap);
	ring_memory_free(&memory);
	return 0;
}

/* --- frames ------------------------------------------------------------------------------- */

struct frame {
	struct virtio_net_hdr_mrg_rxbuf header;
	uint8_t bytes[4000];
};

/* A frame of these bytes, of a protocol, each byte the number of its place. */
static struct frame frame_of(unsigned int protocol)
{
	struct frame f = { .header.num_buffers = 0 };

	for (size_t i = 0; i < sizeof(f.bytes); i++)
		f.bytes[i] = (uint8_t)(i * 7);
	f.bytes[12] = (uint8_t)(protocol >> 8);
	f.bytes[13] = (uint8_t)protocol;
	return f;
}

/* One of TCP that is to be cut. */
static struct frame large_frame(bool six)
{
	struct frame f = frame_of(six ? 0x86dd : 0x800);
	size_t ip = six ? 40 : 20;

	f.bytes[14] = six ? 0x60 : 0x45;
	if (!six)
		f.bytes[23] = 6;
	f.bytes[14 + ip + 12] = 0x50; /* a TCP header of 20 bytes */
	f.header.hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = six ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 5000, /* a hint, and a wrong one */
		.gso_size = 1000,
		.csum_start = (uint16_t)(14 + ip),
		.csum_offset = 16,
	};
	return f;
}

/* The guest sends it, of so many bytes with its header: what came on the wire, or -1. */
static ssize_t sent(const void *frame, size_t len, struct frame *ret)
{
	assert_int_equal(guest_write(&memory, RING_BUFFERS, frame, len), 0);
	ring_offer(&ring[OUT], ring_add(&ring[OUT], RING_BUFFERS, (uint32_t)len, 0, 0));
	virtio_notify(&net.device, OUT);
	assert_int_equal(ring_take(&ring[OUT]), 0);
	return recv(wire, ret, sizeof(*ret), MSG_DONTWAIT);
}

static void put_up(unsigned int nr, uint32_t len)
{
	ring_offer(&ring[IN], ring_add(&ring[IN], RING_BUFFERS + nr * 0x800, len, WRITE, 0));
}

static void arrive(const struct frame *f, size_t len)
{
	assert_int_equal(send(wire, f, len, 0), len);
	net_receive(&net);
}

/* --- the device ----------------------------------------------------------------------------- */

static void its_configuration(void **unused)
{
	uint8_t got[24] = { 0 };

	(void)unused;
	net.device.kind->config(&net.device, 0, got, 6);
	assert_memory_equal(got, net.setup.mac, 6);
	net.device.kind->config(&net.device, 6, got, 2);
	assert_int_equal(got[0], VIRTIO_NET_S_LINK_UP);
	net.device.kind->config(&net.device, 10, got, 2);
	assert_int_equal(got[0] | got[1] << 8, 1400);
	memset(got, 0, sizeof(got));
	net.device.kind->config(&net.device, 9999, got, 8);
	assert_int_equal(got[0], 0);
}

static void the_tap_is_told_what_the_guest_takes_over(void **unused)
{
	(void)unused;
	assert_int_equal(offloads, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6);
	assert_int_equal(told, 2); /* reset, start */
	run(0);
	assert_int_equal(offloads, 0);
	run(BIT(VIRTIO_NET_F_GUEST_TSO4)); /* nothing without checksums */
	assert_int_equal(offloads, 0);
	offload_works = false;
	run(ALL);
	assert_false(virtio_runs(&net.device));
	assert_false(net_wants(&net));
}

static void the_guest_sends(void **unused)
{
	struct frame f = frame_of(0x806), got;

	(void)unused;
	assert_int_equal(sent(&f, 12 + 14, &got), 12 + 14);
	assert_memory_equal(&got, &f, 12 + 14);
	assert_int_equal(sent(&f, 12 + 1500, &got), 12 + 1500);
	assert_memory_equal(&got, &f, 12 + 1500);
}

/* The parts of a chain may be cut anywhere, in the header and behind what is looked at. */
static void a_frame_in_parts(void **unused)
{
	static const uint32_t parts[] = { 5, 6, 2, 3, 300, 400, 296 };
	struct frame f = frame_of(0x806), got;
	uint32_t at = 0;

	(void)unused;
	assert_int_equal(guest_write(&memory, RING_BUFFERS, &f, 1012), 0);
	for (uint16_t i = 0; i < 7; i++) {
		ring_add(&ring[OUT], RING_BUFFERS + at, parts[i], i < 6 ? NEXT : 0,
		         (uint16_t)(i + 1));
		at += parts[i];
	}
	assert_int_equal(at, 1012);
	ring_offer(&ring[OUT], 0);
	virtio_notify(&net.device, OUT);
	assert_int_equal(recv(wire, &got, sizeof(got), MSG_DONTWAIT), 1012);
	assert_memory_equal(&got, &f, 1012);
}

static void frames_that_are_none_are_dropped(void **unused)
{
	struct frame f = frame_of(0x806), got;
	uint16_t head;

	(void)unused;
	assert_int_equal(sent(&f, 1, &got), -1);
	assert_int_equal(sent(&f, 12, &got), -1);
	assert_int_equal(sent(&f, 12 + 13, &got), -1);
	/* one larger than any */
	head = ring_add(&ring[OUT], RING_BUFFERS, 12 + NET_FRAME_MAX + 1, 0, 0);
	ring_offer(&ring[OUT], head);
	virtio_notify(&net.device, OUT);
	assert_int_equal(ring_take(&ring[OUT]), 0);
	assert_int_equal(recv(wire, &got, sizeof(got), MSG_DONTWAIT), -1);
	/* one that only has room for something */
	ring_offer(&ring[OUT], ring_add(&ring[OUT], RING_BUFFERS, 100, WRITE, 0));
	virtio_notify(&net.device, OUT);
	assert_int_equal(ring_take(&ring[OUT]), 0);
	assert_int_equal(recv(wire, &got, sizeof(got), MSG_DONTWAIT), -1);
	assert_true(virtio_runs(&net.device));
	assert_int_equal(sent(&f, 12 + 60, &got), 12 + 60);
}

static void a_wire_that_is_full_holds_nobody_up(void **unused)
{
	struct frame f = frame_of(0x806), got;
	unsigned int came = 0;

	(void)unused;
	assert_int_equal(guest_write(&memory, RING_BUFFERS, &f, 1012), 0);
	for (int i = 0; i < 2000; i++) {
		ring_offer(&ring[OUT], ring_add(&ring[OUT], RING_BUFFERS, 1012, 0, 0));
		virtio_notify(&net.device, OUT);
		assert_int_equal(ring_take(&ring[OUT]), 0);
	}
	while (recv(wire, &got, sizeof(got), MSG_DONTWAIT) > 0)
		came++;
	assert_in_range(came, 1, 1999);
	assert_int_equal(sent(&f, 12 + 60, &got), 12 + 60);
}

static void the_guest_receives(void **unused)
{
	struct frame f = frame_of(0x806), got;

	(void)unused;
	assert_int_equal(ring_used(&ring[IN])[0], VRING_USED_F_NO_NOTIFY);
	put_up(0, 1600);
	put_up(1, 1600);
	arrive(&f, 12 + 60);
	arrive(&f, 12 + 1400);
	assert_int_equal(ring_take(&ring[IN]), 12 + 60);
	assert_int_equal(ring_take(&ring[IN]), 12 + 1400);
	assert_int_equal(guest_read(&memory, RING_BUFFERS + 0x800, &got, 12 + 1400), 0);
	assert_int_equal(got.header.num_buffers, 1);
	assert_memory_equal(got.bytes, f.bytes, 1400);
	assert_true(net_wants(&net));
}

/* The driver sees none of the buffers of a frame before it sees them all. */
static void a_large_frame_takes_many_buffers(void **unused)
{
	struct frame f = large_frame(false), got;
	uint16_t used;

	(void)unused;
	put_up(0, 1000);
	put_up(1, 1000);
	arrive(&f, 12 + 2500);
	used = ring_used(&ring[IN])[1];
	assert_int_equal(used, 0);
	assert_false(net_wants(&net));
	put_up(2, 1000);
	told = 0;
	virtio_notify(&net.device, IN);
	assert_int_equal(told, 1);
	assert_true(net_wants(&net));
	assert_int_equal(ring_take(&ring[IN]), 1000);
	assert_int_equal(ring_take(&ring[IN]), 1000);
	assert_int_equal(ring_take(&ring[IN]), 512);
	assert_int_equal(guest_read(&memory, RING_BUFFERS, &got, 1000), 0);
	assert_int_equal(got.header.num_buffers, 3);
	assert_int_equal(got.header.hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_memory_equal(got.bytes, f.bytes, 988);
	assert_memory_equal(guest_at(&memory, RING_BUFFERS + 0x800, 1000), f.bytes + 988, 1000);
	assert_memory_equal(guest_at(&memory, RING_BUFFERS + 0x1000, 512), f.bytes + 1988, 512);
}

/* A queue full of buffers that are together too small for a frame holds up no other. */
static void what_can_never_fit_is_dropped(void **unused)
{
	struct frame f = frame_of(0x806);

	(void)unused;
	for (unsigned int i = 0; i < QUEUE; i++)
		put_up(i, 1);
	arrive(&f, 12 + 1000);
	assert_int_equal(ring_take(&ring[IN]), -1);
	assert_true(net_wants(&net));
	arrive(&f, 12 + 60);
	for (int i = 0; i < 72; i++)
		assert_int_equal(ring_take(&ring[IN]), 1);
	assert_int_equal(ring_take(&ring[IN]), -1);
}

static void without_merging_a_frame_takes_one(void **unused)
{
	struct frame f = frame_of(0x806);

	(void)unused;
	run(0);
	put_up(0, 1000);
	arrive(&f, 12 + 1400); /* dropped */
	arrive(&f, 12 + 60);
	assert_int_equal(ring_take(&ring[IN]), 72);
	assert_int_equal(ring_take(&ring[IN]), -1);
}

static void a_reset_forgets_what_waits(void **unused)
{
	struct frame f = frame_of(0x806);

	(void)unused;
	arrive(&f, 12 + 60);
	assert_false(net_wants(&net));
	virtio_set_status(&net.device, 0);
	assert_false(net_wants(&net));
	net_receive(&net);
	run(ALL);
	assert_true(net_wants(&net));
	put_up(0, 1000);
	net_receive(&net);
	assert_int_equal(ring_take(&ring[IN]), -1);
}

static void a_tap_that_goes_away_ends_nothing_else(void **unused)
{
	struct frame f = frame_of(0x806), got;

	(void)unused;
	put_up(0, 1000);
	(void)shutdown(wire, SHUT_RDWR);
	net_receive(&net);
	assert_false(net_wants(&net));
	assert_true(virtio_runs(&net.device));
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sent(&f, 12 + 60, &got), 0);
}

static void a_broken_queue_breaks_the_device(void **unused)
{
	struct frame f = frame_of(0x806);

	(void)unused;
	ring_offer(&ring[IN], QUEUE); /* behind the table */
	arrive(&f, 12 + 60);
	assert_false(virtio_runs(&net.device));
	assert_false(net_wants(&net));
	run(ALL);
	ring_offer(&ring[OUT], ring_add(&ring[OUT], RING_BUFFERS, 100, NEXT, 0)); /* a loop */
	virtio_notify(&net.device, OUT);
	assert_false(virtio_runs(&net.device));
}

/* --- headers ------------------------------------------------------------------------------ */

static bool passes(struct frame f, size_t total, uint64_t features)
{
	struct net_head h = { .header = f.header, .total = total };

	h.len = total < NET_HEAD ? total : NET_HEAD;
	memcpy(h.bytes, f.bytes, h.len);
	return net_header_out(&h, features);
}

static void headers_that_fit(void **unused)
{
	struct frame f = large_frame(false), got;

	(void)unused;
	assert_int_equal(sent(&f, 12 + 3000, &got), 12 + 3000);
	assert_int_equal(got.header.hdr.hdr_len, 0);
	assert_int_equal(got.header.hdr.gso_size, 1000);
	assert_true(passes(large_frame(true), 3000, ALL));
	/* behind a VLAN tag */
	memmove(f.bytes + 16, f.bytes + 12, 1000);
	f.bytes[12] = 0x81;
	f.bytes[13] = 0;
	f.header.hdr.csum_start += 4;
	assert_true(passes(f, 3000, ALL));
	/* a checksum alone, to the last byte */
	f = frame_of(0x800);
	f.header.hdr.flags = 0xff;
	f.header.hdr.csum_start = 34;
	f.header.hdr.csum_offset = 6;
	assert_true(passes(f, 42, ALL));
	assert_int_equal(sent(&f, 12 + 42, &got), 12 + 42);
	assert_int_equal(got.header.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	/* and what is not asked for is not passed on */
	f.header.hdr = (struct virtio_net_hdr){ .csum_start = 9, .gso_size = 9 };
	assert_int_equal(sent(&f, 12 + 42, &got), 12 + 42);
	assert_int_equal(got.header.hdr.csum_start, 0);
	assert_int_equal(got.header.hdr.gso_size, 0);
}

static void checksums_that_do_not_fit(void **unused)
{
	struct frame f = frame_of(0x800);

	(void)unused;
	f.header.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f.header.hdr.csum_start = 34;
	f.header.hdr.csum_offset = 6;
	assert_false(passes(f, 41, ALL));
	assert_false(passes(f, 42, ALL & ~BIT(VIRTIO_NET_F_CSUM)));
	f.header.hdr.csum_start = 13;
	assert_false(passes(f, 42, ALL));
	f.header.hdr.csum_start = UINT16_MAX;
	assert_false(passes(f, 4000, ALL));
	f.header.hdr.csum_start = 34;
	f.header.hdr.csum_offset = UINT16_MAX;
	assert_false(passes(f, 4000, ALL));
}

static void segments_that_do_not_fit(void **unused)
{
	static const uint8_t types[] = { VIRTIO_NET_HDR_GSO_UDP,
		                         5,
		                         2,
		                         0xff,
		                         VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
		                         VIRTIO_NET_HDR_GSO_TCPV6 };
	struct frame f;

	(void)unused;
	for (size_t i = 0; i < sizeof(types); i++) {
		f = large_frame(false);
		f.header.hdr.gso_type = types[i];
		assert_false(passes(f, 3000, ALL));
	}
	assert_false(passes(large_frame(false), 3000, ALL & ~BIT(VIRTIO_NET_F_HOST_TSO4)));
	assert_false(passes(large_frame(true), 3000, ALL & ~BIT(VIRTIO_NET_F_HOST_TSO6)));
	assert_false(passes(large_frame(false), 54, ALL)); /* nothing behind the headers */
	assert_true(passes(large_frame(false), 55, ALL));
	assert_false(passes(large_frame(false), 30, ALL));

#define REFUSED(change)         \
	f = large_frame(false); \
	change;                 \
	assert_false(passes(f, 3000, ALL))
	REFUSED(f.header.hdr.flags = 0);
	REFUSED(f.header.hdr.gso_size = 0);
	REFUSED(f.header.hdr.gso_size = 7);
	REFUSED(f.header.hdr.csum_start = 38);
	REFUSED(f.header.hdr.csum_offset = 6);
	REFUSED(f.bytes[12] = 0x86);
	REFUSED(f.bytes[23] = 17);             /* UDP */
	REFUSED(f.bytes[14] = 0x44);           /* an IP header of 16 bytes */
	REFUSED(f.bytes[14] = 0x46);           /* one that ends behind the TCP header's start */
	REFUSED(f.bytes[14 + 20 + 12] = 0x40); /* a TCP header of 16 bytes */
#undef REFUSED
	f = large_frame(true);
	f.header.hdr.csum_start = 53;
	assert_false(passes(f, 3000, ALL));
	f.header.hdr.csum_start = NET_HEAD - 19;
	assert_false(passes(f, 3000, ALL));
}

/* From the tap: what the guest has not agreed to is not for it. */
static void what_was_not_agreed_does_not_come(void **unused)
{
	struct frame f = large_frame(false);

	(void)unused;
	assert_true(net_header_in(&f, sizeof(f), ALL));
	assert_false(net_header_in(&f, sizeof(f), 0));
	assert_false(net_header_in(&f, sizeof(f), ALL & ~BIT(VIRTIO_NET_F_GUEST_TSO4)));
	assert_false(net_header_in(&f, 12 + 13, ALL));
	f.header.hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	assert_false(net_header_in(&f, sizeof(f), ALL & ~BIT(VIRTIO_NET_F_GUEST_TSO6)));
	f.header.hdr.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	assert_false(net_header_in(&f, sizeof(f), ALL));
	f = frame_of(0x800);
	f.header.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_true(net_header_in(&f, 12 + 60, 0));
	assert_int_equal(f.header.hdr.flags, 0);
	f.header.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f.header.hdr.csum_start = 59;
	assert_false(net_header_in(&f, 12 + 60, ALL));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(its_configuration),
		CASE(the_tap_is_told_what_the_guest_takes_over),
		CASE(the_guest_sends),
		CASE(a_frame_in_parts),
		CASE(frames_that_are_none_are_dropped),
		CASE(a_wire_that_is_full_holds_nobody_up),
		CASE(the_guest_receives),
		CASE(a_large_frame_takes_many_buffers),
		CASE(what_can_never_fit_is_dropped),
		CASE(without_merging_a_frame_takes_one),
		CASE(a_reset_forgets_what_waits),
		CASE(a_tap_that_goes_away_ends_nothing_else),
		CASE(a_broken_queue_breaks_the_device),
		CASE(headers_that_fit),
		CASE(checksums_that_do_not_fit),
		CASE(segments_that_do_not_fit),
		CASE(what_was_not_agreed_does_not_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
