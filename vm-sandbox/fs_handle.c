/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders that the guest has open. A handle is freed when the guest has released
 * it and no request uses it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vm-sandbox/fs_internal.h"

/* Takes the descriptor over; -1 is that of the folder of shares. */
int fs_handle_add(struct fs *fs, int fd, bool folder, const struct fs_share *share, uint64_t *id)
{
	struct fs_handle *h = calloc(1, sizeof(*h));
	int failed = -ENOMEM;

	if (h) {
		*h = (struct fs_handle){ .fd = fd, .folder = folder, .share = share };
		(void)pthread_mutex_lock(&fs->lock);
		failed = fs_table_add(&fs->handles, h, &h->slot, &h->id);
		if (!failed)
			*id = h->id;
		(void)pthread_mutex_unlock(&fs->lock);
	}
	if (failed) {
		if (fd >= 0)
			(void)close(fd);
		free(h);
	}
	return failed;
}

/* With the lock held. */
static struct fs_handle *find(const struct fs *fs, uint64_t id, bool folder)
{
	struct fs_handle *h = fs_table_get(&fs->handles, id);

	return h && h->folder == folder && !h->released ? h : NULL;
}

struct fs_handle *fs_handle_get(struct fs *fs, uint64_t id, bool folder)
{
	struct fs_handle *h;

	(void)pthread_mutex_lock(&fs->lock);
	h = find(fs, id, folder);
	if (h)
		h->users++;
	(void)pthread_mutex_unlock(&fs->lock);
	return h;
}

/* With the lock held. */
static void free_unused(struct fs *fs, struct fs_handle *h)
{
	if (h->users > 0 || !h->released)
		return;
	fs_table_drop(&fs->handles, h->slot);
	if (h->fd >= 0)
		(void)close(h->fd);
	free(h);
}

void fs_handle_put(struct fs *fs, struct fs_handle *h)
{
	if (!h)
		return;
	(void)pthread_mutex_lock(&fs->lock);
	h->users--;
	free_unused(fs, h);
	(void)pthread_mutex_unlock(&fs->lock);
}

int fs_handle_release(struct fs *fs, uint64_t id, bool folder)
{
	struct fs_handle *h;

	(void)pthread_mutex_lock(&fs->lock);
	h = find(fs, id, folder);
	if (h) {
		h->released = true;
		free_unused(fs, h);
	}
	(void)pthread_mutex_unlock(&fs->lock);
	return h ? 0 : -EBADF;
}

void fs_handle_release_all(struct fs *fs)
{
	(void)pthread_mutex_lock(&fs->lock);
	for (uint32_t n = 0; n < fs->handles.room; n++) {
		struct fs_handle *h = fs->handles.slot[n].object;

		if (!h)
			continue;
		h->released = true;
		free_unused(fs, h);
	}
	(void)pthread_mutex_unlock(&fs->lock);
}
