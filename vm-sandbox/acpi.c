/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables are written one behind the other into a buffer that begins at GUEST_ACPI, each
 * before the one that names its address, with the RSDP's room left at the start. A table's
 * head is filled when its length is known.
 */
#include "vm-sandbox/acpi.h"

#include <string.h>

#include "vm-sandbox/aml.h"
#include "vm-sandbox/layout.h"

enum {
	RSDP_SIZE = 36,
	RSDP_CHECKED_FIRST = 20, /* what the first checksum is over */
	TABLES_AT = 64,
	HEAD_SIZE = 36,
	FADT_SIZE = 276,
};

/* The head of each table, section 5.2.6. */
struct acpi_head {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* A register's address, section 5.2.3.2. */
struct acpi_address {
	uint8_t space; /* 1: ports */
	uint8_t bits, offset, access;
	uint64_t address;
} __attribute__((packed));

/* What of the FADT (section 5.2.9) is not zero here, and where it is. */
enum {
	FADT_BOOT_ARCH = 109,
	FADT_FLAGS = 112,
	FADT_RESET = 116,
	FADT_RESET_VALUE = 128,
	FADT_MINOR = 131,
	FADT_DSDT = 140,
	FADT_SLEEP_CONTROL = 244,
	FADT_SLEEP_STATUS = 256,

	BOOT_ARCH_NO_VGA = 1 << 2,
	BOOT_ARCH_NO_CMOS = 1 << 5,
};

#define FADT_RESET_SUPPORTED  (1u << 10)
#define FADT_HARDWARE_REDUCED (1u << 20)

static uint8_t checksum(const char *data, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)data[i]);
	return (uint8_t)-sum;
}

/* A table begins on 16 bytes; its place in the buffer is returned. */
static size_t begin(struct buf *b)
{
	static const char zeros[HEAD_SIZE];
	size_t at;

	buf_align(b, 16);
	at = b->len;
	buf_add(b, zeros, sizeof(zeros));
	return at;
}

/* The guest physical address of the table that ends here. */
static uint64_t end(struct buf *b, size_t at, const char *signature, uint8_t revision)
{
	struct acpi_head head = {
		.length = (uint32_t)(b->len - at),
		.revision = revision,
		.oem = { 'C', 'A', 'I', 'S', 'O', 'N' },
		.oem_table = { 'C', 'A', 'I', 'S', 'O', 'N', 'V', 'M' },
		.oem_revision = 1,
		.creator = { 'C', 'S', 'S', 'N' },
		.creator_revision = 1,
	};

	if (b->failed)
		return 0;
	memcpy(head.signature, signature, sizeof(head.signature));
	memcpy(b->data + at, &head, sizeof(head));
	b->data[at + offsetof(struct acpi_head, checksum)] =
		(char)checksum(b->data + at, b->len - at);
	return GUEST_ACPI + at;
}

/* The host bridge: one bus, memory for BARs, no ports. */
static void add_pci(struct buf *b)
{
	size_t device = aml_device(b, "PCI0"), resources;

	aml_name_eisa(b, "_HID", "PNP0A08");
	aml_name_eisa(b, "_CID", "PNP0A03");
	aml_name_integer(b, "_UID", 0);
	resources = aml_resources(b, "_CRS");
	aml_resource_bus(b, 0, 0);
	aml_resource_window(b, GUEST_BARS, GUEST_BARS_SIZE);
	aml_resources_close(b, resources);
	aml_close(b, device);

	/* Linux takes configuration space from MCFG only where a device claims it */
	device = aml_device(b, "ECAM");
	aml_name_eisa(b, "_HID", "PNP0C02");
	resources = aml_resources(b, "_CRS");
	aml_resource_fixed_memory(b, GUEST_ECAM, GUEST_ECAM_SIZE);
	aml_resources_close(b, resources);
	aml_close(b, device);
}

/* The id that tells a guest that it was restored (Microsoft, "Virtual Machine Generation
 * ID"; linux/drivers/virt/vmgenid.c), and the event that says so. */
static void add_generation(struct buf *b)
{
	static const uint64_t address[] = { GUEST_GENERATION, 0 };
	size_t device = aml_device(b, "VGEN"), resources, method, condition;

	aml_name_string(b, "_HID", "CAIS0001");
	aml_name_string(b, "_CID", "VMGENCTR");
	aml_name_string(b, "_DDN", "VM_Gen_Counter");
	aml_name_package(b, "ADDR", address, 2);
	aml_close(b, device);

	device = aml_device(b, "GED_");
	aml_name_string(b, "_HID", "ACPI0013");
	resources = aml_resources(b, "_CRS");
	aml_resource_interrupt(b, GUEST_GSI_GENERATION);
	aml_resources_close(b, resources);
	method = aml_method(b, "_EVT", 1);
	condition = aml_if_argument0_is(b, GUEST_GSI_GENERATION);
	aml_notify(b, "\\_SB_.VGEN", 0x80);
	aml_close(b, condition);
	aml_close(b, method);
	aml_close(b, device);
}

