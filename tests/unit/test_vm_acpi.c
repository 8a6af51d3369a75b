/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ACPI tables: every checksum, every address, and what Intel's disassembler reads out
 * of them, which has to compile again without an error.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "tests/unit/unit.h"
#include "tests/unit/vm_shell.h"
#include "vm-sandbox/acpi.h"
#include "vm-sandbox/aml.h"
#include "vm-sandbox/layout.h"

static struct guest_memory memory;

static int make_tables(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(guest_memory_new(&memory, 32ull << 20, &e), 0);
	return acpi_write(&memory, 4, &e);
}

static int drop_tables(void **unused)
{
	(void)unused;
	guest_memory_done(&memory);
	return 0;
}

static uint8_t sum(const uint8_t *data, size_t len)
{
	uint8_t s = 0;

	for (size_t i = 0; i < len; i++)
		s = (uint8_t)(s + data[i]);
	return s;
}

static uint64_t number(const uint8_t *at, size_t size)
{
	uint64_t n = 0;

	memcpy(&n, at, size);
	return n;
}

/* The table at a guest address, after its head was checked. */
static const uint8_t *table(uint64_t addr, const char *signature, size_t *len)
{
	const uint8_t *head = guest_at(&memory, addr, 36), *all;

	assert_non_null(head);
	assert_int_equal(addr % 16, 0);
	assert_memory_equal(head, signature, 4);
	*len = number(head + 4, 4);
	all = guest_at(&memory, addr, *len);
	assert_non_null(all);
	assert_true(addr >= GUEST_ACPI && addr + *len <= GUEST_GENERATION);
	assert_int_equal(sum(all, *len), 0);
	return all;
}

static uint64_t xsdt_entry(size_t n)
{
	const uint8_t *rsdp = guest_at(&memory, GUEST_ACPI, 36);
	size_t len;
	const uint8_t *xsdt = table(number(rsdp + 24, 8), "XSDT", &len);

	assert_int_equal(len, 36 + 3 * 8);
	return number(xsdt + 36 + n * 8, 8);
}

static void the_root_leads_to_all(void **unused)
{
	const uint8_t *rsdp = guest_at(&memory, GUEST_ACPI, 36), *fadt;
	size_t len;

	(void)unused;
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(rsdp[15], 2);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	fadt = table(xsdt_entry(0), "FACP", &len);
	assert_int_equal(len, 276);
	assert_int_equal(number(fadt + 112, 4), 1 << 20 | 1 << 10);
	assert_int_equal(number(fadt + 120, 8), GUEST_PORT_RESET);
	assert_int_equal(fadt[128], GUEST_RESET_VALUE);
	assert_int_equal(number(fadt + 248, 8), GUEST_PORT_SLEEP_CONTROL);
	table(number(fadt + 140, 8), "DSDT", &len);
	table(xsdt_entry(1), "APIC", &len);
	assert_int_equal(len, 36 + 8 + 4 * 8 + 12);
	table(xsdt_entry(2), "MCFG", &len);
	assert_int_equal(len, 60);
}

/* What iasl writes about the table in `folder`/NAME.dat, as source and as messages. */
static char *disassembled(const char *folder, const char *name, const uint8_t *data, size_t len)
{
	static char text[65536];
	char path[256];
	bool failed = false;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s.dat", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	if (shell("cd %s && (iasl -d %s.dat && cat %s.dsl && iasl -p again %s.dsl) >said 2>&1",
	          folder, name, name, name) != 0)
		failed = true;
	snprintf(path, sizeof(path), "%s/said", folder);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	if (failed)
		fail_msg("iasl failed: %s", text);
	if (strstr(text, "Error ") || strstr(text, "ACPI Error"))
		fail_msg("iasl found an error: %s", text);
	return text;
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in %s", part, text);
}

static void the_disassembler_reads_them(void **unused)
{
	char folder[] = "/tmp/test_vm_acpi.XXXXXX";
	const uint8_t *data;
	const char *text;
	size_t len;

	(void)unused;
	if (access("/usr/bin/iasl", X_OK) < 0) {
		print_message("no iasl here\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	data = table(xsdt_entry(0), "FACP", &len);
	data = table(number(data + 140, 8), "DSDT", &len);
	text = disassembled(folder, "dsdt", data, len);
	contains(text, "Device (PCI0)");
	contains(text, "EisaId (\"PNP0A08\")");
	contains(text, "0xC0000000,         // Range Minimum");
	contains(text, "0xC0FFFFFF,         // Range Maximum");
	contains(text, "EisaId (\"PNP0C02\")");
	contains(text, "Memory32Fixed (ReadWrite,");
	contains(text, "Name (_CID, \"VMGENCTR\")");
	contains(text, "Notify (\\_SB.VGEN, 0x80)");
	contains(text, "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive");
	contains(text, "Name (_S5, Package (0x04)");
	data = table(xsdt_entry(0), "FACP", &len);
	contains(disassembled(folder, "facp", data, len), "Hardware Reduced (V5) : 1");
	data = table(xsdt_entry(1), "APIC", &len);
	contains(disassembled(folder, "apic", data, len), "Local Apic ID : 03");
	data = table(xsdt_entry(2), "MCFG", &len);
	contains(disassembled(folder, "mcfg", data, len), "Base Address : 00000000D0000000");
	assert_int_equal(shell("rm -r %s", folder), 0);
}

/* What is closed has a length of one to three bytes, which counts itself. */
static void lengths_of_all_sizes(void **unused)
{
	static const struct {
		size_t body;
		uint8_t bytes, field[3];
	} cases[] = {
		{ 0, 1, { 1 } },
		{ 62, 1, { 63 } },
		{ 63, 2, { 0x41, 0x04 } },
		{ 4093, 2, { 0x4f, 0xff } },
		{ 4094, 3, { 0x81, 0x00, 0x01 } },
	};
	static const char zeros[5000];

	(void)unused;
	for (size_t i = 0; i < LEN(cases); i++) {
		BUF struct buf b = { 0 };

		buf_text(&b, "x");
		buf_add(&b, zeros, cases[i].body);
		aml_close(&b, 1);
		assert_int_equal(b.len, 1 + cases[i].bytes + cases[i].body);
		assert_memory_equal(b.data + 1, cases[i].field, cases[i].bytes);
	}
}

static void vcpus_out_of_range_are_refused(void **unused)
{
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(acpi_write(&memory, 0, &e), -1);
	assert_int_equal(acpi_write(&memory, GUEST_VCPUS_MAX + 1, &e), -1);
	assert_int_equal(e.kind, ERR_SPEC);
	assert_int_equal(acpi_write(&memory, GUEST_VCPUS_MAX, &e), 0);
	assert_int_equal(acpi_write(&memory, 4, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_leads_to_all),
		cmocka_unit_test(the_disassembler_reads_them),
		cmocka_unit_test(lengths_of_all_sizes),
		cmocka_unit_test(vcpus_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, make_tables, drop_tables);
}
