/* SPDX-License-Identifier: Apache-2.0 */
/* The server's beginning and end. */
#include "vm-sandbox/fs.h"

#include <stdlib.h>
#include <string.h>

#include "vm-sandbox/fs_internal.h"

int fs_new(const struct fs_setup *setup, struct fs **ret, struct err *e)
{
	struct fs *fs;

	for (unsigned int i = 0; i < setup->share_count; i++) {
		const char *name = setup->shares[i].name;

		if (!*name || strchr(name, '/') || *name == '.' || strlen(name) > FS_NAME_MAX)
			return err_set(e, ERR_BUG, "share \"%s\": not a name", name);
	}
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return err_set(e, ERR_KERNEL, "out of memory");
	fs->setup = *setup;
	fs->inodes.max = setup->inodes_max;
	fs->handles.max = setup->handles_max;
	fs->root = (struct fs_inode){ .id = FUSE_ROOT_ID, .fd = -1, .type = S_IFDIR, .ino = 1 };
	(void)pthread_mutex_init(&fs->lock, NULL);
	(void)pthread_mutex_init(&fs->folders, NULL);
	*ret = fs;
	return 0;
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	fs_handle_release_all(fs);
	fs_inode_forget_all(fs);
	free(fs->handles.slot);
	free(fs->inodes.slot);
	(void)pthread_mutex_destroy(&fs->folders);
	(void)pthread_mutex_destroy(&fs->lock);
	free(fs);
}

int fs_worker_new(struct fs *fs, struct fs_worker **ret, struct err *e)
{
	struct fs_worker *w = malloc(sizeof(*w));

	if (!w)
		return err_set(e, ERR_KERNEL, "out of memory");
	w->fs = fs;
	*ret = w;
	return 0;
}

void fs_worker_free(struct fs_worker *w)
{
	free(w);
}

void fs_count(struct fs *fs, unsigned int *inodes, unsigned int *handles)
{
	(void)pthread_mutex_lock(&fs->lock);
	*inodes = fs->inodes.used;
	*handles = fs->handles.used;
	(void)pthread_mutex_unlock(&fs->lock);
}
