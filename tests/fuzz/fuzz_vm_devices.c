/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console, the random numbers, the network, the balloon and the disk on their bus: an arbitrary
 * sequence of accesses to their registers and to configuration space, over memory of arbitrary
 * bytes. Nothing is touched outside of it (the sanitizers watch), and it ends. For the tap stands a
 * socket that gives back what it is sent, so what the guest sends comes in again; the disk is a
 * file in memory, which keeps its size.
 *
 * The input is a count of accesses, records of 8 bytes (what, width, offset, value), and
 * the memory from its start. Before it the devices are set up as a driver would, so that
 * their queues are reached; a reset is among the accesses.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm-sandbox/balloon.h"
#include "vm-sandbox/console.h"
#include "vm-sandbox/net.h"
#include "vm-sandbox/rng.h"
#include "vm-sandbox/virtio_blk.h"
#include "vm-sandbox/virtio_pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 32768, DEVICES = 5, RECORD = 8, SECTORS = 8, DISK = SECTORS * BLK_SECTOR };

#define BAR(slot) (GUEST_BARS + (uint64_t)(slot)*VIRTIO_PCI_BAR_SIZE)

static struct pci_bus bus;
static struct guest_memory memory = { .count = 1, .region = { { .size = MEMORY } } };
static volatile size_t sink_total;

static bool route(void *owner, unsigned int vector, const struct msix_message *message)
{
	(void)owner;
	return (vector ^ message->data) & 1;
}

static void fire(void *owner, unsigned int vector)
{
	(void)owner;
	sink_total += vector;
}

static const struct msix_sink sink = { .route = route, .fire = fire };

static bool receive(void *owner, const struct iovec *iov, unsigned int count, size_t len)
{
	(void)owner;
	for (unsigned int i = 0; i < count; i++)
		sink_total += ((const uint8_t *)iov[i].iov_base)[iov[i].iov_len - 1];
	return len != 3;
}

static void set(unsigned int slot, uint32_t offset, uint64_t value, uint32_t len)
{
	(void)pci_access(&bus, BAR(slot) + offset, &value, len, true);
}

/* What it agrees to: all that it is offered of the lower half. */
static void start(unsigned int slot, uint32_t queues, uint32_t features)
{
	pci_config_write(&bus, (slot << 15) + PCI_BASE_ADDRESS_0, BAR(slot), 4);
	pci_config_write(&bus, (slot << 15) + PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	set(slot, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set(slot, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set(slot, VIRTIO_PCI_COMMON_GF, 1, 4);
	set(slot, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set(slot, VIRTIO_PCI_COMMON_GF, features, 4);
	set(slot, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	for (uint32_t i = 0; i < queues; i++) {
		set(slot, VIRTIO_PCI_COMMON_Q_SELECT, i, 2);
		set(slot, VIRTIO_PCI_COMMON_Q_MSIX, i, 2);
		set(slot, VIRTIO_PCI_COMMON_Q_DESCLO, (uint64_t)i * 0x400, 4);
		set(slot, VIRTIO_PCI_COMMON_Q_AVAILLO, i * 0x400 + 0x100, 4);
		set(slot, VIRTIO_PCI_COMMON_Q_USEDLO, i * 0x400 + 0x200, 4);
		set(slot, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	}
	set(slot, VIRTIO_PCI_COMMON_STATUS, 15, 1);
}

static void access_one(const uint8_t *record)
{
	uint64_t offset = record[2] | (uint64_t)record[3] << 8, value;
	uint32_t len = 1u << (record[1] & 3);
	unsigned int slot = (record[0] >> 1 & 7) % DEVICES;

	memcpy(&value, record, sizeof(value));
	value >>= 32;
	if (record[0] & 0x80)
		pci_config_write(&bus, (slot << 15) + (offset & 0xff), value, len);
	else if (record[0] & 0x40)
		set(slot, VIRTIO_PCI_NOTIFY + (offset & 7) * 4, value, 2);
	else
		(void)pci_access(&bus, BAR(slot) + (offset & 0x7fff), &value, len, record[0] & 1);
}

static bool offload(int tap, unsigned int flags)
{
	(void)tap;
	return !(flags & 0x80);
}

/* A frame of the guest's comes back to it. */
static void turn(struct net *net, int wire)
{
	static uint8_t frame[NET_HEADER + NET_FRAME_MAX];
	ssize_t n = recv(wire, frame, sizeof(frame), MSG_DONTWAIT);

	if (n > 0)
		(void)send(wire, frame, (size_t)n, MSG_DONTWAIT);
	if (net_wants(net))
		net_receive(net);
}

/* What the guest has written there stays for the next input. */
static struct blk_setup disk(bool read_only)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("disk", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, DISK) < 0)
		abort();
	return (struct blk_setup){ .fd = fd, .sectors = SECTORS, .read_only = read_only };
}

static void disk_is_as_large_as_before(const struct blk *b)
{
	struct stat st;

	if (fstat(b->setup.fd, &st) < 0 || st.st_size != DISK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct blk blk;
	static struct net net;
	static struct console console;
	static struct virtio_device rng, balloon;
	static struct virtio_pci function[DEVICES];
	struct err e = { 0 };
	size_t count, rest;
	int pair[2];

	if (size < 1 || pci_bus_new(&bus, &e) < 0)
		return 0;
	count = data[0] < (size - 1) / RECORD ? data[0] : (size - 1) / RECORD;
	rest = size - 1 - count * RECORD;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	memory.region[0].host = aligned_alloc(4096, MEMORY);
	memset(memory.region[0].host, 0, MEMORY);
	memcpy(memory.region[0].host, data + 1 + count * RECORD, rest < MEMORY ? rest : MEMORY);

	console_init(&console, &memory);
	console.receive = receive;
	virtio_init(&rng, &rng_kind, &memory);
	virtio_init(&balloon, &balloon_kind, &memory);
	net_init(&net, &(const struct net_setup){ .tap = pair[0], .mtu = 1500, .offload = offload },
	         &memory);
	const struct blk_setup setup = disk(data[0] & 2);
	blk_init(&blk, &setup, &memory);
	virtio_pci_add(&bus, 0, &function[0], &console.device, &sink, NULL);
	virtio_pci_add(&bus, 1, &function[1], &rng, &sink, NULL);
	virtio_pci_add(&bus, 2, &function[2], &net.device, &sink, NULL);
	virtio_pci_add(&bus, 3, &function[3], &balloon, &sink, NULL);
	virtio_pci_add(&bus, 4, &function[4], &blk.device, &sink, NULL);
	start(0, 6, 0);
	start(1, 1, 0);
	start(2, 2, data[0] & 1 ? (uint32_t)virtio_features(&net.device) : 0);
	start(3, 5, 1u << VIRTIO_BALLOON_F_REPORTING);
	start(4, 1, data[0] & 1 ? (uint32_t)virtio_features(&blk.device) : 0);
	for (size_t i = 0; i < count; i++) {
		access_one(data + 1 + i * RECORD);
		sink_total += console_send(&console, "caisson", 7);
		turn(&net, pair[1]);
	}
	console_resume(&console);
	disk_is_as_large_as_before(&blk);
	(void)close(pair[0]);
	(void)close(pair[1]);
	free(memory.region[0].host);
	pci_bus_done(&bus);
	return 0;
}
