/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device on the PCI bus, driven through its registers as a guest's kernel does:
 * found, sized, its capabilities walked, set up and used; and as a hostile one does.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "base/scope.h"
#include "tests/unit/unit.h"
#include "tests/unit/vm_ring.h"
#include "vm-sandbox/virtio_pci.h"

enum { SLOT = 3, LAST_STATUS = 15 };

#define BAR 0xc0100000u

static unsigned int starts, resets, notified[4], fired[4], routes;
static struct msix_message routed[4];
static bool route_fails;

static void on_config(const struct virtio_device *d, uint32_t offset, void *to, uint32_t len)
{
	static const char text[] = "caisson";

	(void)d;
	if (offset < sizeof(text))
		memcpy(to, text + offset,
		       len < sizeof(text) - offset ? len : sizeof(text) - offset);
}

static void on_start(struct virtio_device *d)
{
	(void)d;
	starts++;
}

static void on_reset(struct virtio_device *d)
{
	(void)d;
	resets++;
}

static void on_notify(struct virtio_device *d, unsigned int queue)
{
	static struct virtq_chain chain;

	notified[queue]++;
	while (virtio_take(d, queue, &chain))
		virtio_give(d, queue, chain.head, 1);
	virtio_signal(d, queue);
}

static const struct virtio_kind kind = {
	.id = 4,
	.features = 1ull << 5,
	.pci_class = 0x088000,
	.queues = 2,
	.queue_size = { 8, 16 },
	.config = on_config,
	.start = on_start,
	.reset = on_reset,
	.notify = on_notify,
};

static bool on_route(void *owner, unsigned int vector, const struct msix_message *message)
{
	(void)owner;
	routes++;
	routed[vector] = *message;
	return !route_fails;
}

static void on_fire(void *owner, unsigned int vector)
{
	(void)owner;
	fired[vector]++;
}

static const struct msix_sink sink = { .route = on_route, .fire = on_fire };

static struct guest_memory memory;
static struct pci_bus bus;
static struct virtio_device device;
static struct virtio_pci function;

static uint8_t *config(void)
{
	return bus.ecam + (SLOT << 15);
}

static uint32_t config_get(unsigned int offset, size_t size)
{
	uint32_t value = 0;

	memcpy(&value, config() + offset, size);
	return value;
}

static void config_set(unsigned int offset, uint32_t value, uint32_t size)
{
	pci_config_write(&bus, (SLOT << 15) + offset, value, size);
}

static uint64_t get(uint32_t offset, uint32_t len)
{
	uint64_t value = 0;

	assert_true(pci_access(&bus, BAR + (uint64_t)offset, &value, len, false));
	return value;
}

static void set(uint32_t offset, uint64_t value, uint32_t len)
{
	assert_true(pci_access(&bus, BAR + (uint64_t)offset, &value, len, true));
}

