/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan's writer. It cannot fail half-way: when memory or PLAN_SIZE_MAX is
 * used up it remembers that, goes on with harmless values, and plan_finish says
 * it once. Offsets therefore always fit 32 bits.
 *
 * Strings are found again through an open hash table of their offsets, so that a
 * config with ten thousand mounts is still written in linear time.
 */
#include "runtime/launch/plan_build.h"

#include <string.h>

void plan_begin(struct plan_builder *b, enum plan_kind kind)
{
	*b = (struct plan_builder){
		.head = { .magic = PLAN_MAGIC, .version = PLAN_VERSION, .kind = kind },
	};
	buf_add(&b->bytes, &b->head, sizeof(b->head));
}

void plan_abandon(struct plan_builder *b)
{
	buf_done(&b->bytes);
	buf_done(&b->steps);
	buf_done(&b->table);
	b->strings = NULL;
}

/* Appends to the bytes, at a multiple of `align`; returns its offset or 0. */
static uint32_t append(struct plan_builder *b, const void *data, size_t len, size_t align)
{
	if (b->failed || b->too_large)
		return 0;
	if (len > PLAN_SIZE_MAX || b->bytes.len + align + len > PLAN_SIZE_MAX) {
		b->too_large = true;
		return 0;
	}
	buf_align(&b->bytes, align);

	size_t at = b->bytes.len;
	buf_add(&b->bytes, data, len);
	if (b->bytes.failed) {
		b->failed = true;
		return 0;
	}
	return (uint32_t)at;
}

/* FNV-1a: short, and good enough for strings of a config that its owner wrote. */
static size_t hash(const char *text)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 0x100000001b3u;
	return (size_t)(sum ^ (sum >> 32));
}

/* The place of text in the table: where it is stored, or free for it. */
static plan_str *place(const struct plan_builder *b, const char *text)
{
	size_t mask = b->string_room - 1;
	size_t i = hash(text) & mask;

	while (b->strings[i] && strcmp(b->bytes.data + b->strings[i], text) != 0)
		i = (i + 1) & mask;
	return &b->strings[i];
}

/* Keeps the table at most half full. */
static void make_room(struct plan_builder *b)
{
	if (b->string_count * 2 < b->string_room)
		return;

	struct buf old_table = b->table;
	const plan_str *old = b->strings;
	size_t old_room = b->string_room, room = old_room ? old_room * 2 : 256;
	struct buf table = { 0 };
	char *zeros = buf_room(&table, room * sizeof(*old));

	if (!zeros) {
		b->failed = true;
		return;
	}
	b->table = table;
	b->strings = memset(zeros, 0, room * sizeof(*old));
	b->string_room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i])
			*place(b, b->bytes.data + old[i]) = old[i];
	buf_done(&old_table);
}

plan_str plan_put_string(struct plan_builder *b, const char *text)
{
	if (!text)
		return 0;
	make_room(b);
	if (b->failed)
		return 0;

	plan_str *at = place(b, text);
	if (!*at) {
		*at = append(b, text, strlen(text) + 1, 1);
		b->string_count++;
	}
	return *at;
}

struct plan_list plan_put_array(struct plan_builder *b, const void *data, size_t count,
                                size_t element_size)
{
	size_t len;

	if (count == 0)
		return (struct plan_list){ 0 };
	if (__builtin_mul_overflow(count, element_size, &len))
		len = SIZE_MAX;

	uint32_t at = append(b, data, len, 8);
	return (struct plan_list){ .at = at, .count = at ? (uint32_t)count : 0 };
}

struct plan_list plan_put_vector(struct plan_builder *b, const char *const *strings, size_t count)
{
	BUF struct buf entries = { 0 };

	for (size_t i = 0; i <= count; i++) {
		plan_vector_entry entry = i < count ? plan_put_string(b, strings[i]) : 0;

		buf_add(&entries, &entry, sizeof(entry));
	}
	if (entries.failed) {
		b->failed = true;
		return (struct plan_list){ 0 };
	}

	struct plan_list list =
		plan_put_array(b, entries.data, count + 1, sizeof(plan_vector_entry));
	if (list.at)
		list.count--; /* the zero at the end is not counted (plan.h) */
	return list;
}

struct plan_step *plan_add(struct plan_builder *b, enum plan_op op, const char *origin)
{
	struct plan_step step = { .op = (uint16_t)op, .origin = plan_put_string(b, origin) };
	size_t at = b->steps.len;

	buf_add(&b->steps, &step, sizeof(step));
	if (b->steps.failed) {
		b->failed = true;
		b->spare = step;
		return &b->spare;
	}
	return (struct plan_step *)(void *)(b->steps.data + at);
}

int plan_finish(struct plan_builder *b, struct buf *ret, struct err *e)
{
	static const char end[8];
	size_t count = b->steps.len / sizeof(struct plan_step);

	b->head.steps = plan_put_array(b, b->steps.data, count, sizeof(struct plan_step));
	(void)append(b, end, sizeof(end), 1); /* the last byte of a plan is NUL */

	if (b->too_large) {
		plan_abandon(b);
		return err_set(e, ERR_SPEC, "the launch plan would be larger than %u MiB",
		               PLAN_SIZE_MAX >> 20);
	}
	if (b->failed) {
		plan_abandon(b);
		return err_set(e, ERR_KERNEL, "out of memory");
	}
	b->head.size = (uint32_t)b->bytes.len;
	memcpy(b->bytes.data, &b->head, sizeof(b->head));
	*ret = b->bytes;
	b->bytes = (struct buf){ 0 };
	plan_abandon(b);
	return 0;
}
