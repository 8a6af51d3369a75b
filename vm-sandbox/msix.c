/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-sandbox/msix.h"

#include <stddef.h>

enum {
	CONTROL_ENABLE = 1 << 15,
	CONTROL_MASK = 1 << 14,
	ENTRY_MASKED = 1, /* the one bit of an entry's control that is not reserved */
};

void msix_init(struct msix *x, unsigned int vectors, const struct msix_sink *sink, void *owner)
{
	*x = (struct msix){ .sink = sink, .owner = owner, .vectors = vectors };
	for (unsigned int i = 0; i < vectors; i++)
		x->entry[i].control = ENTRY_MASKED;
}

static bool open(const struct msix *x, unsigned int vector)
{
	return x->enabled && !x->masked && !(x->entry[vector].control & ENTRY_MASKED);
}

/* Makes the vector's message known, once for each change. */
static bool route(struct msix *x, unsigned int vector)
{
	const struct msix_entry *entry = &x->entry[vector];
	struct msix_message message = {
		.address = entry->address_low | (uint64_t)entry->address_high << 32,
		.data = entry->data,
	};

	if (x->routed & 1u << vector)
		return true;
	if (!x->sink->route(x->owner, vector, &message))
		return false;
	x->routed |= 1u << vector;
	return true;
}

static void deliver(struct msix *x, unsigned int vector)
{
	if (!open(x, vector) || !route(x, vector) || !(x->pending & 1u << vector))
		return;
	x->pending &= ~(1u << vector);
	x->sink->fire(x->owner, vector);
}

void msix_fire(struct msix *x, unsigned int vector)
{
	if (vector >= x->vectors || !x->enabled)
		return;
	x->pending |= 1u << vector;
	deliver(x, vector);
}

void msix_control(struct msix *x, uint16_t control)
{
	x->enabled = control & CONTROL_ENABLE;
	x->masked = control & CONTROL_MASK;
	if (!x->enabled)
		x->pending = 0;
	for (unsigned int i = 0; i < x->vectors; i++)
		deliver(x, i);
}

void msix_route_all(struct msix *x)
{
	x->routed = 0;
	for (unsigned int i = 0; i < x->vectors; i++)
		deliver(x, i);
}

static bool good_access(uint32_t offset, uint32_t len, uint32_t room)
{
	return (len == 4 || len == 8) && offset % len == 0 && offset < room && len <= room - offset;
}

static const uint32_t *field(const struct msix *x, uint32_t offset)
{
	const struct msix_entry *entry = &x->entry[offset / MSIX_ENTRY];
	const uint32_t *fields[] = { &entry->address_low, &entry->address_high, &entry->data,
		                     &entry->control };

	return fields[offset % MSIX_ENTRY / sizeof(uint32_t)];
}

uint64_t msix_table_read(const struct msix *x, uint32_t offset, uint32_t len)
{
	if (!good_access(offset, len, x->vectors * MSIX_ENTRY))
		return 0;
	return *field(x, offset) | (len == 8 ? (uint64_t)*field(x, offset + 4) << 32 : 0);
}

static void write_field(struct msix *x, uint32_t offset, uint32_t value)
{
	unsigned int vector = offset / MSIX_ENTRY;
	struct msix_entry *entry = &x->entry[vector];

	switch (offset % MSIX_ENTRY) {
	case offsetof(struct msix_entry, address_low):
		entry->address_low = value & ~3u;
		break;
	case offsetof(struct msix_entry, address_high):
		entry->address_high = value;
		break;
	case offsetof(struct msix_entry, data):
		entry->data = value;
		break;
	default:
		entry->control = value & ENTRY_MASKED;
		deliver(x, vector);
		return;
	}
	x->routed &= ~(1u << vector);
}

void msix_table_write(struct msix *x, uint32_t offset, uint64_t value, uint32_t len)
{
	if (!good_access(offset, len, x->vectors * MSIX_ENTRY))
		return;
	write_field(x, offset, (uint32_t)value);
	if (len == 8)
		write_field(x, offset + 4, (uint32_t)(value >> 32));
}

uint64_t msix_pending_read(const struct msix *x, uint32_t offset, uint32_t len)
{
	return good_access(offset, len, sizeof(uint64_t)) && offset == 0 ? x->pending : 0;
}