static int plug(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	starts = resets = routes = 0;
	memset(notified, 0, sizeof(notified));
	memset(fired, 0, sizeof(fired));
	route_fails = false;
	memory = ring_memory();
	assert_int_equal(pci_bus_new(&bus, &e), 0);
	virtio_init(&device, &kind, &memory);
	virtio_pci_add(&bus, SLOT, &function, &device, &sink, NULL);
	config_set(PCI_BASE_ADDRESS_0, BAR, 4);
	config_set(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	return 0;
}

static int unplug(void **unused)
{
	(void)unused;
	pci_bus_done(&bus);
	ring_memory_free(&memory);
	return 0;
}

static void accept_features(uint64_t features)
{
	set(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	set(VIRTIO_PCI_COMMON_STATUS, 1, 1);
	set(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	for (uint32_t half = 0; half < 2; half++) {
		set(VIRTIO_PCI_COMMON_GFSELECT, half, 4);
		set(VIRTIO_PCI_COMMON_GF, features >> 32 * half, 4);
	}
	set(VIRTIO_PCI_COMMON_STATUS, 11, 1);
}

static void set_queue(unsigned int nr, uint16_t size)
{
	uint64_t base = (uint64_t)nr * RING_STEP;

	set(VIRTIO_PCI_COMMON_Q_SELECT, nr, 2);
	set(VIRTIO_PCI_COMMON_Q_SIZE, size, 2);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, base + RING_DESC, 4);
	set(VIRTIO_PCI_COMMON_Q_AVAILLO, base + RING_AVAIL, 4);
	set(VIRTIO_PCI_COMMON_Q_USEDLO, base + RING_USED, 4);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static void message(unsigned int vector, uint32_t data)
{
	set(0x4000 + vector * 16, 0xfee00000, 4);
	set(0x4004 + vector * 16, 0, 4);
	set(0x4008 + vector * 16, data, 4);
	set(0x400c + vector * 16, 0, 4);
}

static void set_up(void)
{
	accept_features(1ull << 32);
	set_queue(0, 8);
	set_queue(1, 16);
	config_set(function.msix_control, 0x8000, 2);
	for (unsigned int i = 0; i < 3; i++)
		message(i, 0x30 + i);
	set(VIRTIO_PCI_COMMON_STATUS, LAST_STATUS, 1);
}

static void it_is_found_and_sized(void **unused)
{
	(void)unused;
	assert_int_equal(config_get(PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(config_get(PCI_DEVICE_ID, 2), 0x1044);
	assert_int_equal(config_get(PCI_CLASS_REVISION, 4), 0x08800001);
	config_set(PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	assert_int_equal(config_get(PCI_BASE_ADDRESS_0, 4), 0xffff8000);
	config_set(PCI_BASE_ADDRESS_0 + 4, UINT32_MAX, 4);
	assert_int_equal(config_get(PCI_BASE_ADDRESS_0 + 4, 4), 0);
	config_set(PCI_ROM_ADDRESS, UINT32_MAX, 4);
	assert_int_equal(config_get(PCI_ROM_ADDRESS, 4), 0);
	config_set(PCI_VENDOR_ID, 0, 4);
	assert_int_equal(config_get(PCI_VENDOR_ID, 2), 0x1af4);
	config_set(PCI_BASE_ADDRESS_0, BAR, 4);
	assert_int_equal(config_get(PCI_BASE_ADDRESS_0, 4), BAR);
	for (unsigned int slot = 0; slot < 32; slot++)
		assert_int_equal(*(uint16_t *)(void *)(bus.ecam + (slot << 15)),
		                 slot == SLOT ? 0x1af4 : 0);
}

static void capabilities_lead_to_its_parts(void **unused)
{
	unsigned int at = config_get(PCI_CAPABILITY_LIST, 1), types = 0, count = 0;

	(void)unused;
	assert_int_equal(config_get(PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	for (; at; at = config_get(at + 1, 1), count++) {
		assert_in_range(count, 0, 5);
		if (config_get(at, 1) == PCI_CAP_ID_MSIX) {
			assert_int_equal(config_get(at + 2, 2), 1); /* two vectors */
			assert_int_equal(config_get(at + 4, 4), 0x4000);
			assert_int_equal(config_get(at + 8, 4), 0x5000);
			continue;
		}
		assert_int_equal(config_get(at, 1), PCI_CAP_ID_VNDR);
		types |= 1u << config_get(at + 3, 1);
		assert_int_equal(config_get(at + 4, 1), 0); /* BAR 0 */
		assert_true(config_get(at + 8, 4) + config_get(at + 12, 4) <= VIRTIO_PCI_BAR_SIZE);
	}
	assert_int_equal(count, 5);
	assert_int_equal(types, 0x1e); /* common, notify, ISR, device */
}

static void decoding_can_be_switched_off(void **unused)
{
	uint32_t value;

	(void)unused;
	config_set(PCI_COMMAND, 0, 2);
	assert_false(pci_access(&bus, BAR, &value, 4, false));
	config_set(PCI_COMMAND, UINT16_MAX, 2);
	assert_int_equal(config_get(PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_true(pci_access(&bus, BAR, &value, 4, false));
	assert_false(pci_access(&bus, BAR + VIRTIO_PCI_BAR_SIZE, &value, 4, false));
	assert_false(pci_access(&bus, BAR + VIRTIO_PCI_BAR_SIZE - 2, &value, 4, false));
	assert_false(pci_access(&bus, BAR - 1, &value, 4, false));
}

static void a_driver_sets_it_up_and_uses_it(void **unused)
{
	struct ring ring = ring_new(&memory, 1, 16);

	(void)unused;
	set(VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	assert_int_equal(get(VIRTIO_PCI_COMMON_DF, 4), 1 << 5);
	set(VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
	assert_int_equal(get(VIRTIO_PCI_COMMON_DF, 4), 1);
	set(VIRTIO_PCI_COMMON_DFSELECT, 2, 4);
	assert_int_equal(get(VIRTIO_PCI_COMMON_DF, 4), 0);
	assert_int_equal(get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	set_up();
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), LAST_STATUS);
	assert_int_equal(starts, 1);
	assert_int_equal(get(0x2000, 4), 0x73696163); /* "cais" */
	assert_int_equal(get(0x2004, 1), 's');
	assert_int_equal(get(0x2800, 8), 0);

	ring_offer(&ring, ring_add(&ring, RING_BUFFERS, 4, VRING_DESC_F_WRITE, 0));
	set(0x3004, 1, 2);
	assert_int_equal(notified[1], 1);
	assert_int_equal(ring_take(&ring), 1);
	assert_int_equal(fired[1], 1);
	assert_int_equal(routed[1].data, 0x31);
	assert_int_equal(routed[1].address, 0xfee00000);

	set(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	assert_int_equal(resets, 2);
	set(0x3004, 1, 2);
	assert_int_equal(notified[1], 1);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}

static void features_are_not_taken_without_version_1_or_unoffered(void **unused)
{
	static const uint64_t bad[] = { 0, 1 << 5, 1ull << 32 | 1, 1ull << 32 | 1ull << 33,
		                        UINT64_MAX };

	(void)unused;
	for (size_t i = 0; i < LEN(bad); i++) {
		accept_features(bad[i]);
		assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
		set(VIRTIO_PCI_COMMON_STATUS, LAST_STATUS, 1); /* and not without them */
		assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	}
	assert_int_equal(starts, 0);
}

static void a_running_device_changes_nothing_but_by_reset(void **unused)
{
	(void)unused;
	set_up();
	set(VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 4, 2);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, 0x10000, 4);
	set(VIRTIO_PCI_COMMON_Q_USEDHI, 1, 4);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 0, 2);
	set(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set(VIRTIO_PCI_COMMON_GF, 1 << 5, 4);
	assert_int_equal(device.queue[0].size, 8);
	assert_int_equal(device.queue[0].desc, RING_DESC);
	assert_int_equal(device.queue[0].used, RING_USED);
	assert_true(device.queue[0].enabled);
	assert_int_equal(device.accepted, 1ull << 32);
	set(VIRTIO_PCI_COMMON_STATUS, 3, 1); /* a bit less */
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), LAST_STATUS);
	set(VIRTIO_PCI_COMMON_STATUS, LAST_STATUS, 1);
	assert_int_equal(starts, 1);
}

static void queues_before_features_are_not_taken(void **unused)
{
	(void)unused;
	set(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_queue(0, 4);
	assert_int_equal(device.queue[0].size, 8);
	assert_false(device.queue[0].enabled);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	set(VIRTIO_PCI_COMMON_Q_SELECT, UINT16_MAX, 2);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 4, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
}

static void a_bad_queue_asks_for_a_reset(void **unused)
{
	(void)unused;
	accept_features(1ull << 32);
	set_queue(0, 3);
	set(VIRTIO_PCI_COMMON_STATUS, LAST_STATUS, 1);
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), LAST_STATUS | 64);
	assert_int_equal(starts, 0);
	set_up(); /* which begins with the reset */
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), LAST_STATUS);
	set(VIRTIO_PCI_COMMON_MSIX, 0, 2);
	ring_avail(&(struct ring){ .m = &memory })[1] = 100;
	set(0x3000, 0, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), LAST_STATUS | 64);
	assert_int_equal(fired[0], 1); /* the configuration's vector says so */
	set(0x3000, 0, 2);
	assert_int_equal(notified[0], 1);
}

static void vectors_that_there_are_not_read_as_none(void **unused)
{
	(void)unused;
	accept_features(1ull << 32);
	set(VIRTIO_PCI_COMMON_MSIX, 2, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
	set(VIRTIO_PCI_COMMON_MSIX, 1, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_MSIX, 2), 1);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 65535, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
}

static void masked_vectors_fire_when_the_mask_goes(void **unused)
{
	(void)unused;
	set_up();
	set(0x400c + 16, 1, 4);
	msix_fire(&function.msix, 1);
	assert_int_equal(fired[1], 0);
	assert_int_equal(get(0x5000, 8), 2);
	message(1, 0x77);
	assert_int_equal(fired[1], 1);
	assert_int_equal(routed[1].data, 0x77);
	assert_int_equal(get(0x5000, 8), 0);

	config_set(function.msix_control, 0xc000, 2); /* all */
	msix_fire(&function.msix, 0);
	msix_fire(&function.msix, 1);
	assert_int_equal(fired[0] + fired[1], 1);
	config_set(function.msix_control, 0x8000, 2);
	assert_int_equal(fired[0] + fired[1], 3);

	config_set(function.msix_control, 0, 2); /* off: nothing is kept */
	msix_fire(&function.msix, 1);
	config_set(function.msix_control, 0x8000, 2);
	assert_int_equal(fired[0] + fired[1], 3);
}

static void a_message_is_routed_once_for_each_change(void **unused)
{
	unsigned int before;

	(void)unused;
	set_up();
	before = routes;
	msix_fire(&function.msix, 1);
	msix_fire(&function.msix, 1);
	assert_int_equal(routes, before);
	set(0x4018, 0x99, 4);
	msix_fire(&function.msix, 1);
	assert_int_equal(routes, before + 1);
	route_fails = true; /* then it stays pending */
	set(0x4018, 0x98, 4);
	msix_fire(&function.msix, 1);
	assert_int_equal(fired[1], 3);
	assert_int_equal(get(0x5000, 4), 2);
	route_fails = false;
	msix_route_all(&function.msix);
	assert_int_equal(fired[1], 4);
}

static void reserved_bits_of_the_table_stay_clear(void **unused)
{
	(void)unused;
	set(0x4000, UINT64_MAX, 8);
	set(0x4008, UINT64_MAX, 8);
	assert_int_equal(get(0x4000, 4), 0xfffffffc);
	assert_int_equal(get(0x4000, 8), 0xfffffffffffffffc);
	assert_int_equal(get(0x400c, 4), 1);
	assert_int_equal(get(0x4020, 4), 0); /* behind the last vector */
}

/* Every register with every width, in each state: the sanitizers watch. */
static void any_access_is_survived(void **unused)
{
	(void)unused;
	for (int round = 0; round < 3; round++) {
		for (uint32_t offset = 0; offset < VIRTIO_PCI_BAR_SIZE; offset++) {
			for (uint32_t len = 1; len <= 8; len++) {
				uint8_t data[8];

				if (offset >= 256 && offset % 0x1000 >= 256 && offset % 31)
					continue;
				memset(data, round == 0 ? 0xff : (int)offset, sizeof(data));
				(void)pci_access(&bus, BAR + (uint64_t)offset, data, len, true);
				(void)pci_access(&bus, BAR + (uint64_t)offset, data, len, false);
			}
		}
		set_up();
	}
	for (uint64_t offset = 0; offset < GUEST_ECAM_SIZE + 4096;
	     offset += offset % 4096 ? 1 : 251)
		for (uint32_t len = 1; len <= 8; len++)
			pci_config_write(&bus, offset, 0, len);
	assert_int_equal(config_get(PCI_VENDOR_ID, 2), 0x1af4);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, plug, unplug)
	const struct CMUnitTest tests[] = {
		CASE(it_is_found_and_sized),
		CASE(capabilities_lead_to_its_parts),
		CASE(decoding_can_be_switched_off),
		CASE(a_driver_sets_it_up_and_uses_it),
		CASE(features_are_not_taken_without_version_1_or_unoffered),
		CASE(a_running_device_changes_nothing_but_by_reset),
		CASE(queues_before_features_are_not_taken),
		CASE(a_bad_queue_asks_for_a_reset),
		CASE(vectors_that_there_are_not_read_as_none),
		CASE(masked_vectors_fire_when_the_mask_goes),
		CASE(a_message_is_routed_once_for_each_change),
		CASE(reserved_bits_of_the_table_stay_clear),
		CASE(any_access_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
