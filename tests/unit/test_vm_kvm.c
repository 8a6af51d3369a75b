/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests of a few instructions on the host's KVM: each way to end, the serial port, devices
 * behind memory, interrupts by message, and the watchdog. Where there is no KVM, or one
 * that cannot do this, they are skipped.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/scope.h"
#include "tests/unit/unit.h"
#include "vm-sandbox/boot.h"
#include "vm-sandbox/kvm.h"
#include "vm-sandbox/kvm_probe.h"
#include "vm-sandbox/rng.h"
#include "vm-sandbox/virtio_pci.h"

#define CODE 0x1000000ull

enum { LIMIT_MS = 20000 };

static struct machine machine;
static char said[64];
static size_t said_len;

static void on_serial(void *owner, uint8_t byte)
{
	(void)owner;
	if (said_len < sizeof(said) - 1)
		said[said_len++] = (char)byte;
}

static int make(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	memset(said, 0, sizeof(said));
	said_len = 0;
	machine.vm = machine.kvm = -1;
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return 0;
	if (machine_new(&machine, 32ull << 20, &e) < 0 ||
	    boot_write_tables(&machine.memory, &e) < 0)
		fail_msg("%s", e.text);
	return 0;
}

static int drop(void **unused)
{
	(void)unused;
	if (machine.kvm >= 0)
		machine_done(&machine);
	return 0;
}

static void need_kvm(void)
{
	if (machine.kvm >= 0)
		return;
	print_message("no /dev/kvm here\n");
	skip();
}

static enum machine_end run_for(const void *code, size_t len, unsigned int limit_ms)
{
	enum machine_end end = MACHINE_RUNS;
	struct err e = { 0 };

	assert_int_equal(guest_write(&machine.memory, CODE, code, len), 0);
	if (machine_boot(&machine, 1, CODE, &e) < 0 ||
	    machine_run(&machine, limit_ms, &end, &e) < 0)
		fail_msg("%s", e.text);
	return end;
}

#define RUN(...)                                                                            \
	run_for((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), \
	        LIMIT_MS)

/* mov $PORT, %dx; mov $BYTE, %al; out %al, %dx */
#define OUT(port, byte) 0x66, 0xba, (port)&0xff, (port) >> 8, 0xb0, byte, 0xee
#define STOP            OUT(GUEST_PORT_SLEEP_CONTROL, 0x34)
#define HANG            0xeb, 0xfe
/* mov $ADDRESS, %ebx */
#define ADDRESS(a) 0xbb, (a)&0xff, (a) >> 8 & 0xff, (a) >> 16 & 0xff, (a) >> 24 & 0xff

static void it_powers_off(void **unused)
{
	(void)unused;
	need_kvm();
	/* other values of the register do nothing */
	assert_int_equal(RUN(OUT(GUEST_PORT_SLEEP_CONTROL, 0x14),
	                     OUT(GUEST_PORT_SLEEP_CONTROL, 0x20), STOP, HANG),
	                 MACHINE_POWER_OFF);
	assert_int_equal(machine.exits.total, 3);
	assert_string_equal(machine_end_name(MACHINE_POWER_OFF), "power off");
}

static void it_resets(void **unused)
{
	(void)unused;
	need_kvm();
	assert_int_equal(RUN(OUT(GUEST_PORT_RESET, 0x60), OUT(GUEST_PORT_RESET, 0xfe), HANG),
	                 MACHINE_RESET);
}

/* An exception without a table of handlers */
static void it_faults(void **unused)
{
	(void)unused;
	need_kvm();
	assert_int_equal(RUN(0x0f, 0x0b, HANG), MACHINE_TRIPLE_FAULT);
}

static void it_hangs_until_the_watchdog(void **unused)
{
	static const uint8_t hang[] = { HANG };

	(void)unused;
	need_kvm();
	assert_int_equal(run_for(hang, sizeof(hang), 50), MACHINE_TIME_OUT);
}

static void it_halts_until_the_watchdog(void **unused)
{
	static const uint8_t halt[] = { 0xfa, 0xf4, HANG }; /* interrupts off, halt */

	(void)unused;
	need_kvm();
	assert_int_equal(run_for(halt, sizeof(halt), 50), MACHINE_TIME_OUT);
}

static void its_serial_port_is_heard(void **unused)
{
	(void)unused;
	need_kvm();
	machine.serial = on_serial;
	assert_int_equal(RUN(OUT(0x3f8, 'o'), OUT(0x3f9, 'x'), OUT(0x3f8, 'k'), STOP, HANG),
	                 MACHINE_POWER_OFF);
	assert_string_equal(said, "ok");
}

/* What is at no port reads as ones: in %dx, %al; then that byte to the serial port */
static void nothing_reads_as_ones(void **unused)
{
	(void)unused;
	need_kvm();
	machine.serial = on_serial;
	assert_int_equal(RUN(0x66, 0xba, 0xf8, 0x0c, 0xec, 0x66, 0xba, 0xf8, 0x03, 0xee,
	                     /* and memory: mov (%rbx), %al */
	                     ADDRESS(0xc0800000), 0x8a, 0x03, 0xee, STOP, HANG),
	                 MACHINE_POWER_OFF);
	assert_memory_equal(said, "\xff\xff", 3);
}

static struct virtio_device rng;
static struct virtio_pci function;

