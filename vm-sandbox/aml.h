/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing AML, the bytecode of ACPI's namespace, into a buffer: as much of the language as
 * the devices of a microVM need. What has a length is opened and closed; the length, whose
 * own size depends on it, is put in when it is closed.
 *
 *	size_t device = aml_device(b, "PCI0");
 *	aml_name_eisa(b, "_HID", "PNP0A08");
 *	aml_close(b, device);
 *
 * Source: ACPI specification 6.5, sections 20.2 (grammar) and 6.4 (resources).
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* Names have four characters; `path` of a scope may begin with a backslash. */
size_t aml_scope(struct buf *b, const char *path);
size_t aml_device(struct buf *b, const char *name);
size_t aml_method(struct buf *b, const char *name, unsigned int arguments);
size_t aml_if_argument0_is(struct buf *b, uint8_t value);
void aml_close(struct buf *b, size_t open);

void aml_notify(struct buf *b, const char *path, uint8_t value);

/* Name (NAME, value) for each kind of value */
void aml_name_integer(struct buf *b, const char *name, uint64_t value);
void aml_name_string(struct buf *b, const char *name, const char *value);
void aml_name_eisa(struct buf *b, const char *name, const char *id); /* as "PNP0A08" */
void aml_name_package(struct buf *b, const char *name, const uint64_t *values, size_t count);

/* Name (NAME, ResourceTemplate () { ... }): resources between open and close */
size_t aml_resources(struct buf *b, const char *name);
void aml_resources_close(struct buf *b, size_t open);
void aml_resource_bus(struct buf *b, uint16_t first, uint16_t last);
void aml_resource_window(struct buf *b, uint32_t first, uint32_t size); /* of memory, 32 bit */
void aml_resource_fixed_memory(struct buf *b, uint32_t addr, uint32_t size);
void aml_resource_interrupt(struct buf *b, uint32_t gsi); /* edge, active high */
