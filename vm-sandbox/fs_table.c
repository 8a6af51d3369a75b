/* SPDX-License-Identifier: Apache-2.0 */
/* Slots are reused last in, first out; an id is slot + 2 (1 is FUSE's root) in its low half
 * and the slot's generation in its high one. */
#include <errno.h>
#include <stdlib.h>

#include "vm-sandbox/fs_internal.h"

enum { FIRST_ID = FUSE_ROOT_ID + 1, NONE = UINT32_MAX };

static int grow(struct fs_table *t)
{
	uint32_t room = t->room ? t->room * 2 : 64;
	struct fs_slot *slot;

	if (room > t->max)
		room = t->max;
	if (room == t->room)
		return -ENFILE;
	slot = realloc(t->slot, room * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (uint32_t i = t->room; i < room; i++)
		slot[i] = (struct fs_slot){ .next_free = i + 1 < room ? i + 1 : NONE };
	t->first_free = t->room;
	t->slot = slot;
	t->room = room;
	return 0;
}

int fs_table_add(struct fs_table *t, void *object, uint32_t *slot, uint64_t *id)
{
	struct fs_slot *s;

	if (t->used == t->room) {
		int failed = grow(t);

		if (failed)
			return failed;
	}
	*slot = t->first_free;
	s = &t->slot[*slot];
	t->first_free = s->next_free;
	t->used++;
	s->object = object;
	*id = (uint64_t)s->generation << 32 | (*slot + (uint64_t)FIRST_ID);
	return 0;
}

void *fs_table_get(const struct fs_table *t, uint64_t id)
{
	uint32_t slot = (uint32_t)id - FIRST_ID;

	if (slot >= t->room || t->slot[slot].generation != id >> 32)
		return NULL;
	return t->slot[slot].object;
}

void fs_table_drop(struct fs_table *t, uint32_t slot)
{
	t->slot[slot] = (struct fs_slot){
		.generation = t->slot[slot].generation + 1,
		.next_free = t->first_free,
	};
	t->first_free = slot;
	t->used--;
}