static void plug(struct machine_lines *lines)
{
	struct err e = { 0 };

	virtio_init(&rng, &rng_kind, &machine.memory);
	assert_int_equal(machine_lines_new(&machine, 2, lines, &e), 0);
	virtio_pci_add(&machine.bus, 1, &function, &rng, &machine_sink, lines);
}

/* The guest reads the vendor without an exit, places the BAR, and accepts the device. */
static void a_device_is_found_and_reached(void **unused)
{
	struct machine_lines lines;

	(void)unused;
	need_kvm();
	plug(&lines);
	machine.serial = on_serial;
	assert_int_equal(RUN(ADDRESS(0xd0008000), 0x8a, 0x03,          /* mov (%rbx), %al: vendor */
	                     0x66, 0xba, 0xf8, 0x03, 0xee,             /* to the serial port */
	                     0xc7, 0x43, 0x10, 0, 0, 0x10, 0xc0,       /* movl $BAR, 0x10(%rbx) */
	                     0x66, 0xc7, 0x43, 0x04, 2, 0,             /* movw $MEMORY, 4(%rbx) */
	                     ADDRESS(0xc0100000), 0xc6, 0x43, 0x14, 3, /* movb $3, 0x14(%rbx) */
	                     STOP, HANG),
	                 MACHINE_POWER_OFF);
	assert_memory_equal(said, "\xf4", 2);
	assert_int_equal(rng.status, 3);
	assert_int_equal(machine.exits.total, 5);
	assert_int_equal(machine.exits.by[EXIT_CONFIG], 2);
	assert_int_equal(machine.exits.by[EXIT_BAR_COMMON], 1);
	assert_int_equal(machine.exits.by[EXIT_PORT_SERIAL], 1);
	assert_int_equal(machine.exits.by[EXIT_PORT], 1);
}

static void an_interrupt_arrives_by_message(void **unused)
{
	struct machine_lines lines;
	struct kvm_lapic_state lapic;
	struct msix_message message = { .address = 0xfee00000, .data = 0x45 };
	struct err e = { 0 };
	uint32_t on = 0x1ff, requests = 0;

	(void)unused;
	need_kvm();
	plug(&lines);
	assert_int_equal(machine_boot(&machine, 1, CODE, &e), 0);
	assert_int_equal(ioctl(machine.vcpu[0].fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(lapic.regs + 0xf0, &on, 4); /* spurious vector: enables it */
	assert_int_equal(ioctl(machine.vcpu[0].fd, KVM_SET_LAPIC, &lapic), 0);
	assert_false(machine_sink.route(&lines, 2, &message)); /* not ours */
	assert_true(machine_sink.route(&lines, 1, &message));
	machine_sink.fire(&lines, 1);
	for (int i = 0; i < 200 && !requests; i++) {
		assert_int_equal(ioctl(machine.vcpu[0].fd, KVM_GET_LAPIC, &lapic), 0);
		memcpy(&requests, lapic.regs + 0x220, 4); /* IRR */
		usleep(1000);
	}
	assert_int_equal(requests, 1u << 0x45 % 32);
}

static void a_notification_needs_no_exit(void **unused)
{
	struct err e = { 0 };
	uint64_t count = 0;
	FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)unused;
	need_kvm();
	assert_int_equal(machine_notify_fd(&machine, 0xc0103000, fd, true, &e), 0);
	assert_int_equal(RUN(ADDRESS(0xc0103000), 0x66, 0xc7, 0x03, 1, 0, /* movw $1, (%rbx) */
	                     STOP, HANG),
	                 MACHINE_POWER_OFF);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	assert_int_equal(machine.exits.total, 1);
	assert_int_equal(machine_notify_fd(&machine, 0xc0103000, fd, false, &e), 0);
	assert_int_equal(machine_notify_fd(&machine, 0xc0103000, fd, false, &e), -1);
}

/* Whether this host is fast enough is the probe's to say; that a guest which has nothing to
 * do is, and one that has all to do is not, holds everywhere. */
static void the_probe_tells_fast_from_slow(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	need_kvm();
	if (kvm_probe(1, LIMIT_MS, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(kvm_probe(UINT32_MAX, 20, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_non_null(strstr(e.text, "too slow"));
	assert_non_null(strstr(e.hint, "nested virtualization"));
	e = (struct err){ 0 };
	if (kvm_probe(KVM_PROBE_LOOPS, KVM_PROBE_LIMIT_MS, &e) < 0)
		assert_int_equal(e.kind, ERR_REFUSED);
}

static void wrong_numbers_are_refused(void **unused)
{
	struct machine_lines lines;
	struct err e = { 0 };
	struct machine other;

	(void)unused;
	need_kvm();
	assert_int_equal(machine_boot(&machine, 0, CODE, &e), -1);
	assert_int_equal(machine_boot(&machine, GUEST_VCPUS_MAX + 1, CODE, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_int_equal(machine_lines_new(&machine, MACHINE_LINES_MAX + 1, &lines, &e), -1);
	assert_int_equal(machine_new(&other, 1, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(it_powers_off),
		CASE(it_resets),
		CASE(it_faults),
		CASE(it_hangs_until_the_watchdog),
		CASE(it_halts_until_the_watchdog),
		CASE(its_serial_port_is_heard),
		CASE(nothing_reads_as_ones),
		CASE(a_device_is_found_and_reached),
		CASE(an_interrupt_arrives_by_message),
		CASE(a_notification_needs_no_exit),
		CASE(the_probe_tells_fast_from_slow),
		CASE(wrong_numbers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