static uint64_t add_dsdt(struct buf *b)
{
	static const uint64_t power_off[] = { 5, 0, 0, 0 };
	size_t at = begin(b), scope = aml_scope(b, "\\_SB_");

	add_pci(b);
	add_generation(b);
	aml_close(b, scope);
	aml_name_package(b, "_S5_", power_off, 4);
	return end(b, at, "DSDT", 2);
}

static uint64_t add_fadt(struct buf *b, uint64_t dsdt)
{
	char body[FADT_SIZE] = { 0 };
	struct acpi_address port = { .space = 1, .bits = 8, .access = 1 };
	uint16_t boot_arch = BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_CMOS;
	uint32_t flags = FADT_HARDWARE_REDUCED | FADT_RESET_SUPPORTED;
	size_t at = begin(b);

	memcpy(body + FADT_BOOT_ARCH, &boot_arch, sizeof(boot_arch));
	memcpy(body + FADT_FLAGS, &flags, sizeof(flags));
	port.address = GUEST_PORT_RESET;
	memcpy(body + FADT_RESET, &port, sizeof(port));
	body[FADT_RESET_VALUE] = (char)GUEST_RESET_VALUE;
	body[FADT_MINOR] = 5;
	memcpy(body + FADT_DSDT, &dsdt, sizeof(dsdt));
	port.address = GUEST_PORT_SLEEP_CONTROL;
	memcpy(body + FADT_SLEEP_CONTROL, &port, sizeof(port));
	port.address = GUEST_PORT_SLEEP_STATUS;
	memcpy(body + FADT_SLEEP_STATUS, &port, sizeof(port));
	buf_add(b, body + HEAD_SIZE, sizeof(body) - HEAD_SIZE);
	return end(b, at, "FACP", 6);
}

/* Sections 5.2.12.2 and 5.2.12.3 */
static uint64_t add_madt(struct buf *b, unsigned int vcpus)
{
	struct {
		uint32_t lapic, flags;
	} body = { .lapic = GUEST_LAPIC };
	struct {
		uint8_t type, length, id, reserved;
		uint32_t address, first_gsi;
	} ioapic = { .type = 1, .length = 12, .id = (uint8_t)vcpus, .address = GUEST_IOAPIC };
	size_t at = begin(b);

	buf_add(b, &body, sizeof(body));
	for (unsigned int i = 0; i < vcpus; i++) {
		struct {
			uint8_t type, length, processor, id;
			uint32_t enabled;
		} lapic = { .length = 8, .processor = (uint8_t)i, .id = (uint8_t)i, .enabled = 1 };

		buf_add(b, &lapic, sizeof(lapic));
	}
	buf_add(b, &ioapic, sizeof(ioapic));
	return end(b, at, "APIC", 5);
}

static uint64_t add_mcfg(struct buf *b)
{
	struct {
		uint64_t reserved, address;
		uint16_t segment;
		uint8_t first_bus, last_bus;
		uint32_t reserved_too;
	} __attribute__((packed)) body = { .address = GUEST_ECAM };
	size_t at = begin(b);

	buf_add(b, &body, sizeof(body));
	return end(b, at, "MCFG", 1);
}

/* Section 5.2.5.3; both checksums count the first part. */
static void set_rsdp(struct buf *b, uint64_t xsdt)
{
	struct {
		char signature[8];
		uint8_t checksum;
		char oem[6];
		uint8_t revision;
		uint32_t rsdt, length;
		uint64_t xsdt;
		uint8_t checksum_of_all, reserved[3];
	} __attribute__((packed)) rsdp = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem = { 'C', 'A', 'I', 'S', 'O', 'N' },
		.revision = 2,
		.length = RSDP_SIZE,
		.xsdt = xsdt,
	};

	_Static_assert(sizeof(rsdp) == RSDP_SIZE, "the RSDP of ACPI 2.0 and later");
	rsdp.checksum = checksum((const char *)&rsdp, RSDP_CHECKED_FIRST);
	rsdp.checksum_of_all = checksum((const char *)&rsdp, sizeof(rsdp));
	memcpy(b->data, &rsdp, sizeof(rsdp));
}

int acpi_write(const struct guest_memory *m, unsigned int vcpus, struct err *e)
{
	static const char zeros[TABLES_AT];
	BUF struct buf b = { 0 };
	uint64_t tables[3], xsdt;
	size_t at;

	if (vcpus == 0 || vcpus > GUEST_VCPUS_MAX)
		return err_set(e, ERR_SPEC, "%u vCPUs; 1 to %d are possible", vcpus,
		               GUEST_VCPUS_MAX);
	buf_add(&b, zeros, sizeof(zeros));
	tables[0] = add_fadt(&b, add_dsdt(&b));
	tables[1] = add_madt(&b, vcpus);
	tables[2] = add_mcfg(&b);
	at = begin(&b);
	buf_add(&b, tables, sizeof(tables));
	xsdt = end(&b, at, "XSDT", 1);
	TRY(buf_ok(&b, e));
	set_rsdp(&b, xsdt);
	if (b.len > GUEST_GENERATION - GUEST_ACPI || guest_write(m, GUEST_ACPI, b.data, b.len) < 0)
		return err_set(e, ERR_BUG, "no memory for the ACPI tables");
	return 0;
}
