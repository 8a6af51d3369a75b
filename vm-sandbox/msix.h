/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's MSI-X table: for each vector the message (an address and a word) that the
 * guest wants written when the device has something to say, and masks. What a masked
 * vector was to send is remembered, and sent when the mask goes.
 *
 * How a message gets to a vCPU is the caller's: `route` is told the message of a vector
 * before the first `fire` of it, and whenever it has changed.
 * Source: PCI 3.0, section 6.8.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MSIX_VECTORS_MAX = 16, MSIX_ENTRY = 16 };

struct msix_message {
	uint64_t address;
	uint32_t data;
};

struct msix_sink {
	bool (*route)(void *owner, unsigned int vector, const struct msix_message *message);
	void (*fire)(void *owner, unsigned int vector);
};

struct msix {
	const struct msix_sink *sink;
	void *owner;
	unsigned int vectors;
	bool enabled, masked; /* of the function: its message control */
	uint32_t pending;     /* bits */
	uint32_t routed;      /* bits: what `route` was told is still so */
	struct msix_entry {
		uint32_t address_low, address_high, data, control;
	} entry[MSIX_VECTORS_MAX];
};

void msix_init(struct msix *x, unsigned int vectors, const struct msix_sink *sink, void *owner);

/* The message control word: bits 15 (enable) and 14 (mask all). */
void msix_control(struct msix *x, uint16_t control);

/* The table and the pending bits, by aligned accesses of 4 or 8 bytes; others read as 0
 * and write nothing. */
uint64_t msix_table_read(const struct msix *x, uint32_t offset, uint32_t len);
void msix_table_write(struct msix *x, uint32_t offset, uint64_t value, uint32_t len);
uint64_t msix_pending_read(const struct msix *x, uint32_t offset, uint32_t len);

void msix_fire(struct msix *x, unsigned int vector);

/* Tells the sink all messages again: after a restore. */
void msix_route_all(struct msix *x);
