/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as what a service manager sends, one message or the beginning of one:
 * whatever is accepted can be read to the end of its body, by its own signature, without
 * leaving it (the sanitizers watch). The bytes lie in a block of exactly their size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "cgroups/dbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink; /* so that no read is left out */

static void read_body(const struct dbus_message *m)
{
	struct dbus_reader r = m->body;

	sink += strlen(m->path) + strlen(m->interface) + strlen(m->member) + strlen(m->error);
	dbus_skip(&r, m->signature);

	r = m->body;
	size_t end = dbus_enter_array(&r, 8);
	while (!r.failed && r.at < end) {
		sink += strlen(dbus_get_string(&r));
		dbus_skip(&r, "v");
	}
	r = m->body;
	while (!r.failed && r.at < r.len)
		sink += dbus_get_u32(&r) + dbus_get_u8(&r) + strlen(dbus_get_signature(&r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FREE uint8_t *copy = malloc(size ? size : 1);
	struct dbus_message m;
	struct err e = { 0 };

	memcpy(copy, data, size);
	if (size >= DBUS_HEAD) {
		size_t whole = dbus_message_size(copy);

		if (whole && whole < size)
			size = whole;
	}
	if (dbus_parse(copy, size, &m, &e) == 0)
		read_body(&m);
	return 0;
}
